"""The routes of the runs of an experiment or of a workspace, and of cancelling selected runs."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import parse_qsl

from starlette.responses import Response

from mlrun_cli.actions.run_ends import cancel_run
from mlrun_cli.actions.run_pages import get_run_page
from mlrun_cli.actions.run_values import list_unknown_names
from mlrun_cli.actions.views import list_views
from mlrun_cli.core.time import now
from mlrun_cli.errors import LimitExceeded, RunNotFound
from mlrun_cli.runs.cancellation import GRACE_SECONDS
from mlrun_cli.runs.filter import format_tag_filter
from mlrun_cli.runs.parameter_filter import format_equality
from mlrun_cli.runs.status import ACTIVE
from mlrun_cli.studio.charts.board import build_board, load_selected_runs
from mlrun_cli.studio.page_request import PageRequest
from mlrun_cli.studio.pages.runs.column_menu import apply_column_changes, build_column_groups
from mlrun_cli.studio.pages.runs.filter_controls import TEXT_BOXES, build_filter_menus
from mlrun_cli.studio.runs_table.columns import select_columns
from mlrun_cli.studio.runs_table.table import build_runs_table, suggest_columns
from mlrun_cli.studio.runs_table.view import MAX_VALUES, PAGE_SIZES, RunsView
from mlrun_cli.studio.runs_table.view_filter import parse_view_filter
from mlrun_cli.views.view import RUNS_PAGE

_COLUMN_CHANGES = ("add", "drop", "earlier", "later")


def show_experiment(page: PageRequest) -> Response:
    """Show the runs of an experiment."""
    name = page.get_path_parameter("experiment")
    page.workspace.experiments.get(name)
    return _show_runs(page, name)


def show_workspace(page: PageRequest) -> Response:
    """Show the runs of all experiments in the workspace."""
    return _show_runs(page, None)


def cancel(page: PageRequest) -> Response:
    """Cancel the selected runs, skipping those that have ended or no longer exist, and redirect to the page."""
    run_ids = page.fields.get_all("run")
    if len(run_ids) > MAX_VALUES:
        raise LimitExceeded(
            f"At most {MAX_VALUES} runs are canceled at once, not {len(run_ids)}.", hint="None has been canceled."
        )
    for run_id in run_ids:
        with suppress(RunNotFound):
            run = page.workspace.runs.get(run_id)
            if not run.status.is_terminal:
                cancel_run(page.workspace, run, GRACE_SECONDS)
    view = RunsView.parse(page.fields.get("query", ""))
    return page.redirect(page.urls.runs(view.to_query(), page.fields.get("experiment")))


def _show_runs(page: PageRequest, experiment: str | None) -> Response:
    view = RunsView.parse(page.request.url.query)
    parameters = parse_qsl(page.request.url.query, keep_blank_values=True)
    changes = {name: value for name, value in parameters if name in _COLUMN_CHANGES}
    if not changes and any(not value for _, value in parameters):
        # Forms send empty fields, too: redirect to the canonical URL.
        return page.redirect(page.urls.runs(view.to_query(), experiment))
    filters = parse_view_filter(view, experiment, now())
    found = get_run_page(
        page.workspace,
        filters.which,
        filters.order,
        page_number=view.page,
        size=view.size,
        counts_children=view.children or filters.which.include_children,
    )
    suggested = () if view.columns else suggest_columns(page.workspace, found.runs)
    columns = select_columns(view.columns, all_experiments=experiment is None, suggested_names=suggested)
    if changes:
        view = view.replace(columns=tuple(apply_column_changes(columns, changes)))
        return page.redirect(page.urls.runs(view.to_query(), experiment))
    table = build_runs_table(page.workspace, found, view, columns)
    selected = load_selected_runs(page.workspace, table.runs, view.select)
    found_ids = {run.run_id for run in selected}
    column_search = page.get_query_parameter("find").strip()
    return page.render(
        "pages/runs/template.html",
        experiment=experiment,
        address=page.urls.runs(experiment_name=experiment),
        topic=page.build_topic("runs"),
        view=view,
        faults=filters.faults,
        order=filters.order,
        found=found,
        unknown_names=() if table.runs else list_unknown_names(page.workspace, filters.which),
        table=table,
        columns=columns,
        board=build_board(page, table.runs, selected),
        boxes=TEXT_BOXES,
        menus=build_filter_menus(page.workspace, view, all_experiments=experiment is None),
        groups=build_column_groups(page.workspace, table.runs, column_search),
        column_search=column_search,
        saved=[  # another version may have saved the parameters in another order
            each._replace(query=RunsView.parse(each.query).to_saved_view().to_query())
            for each in list_views(page.workspace, RUNS_PAGE)
        ],
        link=_build_link,
        sorted_by=lambda order: _build_link(view.replace(sort=str(order))),
        pair=format_tag_filter,
        equality=format_equality,
        sizes=PAGE_SIZES,
        most_selected=MAX_VALUES,
        selected=selected,
        gone=[run_id for run_id in view.select if run_id not in found_ids],
        cancelable=[run.run_id for run in selected if not run.status.is_terminal],
        active_word=ACTIVE,
    )


def _build_link(view: RunsView) -> str:
    """Return the relative URL of a view without the selection, which a script adds when the user follows the link."""
    return f"?{view._replace(select=()).to_query()}"
