"""Runs side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.responses import Response

from mlrun_cli.actions.run_pages import run_page
from mlrun_cli.actions.runs import get_reconciled_runs
from mlrun_cli.actions.views import list_views
from mlrun_cli.errors import NotFound, UsageError
from mlrun_cli.runs.filter import RunFilter
from mlrun_cli.runs.run import Run
from mlrun_cli.studio.charts.board import chart_board
from mlrun_cli.studio.page_request import PageRequest
from mlrun_cli.studio.pages.compare.comparison import SOURCE, compare
from mlrun_cli.studio.pages.compare.parallel_coordinates import sweep_of
from mlrun_cli.studio.paging import parse_page_number
from mlrun_cli.views.view import COMPARE_PAGE

_MOST_RUNS = 200
_COLUMNS = 20
_MOST_FOUND = 20


def show(page: PageRequest) -> Response:
    """The runs that the address names, the first of them the one that the others are compared with."""
    named = list(dict.fromkeys(page.request.query_params.getlist("run")))
    run_ids = named[:_MOST_RUNS]
    runs, missing = _runs(page, run_ids)
    number = parse_page_number(page)
    others = runs[1:]
    shown = runs[:1] + others[(number - 1) * (_COLUMNS - 1) : number * (_COLUMNS - 1)]
    with_constant = bool(page.query("constant"))
    return page.render(
        "pages/compare/template.html",
        runs=runs,
        shown=shown,
        missing=missing,
        left_out=len(named) - len(run_ids),
        sections=compare(page.workspace, shown, with_constant=with_constant) if shown else (),
        board=chart_board(page, runs),
        sweep=sweep_of(page.workspace, runs, page.request.query_params.getlist("axis")),
        with_constant=with_constant,
        number=number,
        has_more=number * (_COLUMNS - 1) < len(others),
        source_title=SOURCE,
        saved=list_views(page.workspace, COMPARE_PAGE),
        topic=page.topic("runs"),
        **_search(page, run_ids),
        **_links(page, run_ids),
    )


def _runs(page: PageRequest, run_ids: Sequence[str]) -> tuple[list[Run], list[str]]:
    """The runs that are there, with their true status, and the ids of those that are not."""
    found, missing = [], []
    for run_id in run_ids:
        try:
            found.append(page.workspace.runs.get(run_id))
        except NotFound:
            missing.append(run_id)
    return list(get_reconciled_runs(page.workspace, found)), missing


def _search(page: PageRequest, run_ids: Sequence[str]) -> Mapping[str, Any]:
    """What is looked for, and the runs that could be added; or what is wrong with it."""
    find = page.query("find").strip()
    found: Sequence[Run] = ()
    problem = None
    if find:
        try:
            found = run_page(page.workspace, RunFilter(text=find, include_children=True), size=_MOST_FOUND).runs
        except UsageError as error:
            problem = error
    return {"find": find, "found": [run for run in found if run.run_id not in run_ids], "find_problem": problem}


def _links(page: PageRequest, run_ids: Sequence[str]) -> Mapping[str, Any]:
    """What makes the addresses of the same page with something changed."""
    pairs = parse_qsl(page.request.url.query, keep_blank_values=True)

    def kept(*but: str) -> Sequence[tuple[str, str]]:
        return [(name, value) for name, value in pairs if name not in but]

    def changed(**changes: Iterable[object]) -> str:
        own = [(name, value) for name, values in changes.items() for value in values]
        return urlencode([*own, *kept(*changes)])

    def with_runs(ids: Iterable[str]) -> str:
        return changed(run=ids, page=())

    return {
        "kept": kept,
        "changed": changed,
        "with_runs": with_runs,
        "added": lambda ids: with_runs([*run_ids, *ids]),
        "without": lambda run_id: with_runs(each for each in run_ids if each != run_id),
        "as_first": lambda run_id: with_runs([run_id, *(each for each in run_ids if each != run_id)]),
    }
