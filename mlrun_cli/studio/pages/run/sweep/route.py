"""The route of a sweep's Sweep tab."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from mlrun_cli.actions.sweep_overview import SweepOverview, SweepRun, find_sweep_overview
from mlrun_cli.studio.charts.board import MAX_RUNS, build_board
from mlrun_cli.studio.charts.chart import CURVE, VALUE, Chart, Measure
from mlrun_cli.studio.charts.parallel_coordinates import METRIC_AXIS, ParallelCoordinates, build_line
from mlrun_cli.studio.page_request import PageRequest
from mlrun_cli.studio.pages.run.sweep.settings import list_sweep_settings
from mlrun_cli.studio.pages.run.tabs import get_requested_run, render_tab
from mlrun_cli.sweeps.arguments import format_value

_LEAST_LINES = 2


def show(page: PageRequest) -> Response:
    """Show the progress of a sweep and its runs, best first, with curves and parallel coordinates."""
    run = get_requested_run(page)
    overview = find_sweep_overview(page.workspace, run, MAX_RUNS)
    values: dict[str, Any] = {"overview": overview, "sweep_topic": page.build_topic("runs")}
    if overview is not None:
        shown = overview.runs
        metric = overview.definition.metric.name
        is_curve = any(each.value_count > 1 for each in shown)
        chart = Chart(CURVE if is_curve else VALUE, (Measure(metric),))
        values |= {
            "metric": metric,
            "settings": list_sweep_settings(overview.definition),
            "board": build_board(page, [each.run for each in shown], suggested_charts=[chart]),
            "coordinates": _build_parallel_coordinates(overview, shown),
            "format_value": format_value,
        }
    return render_tab(page, run, "sweep", "pages/run/sweep/template.html", **values)


def _build_parallel_coordinates(overview: SweepOverview, runs: Sequence[SweepRun]) -> ParallelCoordinates | None:
    """Return a plot of the sampled parameters and best values of the runs, or None if too few have a finite value."""
    measured = [each for each in runs if each.best is not None and math.isfinite(each.best)]
    if len(measured) < _LEAST_LINES:
        return None
    columns = {name: _build_column([each.values.get(name) for each in measured]) for name in overview.parameters}
    columns[f"{METRIC_AXIS}{overview.definition.metric.name}"] = [each.best for each in measured]
    axes = list(columns)
    lines = [build_line(each.run, [columns[axis][place] for axis in axes]) for place, each in enumerate(measured)]
    return ParallelCoordinates(axes, axes, lines)


def _build_column(values: Sequence[Any]) -> Sequence[float | str | None]:
    """Return the values of an axis: unchanged if all of them are numbers, or else as categories."""
    known = [value for value in values if value is not None]
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in known):
        return values
    return [None if value is None else format_value(value) for value in values]
