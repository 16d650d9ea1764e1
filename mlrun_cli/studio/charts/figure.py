"""Figures: the data of charts in the form that a page's scripts read.

A figure is `{"kind", "x": {"label", "kind", "names", "isLog"}, "y": {"label"}, "series": [...], "note"}`. Its kind is
`lines`, `points` or `bars`; the kind of the horizontal axis is `number`, `time` (a timestamp in seconds), `duration`
(in seconds) or `names`. A series is `{"run", "name", "x", "y", "gaps", "below"}`: the key of the run, the name of the
metric or column, the numbers, and descriptions of the values that cannot be drawn, which are null in `y`, and of those
that cannot be drawn on a logarithmic axis. A smoothed curve has the values to draw in `smooth` instead of `y`. If runs
are coloured by a parameter, a series has a `tint`, from 0 for the lowest to 1 for the highest number, or a `group`, the
number of its text, and `tag`, the parameter and its value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from mlrun_cli.core.time import MICROSECONDS
from mlrun_cli.metrics.metric import MetricPoint
from mlrun_cli.runs.run import Run
from mlrun_cli.store.metric_curves import CurvePiece
from mlrun_cli.studio.charts.chart import CURVE, RELATIVE, SCATTER, STEP, TIME, X_AXES, Chart, Measure
from mlrun_cli.studio.charts.colours import add_colours
from mlrun_cli.studio.charts.run_names import build_run_labels
from mlrun_cli.studio.charts.run_values import RunValues, order_categories
from mlrun_cli.studio.charts.smoothing import compute_window_length, smooth_curve
from mlrun_cli.studio.formatting import format_number
from mlrun_cli.workspace import Workspace

_Value = TypeVar("_Value")
Figure = dict[str, Any]

_AXES = {STEP: "number", TIME: "time", RELATIVE: "duration"}
LINES, POINTS, BARS = "lines", "points", "bars"
_MAX_POINTS, _MIN_POINTS = 1000, 100
_MAX_TOTAL_POINTS = 40_000
_DIGITS = 9
_MAX_TIMESTAMP = 1 << 62
"""A timestamp in microseconds that is later than all stored ones, and still a valid integer of the store."""


def build_chart_figure(
    workspace: Workspace, runs: Sequence[Run], chart: Chart, begin: float | None, end: float | None
) -> Figure:
    """Build the figure of a chart.

    Args:
        workspace: the runs' workspace.
        runs: the runs to draw.
        chart: the chart.
        begin: the start of the range of a curve to draw, in units of its horizontal axis; None for no bound.
        end: the end of the range; None for no bound.
    """
    values = RunValues.read(workspace, runs, [chart._replace(measures=()) if chart.kind == CURVE else chart])
    if chart.kind == CURVE:
        figure = build_curves_figure(workspace, runs, chart.names, chart.over, begin, end, chart.smoothing)
    elif chart.kind == SCATTER:
        figure = _build_scatter_figure(runs, values, *chart.measures, is_x_log=chart.is_x_log)
    else:
        figure = _build_value_figure(runs, values, chart.measures[0])
    if chart.colour:
        figure["series"] = add_colours(figure["series"], chart.colour, values.parameters)
    return figure


def build_curves_figure(
    workspace: Workspace,
    runs: Sequence[Run],
    names: Sequence[str],
    axis: str,
    begin: float | None,
    end: float | None,
    smoothing: float = 0.0,
) -> Figure:
    """Build a figure of logged values, with a line for each run and metric.

    Args:
        workspace: the runs' workspace.
        runs: the runs to draw.
        names: the names of the metrics.
        axis: the horizontal axis, one of `chart.X_AXES`.
        begin: the start of the range to draw, as a step or in seconds; None for no bound.
        end: the end of the range; None for no bound.
        smoothing: the smoothing, from 0 for none to less than 1.
    """
    store = workspace.metric_curves
    lines = max(1, len(runs) * len(names))
    points = max(_MIN_POINTS, min(_MAX_POINTS, _MAX_TOTAL_POINTS // lines))
    series = []
    for name in names:
        curves = _read_values(partial(store.get_curves, name=name, max_points=points), runs, axis, begin, end)
        pieces: Mapping[int, Sequence[CurvePiece]] = {}
        if smoothing:
            read = partial(
                store.get_curve_pieces,
                name=name,
                max_points=points,
                max_preceding_numbers=compute_window_length(smoothing),
            )
            pieces = _read_values(read, runs, axis, begin, end)
        for run in runs:
            curve = curves.get(run.key)
            if curve:
                line = _build_curve_series(run, name, curve, axis, has_all_values=len(curve) < points)
                series.append(
                    _add_smooth_values(line, run, pieces.get(run.key, ()), axis, smoothing) if smoothing else line
                )
    return build_figure(LINES, series, x=X_AXES[axis], y=", ".join(names), axis=_AXES[axis])


def build_figure(
    kind: str, series: Sequence[Mapping[str, Any]], *, x: str, y: str, axis: str = "number", names: Sequence[str] = ()
) -> Figure:
    """Build a figure from series.

    Args:
        kind: `LINES`, `POINTS` or `BARS`.
        series: series built by `build_series`.
        x: the label of the horizontal axis.
        y: the label of the vertical axis.
        axis: the kind of the horizontal axis.
        names: labels for the positions 0, 1, … of the horizontal axis, instead of numbers.
    """
    across = {"label": x, "kind": "names" if names else axis, "names": list(names), "isLog": False}
    return {"kind": kind, "x": across, "y": {"label": y}, "series": list(series), "note": ""}


def build_series(
    name: str, x: Iterable[float], y: Iterable[float], run_key: int | None = None, *, has_all_values: bool = True
) -> dict[str, Any]:
    """Build a series, in which values that cannot be drawn are gaps.

    Args:
        name: the name of the metric or column.
        x: the positions on the horizontal axis; points without a finite position are left out.
        y: the values.
        run_key: the key of the run, if any.
        has_all_values: whether the series has all logged values, not only a selection.
    """
    given = list(zip(x, y, strict=True))
    places = [(across, upwards) for across, upwards in given if math.isfinite(across)]
    numbers = [upwards if math.isfinite(across) else across for across, upwards in given]
    return {
        "run": run_key,
        "name": name,
        "x": [_round_number(across) for across, _ in places],
        "y": [_round_number(upwards) if math.isfinite(upwards) else None for _, upwards in places],
        "gaps": _describe_counts(
            {
                "NaN": sum(math.isnan(value) for value in numbers),
                "∞": sum(value == math.inf for value in numbers),
                "-∞": sum(value == -math.inf for value in numbers),
            },
            with_counts=has_all_values,
        ),
        "below": _describe_counts(
            {"≤ 0": sum(-math.inf < value <= 0 for value in numbers)}, with_counts=has_all_values
        ),
    }


def _describe_counts(counts: Mapping[str, int], *, with_counts: bool) -> str:
    """Return counts by name as text, such as `2 NaN, 1 ∞`, or only the names."""
    return ", ".join(f"{count} {sign}" if with_counts else sign for sign, count in counts.items() if count)


def _read_values(
    read: Callable[..., Mapping[int, _Value]], runs: Sequence[Run], axis: str, begin: float | None, end: float | None
) -> Mapping[int, _Value]:
    """Return the results of a store method for a range of the horizontal axis, keyed by run key."""
    keys = [run.key for run in runs]
    if axis == STEP:
        return read(keys, axis="step", begin=begin, end=end)
    if axis == TIME or (begin is None and end is None):
        return read(keys, axis="time", begin=_to_microseconds(begin), end=_to_microseconds(end))
    found: dict[int, _Value] = {}
    for run in runs:
        zero = _get_time_origin(run)
        found.update(read([run.key], axis="time", begin=_to_microseconds(begin, zero), end=_to_microseconds(end, zero)))
    return found


def _get_time_origin(run: Run) -> int:
    """Return the timestamp at which a run's relative time is zero: its start, or its creation if it has not started."""
    return run.created_at if run.started_at is None else run.started_at


