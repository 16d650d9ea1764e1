"""What the filters of a page of runs mean, and what is wrong with those that mean nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, TypeVar

from mlrun_cli.errors import UsageError
from mlrun_cli.metrics.filter import MetricFilter
from mlrun_cli.runs.filter import MOST_CONDITIONS, RunFilter, TagFilter
from mlrun_cli.runs.order import NEWEST_FIRST, RunOrder
from mlrun_cli.runs.status import ALIVE_STATUSES, RunStatus
from mlrun_cli.studio.runs_table.time_bound import time_bound
from mlrun_cli.studio.runs_table.view import RunsView

ACTIVE = "Active"
"""Stands among the statuses for all of those that a run has until its end."""

_MOST_WORDS = 50
_PAIR = re.compile(r"((?:\\.|[^\\=])+)(?:=(.*))?", re.DOTALL)
_Value = TypeVar("_Value")


class Fault(NamedTuple):
    """A filter that cannot be right: what was typed, and what is wrong with it."""

    text: str
    message: str


class ViewFilter(NamedTuple):
    """The runs that a view shows, by those of its filters that mean something.

    Attributes:
        faults: by the parameter, what is wrong with the others.
    """

    which: RunFilter
    order: RunOrder
    faults: Mapping[str, Fault]


def view_filter(view: RunsView, experiment_name: str | None, now: int) -> ViewFilter:
    """What a view shows: of one experiment, or of all. Spans of time end `now`, in microseconds."""
    reader = _Reader()
    statuses = reader.all("status", view.status, _statuses)
    since = reader.all("since", [view.since] if view.since else [], lambda text: time_bound(text, now))
    until = reader.all("until", [view.until] if view.until else [], lambda text: time_bound(text, now, is_end=True))
    searches = reader.all("search", [view.search] if view.search else [], _search)
    reader.room -= sum(len(text.split()) for text in searches)
    order = reader.all("sort", [view.sort], RunOrder.parse)
    choices = {"run_type": view.type, "target": view.target, "submitter": view.submitter}
    if experiment_name is None:
        choices["experiment_name"] = view.experiment
    which = RunFilter(
        experiment_name=experiment_name,
        statuses=frozenset[RunStatus]().union(*statuses),
        tags=reader.fitting("tag", _merged(reader.all("tag", view.tag, read_pair))),
        properties=reader.fitting("property", _merged(reader.all("property", view.property, read_pair))),
        include_children=(view.children and not view.is_tree()) or bool(searches),
        any_of={name: frozenset(values) for name, values in choices.items() if values},
        text=_first(searches),
        created_from=_first(since),
        created_until=_first(until),
        metrics=reader.fitting("metric", reader.all("metric", view.metric, MetricFilter.parse)),
    )
    return ViewFilter(which, _first(order) or NEWEST_FIRST, reader.faults)


def read_pair(text: str) -> TagFilter:
    r"""`key` for any value, `key=value` for that one; an equals sign in a key is written `\\=`.

    Raises:
        UsageError: there is no key.
    """
    found = _PAIR.fullmatch(text)
    if found is None:
        raise UsageError(f"'{text}' has no key.", hint="Write it as key=value, or key alone for any value.")
    key = re.sub(r"\\(.)", r"\1", found[1], flags=re.DOTALL)
    return TagFilter(key, found[2], any_value=found[2] is None)


def written_pair(key: str, value: str | None) -> str:
    """The text that `read_pair` makes a filter for this tag or property of."""
    escaped = re.sub(r"([\\=])", r"\\\1", key)
    return escaped if value is None else f"{escaped}={value}"


class _Reader:
    """Reads what was typed, and keeps what is wrong with it; there is `room` for so many more conditions."""

    def __init__(self) -> None:
        self.faults: dict[str, Fault] = {}
        self.room = MOST_CONDITIONS

    def all(self, name: str, texts: Iterable[str], read: Callable[[str], _Value]) -> tuple[_Value, ...]:
        """What can be read of the values of a parameter."""
        found = []
        for text in texts:
            try:
                found.append(read(text))
            except UsageError as error:
                self.faults[name] = Fault(text, f"{error.message} {error.hint or ''}".strip())
        return tuple(found)

    def fitting(self, name: str, conditions: tuple[_Value, ...]) -> tuple[_Value, ...]:
        """The conditions of a parameter; none of them when they are too many beside those before."""
        if len(conditions) > self.room:
            few = f"{len(conditions)} filters by {name} are too many, {self.room} fit in: none of them holds."
            self.faults[name] = Fault("", few)
            return ()
        self.room -= len(conditions)
        return conditions


def _merged(pairs: Iterable[TagFilter]) -> tuple[TagFilter, ...]:
    """One condition for each key: any of the values that are meant for it."""
    by_key: dict[str, TagFilter] = {}
    for pair in pairs:
        other = by_key.get(pair.key)
        if other is None or pair.any_value:
            by_key[pair.key] = pair
        elif not other.any_value:
            by_key[pair.key] = other._replace(or_values=(*other.or_values, pair.value or ""))
    return tuple(by_key.values())


def _search(text: str) -> str:
    count = len(text.split())
    if count > _MOST_WORDS:
        raise UsageError(f"There are {count} words to search for, {_MOST_WORDS} are allowed.")
    return text


def _statuses(text: str) -> frozenset[RunStatus]:
    if text == ACTIVE:
        return ALIVE_STATUSES
    try:
        return frozenset({RunStatus(text)})
    except ValueError:
        raise UsageError(f"There is no status '{text}'.") from None


def _first(values: tuple[_Value, ...]) -> _Value | None:
    return values[0] if values else None
