"""The columns of tables of runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.time import now
from mlrun_cli.metrics.metric import SUMMARIES, MetricSummary
from mlrun_cli.runs.order import COLUMNS, METRIC, PARAMETER, PROPERTY, TAG, RunOrder
from mlrun_cli.runs.parameters import Parameters
from mlrun_cli.runs.run import Run
from mlrun_cli.wire.bookkeeping_tags import drop_bookkeeping_tags

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

_DEFAULT_COLUMNS = ("status", "display_name", "run_number")
_LAST_DEFAULT_COLUMNS = ("target", "submitter", "created", "duration", "tags")
_LINK_KINDS = ("display_name", "run_id")
_DESCENDING_FIRST = frozenset({"created", "duration", "run_number", METRIC})
_NUMERIC_KINDS = frozenset({"duration", "run_number", METRIC})


class ColumnValues(NamedTuple):
    """The values for columns that are not attributes of runs.

    Attributes:
        summaries: the summaries of metrics, keyed by the key of a run and the name of the metric.
        parameters: the parameters of runs, keyed by the keys of the runs.
    """

    summaries: Mapping[tuple[int, str], MetricSummary]
    parameters: Mapping[int, Parameters]


class Column(NamedTuple):
    """A column of a table of runs.

    Attributes:
        name: `status`, …, `tag:KEY`, `property:KEY`, `parameter:NAME` or `metric:NAME:last`, `…:min`, `…:max`, as in
            `RunOrder`.
        kind: the part of the name before the first colon.
        key: the key of the tag or property, or the name of the parameter or metric.
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
        if kind in {TAG, PROPERTY, PARAMETER} and key:
            return cls(name, key, kind, key)
        key, _, which = key.rpartition(":")
        if kind == METRIC and key and which in SUMMARIES:
            return cls(name, key, kind, key, which)
        return None

    def is_numeric(self) -> bool:
        """Return whether the cells contain numbers, which are right-aligned."""
        return self.kind in _NUMERIC_KINDS

    def links_to_run(self) -> bool:
        """Return whether the cells link to the run."""
        return self.kind in _LINK_KINDS

    def get_next_order(self, order: RunOrder) -> RunOrder | None:
        """Return the sort order that a click on the header selects, or None if the column is not sortable."""
        if self.kind not in {*COLUMNS, TAG, PROPERTY, PARAMETER, METRIC}:
            return None
        is_first = order.column != self.name
        return RunOrder(self.name, self.kind in _DESCENDING_FIRST if is_first else not order.descending)

    def get_value(self, run: Run, values: ColumnValues) -> Any:
        """Return a run's value as a string, number, parameter or mapping, or None if it has none."""
        if self.kind == PARAMETER:
            return values.parameters.get(run.key, {}).get(self.key)
        if self.kind == METRIC:
            summary = values.summaries.get((run.key, self.key))
            return None if summary is None else summary.get_statistic(self.which)
        return self._get_run_field(run)

    def _get_run_field(self, run: Run) -> Any:
        if self.kind == TAG:
            return run.tags[self.key] or "" if self.key in run.tags else None
        if self.kind == PROPERTY:
            return run.properties.get(self.key)
        if self.kind == "duration":
            return run.compute_elapsed_seconds(now())
        if self.kind == "tags":
            return drop_bookkeeping_tags(run.run_type, run.run_id, run.tags) or None
        return getattr(run, _ATTRIBUTES.get(self.kind, self.kind))


_ATTRIBUTES = {
    "created": "created_at",
    "experiment": "experiment_name",
    "submitter": "user_name",
    "type": "run_type",
}


def select_columns(
    names: Sequence[str], *, all_experiments: bool, suggested_names: Sequence[str] = ()
) -> Sequence[Column]:
    """Return the columns with these names or, without any, the default columns; at least one links to the run.

    `suggested_names` are the names of columns of parameters and metrics among the default columns.
    """
    found = [column for column in map(Column.find, names) if column is not None]
    if not found:
        experiment = ("experiment",) if all_experiments else ()
        defaults = (*_DEFAULT_COLUMNS[:2], *experiment, *_DEFAULT_COLUMNS[2:], *suggested_names, *_LAST_DEFAULT_COLUMNS)
        return [column for column in map(Column.find, defaults) if column is not None]
    if not any(column.links_to_run() for column in found):
        found.insert(0, Column("display_name", RUN_COLUMNS["display_name"], "display_name"))
    return found


def select_varying_columns(columns: Sequence[Column], runs: Sequence[Run], values: ColumnValues) -> Sequence[Column]:
    """Return the columns in which runs have different values, and the columns that link to runs."""
    return [column for column in columns if column.links_to_run() or _has_different_values(column, runs, values)]


def _has_different_values(column: Column, runs: Sequence[Run], values: ColumnValues) -> bool:
    found = [column.get_value(run, values) for run in runs]
    if len(runs) == 1:
        return found[0] not in {None, ""} if column.kind != "tags" else bool(found[0])
    return len({repr(value) for value in found}) > 1
