"""The route of a run's Child runs tab."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import Response

from mlrun_cli.actions.run_pages import get_run_page
from mlrun_cli.errors import UsageError
from mlrun_cli.runs.filter import RunFilter
from mlrun_cli.runs.order import METRIC, RunOrder
from mlrun_cli.studio.page_request import PageRequest
from mlrun_cli.studio.pages.run.tabs import get_requested_run, render_tab
from mlrun_cli.studio.paging import build_page_links, parse_page_number
from mlrun_cli.studio.runs_table.columns import select_columns
from mlrun_cli.studio.runs_table.table import build_runs_table
from mlrun_cli.studio.runs_table.view import RunsView

_SIZE = 100
_MAX_METRICS = 6
_OLDEST_FIRST = RunOrder(descending=False)
_COLUMNS = ("status", "display_name", "run_number", "created", "duration")


def show(page: PageRequest) -> Response:
    """Show the direct child runs, oldest first unless another order is requested."""
    run = get_requested_run(page)
    order, problem = _OLDEST_FIRST, None
    try:
        order = RunOrder.parse(page.get_query_parameter("sort", str(_OLDEST_FIRST)))
    except UsageError as error:
        problem = error
    which = RunFilter(parent_run_id=run.run_id)
    found = get_run_page(page.workspace, which, order, page_number=parse_page_number(page), size=_SIZE)
    metrics = page.workspace.metric_summaries.list_most_common_names([child.key for child in found.runs], _MAX_METRICS)
    names = [*_COLUMNS, *(f"{METRIC}:{name}:last" for name, _ in sorted(metrics)), "tags"]
    return render_tab(
        page,
        run,
        "children",
        "pages/run/children/template.html",
        found=found,
        table=build_runs_table(page.workspace, found, RunsView(), select_columns(names, all_experiments=False)),
        order=order,
        problem=problem,
        sorted_by=lambda order: f"?{urlencode({'sort': str(order)})}",
        children_topic=page.build_topic("runs"),
        **build_page_links(page, has_more=found.has_more),
    )
