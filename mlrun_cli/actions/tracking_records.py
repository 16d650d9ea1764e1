"""Records of runs as MLflow's clients see them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.workspace import Workspace

_STATUSES = {
    RunStatus.RUNNING: "RUNNING",
    RunStatus.FINALIZING: "RUNNING",
    RunStatus.CANCEL_REQUESTED: "RUNNING",
    RunStatus.NOT_RESPONDING: "RUNNING",
    RunStatus.COMPLETED: "FINISHED",
    RunStatus.FAILED: "FAILED",
    RunStatus.CANCELED: "KILLED",
}
"""MLflow's names of statuses; it calls all others SCHEDULED."""
MICROSECONDS_IN_MILLISECOND = 1000


def build_tracking_records(
    workspace: Workspace, runs: Sequence[Run], *, is_deleted: bool = False
) -> list[dict[str, Any]]:
    """Return the records of runs for MLflow's clients, with times in milliseconds and parameters as texts."""
    keys = [run.key for run in runs]
    parameters = {} if is_deleted else workspace.parameters.list_for_runs(keys)
    logged = {} if is_deleted else workspace.parameters.list_logged(keys)
    metrics = {} if is_deleted else workspace.metrics.list_last_numbers(keys)
    return [
        {
            "description": run.description,
            "end_time": None if run.ended_at is None else run.ended_at // MICROSECONDS_IN_MILLISECOND,
            "experiment_id": run.experiment_id,
            "is_deleted": is_deleted,
            "logged_params": sorted(logged.get(run.key, ())),
            "metrics": [list(metric) for metric in metrics.get(run.key, ())],
            "name": run.display_name,
            "params": {name: parameter.text for name, parameter in parameters.get(run.key, {}).items()},
            "parent_run_id": run.parent_run_id,
            "properties": dict(run.properties),
            "run_id": run.run_id,
            "script_name": run.script_name,
            "start_time": (run.started_at or run.created_at) // MICROSECONDS_IN_MILLISECOND,
            "status": _STATUSES.get(run.status, "SCHEDULED"),
            "tags": dict(run.tags),
            "user": run.user_name,
        }
        for run in runs
    ]
