"""Runs and named objects as documents from which their rows can be restored.

A run's document contains all of the run's data in the store except its metrics, and the parameters that are read from
its definition. Each named object of a workspace (experiments, models, data, settings …) is one row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.runs.parameters import Parameter
from mlrun_cli.runs.rebuild_files import OLD_OWNER_LOCK
from mlrun_cli.store.db.database import Database, Row, build_in_lists
from mlrun_cli.store.db.watched_table import WatchedTable
from mlrun_cli.store.runs.parameter_store import ParameterStore

RUN = "runs"
GONE = "gone"
NAMED_TABLES: Mapping[str, tuple[str, ...]] = {
    "experiments": ("experiment_key",),
    "experiment_tags": ("experiment_key", "key"),
    "settings": ("key",),
    "compute_targets": ("name",),
    "datastores": ("name",),
    "datasets": ("dataset_key",),
    "environments": ("environment_key",),
    "models": ("model_key",),
    "model_names": ("name",),
    "saved_views": ("name",),
    "published_pipelines": ("pipeline_id",),
    "pipeline_endpoints": ("endpoint_id",),
    "pipeline_endpoint_versions": ("endpoint_id", "version"),
    "schedules": ("schedule_id",),
    "scheduled_runs": ("run_id",),
}
"""The tables of named objects, with their key columns; experiments come first, since other tables refer to them."""

UNRECORDED = {
    "runs": ("lease_until", OLD_OWNER_LOCK),
    "experiments": ("last_run_number",),
    "schedules": ("seen_files",),
}
"""Columns that change often and can be derived without a record, or that exist for older programs."""


class Change(NamedTuple):
    """A changed row, identified by its key in a named table, or by the key of a run.

    With the table `GONE`, it is a deleted run, with its id and its root's key.
    """

    table: str
    first: Any
    second: Any


class RebuildDocumentStore:
    """Reads documents from the store, and restores rows from documents."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list_watched_tables(self) -> list[WatchedTable]:
        """Return the tables whose changes are reported as `Change` objects."""
        tables = [
            WatchedTable(table, table, keys, self._list_recorded_columns(table) if table in UNRECORDED else None)
            for table, keys in ((RUN, ("run_key",)), *NAMED_TABLES.items())
        ]
        pairs = [WatchedTable(table, RUN, ("run_key",)) for table in ("run_tags", "run_properties")]
        return [*tables, *pairs, WatchedTable(RUN, GONE, ("run_id", "root_key"), only_deletions=True)]

    def _list_recorded_columns(self, table: str) -> Sequence[str]:
        return [name for name in self._database.list_columns(table) if name not in UNRECORDED[table]]

    def read_documents(self, keys: Sequence[int]) -> Iterator[dict[str, Any]]:
        """Yield the documents of the runs with these keys; deleted runs are omitted."""
        for places, parameters in build_in_lists("run", keys):
            rows = self._database.rows(
                "SELECT runs.*, parents.run_id AS _parent, roots.run_id AS _root,"  # noqa: S608
                " predecessors.run_id AS _predecessor FROM runs"
                " LEFT JOIN runs AS parents ON parents.run_key = runs.parent_key"
                " LEFT JOIN runs AS roots ON roots.run_key = runs.root_key"
                " LEFT JOIN runs AS predecessors ON predecessors.run_key = runs.predecessor_key"
                f" WHERE runs.run_key IN {places} ORDER BY runs.run_key",
                **parameters,
            )
            experiments = self._read_experiments(rows)
            tags, properties = (self._read_pairs(table, places, parameters) for table in ("run_tags", "run_properties"))
            logged = ParameterStore(self._database).get_logged_parameters([row["run_key"] for row in rows])
            history: dict[int, list[list[Any]]] = {}
            for change in self._database.rows(
                f"SELECT run_key, status, changed_at FROM status_changes WHERE run_key IN {places}"  # noqa: S608
                " ORDER BY change_key",
                **parameters,
            ):
                history.setdefault(change["run_key"], []).append([change["status"], change["changed_at"]])
            for row in rows:
                key = row["run_key"]
                names = (name for name in row.keys() if name[0] != "_" and name != OLD_OWNER_LOCK)  # noqa: SIM118 — of a row
                yield {
                    "experiment": experiments[row["experiment_key"]],
                    "history": history.get(key, []),
                    "logged_parameters": logged.get(key, {}),
                    "parent": row["_parent"],
                    "predecessor": row["_predecessor"],
                    "properties": properties.get(key, {}),
                    "root": row["_root"],
                    "row": {name: row[name] for name in names if row[name] is not None},
                    "tags": tags.get(key, {}),
                }

    def get_keys_and_statuses(self) -> dict[str, tuple[int, str]]:
        """Return the key and status of every run, keyed by run id."""
        rows = self._database.rows("SELECT run_id, run_key, status FROM runs")
        return {row["run_id"]: (row["run_key"], row["status"]) for row in rows}

    def list_descendants_without_folder(self, root_key: int) -> list[int]:
        """Return the keys of the descendants of a root run that have no folder of their own."""
        rows = self._database.rows(
            "SELECT run_key FROM runs WHERE root_key = :root_key AND owner_lock IS NOT NULL ORDER BY run_key",
            root_key=root_key,
        )
        return [row["run_key"] for row in rows]

    def list_keys(self, table: str) -> list[tuple[Any, ...]]:
        """Return the primary keys of all rows of one of the `NAMED_TABLES`."""
        columns = NAMED_TABLES[table]
        rows = self._database.rows(f"SELECT {', '.join(columns)} FROM {table}")  # noqa: S608 — our own names
        return [tuple(row[column] for column in columns) for row in rows]

    def find_run_id(self, run_key: int) -> str | None:
        """Return the id of the run with this key, or None if there is none."""
        row = self._database.row("SELECT run_id FROM runs WHERE run_key = :key", key=run_key)
        return None if row is None else str(row["run_id"])

    def find_row(self, table: str, key: Sequence[Any]) -> dict[str, Any] | None:
        """Return the row with this key of one of the `NAMED_TABLES`, or None if it does not exist."""
        where = " AND ".join(f"{column} = :{column}" for column in NAMED_TABLES[table])
        wanted = dict(zip(NAMED_TABLES[table], key, strict=False))
        row = self._database.row(f"SELECT * FROM {table} WHERE {where}", **wanted)  # noqa: S608 — our own names
        return None if row is None else dict(row)

    def insert_named_row(self, table: str, row: Mapping[str, Any]) -> bool:
        """Insert a row into one of the `NAMED_TABLES`, in a transaction; return False if its key or name exists."""
        return bool(self._insert_row(table, row, "ON CONFLICT DO NOTHING"))

    def insert_run(self, document: Mapping[str, Any]) -> int:
        """Insert a run, under its former key if that is free, in the caller's transaction; return its key."""
        row = dict(document["row"])
        row["experiment_key"] = self._ensure_experiment(document["experiment"])
        taken = self._database.row("SELECT 1 FROM runs WHERE run_key = :key", key=row.get("run_key"))
        if taken is not None:
            del row["run_key"]
        self._insert_row(RUN, row)
        added = self._database.row("SELECT run_key FROM runs WHERE run_id = :run_id", run_id=row["run_id"])
        assert added is not None
        key = int(added["run_key"])
        for table in ("tags", "properties"):
            pairs = [(key, name, value) for name, value in document[table].items()]
            self._database.insert_many(f"run_{table}", ("run_key", "key", "value"), pairs)
        changes = [(key, status, changed_at) for status, changed_at in document["history"]]
        self._database.insert_many("status_changes", ("run_key", "status", "changed_at"), changes)
        parameters = ParameterStore(self._database)
        parameters.store_definition_parameters(key)
        logged = document.get("logged_parameters", {})  # those of earlier versions have none
        parameters.set_logged_parameters(key, {name: Parameter.from_text(text) for name, text in logged.items()})
        self._database.execute(
            "UPDATE experiments SET last_run_number = :number"
            " WHERE experiment_key = :key AND last_run_number < :number",
            number=row["run_number"],
            key=row["experiment_key"],
        )
        return key

    def set_relatives(self, run_key: int, document: Mapping[str, Any]) -> None:
        """Set a run's parent, root and predecessor to the runs whose ids its document contains.

        An unknown parent or root is stored as null, and an unknown predecessor as a deleted one. Documents of earlier
        versions have none.
        """
        self._database.execute(
            "UPDATE runs SET parent_key = (SELECT run_key FROM runs WHERE run_id = :parent),"
            " root_key = (SELECT run_key FROM runs WHERE run_id = :root) WHERE run_key = :key",
            key=run_key,
            parent=document.get("parent"),
            root=document.get("root"),
        )
        if document.get("predecessor") is not None:
            self._database.execute(
                "UPDATE runs SET predecessor_key = coalesce((SELECT run_key FROM runs WHERE run_id = :predecessor), 0)"
                " WHERE run_key = :key",
                key=run_key,
                predecessor=document["predecessor"],
            )

    def delete_run(self, run_key: int) -> None:
        """Delete a run with its data, regardless of its status, in the caller's transaction."""
        self._database.execute(
            "DELETE FROM metric_values WHERE metric_key IN (SELECT metric_key FROM metrics WHERE run_key = :key)",
            key=run_key,
        )
        for table in ("metrics", "run_tags", "run_properties", "status_changes", "journals", "runs"):
            self._database.execute(f"DELETE FROM {table} WHERE run_key = :key", key=run_key)  # noqa: S608

    def get_next_run_number(self, experiment_name: str) -> int:
        """Return the next run number of an experiment, for a run whose number was lost."""
        row = self._database.row(
            "SELECT max(last_run_number) AS number FROM experiments WHERE name = :name", name=experiment_name
        )
        return 1 + int((row and row["number"]) or 0)

    def _ensure_experiment(self, experiment: Mapping[str, Any]) -> int:
        """Return the key of the experiment with the same id or name, inserted if it does not exist."""
        # The experiment may have been renamed.
        found = self._database.row(
            "SELECT experiment_key FROM experiments WHERE experiment_id = :experiment_id OR name = :name"
            " ORDER BY experiment_id <> :experiment_id",
            experiment_id=experiment["experiment_id"],
            name=experiment["name"],
        )
        if found is None:
            taken = self._database.row(
                "SELECT 1 FROM experiments WHERE experiment_key = :key", key=experiment.get("experiment_key")
            )
            row = {name: value for name, value in experiment.items() if name != "experiment_key" or taken is None}
            self._insert_row("experiments", row)
            return self._ensure_experiment(experiment)
        return int(found["experiment_key"])

    def _insert_row(self, table: str, row: Mapping[str, Any], conflict_clause: str = "") -> int:
        """Insert the known columns of a row; return the number of inserted rows."""
        known = [name for name in self._database.list_columns(table) if name in row]
        places = ", ".join(f":{name}" for name in known)
        return self._database.execute(
            f"INSERT INTO {table} ({', '.join(known)}) VALUES ({places}) {conflict_clause}",  # noqa: S608 — our own names
            **{name: row[name] for name in known},
        )

    def _read_experiments(self, rows: Sequence[Row]) -> dict[int, dict[str, Any]]:
        """Return the experiments of the runs in the given rows, keyed by experiment key; a deleted one is empty."""
        found = {}
        for key in {row["experiment_key"] for row in rows}:
            experiment = self._database.row("SELECT * FROM experiments WHERE experiment_key = :key", key=key)
            found[key] = {} if experiment is None else dict(experiment)
        return found

    def _read_pairs(self, table: str, key_list: str, parameters: Mapping[str, object]) -> dict[int, dict[str, Any]]:
        """Return the pairs in a key-value table, such as `run_tags`, as dicts keyed by run key."""
        found: dict[int, dict[str, Any]] = {}
        for row in self._database.rows(
            f"SELECT run_key, key, value FROM {table} WHERE run_key IN {key_list}",  # noqa: S608
            **parameters,
        ):
            found.setdefault(row["run_key"], {})[row["key"]] = row["value"]
        return found
