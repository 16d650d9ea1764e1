"""Records of runs as MLflow's clients see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
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


class _Values(NamedTuple):
    """A run's last metric values, the texts of its parameters, and the names of the parameters that it has logged."""

    numbers: Sequence[tuple[str, float, int, int]]
    parameters: Mapping[str, str]
    logged_parameters: Sequence[str]


_NO_VALUES = _Values((), {}, ())


def build_tracking_records(
    workspace: Workspace, runs: Sequence[Run], *, is_deleted: bool = False
) -> list[dict[str, Any]]:
    """Return the records of runs for MLflow's clients, with times in milliseconds and parameters as strings."""
    keys = [run.key for run in runs]
    values = _read_deleted_values(workspace, keys) if is_deleted else _read_values(workspace, keys)
    return [
        {
            "description": run.description,
            "end_time": None if run.ended_at is None else run.ended_at // MICROSECONDS_IN_MILLISECOND,
            "experiment_id": run.experiment_id,
            "is_deleted": is_deleted,
            "logged_params": values.get(run.key, _NO_VALUES).logged_parameters,
            "metrics": [list(metric) for metric in values.get(run.key, _NO_VALUES).numbers],
            "name": run.display_name,
            "params": values.get(run.key, _NO_VALUES).parameters,
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


def _read_values(workspace: Workspace, keys: Sequence[int]) -> Mapping[int, _Values]:
    parameters = workspace.parameters.get_for_runs(keys)
    logged = workspace.parameters.get_logged_parameters(keys)
    numbers = workspace.metrics.get_last_numbers(keys)
    return {
        key: _Values(
            numbers.get(key, ()),
            {name: parameter.text for name, parameter in parameters.get(key, {}).items()},
            sorted(logged.get(key, ())),
        )
        for key in keys
    }


def _read_deleted_values(workspace: Workspace, keys: Sequence[int]) -> Mapping[int, _Values]:
    return {
        key: _Values(
            workspace.metrics.list_last_numbers_by_key(found.metric_keys), found.parameters, found.logged_parameters
        )
        for key, found in workspace.trash.get_values(keys).items()
    }
