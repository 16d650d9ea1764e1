"""Which runs are meant: the filters that list, cancel, delete and the pages share."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from mlrun_cli.metrics.filter import MetricFilter
from mlrun_cli.runs.status import RunStatus


class TagFilter(NamedTuple):
    """A tag's key, and the value it must have unless any will do, or one of `or_values`."""

    key: str
    value: str | None = None
    any_value: bool = False
    or_values: tuple[str, ...] = ()


class RunFilter(NamedTuple):
    """All conditions hold at once; child runs are left out unless their parent is named or they are asked for.

    Attributes:
        is_recursive: with `parent_run_id` not only its children but all runs below it.
        submitter: the name of the user who submitted it.
        any_of: values of which a run has one, by the name of what they are: `experiment_name`, `run_type`, `target` or
            `submitter`.
        text: words, each of which occurs, as a whole or within a longer one and in either case, in a tag, the
            description, the name of the experiment or of the submitter, the run id or the display name.
        created_from: runs that were made at this moment or later, in microseconds.
        created_until: runs that were made before this moment, in microseconds.
        metrics: comparisons with what was logged.
        not_responding: keys of live runs that were found not to respond; this is their status, whatever is recorded.
        before_key: runs that are older than the one with this key.
        last: bounds the number of runs, newest first; None means all. Pages have their own bound.
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
    submitter: str | None = None
    any_of: Mapping[str, frozenset[str]] = MappingProxyType({})
    text: str | None = None
    created_from: int | None = None
    created_until: int | None = None
    metrics: tuple[MetricFilter, ...] = ()
    not_responding: frozenset[int] = frozenset()
    before_key: int | None = None
    last: int | None = None
