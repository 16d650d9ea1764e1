"""The numbers that charts draw, and the form by which a chart is added or changed."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from starlette.responses import Response

from mlrun_cli.errors import NotFound, UsageError
from mlrun_cli.runs.run import Run
from mlrun_cli.studio.charts.board import MOST_RUNS
from mlrun_cli.studio.charts.chart import OVER, STEP, STRONGEST, Chart, query_with, read_charts
from mlrun_cli.studio.charts.figure import Figure, figure_of_chart
from mlrun_cli.studio.charts.metric_panel import figure_of_metric
from mlrun_cli.studio.page_request import PageRequest

_MOST_NAMES = 10_000
_END_OF_LINE = re.compile(r"\r\n|\r|\n")


def show(page: PageRequest) -> Response:
    """The figure of `chart`, or of the metric `metric`, of the runs with the keys `runs`; from `begin` to `end`."""
    try:
        return _json(_figure(page), 200)
    except (UsageError, NotFound) as error:
        return _json({"problem": error.message}, 404 if isinstance(error, NotFound) else 400)


def change(page: PageRequest) -> Response:
    """Put the chart that the form describes in the place of the one it was made of, or behind the others."""
    values = page.request.query_params
    back = urlsplit(page.query("back"))
    if back.scheme or back.netloc or not back.path.startswith(f"{page.urls}/"):
        raise UsageError("The form names no page of this workspace to return to.", hint="Load the page anew.")
    chart = Chart.of_fields(
        page.query("kind"),
        _whole_names(page, values.getlist("name")),
        values.getlist("which"),
        page.query("over", STEP),
        is_log="log" in values,
        smoothing=page.query("smooth"),
    )
    charts, _ = read_charts([text for key, text in parse_qsl(back.query) if key == "chart"])
    before = page.query("at")
    changed = [chart if str(other) == before else other for other in charts or ()]
    if chart not in changed:
        changed.append(chart)
    return page.redirect(f"{back.path}?{query_with(back.query, changed)}")


def _whole_names(page: PageRequest, typed: Sequence[str]) -> Sequence[str]:
    """The names of metrics that were meant: a box of a form leaves ends of lines out, or has blanks instead."""
    names = page.workspace.metric_summaries.all_names(_MOST_NAMES)
    whole = {_END_OF_LINE.sub(sign, name): name for name in names for sign in (" ", "")}
    whole.update(zip(names, names, strict=True))
    return [whole.get(name, name) for name in typed]


def _figure(page: PageRequest) -> Figure:
    runs = _runs(page)
    begin, end = _number(page, "begin"), _number(page, "end")
    name = page.request.query_params.get("metric")
    if name is None:
        return figure_of_chart(page.workspace, runs, Chart.parse(page.query("chart")), begin, end)
    over = page.query("over", STEP)
    if over not in OVER:
        raise UsageError(f"Curves are drawn over {', '.join(OVER)}, not '{over[:60]}'.")
    summary = page.workspace.metric_summaries.find(runs[0].key, name) if runs else None
    if summary is None:
        raise NotFound("The run, or this metric of it, is gone.")
    smoothing = min(STRONGEST, max(0.0, _number(page, "smooth") or 0.0))
    return figure_of_metric(page.workspace, runs[0], summary, over, begin, end, smoothing)


def _runs(page: PageRequest) -> Sequence[Run]:
    try:
        keys = [int(key) for key in page.query("runs").split(",") if key][:MOST_RUNS]
        return page.workspace.runs.of_keys(keys)
    except (ValueError, OverflowError) as error:
        raise UsageError("'runs' names runs by their numbers, with commas between them.") from error


def _number(page: PageRequest, name: str) -> float | None:
    text = page.query(name)
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise UsageError(f"'{name}' is a number, not '{text[:60]}'.")
    return number


def _json(document: Any, status: int) -> Response:
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Response(text.encode("utf-8", "replace"), status, media_type="application/json")
