"""Which runs are meant: the filters that list, cancel and delete share."""

from __future__ import annotations

from typing import NamedTuple

from mlrun_cli.domain.run_status import RunStatus


class TagFilter(NamedTuple):
    """A tag's key, and the value it must have unless any will do."""

    key: str
    value: str | None = None
    any_value: bool = False


class RunFilter(NamedTuple):
    """All conditions hold at once; child runs are left out unless their parent is named or they are asked for.

    Attributes:
        is_recursive: with `parent_run_id` not only its children but all runs below it.
        before_key: runs that are older than the one with this key.
        last: bounds the number of runs, newest first; None means all.
    """

    experiment_name: str | None = None
    statuses: frozenset[RunStatus] = frozenset()
    tags: tuple[TagFilter, ...] = ()
    properties: tuple[TagFilter, ...] = ()
    parent_run_id: str | None = None
    is_recursive: bool = False
    include_children: bool = False
    run_type: str | None = None
    target: str | None = None
    before_key: int | None = None
    last: int | None = None
