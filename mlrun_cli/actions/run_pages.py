"""Show runs a page at a time."""

from __future__ import annotations

from collections.abc import Sequence

from mlrun_cli.actions.runs import prepare_for_display, resolve_filter
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.runs.filter import RunFilter
from mlrun_cli.runs.order import NEWEST_FIRST, RunOrder
from mlrun_cli.runs.run import Run
from mlrun_cli.store.runs.page_store import COUNTED, RunPageStore
from mlrun_cli.workspace import Workspace

PAGE_SIZE = 50


class Count(NamedTuple):
    """A number of runs, cut off at `COUNTED`."""

    number: int
    is_exact: bool = True

    @classmethod
    def from_found(cls, found: int) -> Count:
        """Return an exact count, or "at least `COUNTED`" when more were found."""
        return cls(min(found, COUNTED), found <= COUNTED)

    def __str__(self) -> str:
        """`10,000+` when there are more."""
        return f"{self.number:,}{'' if self.is_exact else '+'}"


class RunPage(NamedTuple):
    """One page.

    Attributes:
        runs: those it shows, with their true status.
        number: which page it is, from 1 on.
        total: how many runs there are on all pages.
        has_more: whether there is a next page.
        active: how many of all runs that are counted have not ended.
        at_top: where child runs are counted apart, how many of those that are counted are none; else `total`.
        child_runs: how many are; None where they are not counted apart, and beside more others than are counted.
    """

    runs: Sequence[Run]
    number: int
    total: Count
    has_more: bool
    active: int
    at_top: Count
    child_runs: Count | None


def get_run_page(
    workspace: Workspace,
    which: RunFilter,
    order: RunOrder = NEWEST_FIRST,
    *,
    number: int = 1,
    size: int = PAGE_SIZE,
    counts_children: bool = False,
) -> RunPage:
    """Return the runs of a filter, in this order: page `number`, from 1 on, of `size` runs each.

    Args:
        workspace: where they are.
        which: those that are meant.
        order: in which they follow each other.
        number: of the page.
        size: of each page.
        counts_children: whether child runs are counted too, apart from the others, be they on the pages or not.

    Raises:
        RunNotFound: the filter names a parent that is not there.
        UsageError: something in it is no text.
    """
    which = resolve_filter(workspace, which)
    pages = workspace.run_pages
    found = pages.list_page(which, order, limit=size + 1, offset=(number - 1) * size)
    counts = _count_runs_and_children(pages, which) if counts_children else _count_runs(pages, which)
    return RunPage(
        runs=prepare_for_display(workspace, found[:size], which.not_responding),
        number=number,
        has_more=len(found) > size,
        active=pages.count_active(_include_children(which) if counts_children else which),
        **counts._asdict(),
    )


class _Counts(NamedTuple):
    total: Count
    at_top: Count
    child_runs: Count | None


def _count_runs(pages: RunPageStore, which: RunFilter) -> _Counts:
    total = Count.from_found(pages.count(which))
    return _Counts(total, total, None)


def _count_runs_and_children(pages: RunPageStore, which: RunFilter) -> _Counts:
    """Return the number of runs without a parent, and of child runs."""
    at_top = pages.count(which._replace(include_children=False))
    if at_top > COUNTED:
        return _Counts(Count.from_found(at_top), Count.from_found(at_top), None)
    both = pages.count(_include_children(which), at_top + COUNTED + 1)
    total = both if which.include_children else at_top
    return _Counts(Count.from_found(total), Count.from_found(at_top), Count.from_found(both - at_top))


def _include_children(which: RunFilter) -> RunFilter:
    return which._replace(include_children=True)
