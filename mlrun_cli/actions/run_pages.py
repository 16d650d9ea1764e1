"""Show runs a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mlrun_cli.actions.runs import as_shown, settled_filter
from mlrun_cli.domain.run import Run
from mlrun_cli.domain.run_filter import RunFilter
from mlrun_cli.domain.run_order import NEWEST_FIRST, RunOrder
from mlrun_cli.workspace import Workspace

PAGE_SIZE = 50
COUNTED = 10_000
"""Beyond this number runs are not counted."""


class RunPage(NamedTuple):
    """One page.

    Attributes:
        runs: those it shows, with their true status.
        number: which page it is, from 1 on.
        total: how many runs there are on all pages, or `COUNTED`.
        is_total_exact: False when there are more than `total`.
        has_more: whether there is a next page.
        active: how many of all runs that are meant have not ended.
    """

    runs: Sequence[Run]
    number: int
    total: int
    is_total_exact: bool
    has_more: bool
    active: int


def run_page(
    workspace: Workspace,
    which: RunFilter,
    order: RunOrder = NEWEST_FIRST,
    *,
    number: int = 1,
    size: int = PAGE_SIZE,
) -> RunPage:
    """The runs that are meant, in this order: page `number`, from 1 on, of `size` runs each.

    Raises:
        RunNotFound: the filter names a parent that is not there.
        UsageError: something in it is no text.
    """
    which = settled_filter(workspace, which)
    pages = workspace.run_pages
    found = pages.page(which, order, limit=size + 1, offset=(number - 1) * size)
    total = pages.count(which, COUNTED + 1)
    return RunPage(
        runs=as_shown(workspace, found[:size], which.not_responding),
        number=number,
        total=min(total, COUNTED),
        is_total_exact=total <= COUNTED,
        has_more=len(found) > size,
        active=pages.active_count(which),
    )
