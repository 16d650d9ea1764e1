"""Metrics in the database: every SQL statement about them is in this file.

The kind of each value is stored too, since a database loses it: SQLite turns NaN into null and True into 1, and
Python's integers are unbounded. `kind` is `f` float, `n` NaN, `i` integer, `b` boolean, `s` text, `z` None, `r` row,
`t` table; rows, tables, text and integers beyond 2**53 are in `text`, everything else in `number`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.metrics.metric import (
    LIST,
    ROW,
    TABLE,
    VALUE,
    LoggedValue,
    MetricItem,
    assemble_metric,
    convert_to_float,
    merge_shapes,
)
from mlrun_cli.metrics.resource_metrics import RESOURCE_METRICS
from mlrun_cli.store.db.database import Database, Row, build_in_lists

_COLUMNS = ("metric_key", "position", "logged_at", "step", "kind", "number", "text")
_EXACT_IN_FLOAT = 2**53
_LONG = 10_000
_NUMBERS = ("f", "n", "i", "b")
_LAST_STEP = (
    f"CASE WHEN metrics.value_count > {_LONG} THEN metrics.value_count - 1"  # noqa: S608 — our own words
    " ELSE (SELECT position FROM metric_values AS each_value WHERE each_value.metric_key = metrics.metric_key"
    " ORDER BY coalesce(step, 0) DESC, position DESC LIMIT 1) END"
)
NOT_OF_RESOURCES = f"name NOT IN ({', '.join(map(repr, RESOURCE_METRICS))})"
"""The condition for metrics that the script has logged, not the supervisor."""
# The database stores NaN as null; whether a null stands for NaN is read from the value itself.
ENDS_IN_NAN = (
    "coalesce((SELECT kind = 'n' FROM metric_values WHERE metric_values.metric_key = metrics.metric_key"
    " AND position = metrics.value_count - 1), 0) = 1"
)
"""The condition that the last value of a metric is NaN."""


class _Series:
    """The running state of one metric while a batch is ingested."""

    __slots__ = ("count", "description", "earlier", "key", "last", "maximum", "minimum", "shape")

    def __init__(self, row: Row) -> None:
        self.key: int = row["metric_key"]
        self.shape: str | None = row["shape"] or None
        self.count: int = row["value_count"]
        self.earlier: int = row["earlier_count"]
        self.last: float | None = row["last_value"]
        self.minimum: float | None = row["min_value"]
        self.maximum: float | None = row["max_value"]
        self.description: str | None = row["description"]

    def add_number(self, number: float) -> None:
        self.last = number
        if self.minimum is None or number < self.minimum:
            self.minimum = number
        if self.maximum is None or number > self.maximum:
            self.maximum = number


class MetricStore:
    """Reads and writes the metrics of runs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, run_key: int, batch: Sequence[LoggedValue]) -> None:
        """Append logged values in order; the caller must be in a transaction."""
        series_by_name: dict[str, _Series] = {}
        rows: list[tuple[object, ...]] = []
        for shape, name, logged_at, step, value, description in batch:
            series = series_by_name.get(name)
            if series is None:
                series = series_by_name[name] = self._open_series(run_key, name, shape, batch)
            if series.shape != shape:
                series.shape = merge_shapes(series.shape, shape)
            if description is not None:
                series.description = description
            if shape == VALUE and type(value) is float and value == value:  # noqa: PLR0124 — NaN differs from itself
                # By far the most frequent case, which takes half the time of the general one.
                series.add_number(value)
                rows.append((series.key, series.count, logged_at, step, "f", value, None))
                series.count += 1
                continue
            for item in value if shape == LIST else (value,):
                kind, number, text = _encode_value(shape, item)
                if kind == "n":
                    series.last = item
                elif number is not None:
                    series.add_number(number)
                rows.append((series.key, series.count, logged_at, step, kind, number, text))
                series.count += 1
        self._database.insert_many("metric_values", _COLUMNS, rows)
        for series in series_by_name.values():
            self._store_summary(series)

    def copy(self, run_key: int, new_run_key: int) -> None:
        """Copy all values of a run to a run that has none, in the caller's transaction."""
        self._database.execute(
            "INSERT INTO metrics (run_key, name, shape, description, value_count, last_value, min_value, max_value)"
            " SELECT :new_run_key, name, shape, description, value_count, last_value, min_value, max_value"
            " FROM metrics WHERE run_key = :run_key",
            run_key=run_key,
            new_run_key=new_run_key,
        )
        self._database.execute(
            "INSERT INTO metric_values (metric_key, position, logged_at, step, kind, number, text)"
            " SELECT new.metric_key, position, logged_at, step, kind, number, text FROM metric_values"
            " JOIN metrics AS old ON old.metric_key = metric_values.metric_key AND old.run_key = :run_key"
            " JOIN metrics AS new ON new.name = old.name AND new.run_key = :new_run_key",
            run_key=run_key,
            new_run_key=new_run_key,
        )

    def begin_attempt(self, run_key: int) -> None:
        """Prepare metrics for a new attempt of their run: remove values without a step, mark the others as earlier."""
        for row in self._select_series(run_key, None):
            key = row["metric_key"]
            self._database.execute("DELETE FROM metric_values WHERE metric_key = :key AND step IS NULL", key=key)
            count = self._renumber_and_summarize(key)
            if count:
                self._database.execute(
                    "UPDATE metrics SET earlier_count = :count WHERE metric_key = :key", key=key, count=count
                )
            else:
                self._database.execute("DELETE FROM metrics WHERE metric_key = :key", key=key)

    def append_series(self, metric_key: int, deleted_row: Mapping[str, Any]) -> None:
        """Append the values of a deleted metric to another metric; `deleted_row` is the deleted metric's former row."""
        row = self._database.row("SELECT * FROM metrics WHERE metric_key = :key", key=metric_key)
        assert row is not None
        self._database.execute(
            "UPDATE metric_values SET metric_key = :key, position = position + :count WHERE metric_key = :other",
            key=metric_key,
            count=row["value_count"],
            other=deleted_row["metric_key"],
        )
        self._database.execute(
            "UPDATE metrics SET shape = :shape, description = coalesce(:description, description)"
            " WHERE metric_key = :key",
            key=metric_key,
            shape=merge_shapes(row["shape"], deleted_row["shape"]),
            description=deleted_row["description"],
        )
        self._renumber_and_summarize(metric_key)

    def _remove_superseded_values(self, series: _Series, steps: Sequence[float | None]) -> None:
        """Remove values that earlier attempts logged at or after the lowest of the given steps."""
        first = min((step for step in steps if step is not None), default=None)
        if first is None:
            return
        removed = self._database.execute(
            "DELETE FROM metric_values WHERE metric_key = :key AND position < :earlier AND step >= :first",
            key=series.key,
            earlier=series.earlier,
            first=first,
        )
        if not removed:
            return
        series.earlier -= removed
        self._renumber_and_summarize(series.key)
        self._database.execute(
            "UPDATE metrics SET earlier_count = :count WHERE metric_key = :key", key=series.key, count=series.earlier
        )
        row = self._database.row("SELECT * FROM metrics WHERE metric_key = :key", key=series.key)
        assert row is not None
        series.count, series.last = row["value_count"], row["last_value"]
        series.minimum, series.maximum = row["min_value"], row["max_value"]

    def _renumber_and_summarize(self, metric_key: int) -> int:
        """Renumber the values of a metric, store their summary, and return their count."""
        row = self._database.row(
            "SELECT count(*) AS found, max(position) AS last, min(number) AS low, max(number) AS high"
            " FROM metric_values WHERE metric_key = :key",
            key=metric_key,
        )
        assert row is not None
        count = int(row["found"])
        if count and row["last"] != count - 1:
            self._renumber_values(metric_key)
        last = self._database.row(
            "SELECT number FROM metric_values WHERE metric_key = :key AND (number IS NOT NULL OR kind = 'n')"
            " ORDER BY position DESC LIMIT 1",
            key=metric_key,
        )
        self._database.execute(
            "UPDATE metrics SET value_count = :count, last_value = :last, min_value = :low, max_value = :high"
            " WHERE metric_key = :key",
            key=metric_key,
            count=count,
            last=None if last is None else last["number"],
            low=row["low"],
            high=row["high"],
        )
        return count

    def _renumber_values(self, metric_key: int) -> None:
        rows = self._database.rows(
            "SELECT * FROM metric_values WHERE metric_key = :key ORDER BY position", key=metric_key
        )
        self._database.execute("DELETE FROM metric_values WHERE metric_key = :key", key=metric_key)
        values = [(metric_key, place, *(row[name] for name in _COLUMNS[2:])) for place, row in enumerate(rows)]
        self._database.insert_many("metric_values", _COLUMNS, values)

    def count_values(self, run_key: int) -> int:
        """Return the number of values that a run has logged."""
        row = self._database.row(
            "SELECT coalesce(sum(value_count), 0) AS total FROM metrics WHERE run_key = :run_key", run_key=run_key
        )
        assert row is not None
        return int(row["total"])

    def get(self, run_key: int, name: str | None = None) -> dict[str, Any]:
        """Return all metrics of a run, or only the one with this name, in the format of the SDK's `Run.get_metrics`."""
        return {
            row["name"]: self._read_values(row["metric_key"], row["shape"])
            for row in self._select_series(run_key, name)
        }

    def get_shapes(self, run_key: int, name: str | None = None) -> dict[str, str]:
        """Return the shape, such as `list`, of each metric of a run, or only of one metric, keyed by name."""
        return {row["name"]: row["shape"] for row in self._select_series(run_key, name)}

    def get_last_values(self, run_key: int, name: str | None = None) -> dict[str, Any]:
        """Return the newest value of each metric of a run, or only of one metric, keyed by name."""
        last: dict[str, Any] = {}
        for series in self._select_series(run_key, name):
            row = self._database.row(
                "SELECT kind, number, text FROM metric_values WHERE metric_key = :key ORDER BY position DESC LIMIT 1",
                key=series["metric_key"],
            )
            if row is not None:
                last[series["name"]] = _decode_value(row["kind"], row["number"], row["text"])
        return last

    def get_last_numbers(self, run_keys: Sequence[int]) -> Mapping[int, Sequence[tuple[str, float, int, int]]]:
        """Return the name, last number, time and step of each numeric metric, sorted by name and keyed by run key.

        Each is a name, the number, the time in milliseconds and the step, which is 0 for a value without one. Of very
        long metrics it is the value that was logged last, which is quicker to find.
        """
        found: dict[int, list[tuple[str, float, int, int]]] = {}
        for places, keys in build_in_lists("run", run_keys):
            rows = self._database.rows(
                "SELECT metrics.run_key, metrics.name, logged_at, step, kind, number, text FROM metrics"  # noqa: S608
                " JOIN metric_values ON metric_values.metric_key = metrics.metric_key"
                f" AND position = {_LAST_STEP} WHERE metrics.run_key IN {places} AND {NOT_OF_RESOURCES}"
                f" AND kind IN {_NUMBERS} ORDER BY metrics.run_key, metrics.name",
                **keys,
            )
            for row in rows:
                found.setdefault(row["run_key"], []).append(_build_named_number(row["name"], row))
        return found

    def list_last_numbers_by_key(self, metric_keys: Mapping[str, int]) -> Sequence[tuple[str, float, int, int]]:
        """Return name, last number, time and step of each numeric metric among the given ones, in the same order."""
        found = []
        for name, key in metric_keys.items():
            row = self._database.row(
                "SELECT logged_at, step, kind, number, text FROM metric_values WHERE metric_key = :key"
                " ORDER BY coalesce(step, 0) DESC, position DESC LIMIT 1",
                key=key,
            )
            if row is not None and row["kind"] in _NUMBERS and name not in RESOURCE_METRICS:
                found.append(_build_named_number(name, row))
        return found

    def list_items(self, run_key: int, name: str, *, limit: int, offset: int = 0) -> Sequence[MetricItem]:
        """Return up to `limit` values of a metric after the first `offset`, in the order of logging."""
        row = self._database.row(
            "SELECT metric_key FROM metrics WHERE run_key = :run_key AND name = :name", run_key=run_key, name=name
        )
        return [] if row is None else self.list_items_by_key(row["metric_key"], limit=limit, offset=offset)

    def list_items_by_key(self, metric_key: int, *, limit: int, offset: int = 0) -> Sequence[MetricItem]:
        """Return up to `limit` values of a metric after the first `offset`; the metric's run may have been deleted."""
        rows = self._database.rows(
            "SELECT position, step, logged_at, kind, number, text FROM metric_values WHERE position >= :offset"
            " AND metric_key = :metric_key ORDER BY position LIMIT :limit",
            metric_key=metric_key,
            limit=limit,
            offset=offset,
        )
        return [
            MetricItem(
                row["position"], row["step"], row["logged_at"], _decode_value(row["kind"], row["number"], row["text"])
            )
            for row in rows
        ]

    def _select_series(self, run_key: int, name: str | None) -> Sequence[Row]:
        condition = NOT_OF_RESOURCES if name is None else "name = :name"
        parameters = {} if name is None else {"name": name}
        return self._database.rows(
            f"SELECT metric_key, name, shape FROM metrics WHERE run_key = :run_key AND {condition}"  # noqa: S608
            " ORDER BY metric_key",
            run_key=run_key,
            **parameters,
        )

    def _read_values(self, metric_key: int, shape: str) -> Any:
        if self._has_only_plain_floats(metric_key):
            rows = self._database.rows(
                "SELECT number FROM metric_values WHERE metric_key = :key ORDER BY position", key=metric_key
            )
            return assemble_metric(shape, [row["number"] for row in rows], ())
        rows = self._database.rows(
            "SELECT kind, number, text, step FROM metric_values WHERE metric_key = :key ORDER BY position",
            key=metric_key,
        )
        values = [_decode_value(row["kind"], row["number"], row["text"]) for row in rows]
        return assemble_metric(shape, values, [row["step"] for row in rows])

    def _has_only_plain_floats(self, metric_key: int) -> bool:
        """Return whether all values are floats without a step, which can be read three times faster."""
        other = self._database.row(
            "SELECT 1 FROM metric_values WHERE metric_key = :key AND (kind <> 'f' OR step IS NOT NULL) LIMIT 1",
            key=metric_key,
        )
        return other is None

    def _open_series(self, run_key: int, name: str, shape: str, batch: Sequence[LoggedValue]) -> _Series:
        """Return the state of a metric, created if it is new, after removing the values that a batch supersedes."""
        self._database.execute(
            "INSERT INTO metrics (run_key, name, shape) VALUES (:run_key, :name, :shape)"
            " ON CONFLICT (run_key, name) DO NOTHING",
            run_key=run_key,
            name=name,
            shape=shape,
        )
        row = self._database.row(
            "SELECT * FROM metrics WHERE run_key = :run_key AND name = :name", run_key=run_key, name=name
        )
        assert row is not None
        series = _Series(row)
        if series.earlier:
            self._remove_superseded_values(series, [each.step for each in batch if each.name == name])
        return series

    def _store_summary(self, series: _Series) -> None:
        """Store the summary of a metric after values were added to it."""
        self._database.execute(
            "UPDATE metrics SET shape = :shape, value_count = :count, last_value = :last, min_value = :minimum,"
            " max_value = :maximum, description = :description WHERE metric_key = :key",
            key=series.key,
            shape=series.shape,
            count=series.count,
            last=series.last,
            minimum=series.minimum,
            maximum=series.maximum,
            description=series.description,
        )


