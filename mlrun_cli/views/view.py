"""A saved view: the state of a page of runs, stored under a name."""

from __future__ import annotations

from mlrun_cli.core.named_tuple import NamedTuple

RUNS_PAGE, COMPARE_PAGE = "runs", "compare"
VIEW_PAGES = (RUNS_PAGE, COMPARE_PAGE)


class SavedView(NamedTuple):
    """A saved view of a workspace.

    Attributes:
        name: unique in its workspace.
        page: one of `VIEW_PAGES`.
        query: the query string of the page's URL without `?`; it contains no experiment, so that the view fits any.
        author: the user who saved it last.
        created_at: in microseconds.
        changed_at: in microseconds.
        version: 1 for a new view, incremented by each change; a change must state the version that it replaces.
    """

    name: str
    page: str
    query: str
    author: str
    created_at: int
    changed_at: int
    version: int
