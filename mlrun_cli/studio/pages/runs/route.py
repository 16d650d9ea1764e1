"""The runs of an experiment, or of the whole workspace."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import parse_qsl

from starlette.responses import Response

from mlrun_cli.actions.run_pages import run_page
from mlrun_cli.actions.runs import cancel_run
from mlrun_cli.actions.views import list_views
from mlrun_cli.core.time import now
from mlrun_cli.errors import RunNotFound, UsageError
from mlrun_cli.runs.cancellation import GRACE_SECONDS
from mlrun_cli.runs.filter import format_tag
from mlrun_cli.runs.status import ACTIVE
from mlrun_cli.studio.charts.board import chart_board, chosen_runs
from mlrun_cli.studio.page_request import PageRequest
from mlrun_cli.studio.pages.runs.column_menu import changed_columns, column_groups
from mlrun_cli.studio.pages.runs.filter_menus import filter_menus
from mlrun_cli.studio.runs_table.columns import chosen_columns
from mlrun_cli.studio.runs_table.table import runs_table
from mlrun_cli.studio.runs_table.view import MOST_VALUES, SIZES, RunsView
from mlrun_cli.studio.runs_table.view_filter import view_filter
from mlrun_cli.views.view import RUNS_PAGE

_PRESSES = ("add", "drop", "earlier", "later")


def show_experiment(page: PageRequest) -> Response:
    """The runs of one experiment."""
    name = page.path_parameter("experiment")
    page.workspace.experiments.get(name)
    return _show(page, name)


def show_all(page: PageRequest) -> Response:
    """The runs of the workspace."""
    return _show(page, None)


def cancel(page: PageRequest) -> Response:
    """Ask the selected runs to stop; those that have ended, or are not there any more, are passed over."""
    run_ids = page.fields.get_all("run")
    if len(run_ids) > MOST_VALUES:
        raise UsageError(
            f"At most {MOST_VALUES} runs are canceled at once, not {len(run_ids)}.", hint="None has been canceled."
        )
    for run_id in run_ids:
        with suppress(RunNotFound):
            run = page.workspace.runs.get(run_id)
            if not run.status.is_terminal:
                cancel_run(page.workspace, run, GRACE_SECONDS)
    view = RunsView.parse(page.fields.get("query", ""))
    return page.redirect(page.urls.runs(view.query(), page.fields.get("experiment")))


def _show(page: PageRequest, experiment: str | None) -> Response:
    view = RunsView.parse(page.request.url.query)
    columns = chosen_columns(view.columns, of_all_experiments=experiment is None)
    given = parse_qsl(page.request.url.query, keep_blank_values=True)
    presses = {name: value for name, value in given if name in _PRESSES}
    if presses:
        view = view.with_(columns=tuple(changed_columns(columns, presses)))
    if presses or any(not value for _, value in given):
        # A form sends its empty boxes too: what is shown has one address, worth copying.
        return page.redirect(page.urls.runs(view.query(), experiment))
    meant = view_filter(view, experiment, now())
    found = run_page(
        page.workspace,
        meant.which,
        meant.order,
        number=view.page,
        size=view.size,
        counts_children=view.children or meant.which.include_children,
    )
    table = runs_table(page.workspace, found, view, columns)
    chosen = chosen_runs(page.workspace, table.runs, view.select)
    there = {run.run_id for run in chosen}
    sought = page.query("find").strip()
    return page.render(
        "pages/runs/template.html",
        experiment=experiment,
        address=page.urls.runs(experiment_name=experiment),
        topic=page.topic("runs"),
        view=view,
        faults=meant.faults,
        order=meant.order,
        found=found,
        table=table,
        columns=columns,
        board=chart_board(page, table.runs, chosen),
        menus=filter_menus(page.workspace, view, of_all_experiments=experiment is None),
        groups=column_groups(page.workspace, table.runs, sought),
        sought=sought,
        saved=list_views(page.workspace, RUNS_PAGE),
        link=_link,
        sorted_by=lambda order: _link(view.with_(sort=str(order))),
        pair=format_tag,
        sizes=SIZES,
        most_selected=MOST_VALUES,
        chosen=chosen,
        gone=[run_id for run_id in view.select if run_id not in there],
        cancelable=[run.run_id for run in chosen if not run.status.is_terminal],
        active_word=ACTIVE,
    )


def _link(view: RunsView) -> str:
    """The link to another view of the same page; a script adds the runs that are selected when it is followed."""
    return f"?{view._replace(select=()).query()}"