def _encode_value(shape: str, value: Any) -> tuple[str, float | None, str | None]:
    """Return the columns `(kind, number, text)` of one value."""
    if shape in {ROW, TABLE}:
        return "r" if shape == ROW else "t", None, json.dumps(value)
    if type(value) is float:
        return ("f", value, None) if value == value else ("n", None, None)  # noqa: PLR0124 — NaN differs from itself
    if type(value) is bool:
        return "b", float(value), None
    if type(value) is int:
        return _encode_integer(value)
    if value is None:
        return "z", None, None
    return "s", None, str(value)


def _encode_integer(value: int) -> tuple[str, float | None, str | None]:
    if -_EXACT_IN_FLOAT <= value <= _EXACT_IN_FLOAT:
        return "i", float(value), None
    try:
        return "i", float(value), str(value)
    except OverflowError:
        return "i", None, str(value)


def _build_named_number(name: str, row: Row) -> tuple[str, float, int, int]:
    """Return a metric's name, number, time in milliseconds and step, from the row of a value that is a number."""
    value = convert_to_float(_decode_value(row["kind"], row["number"], row["text"]))
    return name, value, row["logged_at"] // 1000, int(row["step"] or 0)


def _decode_value(kind: str, number: float | None, text: str | None) -> Any:
    if kind == "f":
        return number
    if kind == "i":
        return int(text) if text is not None else int(number or 0)
    if kind == "b":
        return bool(number)
    if kind == "n":
        return float("nan")
    if kind == "z":
        return None
    return text if kind == "s" else json.loads(text or "null")
