"""Metrics of runs in the format of the SDK's `Run.get_metrics`, with those that Azure's services log to a sweep."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from mlrun_cli.actions.sweep_overview import SweepOverview, SweepRun, find_sweep_overview
from mlrun_cli.core.time import MICROSECONDS
from mlrun_cli.metrics.goal import Goal
from mlrun_cli.runs.run import Run
from mlrun_cli.wire.bookkeeping_tags import SWEEP_RUN
from mlrun_cli.workspace import Workspace

BEST_RUN_METRIC = "best_child_by_primary_metric"
"""The table in which the run of an ended sweep names its best runs."""


def read_metrics(workspace: Workspace, run: Run, name: str | None = None) -> Mapping[str, Any]:
    """Return the metrics of a run, or only the one with this name; for an ended sweep, with `BEST_RUN_METRIC` added."""
    metrics = workspace.metrics.get(run.key, name)
    if run.run_type == SWEEP_RUN and run.status.is_terminal and name in {None, BEST_RUN_METRIC}:
        overview = find_sweep_overview(workspace, run)
        if overview is not None and overview.best is not None:
            return {BEST_RUN_METRIC: _build_best_run_table(overview, overview.best), **metrics}
    return metrics


def _build_best_run_table(overview: SweepOverview, best: SweepRun) -> Mapping[str, list[Any]]:
    """Return columns with a row for each run that was better than all before it, and a last row for the best run.

    The columns are those seen in the metrics of Azure's sweeps; a time is that of a run's end.
    """
    rows: list[SweepRun] = []
    sign = 1 if overview.definition.metric.goal is Goal.MINIMIZE else -1
    for one in sorted(overview.runs, key=lambda each: each.run.key):
        if one.best is not None and (not rows or sign * one.best < sign * (rows[-1].best or 0.0)):
            rows.append(one)
    rows.append(best)
    return {
        "metric_name": [overview.definition.metric.name] * len(rows),
        "timestamp": [_format_time(one.run.ended_at or one.run.created_at) for one in rows],
        "run_id": [one.run.run_id for one in rows],
        "metric_value": [one.best for one in rows],
        "final": [*[False] * (len(rows) - 1), True],
    }


def _format_time(timestamp: int) -> str:
    return str(datetime.fromtimestamp(timestamp / MICROSECONDS, timezone.utc))
