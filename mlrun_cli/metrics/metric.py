"""Metrics: logged values, and the shapes in which they are returned.

The shapes are those of `Run.get_metrics()` in Azure's documentation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple

Scalar = float | int | str | bool | None


class LoggedValue(NamedTuple):
    """A value logged by one call; it is a scalar, list, row or table, depending on `shape`."""

    shape: str
    name: str
    logged_at: int
    step: float | None
    value: Any
    description: str | None


VALUE, LIST, ROW, TABLE, MIXED = "value", "list", "row", "table", "mixed"
IMAGE, CONFUSION_MATRIX, ACCURACY_TABLE = "image", "confusion matrix", "accuracy table"
RESIDUALS, PREDICTIONS = "residuals", "predictions"
_SINGLE = frozenset({VALUE, IMAGE, CONFUSION_MATRIX, ACCURACY_TABLE, RESIDUALS, PREDICTIONS})
"""Shapes of which one call logs one value, which is the address of a stored file except for the first shape."""


def convert_to_float(number: float) -> float:
    """Return a logged number as a float, or infinity of the same sign if it is an integer that is too large for one."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def merge_shapes(before: str | None, after: str) -> str:
    """Return the shape of a metric after a value of shape `after` was logged; `before` is the earlier shape, if any."""
    if before is None or before == after:
        return after
    if {before, after} == {VALUE, LIST}:
        return LIST
    return TABLE if {before, after} == {ROW, TABLE} else MIXED


def assemble_metric(shape: str, values: Sequence[Any], steps: Sequence[float | None]) -> Any:
    """Return all values of a metric, given in logging order, in the format of `get_metrics`."""
    if shape == ROW:
        return values[0] if len(values) == 1 else _collect_columns(values)
    if shape == TABLE:
        return _merge_tables(values)
    if any(step is not None for step in steps):
        order = sorted(range(len(values)), key=lambda position: _get_step_sort_key(steps[position]))
        values = [values[position] for position in order]
    return values[0] if shape in _SINGLE and len(values) == 1 else list(values)


def _get_step_sort_key(step: float | None) -> float:
    return float("-inf") if step is None else step


def _collect_columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return the columns of a table given as rows, with None where a row lacks a column."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _merge_tables(tables: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Merge tables by column name, with None where a table lacks a column or has too few rows."""
    if len(tables) == 1:
        return dict(tables[0])
    columns: dict[str, list[Any]] = {name: [] for table in tables for name in table}
    count = 0
    for table in tables:
        cells = {name: cell if isinstance(cell, list) else [cell] for name, cell in table.items()}
        count += max(map(len, cells.values()), default=0)
        for name, column in columns.items():
            column.extend(cells.get(name, ()))
            column.extend([None] * (count - len(column)))
    return columns


LAST, MIN, MAX = "last", "min", "max"
SUMMARIES = (LAST, MIN, MAX)
"""The statistics of a metric that runs are compared and sorted by."""


class MetricSummary(NamedTuple):
    """A summary of a run's metric without its values.

    `shape` is as in `LoggedValue`, or `mixed`. `last` is the last number, `minimum` and `maximum` are those of the
    numbers other than NaN; each is None if there is no such number, as for text, rows, tables and files.
    """

    name: str
    shape: str
    value_count: int
    last: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    description: str | None = None

    @property
    def has_numbers(self) -> bool:
        """True if any value of the metric is a number, including NaN."""
        return self.last is not None or self.minimum is not None

    def get_statistic(self, statistic: str) -> float | None:
        """Return the statistic `last`, `min` or `max`, or None if there is no such number."""
        return {LAST: self.last, MIN: self.minimum, MAX: self.maximum}[statistic]


class MetricPoint(NamedTuple):
    """A numeric value of a metric; `step` is the logged step or, without one, the position counted from 0.

    `logged_at` is in microseconds, and `value` may be NaN or infinite.
    """

    step: float
    logged_at: int
    value: float


class MetricItem(NamedTuple):
    """A value of a metric as logged: a number, text, None, row, table, or the URL of a file."""

    position: int
    step: float | None
    logged_at: int
    value: Any
