"""The live runs of a workspace, with what each uses at the moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlrun_cli.actions.runs import list_runs
from mlrun_cli.core.time import now
from mlrun_cli.runs.filter import RunFilter
from mlrun_cli.runs.resources import CurrentUse, read_current_use
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import ALIVE_STATUSES, RunStatus
from mlrun_cli.workspace import Workspace


def list_live_runs(workspace: Workspace) -> Sequence[dict[str, Any]]:
    """Return the records of all runs that have not ended, newest first; null values are omitted.

    Keys are `run_id`, `display_name`, `_experiment_name`, `status`, `target`, `duration_seconds`, `metric` (the last
    logged number, as `name` and `value`) and those of `CurrentUse`, if the run has been measured just now.
    """
    return [_build_record(workspace, run) for run in list_runs(workspace, _LIVE)]


_CURRENT_MICROSECONDS = 15_000_000
"""The age up to which a measurement is the current use."""
_LIVE = RunFilter(statuses=ALIVE_STATUSES, include_children=True)


def _build_record(workspace: Workspace, run: Run) -> dict[str, Any]:
    use = _read_current_use(workspace, run)
    metric = workspace.metric_summaries.find_newest_metric(run.key)
    record = {
        "run_id": run.run_id,
        "display_name": run.display_name,
        "_experiment_name": run.experiment_name,
        "status": run.status.value,
        "target": run.target,
        "duration_seconds": run.compute_elapsed_seconds(now()),
        "metric": None if metric is None else {"name": metric.name, "value": metric.last},
        **({} if use is None else use.to_record()),
    }
    return {name: value for name, value in record.items() if value is not None}


def _read_current_use(workspace: Workspace, run: Run) -> CurrentUse | None:
    """Return the current resource usage of a run's script, or None if it is not running or not measured recently."""
    if run.status is not RunStatus.RUNNING:
        return None
    use = read_current_use(workspace.get_run_folder(run.run_id))
    return use if use is not None and now() - use.measured_at < _CURRENT_MICROSECONDS else None
