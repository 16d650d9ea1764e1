"""The columns of tables of runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
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
"""A mapping from the names of the columns that all runs have to their titles."""

_DEFAULT_COLUMNS = ("status", "display_name", "run_number", "target", "submitter", "created", "duration", "tags")
_LINK_KINDS = ("display_name", "run_id")
_DESCENDING_FIRST = frozenset({"created", "duration", "run_number", METRIC})
_NUMERIC_KINDS = frozenset({"duration", "run_number", METRIC})

Summaries = Mapping[tuple[int, str], MetricSummary]
"""A mapping from the key of a run and the name of a metric to the metric's summary."""


class Column(NamedTuple):
    """A column of a table of runs.

    Attributes:
        name: `status`, …, `tag:KEY`, `property:KEY` or `metric:NAME:last`, `…:min`, `…:max`, as in `RunOrder`.
        kind: the part of the name before the first colon.
        key: the key of the tag or property, or the name of the metric.
        which: the statistic of a metric: `last`, `min` or `max`.
    """

    name: str
    title: str
    kind: str
    key: str = ""
    which: str = ""

    @classmethod
    def find(cls, name: str) -> Column | None:
        """Return the column with this name, or None if the name is not valid."""
        if name in RUN_COLUMNS:
            return cls(name, RUN_COLUMNS[name], name)
        kind, _, key = name.partition(":")
        if kind in {TAG, PROPERTY} and key:
            return cls(name, key, kind, key)
        key, _, which = key.rpartition(":")
        if kind == METRIC and key and which in SUMMARIES:
            return cls(name, key, kind, key, which)
        return None

    def is_numeric(self) -> bool:
        """Return whether the cells contain numbers, which are aligned right."""
        return self.kind in _NUMERIC_KINDS

    def links_to_run(self) -> bool:
        """Return whether the cells link to the run."""
        return self.kind in _LINK_KINDS

    def get_next_order(self, order: RunOrder) -> RunOrder | None:
        """Return the order that a click on the header selects, or None if runs cannot be sorted by the column."""
        if self.kind not in {*COLUMNS, TAG, PROPERTY, METRIC}:
            return None
        is_first = order.column != self.name
        return RunOrder(self.name, self.kind in _DESCENDING_FIRST if is_first else not order.descending)

    def get_value(self, run: Run, summaries: Summaries) -> Any:
        """Return the value of a run as text, a number or a mapping, or None if the run has no value."""
        if self.kind == TAG:
            return run.tags[self.key] or "" if self.key in run.tags else None
        if self.kind == PROPERTY:
            return run.properties.get(self.key)
        if self.kind == METRIC:
            summary = summaries.get((run.key, self.key))
            return None if summary is None else summary.get_statistic(self.which)
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


def select_columns(names: Sequence[str], *, all_experiments: bool) -> Sequence[Column]:
    """Return the columns with these names, or the default columns; at least one of them links to the run."""
    found = [column for column in map(Column.find, names) if column is not None]
    if not found:
        defaults = ("experiment", *_DEFAULT_COLUMNS[2:]) if all_experiments else _DEFAULT_COLUMNS[2:]
        return [column for column in map(Column.find, (*_DEFAULT_COLUMNS[:2], *defaults)) if column is not None]
    if not any(column.links_to_run() for column in found):
        found.insert(0, Column("display_name", RUN_COLUMNS["display_name"], "display_name"))
    return found


def find_varying_columns(columns: Sequence[Column], runs: Sequence[Run], summaries: Summaries) -> Sequence[Column]:
    """Return the columns that are not empty or constant, and the columns that link to runs."""
    return [column for column in columns if column.links_to_run() or _varies(column, runs, summaries)]


def _varies(column: Column, runs: Sequence[Run], summaries: Summaries) -> bool:
    values = [column.get_value(run, summaries) for run in runs]
    if len(runs) == 1:
        return values[0] not in {None, ""} if column.kind != "tags" else bool(values[0])
    return len({repr(value) for value in values}) > 1
