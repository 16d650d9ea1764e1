"""Deleted runs and experiments in the database: every SQL statement about the trash is in this file.

A row of the trash contains the rows of a run in all other tables as JSON, except the values of its metrics, which stay
in their table under the keys of the metrics.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import RunNotFound
from mlrun_cli.runs.run import Run
from mlrun_cli.snapshots.snapshot import SNAPSHOT_PROPERTY
from mlrun_cli.store.db.database import Database, Row, build_in_lists
from mlrun_cli.store.id_prefixes import list_ids_by_prefix
from mlrun_cli.store.metrics import MetricStore
from mlrun_cli.store.runs.rows import SELECT_RUN, TERMINAL, build_run

_TABLES = ("run_tags", "run_properties", "status_changes", "journals", "metrics", "run_parameters", "unread_runs")
"""The tables with rows of a run, in the order in which they are restored: texts to search are built from tags."""


class TrashedRun(NamedTuple):
    """A deleted run.

    Attributes:
        run: the run as it was.
        deleted_at: the time of its deletion, in microseconds.
        deletion_id: what it has in common with the runs and the experiment deleted with it.
        parent_key: the key of its parent, or None.
    """

    run: Run
    deleted_at: int
    deletion_id: str
    parent_key: int | None


class TrashedExperiment(NamedTuple):
    """A deleted experiment, with the key of its rows."""

    key: int
    name: str
    deleted_at: int
    deletion_id: str


class TrashedValues(NamedTuple):
    """The values that a deleted run has logged.

    Attributes:
        metric_keys: the keys of its metrics, whose values are in their own table, by name.
        parameters: the texts of its parameters, by name.
        logged_parameters: the names of those that its script has logged.
    """

    metric_keys: Mapping[str, int]
    parameters: Mapping[str, str]
    logged_parameters: Sequence[str]


class TrashStore:
    """Moves runs and experiments to the trash and back; writing methods need a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_run(self, run_key: int, deletion_id: str, deleted_at: int) -> bool:
        """Move an ended run to the trash; return False if it is live or does not exist."""
        row = self._database.row(f"{SELECT_RUN} WHERE runs.run_key = :key AND runs.status IN ({TERMINAL})", key=run_key)
        if row is None:
            return False
        tables = {table: self._read_rows(table, "run_key", run_key) for table in _TABLES}
        experiment = self._read_rows("experiments", "experiment_key", row["experiment_key"])[0]
        snapshots = [each["value"] for each in tables["run_properties"] if each["key"] == SNAPSHOT_PROPERTY]
        self._database.execute(
            "INSERT INTO trashed_runs (run_key, run_id, experiment_name, parent_key, deletion_id, deleted_at,"
            " snapshot_id, document) VALUES (:key, :run_id, :experiment_name, :parent_key, :deletion_id, :deleted_at,"
            " :snapshot_id, :document)",
            key=run_key,
            run_id=row["run_id"],
            experiment_name=row["experiment_name"],
            parent_key=row["parent_key"],
            deletion_id=deletion_id,
            deleted_at=deleted_at,
            snapshot_id=next(iter(snapshots), None),
            document=json.dumps({"experiment": experiment, "run": dict(row), "tables": tables}),
        )
        self._database.execute("DELETE FROM runs WHERE run_key = :key", key=run_key)
        for table in _TABLES:
            self._database.execute(f"DELETE FROM {table} WHERE run_key = :key", key=run_key)  # noqa: S608 - our own names
        return True

    def restore_run(self, run_key: int) -> None:
        """Restore a run from the trash, along with its experiment if the experiment no longer exists."""
        row = self._database.row("SELECT document FROM trashed_runs WHERE run_key = :key", key=run_key)
        assert row is not None
        document = json.loads(row["document"])
        self._restore_document(run_key, document, self._ensure_experiment(document["experiment"]))

    @contextmanager
    def unpack_run(self, run_key: int) -> Iterator[None]:
        """Restore a deleted run while the block changes it, in the caller's transaction, so that nobody else sees it.

        Raises:
            RunNotFound: it is not in the trash, or another run has its id now.
        """
        row = self._database.row(
            "SELECT run_id, deletion_id, deleted_at, document FROM trashed_runs WHERE run_key = :key", key=run_key
        )
        if row is None or self._database.row("SELECT 1 FROM runs WHERE run_id = :run_id", run_id=row["run_id"]):
            raise RunNotFound(f"#{run_key}" if row is None else row["run_id"])
        document = json.loads(row["document"])
        experiment_key = self._find_experiment_key(document["experiment"])
        if experiment_key is None:
            self._insert_rows("experiments", [document["experiment"]])
        self._restore_document(run_key, document, experiment_key or document["experiment"]["experiment_key"])
        yield
        self.add_run(run_key, row["deletion_id"], row["deleted_at"])
        if experiment_key is None:
            self._delete_experiment(document["experiment"]["experiment_key"])

    def _restore_document(self, run_key: int, document: Mapping[str, Any], experiment_key: int) -> None:
        """Insert the rows of a deleted run, which belongs to an existing experiment, and remove it from the trash."""
        self._restore_rows(run_key, {**document["tables"], "unread_runs": []})
        self._insert_rows("runs", [{**document["run"], "experiment_key": experiment_key}])
        if not document["tables"]["unread_runs"]:
            self._database.execute("DELETE FROM unread_runs WHERE run_key = :key", key=run_key)
        self._database.execute("DELETE FROM trashed_runs WHERE run_key = :key", key=run_key)

    def _restore_rows(self, run_key: int, tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """Insert the rows of a deleted run, merged with rows that earlier versions have added since its deletion."""
        late = {
            table: self._read_rows(table, "run_key", run_key) for table in ("run_tags", "run_properties", "metrics")
        }
        for table in (name for name in _TABLES if name in tables):
            rows = list(tables[table])
            self._database.execute(f"DELETE FROM {table} WHERE run_key = :key", key=run_key)  # noqa: S608 - our own names
            if table == "metrics":
                before = {row["name"] for row in rows}
                rows += [row for row in late[table] if row["name"] not in before]
            elif table in late:
                rows = list({row["key"]: row for row in (*rows, *late[table])}.values())
            self._insert_rows(table, rows)
        metrics = {row["name"]: row["metric_key"] for row in tables.get("metrics", ())}
        for row in late["metrics"]:
            if row["name"] in metrics:
                MetricStore(self._database).append_series(metrics[row["name"]], row)

    def remove_run(self, run_key: int) -> bool:
        """Permanently remove a run with its values from the trash; return False if it is not in the trash."""
        row = self._database.row("DELETE FROM trashed_runs WHERE run_key = :key RETURNING document", key=run_key)
        if row is None:
            return False
        for metric in json.loads(row["document"])["tables"]["metrics"]:
            self._database.execute("DELETE FROM metric_values WHERE metric_key = :key", key=metric["metric_key"])
        return True

    def find_run(self, run_id: str) -> TrashedRun | None:
        """Return the run with exactly this id, or None if it is not in the trash."""
        rows = self._database.rows("SELECT * FROM trashed_runs WHERE run_id = :run_id", run_id=run_id)
        return next(map(_build_trashed_run, rows), None)

    def find_run_by_key(self, run_key: int) -> TrashedRun | None:
        """Return the run with this key, or None if it is not in the trash."""
        rows = self._database.rows("SELECT * FROM trashed_runs WHERE run_key = :key", key=run_key)
        return next(map(_build_trashed_run, rows), None)

    def get_journal_offsets(self, run_key: int) -> dict[str, int]:
        """Return the read offsets of a deleted run's journals, keyed by journal name; empty if it is not in the trash.

        The journals that have not been read are omitted.
        """
        row = self._database.row("SELECT document FROM trashed_runs WHERE run_key = :key", key=run_key)
        journals = [] if row is None else json.loads(row["document"])["tables"].get("journals", [])
        return {each["name"]: each["bytes_read"] for each in journals}

    def find_key(self, run_id: str) -> int | None:
        """Return the key of the run with exactly this id, or None if it is not in the trash."""
        row = self._database.row("SELECT run_key FROM trashed_runs WHERE run_id = :run_id", run_id=run_id)
        return None if row is None else int(row["run_key"])

    def get_values(self, run_keys: Sequence[int]) -> Mapping[int, TrashedValues]:
        """Return the metric keys and parameters of deleted runs, sorted by name and keyed by run key."""
        found: dict[int, TrashedValues] = {}
        for places, keys in build_in_lists("run", run_keys):
            rows = self._database.rows(
                f"SELECT run_key, document FROM trashed_runs WHERE run_key IN {places}",  # noqa: S608
                **keys,
            )
            for row in rows:
                tables = json.loads(row["document"])["tables"]
                metrics, parameters = (
                    sorted(tables[name], key=lambda each: str(each["name"])) for name in ("metrics", "run_parameters")
                )
                found[row["run_key"]] = TrashedValues(
                    {each["name"]: each["metric_key"] for each in metrics},
                    {each["name"]: each["text"] for each in parameters},
                    [each["name"] for each in parameters if each.get("is_logged")],
                )
        return found

    def list_ids_by_display_name(self, name: str) -> Sequence[str]:
        """Return the ids of all deleted runs with this display name."""
        written = json.dumps(name).replace("^", "^^").replace("%", "^%").replace("_", "^_")
        rows = self._database.rows(
            "SELECT run_id, document FROM trashed_runs WHERE document LIKE :pattern ESCAPE '^' ORDER BY run_key",
            pattern=f"%{written}%",
        )
        return [row["run_id"] for row in rows if json.loads(row["document"])["run"]["display_name"] == name]

    def list_ids_by_prefix(self, prefix: str) -> Sequence[str]:
        """Return the first few ids of deleted runs that start with a prefix, in alphabetical order."""
        return list_ids_by_prefix(self._database, "trashed_runs", "run_id", prefix)

    def list_runs(
        self,
        *,
        experiment_name: str | None = None,
        before: int | None = None,
        deletion_id: str | None = None,
        limit: int | None = None,
    ) -> Sequence[TrashedRun]:
        """Return the deleted runs that meet the given conditions, most recently deleted first.

        Args:
            experiment_name: only those of this experiment.
            before: only those deleted before this time.
            deletion_id: only those deleted together.
            limit: the maximum number of runs.
        """
        wanted = {"experiment_name": experiment_name, "before": before, "deletion_id": deletion_id}
        operators = {"experiment_name": "experiment_name =", "before": "deleted_at <", "deletion_id": "deletion_id ="}
        given = {name: value for name, value in wanted.items() if value is not None}
        where = " AND ".join(f"{operators[name]} :{name}" for name in given)
        rows = self._database.rows(
            f"SELECT * FROM trashed_runs{f' WHERE {where}' if where else ''}"  # noqa: S608 - our own names
            f" ORDER BY deleted_at DESC, run_key DESC{'' if limit is None else ' LIMIT :last'}",
            **given,
            **({} if limit is None else {"last": limit}),
        )
        return [_build_trashed_run(row) for row in rows]

    def list_deleted_descendants(self, keys: Sequence[int]) -> Sequence[TrashedRun]:
        """Return the deleted descendants of the runs with these keys, whether or not those runs are deleted."""
        found: dict[int, TrashedRun] = {}
        while keys:
            below = [
                _build_trashed_run(row)
                for places, parameters in build_in_lists("parent", keys)
                for row in self._database.rows(
                    f"SELECT * FROM trashed_runs WHERE parent_key IN {places}",  # noqa: S608
                    **parameters,
                )
            ]
            keys = [each.run.key for each in below if each.run.key not in found]
            found.update((each.run.key, each) for each in below)
        return list(found.values())

    def get_ids(self, keys: Sequence[int]) -> Mapping[int, str]:
        """Return the ids of the deleted runs with these keys, keyed by run key."""
        return {
            row["run_key"]: row["run_id"]
            for places, parameters in build_in_lists("run", keys)
            for row in self._database.rows(
                f"SELECT run_key, run_id FROM trashed_runs WHERE run_key IN {places}",  # noqa: S608
                **parameters,
            )
        }

    def list_ids(self) -> frozenset[str]:
        """Return the ids of all deleted runs."""
        return frozenset(row["run_id"] for row in self._database.rows("SELECT run_id FROM trashed_runs"))

    def list_snapshot_ids(self, excluded_keys: Sequence[int]) -> Sequence[str]:
        """Return the ids of the snapshots of deleted runs, except the runs with the given keys."""
        rows = self._database.rows("SELECT run_key, snapshot_id FROM trashed_runs WHERE snapshot_id IS NOT NULL")
        return [row["snapshot_id"] for row in rows if row["run_key"] not in excluded_keys]

    def count_runs(self) -> int:
        """Return the number of deleted runs."""
        row = self._database.row("SELECT count(*) AS number FROM trashed_runs")
        return 0 if row is None else int(row["number"])

    def add_experiment(self, experiment_key: int, deletion_id: str, deleted_at: int) -> None:
        """Move an experiment without runs to the trash."""
        (row,) = self._read_rows("experiments", "experiment_key", experiment_key)
        tags = self._read_rows("experiment_tags", "experiment_key", experiment_key)
        self._database.execute(
            "INSERT INTO trashed_experiments (experiment_key, name, deletion_id, deleted_at, document)"
            " VALUES (:key, :name, :deletion_id, :deleted_at, :document)",
            key=experiment_key,
            name=row["name"],
            deletion_id=deletion_id,
            deleted_at=deleted_at,
            document=json.dumps({"experiment": row, "tags": tags}),
        )
        self._delete_experiment(experiment_key)

    def restore_experiment(self, experiment_key: int) -> None:
        """Restore an experiment from the trash, without its runs."""
        row = self._database.row(
            "DELETE FROM trashed_experiments WHERE experiment_key = :key RETURNING *", key=experiment_key
        )
        if row is not None:
            document = json.loads(row["document"])
            self._insert_rows("experiments", [document["experiment"]])
            self._insert_rows("experiment_tags", document["tags"])

    def list_experiments(self, *, name: str | None = None, before: int | None = None) -> Sequence[TrashedExperiment]:
        """Return deleted experiments, most recently deleted first, optionally only by name or deleted before a time."""
        rows = self._database.rows("SELECT * FROM trashed_experiments ORDER BY deleted_at DESC, experiment_key DESC")
        return [
            TrashedExperiment(row["experiment_key"], row["name"], row["deleted_at"], row["deletion_id"])
            for row in rows
            if (name is None or row["name"] == name) and (before is None or row["deleted_at"] < before)
        ]

    def remove_experiment(self, experiment_key: int) -> None:
        """Permanently remove an experiment from the trash."""
        self._database.execute("DELETE FROM trashed_experiments WHERE experiment_key = :key", key=experiment_key)

    def _delete_experiment(self, experiment_key: int) -> None:
        for table in ("experiments", "experiment_tags", "experiment_outcomes"):
            self._database.execute(f"DELETE FROM {table} WHERE experiment_key = :key", key=experiment_key)  # noqa: S608

    def _ensure_experiment(self, experiment: Mapping[str, Any]) -> int:
        """Return the key of the experiment with a deleted run's experiment id or name, restoring it if needed."""
        key = self._find_experiment_key(experiment)
        if key is None:
            self.restore_experiment(experiment["experiment_key"])
            key = self._find_experiment_key(experiment)
        if key is None:
            self._insert_rows("experiments", [experiment])
            return int(experiment["experiment_key"])
        return key

    def _find_experiment_key(self, experiment: Mapping[str, Any]) -> int | None:
        """Return the key of the experiment with a deleted run's experiment id or else its name, or None."""
        row = self._database.row(
            "SELECT experiment_key FROM experiments WHERE experiment_id = :experiment_id OR name = :name"
            " ORDER BY experiment_id <> :experiment_id",
            experiment_id=experiment["experiment_id"],
            name=experiment["name"],
        )
        return None if row is None else int(row["experiment_key"])

    def _read_rows(self, table: str, column: str, key: int) -> list[dict[str, Any]]:
        columns = ", ".join(self._database.list_columns(table))
        rows = self._database.rows(f"SELECT {columns} FROM {table} WHERE {column} = :key", key=key)  # noqa: S608
        return [dict(row) for row in rows]

    def _insert_rows(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        if rows:
            columns = [name for name in self._database.list_columns(table) if name in rows[0]]
            self._database.insert_many(table, columns, [[row[name] for name in columns] for row in rows])


def _build_trashed_run(row: Row) -> TrashedRun:
    document = json.loads(row["document"])
    tags, properties = (
        {each["key"]: each["value"] for each in document["tables"][table]} for table in ("run_tags", "run_properties")
    )
    columns = {**dict.fromkeys(Run._fields), **document["run"]}  # a newer version may have more of them
    return TrashedRun(build_run(columns, tags, properties), row["deleted_at"], row["deletion_id"], row["parent_key"])
