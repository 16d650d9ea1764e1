"""Row-by-row transfer of the readable data of a damaged store."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from mlrun_cli.store.db.database import Database
from mlrun_cli.store.db.locator import DamagedDatabase
from mlrun_cli.store.rebuild_documents import NAMED_TABLES, RebuildDocumentStore

_BATCH_SIZE = 10_000
_VALUE_COLUMNS = ("metric_key", "position", "logged_at", "step", "kind", "number", "text")


class Salvage:
    """The readable part of a damaged store."""

    def __init__(self, damaged: DamagedDatabase) -> None:
        self._damaged = damaged

    def insert_missing_named_rows(self, sound_database: Database) -> None:
        """Insert the rows of the `NAMED_TABLES` that a sound database lacks, in the caller's transaction."""
        records = RebuildDocumentStore(sound_database)
        for table in NAMED_TABLES:
            for row in self._damaged.rows(table, NAMED_TABLES[table]):
                records.insert_named_row(table, row)

    def read_documents(self) -> dict[str, dict[str, Any]]:
        """Return the runs' documents as in `RebuildDocumentStore`, with their journals' offsets, keyed by run id."""
        rows = {row["run_key"]: row for row in self._damaged.rows("runs", ("run_key",))}
        experiments = {row["experiment_key"]: row for row in self._damaged.rows("experiments", ("experiment_key",))}
        tags = self._group_pairs("run_tags", ("run_key", "key"), lambda row: (row["key"], row["value"]))
        properties = self._group_pairs("run_properties", ("run_key", "key"), lambda row: (row["key"], row["value"]))
        journals = self._group_pairs("journals", ("run_key", "name"), lambda row: (row["name"], row["bytes_read"]))
        parameters = self._group_pairs(
            "run_parameters",
            ("run_key", "name"),
            lambda row: (row["name"], row["text"] if row.get("is_logged") else None),
        )
        history = self._group_pairs("status_changes", ("change_key",), lambda row: (row["status"], row["changed_at"]))
        return {
            row["run_id"]: {
                "experiment": experiments[row["experiment_key"]],
                "history": history[key],
                "journals": dict(journals[key]),
                "logged_parameters": {name: text for name, text in parameters[key] if text is not None},
                "parent": rows.get(row["parent_key"], {}).get("run_id"),
                "predecessor": rows.get(row.get("predecessor_key"), {}).get("run_id"),
                "properties": dict(properties[key]),
                "root": rows.get(row["root_key"], {}).get("run_id"),
                "row": row,
                "tags": dict(tags[key]),
            }
            for key, row in rows.items()
            if row["experiment_key"] in experiments
        }

    def insert_more_complete_metrics(self, sound_database: Database) -> int:
        """Insert metrics that have more values here than in a sound database, in a transaction; return their number."""
        there = RebuildDocumentStore(sound_database).get_keys_and_statuses()
        ids = {row["run_key"]: row["run_id"] for row in self._damaged.rows("runs", ("run_key",))}
        counts: dict[int, int] = defaultdict(int)
        for value in self._damaged.rows("metric_values", ("metric_key", "position")):
            counts[value["metric_key"]] += 1
        better: dict[int, int] = {}
        for metric in self._damaged.rows("metrics", ("metric_key",)):
            run_key, _ = there.get(ids.get(metric["run_key"], ""), (None, None))
            if run_key is not None:
                new_key = _insert_metric(sound_database, run_key, metric, counts[metric["metric_key"]])
                if new_key is not None:
                    better[metric["metric_key"]] = new_key
        positions: dict[int, int] = defaultdict(int)
        batch: list[tuple[Any, ...]] = []
        for value in self._damaged.rows("metric_values", ("metric_key", "position")):
            new_key = better.get(value["metric_key"])
            if new_key is not None:
                row = {**value, "metric_key": new_key, "position": positions[new_key]}
                batch.append(tuple(row[column] for column in _VALUE_COLUMNS))
                positions[new_key] += 1
            if len(batch) >= _BATCH_SIZE:
                sound_database.insert_many("metric_values", _VALUE_COLUMNS, batch)
                batch = []
        sound_database.insert_many("metric_values", _VALUE_COLUMNS, batch)
        return len(better)

    def _group_pairs(
        self, table: str, key_columns: tuple[str, ...], build_pair: Callable[[Mapping[str, Any]], tuple[Any, Any]]
    ) -> dict[int, list[tuple[Any, Any]]]:
        """Return the pairs that a function builds from the rows of a table, as lists keyed by run key."""
        found: dict[int, list[tuple[Any, Any]]] = defaultdict(list)
        for row in self._damaged.rows(table, key_columns):
            found[row["run_key"]].append(build_pair(row))
        return found


def _insert_metric(database: Database, run_key: int, metric: Mapping[str, Any], value_count: int) -> int | None:
    """Insert a metric, replacing one with fewer values; return its key, or None if the existing one is as complete."""
    found = database.row(
        "SELECT metric_key, value_count FROM metrics WHERE run_key = :run_key AND name = :name",
        run_key=run_key,
        name=metric["name"],
    )
    if value_count <= (0 if found is None else found["value_count"]):
        return None
    if found is not None:
        for table in ("metric_values", "metrics"):
            database.execute(f"DELETE FROM {table} WHERE metric_key = :key", key=found["metric_key"])  # noqa: S608
    columns = ("name", "shape", "description", "last_value", "min_value", "max_value")
    row = database.row(
        f"INSERT INTO metrics (run_key, value_count, {', '.join(columns)})"  # noqa: S608 — our own names
        f" VALUES (:run_key, :count, {', '.join(f':{column}' for column in columns)}) RETURNING metric_key",
        run_key=run_key,
        count=value_count,
        **{column: metric[column] for column in columns},
    )
    assert row is not None
    return int(row["metric_key"])
