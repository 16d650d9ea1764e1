"""What charts draw: numbers out of the store, as a script of the page takes them.

A figure is `{"kind", "x": {"label", "kind", "names"}, "y": {"label"}, "series": [...], "note"}`: its kind `lines`,
`points` or `bars`, that of its horizontal axis `number`, `time` in seconds of UTC, `duration` in seconds, or `names`,
and its note what is said of all of it. Each of its series is `{"run", "name", "x", "y", "gaps", "below"}`: the key of
the run, the name of the metric or column, the numbers, and in words which of them cannot be drawn, which are null in
`y`, and which not on a logarithmic axis; a smooth curve has what is drawn instead of `y` in `smooth`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from mlrun_cli.core.time import MICROSECONDS
from mlrun_cli.metrics.metric import MetricPoint, MetricSummary
from mlrun_cli.runs.run import Run
from mlrun_cli.store.metric_curves import CurvePiece
from mlrun_cli.studio.charts.chart import CURVE, OVER, RELATIVE, SCATTER, STEP, TIME, Chart, Measure
from mlrun_cli.studio.charts.run_names import names_of_runs
from mlrun_cli.studio.charts.smoothing import reach, smoothed
from mlrun_cli.workspace import Workspace

_Value = TypeVar("_Value")
Figure = dict[str, Any]

_AXES = {STEP: "number", TIME: "time", RELATIVE: "duration"}
LINES, POINTS, BARS = "lines", "points", "bars"
_MOST_POINTS, _FEWEST_POINTS = 1000, 100
_POINTS_OF_ALL = 40_000
_DIGITS = 9
_LAST_MOMENT = 1 << 62
"""Beyond all that is stored, in microseconds, and still a number that the store knows."""


def figure_of_chart(
    workspace: Workspace, runs: Sequence[Run], chart: Chart, begin: float | None, end: float | None
) -> Figure:
    """What a chart of these runs draws.

    Args:
        workspace: where the runs are.
        runs: those that are drawn.
        chart: which, and how.
        begin: of a curve, where the part begins that is wanted, as its figure has it on the horizontal axis.
        end: where it ends.
    """
    if chart.kind == CURVE:
        return curves_figure(workspace, runs, chart.names, chart.over, begin, end, chart.smoothing)
    summaries = workspace.metric_summaries.of_runs([run.key for run in runs], chart.names)
    if chart.kind == SCATTER:
        return _scatter_figure(runs, summaries, *chart.measures)
    return _value_figure(runs, summaries, chart.measures[0])


def curves_figure(
    workspace: Workspace,
    runs: Sequence[Run],
    names: Sequence[str],
    over: str,
    begin: float | None,
    end: float | None,
    smoothing: float = 0.0,
) -> Figure:
    """What these runs have logged under these names, a line for each run and name.

    Args:
        workspace: where the runs are.
        runs: those that are drawn.
        names: of metrics.
        over: one of `chart.OVER`.
        begin: where the part begins that is wanted: a step, or seconds.
        end: where it ends.
        smoothing: from 0 for none to less than 1.
    """
    store = workspace.metric_curves
    lines = max(1, len(runs) * len(names))
    points = max(_FEWEST_POINTS, min(_MOST_POINTS, _POINTS_OF_ALL // lines))
    series = []
    for name in names:
        curves = _of_runs(partial(store.curves, name=name, points=points), runs, over, begin, end)
        pieces: Mapping[int, Sequence[CurvePiece]] = {}
        if smoothing:
            read = partial(store.pieces, name=name, points=points, before=reach(smoothing))
            pieces = _of_runs(read, runs, over, begin, end)
        for run in runs:
            curve = curves.get(run.key)
            if curve:
                line = _line(run, name, curve, over, is_whole=len(curve) < points)
                series.append(_smooth(line, run, pieces.get(run.key, ()), over, smoothing) if smoothing else line)
    return figure(LINES, series, x=OVER[over], y=", ".join(names), axis=_AXES[over])


def figure(
    kind: str, series: Sequence[Mapping[str, Any]], *, x: str, y: str, axis: str = "number", names: Sequence[str] = ()
) -> Figure:
    """A figure of these series.

    Args:
        kind: `LINES`, `POINTS` or `BARS`.
        series: as `series_of` makes them.
        x: what the horizontal axis shows.
        y: what the vertical axis shows.
        axis: the kind of the horizontal one.
        names: of its places from 0 on, instead of numbers.
    """
    across = {"label": x, "kind": "names" if names else axis, "names": list(names)}
    return {"kind": kind, "x": across, "y": {"label": y}, "series": list(series), "note": ""}


def series_of(
    name: str, x: Iterable[float], y: Iterable[float], run_key: int | None = None, *, is_whole: bool = True
) -> dict[str, Any]:
    """Numbers that belong together; those that cannot be drawn become gaps, which are counted if these are all."""
    given = list(zip(x, y, strict=True))
    places = [(across, upwards) for across, upwards in given if math.isfinite(across)]
    numbers = [upwards if math.isfinite(across) else across for across, upwards in given]
    return {
        "run": run_key,
        "name": name,
        "x": [_short(across) for across, _ in places],
        "y": [_short(upwards) if math.isfinite(upwards) else None for _, upwards in places],
        "gaps": _counted(
            {
                "NaN": sum(math.isnan(value) for value in numbers),
                "∞": sum(value == math.inf for value in numbers),
                "-∞": sum(value == -math.inf for value in numbers),
            },
            is_whole=is_whole,
        ),
        "below": _counted({"≤ 0": sum(-math.inf < value <= 0 for value in numbers)}, is_whole=is_whole),
    }


def _counted(counts: Mapping[str, int], *, is_whole: bool) -> str:
    return ", ".join(f"{count} {sign}" if is_whole else sign for sign, count in counts.items() if count)


def _of_runs(
    read: Callable[..., Mapping[int, _Value]], runs: Sequence[Run], over: str, begin: float | None, end: float | None
) -> Mapping[int, _Value]:
    """What a method of the store reads of each run between two ends of the axis."""
    keys = [run.key for run in runs]
    if over == STEP:
        return read(keys, over="step", begin=begin, end=end)
    if over == TIME or (begin is None and end is None):
        return read(keys, over="time", begin=_moment(begin), end=_moment(end))
    found: dict[int, _Value] = {}
    for run in runs:
        zero = _zero(run)
        found.update(read([run.key], over="time", begin=_moment(begin, zero), end=_moment(end, zero)))
    return found


def _zero(run: Run) -> int:
    """The moment from which a run's relative time counts."""
    return run.created_at if run.started_at is None else run.started_at


