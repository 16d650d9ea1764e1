"""Paginated lists of runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from mlrun_cli.actions.parameters import backfill_parameters, depends_on_parameters
from mlrun_cli.actions.runs import prepare_for_display, resolve_filter
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.runs.filter import RunFilter
from mlrun_cli.runs.order import NEWEST_FIRST, RunOrder
from mlrun_cli.runs.run import Run
from mlrun_cli.store.runs.page_store import COUNTED, RunPageStore
from mlrun_cli.workspace import Workspace

PAGE_SIZE = 50


class Count(NamedTuple):
    """A number of runs, counted only up to a limit."""

    number: int
    is_exact: bool = True

    @classmethod
    def from_found_count(cls, found_count: int, limit: int = COUNTED) -> Count:
        """Return the exact count, or the limit marked as inexact if more runs were found."""
        return cls(min(found_count, limit), found_count <= limit)

    def __str__(self) -> str:
        """Return the number with thousands separators, with a `+` if there are more runs."""
        return f"{self.number:,}{'' if self.is_exact else '+'}"


class RunPage(NamedTuple):
    """A page of a list of runs, with counts of the whole list.

    Attributes:
        runs: the runs on the page, with their actual status.
        number: the number of the page, starting at 1.
        total: the number of runs on all pages.
        has_more: whether there is a next page.
        active: the number of counted runs that have not ended.
        at_top: the number of runs without a parent if child runs are counted separately; else `total`.
        child_runs: the number of child runs; None if they are not counted separately, or if `at_top` is not exact.
        is_complete: False while parameters of older runs, which the page depends on, have not been read.
    """

    runs: Sequence[Run]
    number: int
    total: Count
    has_more: bool
    active: int
    at_top: Count
    child_runs: Count | None
    is_complete: bool = True


def get_run_page(
    workspace: Workspace,
    run_filter: RunFilter,
    order: RunOrder = NEWEST_FIRST,
    *,
    page_number: int = 1,
    size: int = PAGE_SIZE,
    counts_children: bool = False,
) -> RunPage:
    """Return page `page_number` of the runs that match a filter, in the given order, with `size` runs per page.

    Args:
        workspace: the workspace of the runs.
        run_filter: the filter.
        order: the order of the runs.
        page_number: the number of the page, starting at 1.
        size: the number of runs on a page.
        counts_children: whether child runs are counted separately, even if the pages do not include them.

    Raises:
        RunNotFound: the filter's parent run does not exist.
        UsageError: a value of the filter is not text.
    """
    run_filter = resolve_filter(workspace, run_filter)
    is_complete = not depends_on_parameters(run_filter, order) or backfill_parameters(workspace)
    pages = workspace.run_pages
    found = pages.list_page(run_filter, order, limit=size + 1, offset=(page_number - 1) * size)
    is_last = len(found) <= size and (found or page_number == 1)
    known = (page_number - 1) * size + len(found) if is_last else None
    counts = (_count_runs_and_children if counts_children else _count_runs)(pages, run_filter, known)
    return RunPage(
        runs=prepare_for_display(workspace, found[:size], run_filter.not_responding),
        number=page_number,
        has_more=len(found) > size,
        active=pages.count_active_runs(_include_children(run_filter) if counts_children else run_filter),
        **counts._asdict(),
        is_complete=is_complete,
    )


def list_sorted_runs(workspace: Workspace, run_filter: RunFilter, order: RunOrder) -> Sequence[Run]:
    """Return the runs that match a filter, in a sort order and up to the filter's limit, each with its actual status.

    Raises:
        RunNotFound: the filter's parent run does not exist.
        UsageError: a value of the filter is not text.
    """
    run_filter = resolve_filter(workspace, run_filter)
    limit = sys.maxsize if run_filter.last is None else run_filter.last
    found = workspace.run_pages.list_page(run_filter, order, limit=limit)
    return prepare_for_display(workspace, found, run_filter.not_responding)


def find_recent_child(workspace: Workspace, run_filter: RunFilter) -> Run | None:
    """Return the newest child run that matches a filter, or None if none of the last thousand child runs does."""
    return workspace.run_pages.find_recent_child(resolve_filter(workspace, run_filter))


class _Counts(NamedTuple):
    total: Count
    at_top: Count
    child_runs: Count | None


def _count_runs(pages: RunPageStore, run_filter: RunFilter, known_count: int | None) -> _Counts:
    """Return the counts of the runs that match a filter; pass the number of matching runs if it is known."""
    limit = pages.get_count_limit(run_filter)
    total = Count.from_found_count(pages.count(run_filter, limit + 1) if known_count is None else known_count, limit)
    return _Counts(total, total, None)


def _count_runs_and_children(pages: RunPageStore, run_filter: RunFilter, known_count: int | None) -> _Counts:
    """Return the counts of runs without a parent and of child runs; pass the number of matching runs if it is known."""
    limit = pages.get_count_limit(run_filter)
    if known_count is None or run_filter.include_children:
        at_top = pages.count(run_filter._replace(include_children=False), limit + 1)
    else:
        at_top = known_count
    if at_top > limit:
        return _Counts(Count.from_found_count(at_top, limit), Count.from_found_count(at_top, limit), None)
    both = pages.count(_include_children(run_filter), at_top + limit + 1)
    total = both if run_filter.include_children else at_top
    return _Counts(
        Count.from_found_count(total, limit),
        Count.from_found_count(at_top, limit),
        Count.from_found_count(both - at_top, limit),
    )


def _include_children(run_filter: RunFilter) -> RunFilter:
    """Return a filter that also matches child runs."""
    return run_filter._replace(include_children=True)
