"""A run's Metrics tab: all metrics but images."""

from __future__ import annotations

from starlette.responses import Response

from mlrun_cli.errors import NotFound
from mlrun_cli.runs.run import Run
from mlrun_cli.studio.charts.metric_panel import CURVE_PANEL, build_values_grid
from mlrun_cli.studio.page_request import PageRequest
from mlrun_cli.studio.pages.run.metrics.view import build_linked_panel, read_drawing_options
from mlrun_cli.studio.pages.run.tabs import get_requested_run, render_tab
from mlrun_cli.studio.paging import build_page_links, parse_page_number

_PANELS_PER_PAGE = 30
_ROWS_PER_PAGE = 100


def show(page: PageRequest) -> Response:
    """Show pages of panels, or the values of the parameter `metric`."""
    run = get_requested_run(page)
    name = page.request.query_params.get("metric")
    return _show_panels(page, run) if name is None else _show_metric(page, run, name)


def _show_panels(page: PageRequest, run: Run) -> Response:
    search, number = page.query("search").strip(), parse_page_number(page)
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
        panels=[build_linked_panel(page, run, summary) for summary in found[:_PANELS_PER_PAGE]],
        total=summaries.count(run.key, text=search, only_images=False),
        search=search,
        height=180,
        values=None,
        **build_page_links(page, has_more=len(found) > _PANELS_PER_PAGE),
        **read_drawing_options(page),
    )


def _show_metric(page: PageRequest, run: Run, name: str) -> Response:
    summary = page.workspace.metric_summaries.find(run.key, name)
    if summary is None:
        raise NotFound(f"The run '{run.run_id}' has no metric of this name.", hint="Its Metrics tab lists them.")
    panel = build_linked_panel(page, run, summary, _ROWS_PER_PAGE)
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
        **read_drawing_options(page),
    )
