"""What can still be read of a store whose file is damaged, row by row."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mlrun_cli.errors import StoreError, StoreUnavailable
from mlrun_cli.store.db.database import Database
from mlrun_cli.store.records import NAMED_TABLES, RecordStore

_MOST_PROBLEMS = 10
_AT_ONCE = 10_000
_VALUE_COLUMNS = ("metric_key", "position", "logged_at", "step", "kind", "number", "text")


def problems_of(path: Path) -> list[str]:
    """What is wrong with the file of a store, as SQLite's own check finds it; nothing as a rule.

    Raises:
        StoreUnavailable: it cannot be looked at now.
    """
    try:
        connection = _read_only(path)
        try:
            found = [row[0] for row in connection.execute(f"PRAGMA integrity_check({_MOST_PROBLEMS})")]
        finally:
            connection.close()
    except sqlite3.OperationalError as error:
        raise StoreUnavailable(f"The store {path} cannot be looked at: {error}.", hint="Try again later.") from error
    except sqlite3.DatabaseError as error:
        return [str(error)]
    return [] if found == ["ok"] else [" ".join(str(line).split()) for line in found]


def copy_store(source: Path, destination: Path) -> None:
    """Copy a store with SQLite's backup, while others write to it; the copy is one file that needs no log.

    Raises:
        StoreError: it cannot be read or written, or is no store.
    """
    try:
        reading, writing = sqlite3.connect(f"file:{_quoted(source)}?mode=ro", uri=True), sqlite3.connect(destination)
        try:
            reading.execute("SELECT max(version) FROM schema_version").fetchone()
            reading.backup(writing)
            writing.execute("PRAGMA journal_mode = DELETE")
        finally:
            writing.close()
            reading.close()
    except sqlite3.Error as error:
        raise StoreError(f"The store {source} cannot be copied to {destination}: {error}.") from error


class Salvage:
    """A damaged store, of which rows are read from both ends of each table up to where it is damaged."""

    def __init__(self, path: Path) -> None:
        self._connection = _read_only(path)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def add_named(self, database: Database) -> None:
        """Add to a sound store what it lacks of what has a name, within a transaction."""
        records = RecordStore(database)
        for table in NAMED_TABLES:
            for row in self._rows(table, NAMED_TABLES[table]):
                records.add_named(table, row)

    def documents(self) -> dict[str, dict[str, Any]]:
        """The documents of runs, as `RecordStore` has them, by id; `journals` is how far each of theirs was read."""
        rows = {row["run_key"]: row for row in self._rows("runs", ("run_key",))}
        experiments = {row["experiment_key"]: row for row in self._rows("experiments", ("experiment_key",))}
        tags = self._grouped("run_tags", ("run_key", "key"), lambda row: (row["key"], row["value"]))
        properties = self._grouped("run_properties", ("run_key", "key"), lambda row: (row["key"], row["value"]))
        journals = self._grouped("journals", ("run_key", "name"), lambda row: (row["name"], row["bytes_read"]))
        history = self._grouped("status_changes", ("change_key",), lambda row: (row["status"], row["changed_at"]))
        return {
            row["run_id"]: {
                "experiment": experiments[row["experiment_key"]],
                "history": history[key],
                "journals": dict(journals[key]),
                "parent": rows.get(row["parent_key"], {}).get("run_id"),
                "properties": dict(properties[key]),
                "root": rows.get(row["root_key"], {}).get("run_id"),
                "row": row,
                "tags": dict(tags[key]),
            }
            for key, row in rows.items()
            if row["experiment_key"] in experiments
        }

    def add_metrics(self, database: Database) -> int:
        """Add to a sound store the metrics of which more values can be read here, within a transaction; how many."""
        there = RecordStore(database).run_keys()
        ids = {row["run_key"]: row["run_id"] for row in self._rows("runs", ("run_key",))}
        counts: dict[int, int] = defaultdict(int)
        for value in self._rows("metric_values", ("metric_key", "position")):
            counts[value["metric_key"]] += 1
        better: dict[int, int] = {}
        for metric in self._rows("metrics", ("metric_key",)):
            run_key, _ = there.get(ids.get(metric["run_key"], ""), (None, None))
            if run_key is not None:
                new_key = _begin_metric(database, run_key, metric, counts[metric["metric_key"]])
                if new_key is not None:
                    better[metric["metric_key"]] = new_key
        positions: dict[int, int] = defaultdict(int)
        batch: list[tuple[Any, ...]] = []
        for value in self._rows("metric_values", ("metric_key", "position")):
            new_key = better.get(value["metric_key"])
            if new_key is not None:
                row = {**value, "metric_key": new_key, "position": positions[new_key]}
                batch.append(tuple(row[column] for column in _VALUE_COLUMNS))
                positions[new_key] += 1
            if len(batch) >= _AT_ONCE:
                database.insert_many("metric_values", _VALUE_COLUMNS, batch)
                batch = []
        database.insert_many("metric_values", _VALUE_COLUMNS, batch)
        return len(better)

    def _grouped(
        self, table: str, keys: tuple[str, ...], pair: Callable[[Mapping[str, Any]], tuple[Any, Any]]
    ) -> dict[int, list[tuple[Any, Any]]]:
        """Pairs by the runs that they are of."""
        found: dict[int, list[tuple[Any, Any]]] = defaultdict(list)
        for row in self._rows(table, keys):
            found[row["run_key"]].append(pair(row))
        return found

    def _rows(self, table: str, keys: tuple[str, ...]) -> Iterator[dict[str, Any]]:
        """What can be read of a table: from its beginning to the first damage, then the end of it up to the last."""
        last: tuple[Any, ...] | None = None
        for row in self._until_damage(f"SELECT * FROM {table} ORDER BY {', '.join(keys)}"):  # noqa: S608 — our own names
            last = tuple(row[key] for key in keys)
            yield row
        descending = ", ".join(f"{key} DESC" for key in keys)
        rest = []
        for row in self._until_damage(f"SELECT * FROM {table} ORDER BY {descending}"):  # noqa: S608
            if last is not None and tuple(row[key] for key in keys) <= last:
                break
            rest.append(row)
        yield from reversed(rest)

    def _until_damage(self, sql: str) -> Iterator[dict[str, Any]]:
        try:
            cursor = self._connection.execute(sql)
            while (row := cursor.fetchone()) is not None:
                yield dict(row)
        except sqlite3.Error:
            return


def _begin_metric(database: Database, run_key: int, metric: Mapping[str, Any], count: int) -> int | None:
    """The key of a metric whose values are to be replaced by more of them; None when there are not more."""
    found = database.row(
        "SELECT metric_key, value_count FROM metrics WHERE run_key = :run_key AND name = :name",
        run_key=run_key,
        name=metric["name"],
    )
    if count <= (0 if found is None else found["value_count"]):
        return None
    if found is not None:
        for table in ("metric_values", "metrics"):
            database.execute(f"DELETE FROM {table} WHERE metric_key = :key", key=found["metric_key"])  # noqa: S608
    columns = ("name", "shape", "description", "last_value", "min_value", "max_value")
    row = database.row(
        f"INSERT INTO metrics (run_key, value_count, {', '.join(columns)})"  # noqa: S608 — our own names
        f" VALUES (:run_key, :count, {', '.join(f':{column}' for column in columns)}) RETURNING metric_key",
        run_key=run_key,
        count=count,
        **{column: metric[column] for column in columns},
    )
    assert row is not None
    return int(row["metric_key"])


def _read_only(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{_quoted(path)}?mode=ro", uri=True, timeout=30.0, isolation_level=None)
    connection.row_factory = sqlite3.Row
    return connection


def _quoted(path: Path) -> str:
    from urllib.parse import quote  # noqa: PLC0415 - few come here

    return quote(str(path.absolute()))
