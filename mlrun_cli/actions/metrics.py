"""The metrics of runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlrun_cli.core.names import check_text
from mlrun_cli.errors import MetricNotFound
from mlrun_cli.metrics.mlruns import MLRUNS, read_mlruns
from mlrun_cli.runs.run import Run
from mlrun_cli.workspace import Workspace

_MAX_NAMES = 10


def get_metrics(workspace: Workspace, run: Run, *, name: str | None, last: bool) -> dict[str, Any]:
    """Return a run's metrics in the format of `Run.get_metrics()`; with `last`, only the newest value of each metric.

    Raises:
        UsageError: the name is not text.
        NotFound: the run has no metric with this name; the hint lists the metrics that it has.
    """
    check_text("metric name", name or "")
    read = workspace.metrics.get_last_values if last else workspace.metrics.get
    metrics = read(run.key, name)
    if name is not None and not metrics:
        logged = _format_names(list(workspace.metrics.get_last_values(run.key)))
        raise MetricNotFound(
            f"The run '{run.run_id}' has no metric {name!r}.", hint=f"There are: {logged}.", target=name
        )
    return metrics


def get_mlruns_metrics(workspace: Workspace, run: Run, *, name: str | None, last: bool) -> dict[str, Any]:
    """Return the metrics in MLflow's own files in the run's working folder, in the format of `get_metrics`.

    Those of several runs of MLflow are grouped by the ids of these.

    Raises:
        MetricNotFound: none of them has this name.
    """
    found = read_mlruns(workspace.get_run_folder(run.run_id).work / MLRUNS)
    metrics = {
        of_run: {
            each: points[-1].value if last or len(points) == 1 else [point.value for point in points]
            for each, points in series.items()
            if name is None or each == name
        }
        for of_run, series in found.items()
    }
    if name is not None and not any(metrics.values()):
        logged = _format_names(sorted({each for series in found.values() for each in series}))
        raise MetricNotFound(
            f"MLflow's files of the run '{run.run_id}' have no metric {name!r}.",
            hint=f"There are: {logged}.",
            target=name,
        )
    return next(iter(metrics.values())) if len(metrics) == 1 else metrics


def _format_names(names: Sequence[str]) -> str:
    """Return the first few names as text, followed by the number of omitted ones."""
    rest = f", … and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
    return ", ".join(repr(name) for name in names[:_MAX_NAMES]) + rest or "none yet"
