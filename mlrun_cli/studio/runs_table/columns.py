"""The columns of a table of runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mlrun_cli.core.time import now
from mlrun_cli.metrics.metric import SUMMARIES, MetricSummary
from mlrun_cli.runs.order import COLUMNS, METRIC, PROPERTY, TAG, RunOrder
from mlrun_cli.runs.run import Run

RUN_COLUMNS: Mapping[str, str] = {
    "status": "Status",
    "display_name": "Run",
    "run_id": "Run id",
    "run_number": "Number",
    "experiment": "Experiment",
    "target": "Target",
    "submitter": "Submitter",
    "created": "Created",
    "duration": "Duration",
    "type": "Type",
    "description": "Description",
    "tags": "Tags",
}
"""The columns that all runs have, with their titles."""

_USUAL = ("status", "display_name", "run_number", "target", "submitter", "created", "duration", "tags")
_NAMES = ("display_name", "run_id")
_GREATEST_FIRST = frozenset({"created", "duration", "run_number", METRIC})
_NUMBERS = frozenset({"duration", "run_number", METRIC})

Summaries = Mapping[tuple[int, str], MetricSummary]
"""Metrics, by the run's key and their name."""


class Column(NamedTuple):
    """A column.

    Attributes:
        name: `status`, …, `tag:KEY`, `property:KEY` or `metric:NAME:last`, `…:min`, `…:max`: as runs are sorted by it.
        kind: what stands before the first colon.
        key: of the tag, the property or the metric.
        which: of a metric's values.
    """

    name: str
    title: str
    kind: str
    key: str = ""
    which: str = ""

    @classmethod
    def find(cls, name: str) -> Column | None:
        """The column of this name, or None when there can be none."""
        if name in RUN_COLUMNS:
            return cls(name, RUN_COLUMNS[name], name)
        kind, _, key = name.partition(":")
        if kind in {TAG, PROPERTY} and key:
            return cls(name, key, kind, key)
        key, _, which = key.rpartition(":")
        if kind == METRIC and key and which in SUMMARIES:
            return cls(name, key, kind, key, which)
        return None

    def is_number(self) -> bool:
        """Whether its cells stand at the right."""
        return self.kind in _NUMBERS

    def is_name(self) -> bool:
        """Whether it leads to the run."""
        return self.kind in _NAMES

    def next_order(self, order: RunOrder) -> RunOrder | None:
        """How runs are sorted when its head is pressed; None if they cannot be."""
        if self.kind not in {*COLUMNS, TAG, PROPERTY, METRIC}:
            return None
        is_first = order.column != self.name
        return RunOrder(self.name, self.kind in _GREATEST_FIRST if is_first else not order.descending)

    def value(self, run: Run, summaries: Summaries) -> Any:
        """What stands in it for a run: text, a number or a mapping; None when there is nothing."""
        if self.kind == TAG:
            return run.tags[self.key] or "" if self.key in run.tags else None
        if self.kind == PROPERTY:
            return run.properties.get(self.key)
        if self.kind == METRIC:
            summary = summaries.get((run.key, self.key))
            return None if summary is None else summary.measured(self.which)
        if self.kind == "duration":
            return run.elapsed_seconds(now())
        if self.kind == "tags":
            return run.tags or None
        return getattr(run, _ATTRIBUTES.get(self.kind, self.kind))


_ATTRIBUTES = {
    "created": "created_at",
    "experiment": "experiment_name",
    "submitter": "user_name",
    "type": "run_type",
}


def chosen_columns(names: Sequence[str], *, of_all_experiments: bool) -> Sequence[Column]:
    """The columns of these names, or the usual ones; one of them always leads to the run."""
    found = [column for column in map(Column.find, names) if column is not None]
    if not found:
        usual = ("experiment", *_USUAL[2:]) if of_all_experiments else _USUAL[2:]
        return [column for column in map(Column.find, (*_USUAL[:2], *usual)) if column is not None]
    if not any(column.is_name() for column in found):
        found.insert(0, Column("display_name", RUN_COLUMNS["display_name"], "display_name"))
    return found


def telling_columns(columns: Sequence[Column], runs: Sequence[Run], summaries: Summaries) -> Sequence[Column]:
    """Those that are neither empty nor the same in all rows, and those that lead to the runs."""
    return [column for column in columns if column.is_name() or _tells(column, runs, summaries)]


def _tells(column: Column, runs: Sequence[Run], summaries: Summaries) -> bool:
    values = [column.value(run, summaries) for run in runs]
    if len(runs) == 1:
        return values[0] not in {None, ""} if column.kind != "tags" else bool(values[0])
    return len({repr(value) for value in values}) > 1
