"""The route of the comparison of runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.responses import Response

from mlrun_cli.actions.run_pages import get_run_page
from mlrun_cli.actions.runs import get_reconciled_runs
from mlrun_cli.actions.views import list_views
from mlrun_cli.errors import NotFound, UsageError
from mlrun_cli.runs.filter import RunFilter
from mlrun_cli.runs.run import Run
from mlrun_cli.studio.charts.board import build_board
from mlrun_cli.studio.page_request import PageRequest
from mlrun_cli.studio.pages.compare.comparison import SOURCE_TITLE, compare_runs
from mlrun_cli.studio.pages.compare.parallel_coordinates import build_parallel_coordinates
from mlrun_cli.studio.paging import parse_page_number
from mlrun_cli.views.view import COMPARE_PAGE

_MAX_RUNS = 200
_COLUMNS = 20
_MAX_FOUND = 20


def show(page: PageRequest) -> Response:
    """Show the comparison of the runs in the URL; the first is the baseline."""
    named = list(dict.fromkeys(page.request.query_params.getlist("run")))
    run_ids = named[:_MAX_RUNS]
    runs, missing = _find_runs(page, run_ids)
    number = parse_page_number(page)
    others = runs[1:]
    shown = runs[:1] + others[(number - 1) * (_COLUMNS - 1) : number * (_COLUMNS - 1)]
    with_constant = bool(page.get_query_parameter("constant"))
    return page.render(
        "pages/compare/template.html",
        runs=runs,
        shown=shown,
        missing=missing,
        left_out=len(named) - len(run_ids),
        sections=compare_runs(page.workspace, shown, includes_constant=with_constant) if shown else (),
        board=build_board(page, runs),
        sweep=build_parallel_coordinates(page.workspace, runs, page.request.query_params.getlist("axis")),
        with_constant=with_constant,
        number=number,
        has_more=number * (_COLUMNS - 1) < len(others),
        source_title=SOURCE_TITLE,
        saved=list_views(page.workspace, COMPARE_PAGE),
        topic=page.build_topic("runs"),
        **_build_search_context(page, run_ids),
        **_build_link_functions(page, run_ids),
    )


def _find_runs(page: PageRequest, run_ids: Sequence[str]) -> tuple[list[Run], list[str]]:
    """Return the existing runs, with their statuses reconciled, and the ids of missing runs."""
    found, missing = [], []
    for run_id in run_ids:
        try:
            found.append(page.workspace.runs.get(run_id))
        except NotFound:
            missing.append(run_id)
    return list(get_reconciled_runs(page.workspace, found)), missing


def _build_search_context(page: PageRequest, run_ids: Sequence[str]) -> Mapping[str, Any]:
    """Return the template context with the search text for runs to add, the runs found, and any error."""
    find = page.get_query_parameter("find").strip()
    found: Sequence[Run] = ()
    problem = None
    if find:
        try:
            found = get_run_page(page.workspace, RunFilter(text=find, include_children=True), size=_MAX_FOUND).runs
        except UsageError as error:
            problem = error
    return {"find": find, "found": [run for run in found if run.run_id not in run_ids], "find_problem": problem}


def _build_link_functions(page: PageRequest, run_ids: Sequence[str]) -> Mapping[str, Any]:
    """Return the functions with which the template builds changed query strings of the page, keyed by name."""
    pairs = parse_qsl(page.request.url.query, keep_blank_values=True)

    def list_parameters(*excluded: str) -> Sequence[tuple[str, str]]:
        return [(name, value) for name, value in pairs if name not in excluded]

    def change_parameters(**changes: Iterable[object]) -> str:
        own = [(name, value) for name, values in changes.items() for value in values]
        return urlencode([*own, *list_parameters(*changes)])

    def build_runs_query(ids: Iterable[str]) -> str:
        return change_parameters(run=ids, page=())

    return {
        "list_parameters": list_parameters,
        "change_parameters": change_parameters,
        "build_runs_query": build_runs_query,
        "add_runs": lambda ids: build_runs_query([*run_ids, *ids]),
        "remove_run": lambda run_id: build_runs_query(each for each in run_ids if each != run_id),
        "move_run_first": lambda run_id: build_runs_query([run_id, *(each for each in run_ids if each != run_id)]),
    }
