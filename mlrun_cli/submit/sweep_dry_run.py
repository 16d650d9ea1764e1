"""Dry runs of sweeps: what would be drawn, and the run that would be started with it."""

from __future__ import annotations

from typing import Any

from mlrun_cli.submit.dry_run import dry_run
from mlrun_cli.submit.request import SubmitRequest
from mlrun_cli.sweeps.arguments import build_arguments
from mlrun_cli.sweeps.definition import SweepDefinition
from mlrun_cli.sweeps.sampling import SamplingMethod
from mlrun_cli.workspace import Workspace


def dry_run_sweep(workspace: Workspace, request: SubmitRequest, definition: SweepDefinition) -> dict[str, Any]:
    """Return a record of what `submit_sweep` would start, without starting or storing anything.

    Keys are `definition`, `seed`, `total`, `space_size` (null if there is no end of draws), `draws` and `run`, the
    record of a dry run of the script without drawn arguments. Without a seed, another sweep draws other values. What
    Bayesian sampling draws after the first runs depends on their results, so `draws` has only these.

    Raises:
        MlrunError: any error that the submission would raise.
    """
    definition = definition.with_seed()
    sampler = definition.sampling.make_sampler(definition.metric.goal)
    is_bayesian = definition.sampling.method is SamplingMethod.BAYESIAN
    count = min(definition.total, definition.max_concurrent) if is_bayesian else definition.total
    draws = []
    for number in range(count):
        values = sampler.draw(number)
        draws.append({"number": number, "values": values, "arguments": build_arguments(values)})
    return {
        "definition": definition.to_json(),
        "seed": definition.sampling.seed,
        "total": definition.total,
        "space_size": definition.sampling.space_size,
        "draws": draws,
        "run": dry_run(workspace, request),
    }