def _to_microseconds(seconds: float | None, origin: int = 0) -> int | None:
    """Convert a time in seconds, relative to `origin`, to a timestamp in microseconds; None stays None."""
    if seconds is None:
        return None
    return max(-_MAX_TIMESTAMP, min(_MAX_TIMESTAMP, origin + round(seconds * MICROSECONDS)))


def _build_curve_series(
    run: Run, metric_name: str, curve: Sequence[MetricPoint], axis: str, *, has_all_values: bool
) -> dict[str, Any]:
    x = [_compute_x(run, point.step if axis == STEP else point.logged_at, axis) for point in curve]
    return build_series(metric_name, x, [point.value for point in curve], run.key, has_all_values=has_all_values)


def _add_smooth_values(
    curve_series: Mapping[str, Any], run: Run, pieces: Sequence[CurvePiece], axis: str, smoothing: float
) -> dict[str, Any]:
    """Return the series of a curve, with smoothed values added that have the same gaps."""
    placed = [
        piece._replace(end=_round_number(_compute_x(run, piece.end, axis)))
        for piece in pieces
        if math.isfinite(piece.end) and math.isfinite(piece.mean)
    ]
    means = smooth_curve(placed, smoothing, curve_series["x"]) if placed else curve_series["y"]
    return {
        **curve_series,
        "smooth": [
            None if y is None else _round_number(mean) for y, mean in zip(curve_series["y"], means, strict=True)
        ],
    }