def _moment(seconds: float | None, zero: int = 0) -> int | None:
    if seconds is None:
        return None
    return max(-_LAST_MOMENT, min(_LAST_MOMENT, zero + round(seconds * MICROSECONDS)))


def _line(run: Run, name: str, curve: Sequence[MetricPoint], over: str, *, is_whole: bool) -> dict[str, Any]:
    x = [_across(run, point.step if over == STEP else point.logged_at, over) for point in curve]
    return series_of(name, x, [point.value for point in curve], run.key, is_whole=is_whole)


def _smooth(
    line: Mapping[str, Any], run: Run, pieces: Sequence[CurvePiece], over: str, smoothing: float
) -> dict[str, Any]:
    """A line with its smooth numbers, which have the same gaps."""
    placed = [
        piece._replace(end=_short(_across(run, piece.end, over)))
        for piece in pieces
        if math.isfinite(piece.end) and math.isfinite(piece.mean)
    ]
    means = smoothed(placed, smoothing, line["x"]) if placed else line["y"]
    return {**line, "smooth": [None if y is None else _short(mean) for y, mean in zip(line["y"], means, strict=True)]}


def _across(run: Run, place: float, over: str) -> float:
    """Where a step, or a moment, stands on the horizontal axis."""
    if over == STEP:
        return place
    return (place - (_zero(run) if over == RELATIVE else 0)) / MICROSECONDS


def _value_figure(runs: Sequence[Run], summaries: Mapping[tuple[int, str], MetricSummary], measure: Measure) -> Figure:
    shown = [(run, value) for run in runs if (value := _measured(summaries, run, measure)) is not None]
    series = [series_of(measure.name, [place], [value], run.key) for place, (run, value) in enumerate(shown)]
    called = names_of_runs([run for run, _ in shown])
    names = [called[run.key] for run, _ in shown]
    return figure(BARS, series, x="run", y=f"{measure.name} ({measure.which})", names=names)


def _scatter_figure(
    runs: Sequence[Run], summaries: Mapping[tuple[int, str], MetricSummary], across: Measure, upwards: Measure
) -> Figure:
    series = []
    for run in runs:
        x, y = _measured(summaries, run, across), _measured(summaries, run, upwards)
        if x is not None and y is not None:
            series.append(series_of(upwards.name, [x], [y], run.key))
    return figure(POINTS, series, x=f"{across.name} ({across.which})", y=f"{upwards.name} ({upwards.which})")


def _measured(summaries: Mapping[tuple[int, str], MetricSummary], run: Run, measure: Measure) -> float | None:
    summary = summaries.get((run.key, measure.name))
    return None if summary is None else summary.measured(measure.which)


def _short(value: float) -> float:
    """A number in as few signs as a chart can show; moments in seconds keep their milliseconds."""
    if value == math.trunc(value) and abs(value) < 2**53:
        return int(value)
    magnitude = abs(value)
    return round(value, 3) if magnitude >= 1e6 else float(f"{value:.{_DIGITS}g}")
