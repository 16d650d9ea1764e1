"""A workspace with an ended sweep, written by what scripts call."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.running import Mlrun
from tests.sdk.driving import drive

SWEEP = "HD_00000000-0000-4000-8000-000000000001"

DEFINITION: dict[str, Any] = {
    "generator_config": {
        "name": "RANDOM",
        "parameter_space": {"--lr": ["loguniform", [-7, 0]], "--kind": ["choice", [["a", "b"]]]},
        "properties": {"seed": 1},
    },
    "policy_config": {"name": "Default"},
    "primary_metric_config": {"name": "acc", "goal": "maximize"},
    "max_total_jobs": 8,
    "max_concurrent_jobs": 2,
    "max_duration_minutes": 10080,
    "resume_from": None,
    "resume_child_runs": None,
}

VALUES: Mapping[int, Mapping[str, Any]] = {
    number: {"--lr": round(0.1 ** (number % 4), 6), "--kind": "ab"[number % 2]} for number in range(12)
}
"""What was drawn for each run."""


def make_sweep(
    mlrun: Mlrun,
    histories: Sequence[Sequence[float]],
    *,
    sweep_id: str = SWEEP,
    failed: Sequence[int] = (),
    terminated: Mapping[int, str] | None = None,
    definition: Mapping[str, Any] = DEFINITION,
) -> list[str]:
    """Record a completed sweep with a run for each history of the metric; return the ids of its runs.

    Args:
        mlrun: an attached folder.
        histories: the values of the metric that each run has logged.
        sweep_id: the id of the sweep.
        failed: the numbers of failed runs.
        terminated: by number, why a policy has ended runs.
        definition: the definition of the sweep.
    """
    ids = [f"{sweep_id}_{number}" for number in range(len(histories))]
    tags = {key: json.dumps(value) for key, value in definition.items()}
    tags |= {run_id: json.dumps(VALUES[number]) for number, run_id in enumerate(ids)}
    drive(
        mlrun,
        f"""
        import json
        from azureml.core import Experiment
        experiment = Experiment(Workspace.from_config(), "iris")
        sweep = experiment.start_logging(run_id={sweep_id!r}, outputs=None, snapshot_directory=None)
        sweep.set_tags(json.loads({json.dumps(tags)!r}))
        reasons = {dict(terminated or {})!r}
        for number, history in enumerate({[list(each) for each in histories]!r}):
            with sweep.child_run(run_id="%s_%d" % (sweep.id, number)) as run:
                run.log("other", number)
                for value in history:
                    run.log("acc", value)
                if number in reasons:
                    run.add_properties({{"termination_reason": reasons[number]}})
                if number in {list(failed)!r}:
                    run.fail("it failed")
        sweep.complete()
        """,
    )
    mlrun.execute("UPDATE runs SET run_type = 'hyperdrive' WHERE run_id = ?", sweep_id)
    for number in terminated or {}:
        mlrun.execute("UPDATE runs SET status = 'Canceled' WHERE run_id = ?", ids[number])
    return ids
