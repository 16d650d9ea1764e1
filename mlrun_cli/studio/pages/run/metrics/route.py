"""The route of a run's Metrics tab, with all metrics except images; `studio/charts/run_charts.py` builds the charts."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from mlrun_cli.errors import NotFound
from mlrun_cli.metrics.metric import MetricSummary
from mlrun_cli.runs.run import Run
from mlrun_cli.studio.charts.chart import MAX_SMOOTHING, STEP, X_AXES
from mlrun_cli.studio.charts.event_charts import build_event_panels
from mlrun_cli.studio.charts.run_charts import CURVE_PANEL, Panel, build_panel, build_values_grid
from mlrun_cli.studio.page_request import PageRequest
from mlrun_cli.studio.pages.run.tabs import get_requested_run, render_tab
from mlrun_cli.studio.paging import build_page_links, parse_page_number

_PANELS_PER_PAGE = 30
_ROWS_PER_PAGE = 100
_ROWS_PER_PANEL = 20


def show(page: PageRequest) -> Response:
    """Show a page of panels, or the values of the metric in the parameter `metric`."""
    run = get_requested_run(page)
    name = page.request.query_params.get("metric")
    return _show_panels(page, run) if name is None else _show_metric(page, run, name)


def _show_panels(page: PageRequest, run: Run) -> Response:
    search, number = page.get_query_parameter("search").strip(), parse_page_number(page)
    summaries = page.workspace.metric_summaries
    found = summaries.list(
        run.key,
        text=search,
        only_images=False,
        limit=_PANELS_PER_PAGE + 1,
        offset=(number - 1) * _PANELS_PER_PAGE,
    )
    return render_tab(
        page,
        run,
        "metrics",
        "pages/run/metrics/template.html",
        panels=[_build_linked_panel(page, run, summary) for summary in found[:_PANELS_PER_PAGE]],
        total=summaries.count(run.key, text=search, only_images=False),
        event_panels=_build_event_panels(page, run, search) if number == 1 else (),
        search=search,
        height=180,
        values=None,
        **build_page_links(page, has_more=len(found) > _PANELS_PER_PAGE),
        **_parse_drawing_options(page),
    )


def _show_metric(page: PageRequest, run: Run, metric_name: str) -> Response:
    summary = page.workspace.metric_summaries.find(run.key, metric_name)
    if summary is None:
        raise NotFound(f"The run '{run.run_id}' has no metric of this name.", hint="Its Metrics tab lists them.")
    panel = _build_linked_panel(page, run, summary, _ROWS_PER_PAGE)
    values = panel.grid
    if panel.kind == CURVE_PANEL or (values is not None and values.has_next):
        offset = (parse_page_number(page) - 1) * _ROWS_PER_PAGE
        values = build_values_grid(page.workspace, run, summary, _ROWS_PER_PAGE, offset)
    return render_tab(
        page,
        run,
        "metrics",
        "pages/run/metrics/metric.html",
        panel=panel._replace(grid=None),
        height=360,
        values=values,
        **build_page_links(page, has_more=values is not None and values.has_next),
        **_parse_drawing_options(page),
    )


def _build_linked_panel(page: PageRequest, run: Run, summary: MetricSummary, max_rows: int = _ROWS_PER_PANEL) -> Panel:
    """Build the panel of a metric with the URLs of its figure and its page."""
    name = {"metric": summary.name}
    return build_panel(page.workspace, run, summary, max_rows)._replace(
        source=page.urls.chart_data(urlencode({"runs": run.key, **name, "over": _parse_x_axis(page)})),
        address=f"{page.urls.run(run.run_id, 'metrics')}?{urlencode(name)}",
    )


def _build_event_panels(page: PageRequest, run: Run, search: str) -> list[Panel]:
    """Build the panels of the scalars in the run's TensorBoard event files, with the URLs of their figures."""
    found = []
    for panel in build_event_panels(page.workspace, run, search, _PANELS_PER_PAGE):
        query = urlencode({"runs": run.key, "events": panel.summary.name, "over": _parse_x_axis(page)})
        found.append(panel._replace(source=page.urls.chart_data(query)))
    return found


def _parse_drawing_options(page: PageRequest) -> dict[str, Any]:
    """Return the options in the URL for drawing the curves of the tab, as template context; wrong ones get defaults."""
    try:
        smoothing = min(MAX_SMOOTHING, max(0.0, float(page.get_query_parameter("smooth", "0"))))
    except ValueError:
        smoothing = 0.0
    is_log = "log" in page.request.query_params
    return {"over": _parse_x_axis(page), "x_axes": X_AXES, "is_log": is_log, "smoothing": smoothing}


def _parse_x_axis(page: PageRequest) -> str:
    over = page.get_query_parameter("over", STEP)
    return over if over in X_AXES else STEP
