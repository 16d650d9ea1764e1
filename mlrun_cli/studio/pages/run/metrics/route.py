"""A run's Metrics tab: all that it has logged but for images."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from mlrun_cli.errors import NotFound
from mlrun_cli.metrics.metric import MetricSummary
from mlrun_cli.runs.run import Run
from mlrun_cli.studio.charts.chart import OVER, STEP, STRONGEST
from mlrun_cli.studio.charts.metric_panel import CURVE_PANEL, Panel, panel_of, values_grid
from mlrun_cli.studio.page_request import PageRequest
from mlrun_cli.studio.pages.run.tabs import render_tab, requested_run
from mlrun_cli.studio.paging import build_page_links, parse_page_number

_PANELS_OF_A_PAGE = 30
_ROWS_OF_A_PANEL = 20
_ROWS_OF_A_PAGE = 100


def show(page: PageRequest) -> Response:
    """The metrics of a run, a page of panels at a time; with `metric` in the query the values of that one."""
    run = requested_run(page)
    name = page.request.query_params.get("metric")
    return _show_all(page, run) if name is None else _show_one(page, run, name)


def _show_all(page: PageRequest, run: Run) -> Response:
    search, number = page.query("search").strip(), parse_page_number(page)
    summaries = page.workspace.metric_summaries
    found = summaries.list(
        run.key,
        text=search,
        only_images=False,
        limit=_PANELS_OF_A_PAGE + 1,
        offset=(number - 1) * _PANELS_OF_A_PAGE,
    )
    return render_tab(
        page,
        run,
        "metrics",
        "pages/run/metrics/template.html",
        panels=[_placed(page, run, summary) for summary in found[:_PANELS_OF_A_PAGE]],
        total=summaries.count(run.key, text=search, only_images=False),
        search=search,
        height=180,
        values=None,
        **build_page_links(page, has_more=len(found) > _PANELS_OF_A_PAGE),
        **_drawing(page),
    )


def _show_one(page: PageRequest, run: Run, name: str) -> Response:
    summary = page.workspace.metric_summaries.find(run.key, name)
    if summary is None:
        raise NotFound(f"The run '{run.run_id}' has no metric of this name.", hint="Its Metrics tab lists them.")
    panel = _placed(page, run, summary, _ROWS_OF_A_PAGE)
    values = panel.grid
    if panel.kind == CURVE_PANEL or (values is not None and values.has_next):
        offset = (parse_page_number(page) - 1) * _ROWS_OF_A_PAGE
        values = values_grid(page.workspace, run, summary, _ROWS_OF_A_PAGE, offset)
    return render_tab(
        page,
        run,
        "metrics",
        "pages/run/metrics/metric.html",
        panel=panel._replace(grid=None),
        height=360,
        values=values,
        **build_page_links(page, has_more=values is not None and values.has_next),
        **_drawing(page),
    )


def _placed(page: PageRequest, run: Run, summary: MetricSummary, rows: int = _ROWS_OF_A_PANEL) -> Panel:
    name = {"metric": summary.name}
    return panel_of(page.workspace, run, summary, rows)._replace(
        source=page.urls.chart_data(urlencode({"runs": run.key, **name, "over": _over(page)})),
        address=f"{page.urls.run(run.run_id, 'metrics')}?{urlencode(name)}",
    )


def _drawing(page: PageRequest) -> dict[str, Any]:
    """How the curves of the tab are drawn."""
    try:
        smoothing = min(STRONGEST, max(0.0, float(page.query("smooth", "0"))))
    except ValueError:
        smoothing = 0.0
    is_log = "log" in page.request.query_params
    return {"over": _over(page), "overs": OVER, "is_log": is_log, "smoothing": smoothing}


def _over(page: PageRequest) -> str:
    over = page.query("over", STEP)
    return over if over in OVER else STEP
