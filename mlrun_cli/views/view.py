"""A saved view: what a page of runs shows and how, under a name."""

from __future__ import annotations

from typing import NamedTuple

RUNS_PAGE, COMPARE_PAGE = "runs", "compare"
VIEW_PAGES = (RUNS_PAGE, COMPARE_PAGE)


class SavedView(NamedTuple):
    """A view of a workspace.

    Attributes:
        name: unique in its workspace.
        page: one of `VIEW_PAGES`.
        query: the query string of the page's address, without `?`; names no experiment, so that the view opens on any.
        author: the user who saved it last.
        created_at: in microseconds.
        changed_at: in microseconds.
        version: 1 when it is new, one more with each change; who overwrites it says which one he has seen.
    """

    name: str
    page: str
    query: str
    author: str
    created_at: int
    changed_at: int
    version: int
