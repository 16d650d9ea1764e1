"""The route of chart figures, and the form that adds or changes a chart."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from starlette.responses import Response

from mlrun_cli.errors import InvalidValue, NotFound, UsageError
from mlrun_cli.runs.run import Run
from mlrun_cli.studio.charts.board import MAX_RUNS
from mlrun_cli.studio.charts.chart import MAX_SMOOTHING, STEP, X_AXES, Chart, parse_charts, replace_charts
from mlrun_cli.studio.charts.event_charts import build_event_figure
from mlrun_cli.studio.charts.figure import Figure, build_chart_figure
from mlrun_cli.studio.charts.run_charts import build_metric_figure
from mlrun_cli.studio.forms import InvalidForm
from mlrun_cli.studio.page_request import PageRequest

_MAX_NAMES = 10_000
_END_OF_LINE = re.compile(r"\r\n|\r|\n")


def send_figure(page: PageRequest) -> Response:
    """Send the figure of a chart or of a run's metric, as requested by the query.

    The parameters are `chart`, `metric`, or `events` for a name in event files, `runs` with the keys of runs, and
    `begin` and `end` for a range.
    """
    try:
        return _create_json_response(_build_requested_figure(page), 200)
    except (UsageError, NotFound) as error:
        document = {"problem": error.message, "code": error.code}
        return _create_json_response(document, 404 if isinstance(error, NotFound) else 400)


def change_chart(page: PageRequest) -> Response:
    """Add or replace the chart described by a form, and redirect to the form's page."""
    values = page.request.query_params
    back = urlsplit(page.get_query_parameter("back"))
    if back.scheme or back.netloc or not back.path.startswith(f"{page.urls}/"):
        raise InvalidForm("The form has no page of this workspace to return to.", 400, hint="Reload the page.")
    chart = Chart.from_form(
        page.get_query_parameter("kind"),
        _restore_names(page, values.getlist("name")),
        values.getlist("which"),
        page.get_query_parameter("over", STEP),
        is_log="log" in values,
        smoothing=page.get_query_parameter("smooth"),
        is_x_log="logx" in values,
        colour=page.get_query_parameter("colour"),
    )
    charts, _ = parse_charts([text for key, text in parse_qsl(back.query) if key == "chart"])
    before = page.get_query_parameter("at")
    changed = [chart if str(other) == before else other for other in charts or ()]
    if chart not in changed:
        changed.append(chart)
    return page.redirect(f"{back.path}?{replace_charts(back.query, changed)}")


def _restore_names(page: PageRequest, form_names: Sequence[str]) -> Sequence[str]:
    """Return the metric names in a form, with the newlines restored that the browser has dropped or replaced."""
    names = page.workspace.metric_summaries.list_all_names(_MAX_NAMES)
    whole = {_END_OF_LINE.sub(sign, name): name for name in names for sign in (" ", "")}
    whole.update(zip(names, names, strict=True))
    return [whole.get(name, name) for name in form_names]


def _build_requested_figure(page: PageRequest) -> Figure:
    runs = _get_requested_runs(page)
    begin, end = _parse_number(page, "begin"), _parse_number(page, "end")
    name = page.request.query_params.get("metric")
    of_events = page.request.query_params.get("events")
    if of_events is not None and runs:
        return build_event_figure(page.workspace, runs[0], of_events, _parse_x_axis(page), begin, end)
    if name is None:
        return build_chart_figure(page.workspace, runs, Chart.parse(page.get_query_parameter("chart")), begin, end)
    over = _parse_x_axis(page)
    summary = page.workspace.metric_summaries.find(runs[0].key, name) if runs else None
    if summary is None:
        raise NotFound("The run, or this metric of it, is gone.")
    smoothing = min(MAX_SMOOTHING, max(0.0, _parse_number(page, "smooth") or 0.0))
    return build_metric_figure(page.workspace, runs[0], summary, over, begin, end, smoothing)


def _parse_x_axis(page: PageRequest) -> str:
    over = page.get_query_parameter("over", STEP)
    if over not in X_AXES:
        raise InvalidValue(f"Curves are drawn over {', '.join(X_AXES)}, not '{over[:60]}'.")
    return over


def _get_requested_runs(page: PageRequest) -> Sequence[Run]:
    try:
        keys = [int(key) for key in page.get_query_parameter("runs").split(",") if key][:MAX_RUNS]
        return page.workspace.runs.list_by_keys(keys)
    except (ValueError, OverflowError) as error:
        raise InvalidValue("'runs' names runs by their numbers, with commas between them.") from error


def _parse_number(page: PageRequest, parameter_name: str) -> float | None:
    text = page.get_query_parameter(parameter_name)
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InvalidValue(f"'{parameter_name}' is a number, not '{text[:60]}'.")
    return number


def _create_json_response(document: Any, status: int) -> Response:
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Response(text.encode("utf-8", "replace"), status, media_type="application/json")
