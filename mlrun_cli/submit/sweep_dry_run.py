"""Dry runs of sweeps: the values that would be sampled, and a run that would be started with them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mlrun_cli.submit.dry_run import dry_run
from mlrun_cli.submit.request import SubmitRequest
from mlrun_cli.sweeps.arguments import add_values_to_arguments, add_values_to_command
from mlrun_cli.sweeps.definition import SweepDefinition
from mlrun_cli.sweeps.sampling import SamplingMethod
from mlrun_cli.workspace import Workspace


def dry_run_sweep(workspace: Workspace, request: SubmitRequest, definition: SweepDefinition) -> dict[str, Any]:
    """Return a record of what `submit_sweep` would start, without starting or storing anything.

    Keys are `definition`, `seed`, `total`, `space_size` (null if there is no end of samples), `draws` (the samples) and
    `run`, the record of a dry run of the script without sampled arguments. Without a seed, another sweep samples other
    values. What Bayesian sampling samples after the first runs depends on their results, so `draws` has only these.

    Raises:
        MlrunError: any error that the submission would raise.
    """
    definition = definition.with_seed()
    sampler = definition.sampling.create_sampler(definition.metric.goal)
    is_bayesian = definition.sampling.method is SamplingMethod.BAYESIAN
    count = min(definition.total_runs, definition.max_concurrent) if is_bayesian else definition.total_runs
    run = dry_run(workspace, request)
    samples = []
    for number in range(count):
        values = sampler.sample(number)
        samples.append({"number": number, "values": values, **_apply_values(run, values, definition.sampling.flags)})
    return {
        "definition": definition.to_json(),
        "seed": definition.sampling.seed,
        "total": definition.total_runs,
        "space_size": definition.sampling.space_size,
        "draws": samples,
        "run": run,
    }


def _apply_values(run: Mapping[str, Any], values: Mapping[str, Any], flags: Collection[str]) -> dict[str, Any]:
    """Return the `command` or else the `arguments` of a run's record, with the values sampled for the run applied."""
    if run["command"] is not None:
        return {"command": add_values_to_command(run["command"], values, flags)}
    return {"arguments": add_values_to_arguments(run["arguments"], values, flags)}
