"""The panels of scalars in the event files of a run."""

from __future__ import annotations

from collections.abc import Sequence

from mlrun_cli.actions.event_metrics import read_event_metrics, summarize_points
from mlrun_cli.core.time import MICROSECONDS
from mlrun_cli.errors import NotFound
from mlrun_cli.metrics.metric import MetricPoint
from mlrun_cli.runs.run import Run
from mlrun_cli.studio.charts.chart import RELATIVE, STEP, TIME, X_AXES
from mlrun_cli.studio.charts.figure import LINES, Figure, build_figure, build_series
from mlrun_cli.studio.charts.run_charts import CURVE_PANEL, VALUE_PANEL, Panel
from mlrun_cli.workspace import Workspace

_MAX_POINTS = 1000
_AXES = {STEP: "number", TIME: "time", RELATIVE: "duration"}


def build_event_panels(workspace: Workspace, run: Run, search: str, limit: int) -> Sequence[Panel]:
    """Return panels of a run's first `limit` TensorBoard scalars whose names contain the search text."""
    metrics = read_event_metrics(workspace, run)
    names = [name for name in metrics if search.casefold() in name.casefold()][:limit]
    return [_build_scalar_panel(name, metrics[name]) for name in names]


def _build_scalar_panel(name: str, points: Sequence[MetricPoint]) -> Panel:
    summary = summarize_points(name, points)
    if len(points) == 1:
        return Panel(summary, VALUE_PANEL, value=points[0].value)
    return Panel(summary, CURVE_PANEL)


def build_event_figure(
    workspace: Workspace, run: Run, name: str, axis: str, begin: float | None, end: float | None
) -> Figure:
    """Build the figure of a scalar in TensorBoard event files, restricted to a range of the horizontal axis.

    Raises:
        NotFound: the files have no such scalar.
    """
    points = read_event_metrics(workspace, run).get(name)
    if points is None:
        raise NotFound("The run's event files have no such scalar.")
    start = run.started_at or run.created_at
    places = [_compute_x(point, axis, start) for point in points]
    drawn = [
        (place, point.value)
        for place, point in zip(places, points, strict=True)
        if (begin is None or place >= begin) and (end is None or place <= end)
    ]
    every = -(-len(drawn) // _MAX_POINTS) or 1
    shown = drawn[::-every][::-1]  # the last one is among them
    series = build_series(
        name, [place for place, _ in shown], [value for _, value in shown], run.key, has_all_values=every == 1
    )
    return build_figure(LINES, [series], x=X_AXES[axis], y=name, axis=_AXES[axis])


def _compute_x(point: MetricPoint, axis: str, started_at: int) -> float:
    """Return the position of a value on the horizontal axis."""
    if axis == STEP:
        return point.step
    return (point.logged_at - (started_at if axis == RELATIVE else 0)) / MICROSECONDS
