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
    """All conditions hold at once; child runs are left out unless their parent is named.

    `last` bounds the number of runs, newest first; None means all.
    """

    experiment_name: str | None = None
    statuses: frozenset[RunStatus] = frozenset()
    tags: tuple[TagFilter, ...] = ()
    parent_run_id: str | None = None
    target: str | None = None
    last: int | None = None
