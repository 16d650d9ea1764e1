"""The child runs of a run."""

from __future__ import annotations

from starlette.responses import Response

from mlrun_cli.actions.run_pages import run_page
from mlrun_cli.domain.run_filter import RunFilter
from mlrun_cli.domain.run_order import RunOrder
from mlrun_cli.studio.page import Page
from mlrun_cli.studio.paging import further_pages, page_number
from mlrun_cli.studio.routes.run import render_tab, run_of

_SIZE = 100
_MOST_METRICS = 6


def show(page: Page) -> Response:
    """The runs right below a run, the first that was made first; each leads to its own."""
    run = run_of(page)
    which = RunFilter(parent_run_id=run.run_id)
    found = run_page(page.workspace, which, RunOrder(descending=False), number=page_number(page), size=_SIZE)
    keys = [child.key for child in found.runs]
    names = page.workspace.metric_summaries.names(keys, _MOST_METRICS)
    summaries = page.workspace.metric_summaries.of_runs(keys, names)
    rows = [
        (child, [summary.last if (summary := summaries.get((child.key, name))) else None for name in names])
        for child in found.runs
    ]
    return render_tab(
        page,
        run,
        "children",
        "run_children.html",
        found=found,
        metric_names=names,
        rows=rows,
        children_topic=page.topic("runs"),
        **further_pages(page, has_more=found.has_more),
    )