def _compute_x(run: Run, step_or_timestamp: float, axis: str) -> float:
    """Convert a step, or a timestamp in microseconds, to a position on the horizontal axis."""
    if axis == STEP:
        return step_or_timestamp
    return (step_or_timestamp - (_get_time_origin(run) if axis == RELATIVE else 0)) / MICROSECONDS


def _build_value_figure(runs: Sequence[Run], values: RunValues, measure: Measure) -> Figure:
    shown = [(run, value) for run in runs if (value := values.find_number(run, measure)) is not None]
    series = [build_series(measure.name, [place], [value], run.key) for place, (run, value) in enumerate(shown)]
    labels = build_run_labels([run for run, _ in shown])
    names = [labels[run.key] for run, _ in shown]
    return build_figure(BARS, series, x="run", y=str(measure), names=names)


def _build_scatter_figure(
    runs: Sequence[Run], values: RunValues, x_measure: Measure, y_measure: Measure, *, is_x_log: bool
) -> Figure:
    """Build a figure with a point for each run; if any horizontal value is a string, all become categories."""
    points = [
        (run, x, y)
        for run in runs
        if (x := values.find(run, x_measure)) is not None and (y := values.find_number(run, y_measure)) is not None
    ]
    names: Sequence[float | str] = ()
    if any(isinstance(x, str) for _, x, _ in points):
        names = order_categories(x for _, x, _ in points)
    series = [
        build_series(y_measure.name, [names.index(x) if names else float(x)], [y], run.key)
        for run, x, y in points
        if names or not is_x_log or float(x) > 0
    ]
    labels = [name if isinstance(name, str) else format_number(name) for name in names]
    figure = build_figure(POINTS, series, x=str(x_measure), y=str(y_measure), names=labels)
    figure["x"]["isLog"] = is_x_log and not names
    return figure


def _round_number(value: float) -> float:
    """Round a number to the precision of a chart, which includes the milliseconds of timestamps."""
    if value == math.trunc(value) and abs(value) < 2**53:
        return int(value)
    magnitude = abs(value)
    return round(value, 3) if magnitude >= 1e6 else float(f"{value:.{_DIGITS}g}")
