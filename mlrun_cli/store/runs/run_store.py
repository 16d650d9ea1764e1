"""Runs: their rows, statuses, tags and properties."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from mlrun_cli.core.guid import generate_guid
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.core.time import now
from mlrun_cli.errors import AmbiguousRunId, RunAlreadyRepeated, RunNotFound
from mlrun_cli.runs.run import RERUN_TAG, Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.store.db.database import Database, Row, build_in_list, build_in_lists
from mlrun_cli.store.runs.rows import ALIVE, SELECT_RUN, TERMINAL, build_run, to_columns

if TYPE_CHECKING:
    from mlrun_cli.experiments.experiment import Experiment
    from mlrun_cli.runs.filter import RunFilter

_CANDIDATES = 5
_ENDED_AT = "CASE WHEN started_at > :ended_at THEN started_at ELSE :ended_at END"
"""The end of a run, which is not before its start, even if their times are those of different clocks."""


class RunStore:
    """Reads and writes runs.

    Methods that need a transaction say so; the others are a single statement.
    """

    def __init__(self, database: Database, redactor: Redactor) -> None:
        self._database = database
        self._redactor = redactor

    def insert(self, experiment: Experiment, run_number: int, run_id: str, **columns: object) -> int:
        """Insert a run with its parameters and its first status, in the caller's transaction; return its key."""
        values = {
            "run_id": run_id,
            "run_uuid": generate_guid(),
            "experiment_key": experiment.key,
            "run_number": run_number,
            "created_at": now(),
            **to_columns(self._redactor, columns),
        }
        names = ", ".join(values)
        places = ", ".join(f":{name}" for name in values)
        row = self._database.row(
            f"INSERT INTO runs ({names}) VALUES ({places}) RETURNING run_key, status",  # noqa: S608 — our own names
            **values,
        )
        assert row is not None
        self._record_status_change(row["run_key"], row["status"])
        if columns.get("definition") is not None:
            from mlrun_cli.store.runs.parameter_store import ParameterStore  # noqa: PLC0415 - start-up: of submissions only

            ParameterStore(self._database).store_definition_parameters(row["run_key"])
        return int(row["run_key"])

    def insert_children(
        self,
        parent: Run,
        first_run_number: int,
        run_ids: Sequence[str],
        tag_and_values: tuple[str, Sequence[str | None]] | None = None,
        **columns: object,
    ) -> None:
        """Insert child runs in bulk, numbered from `first_run_number`, in the caller's transaction.

        `tag_and_values` is a key with a value for each run.
        """
        moment = now()
        values = {
            "experiment_key": parent.experiment_key,
            "parent_key": parent.key,
            "root_key": parent.root_key or parent.key,
            "created_at": moment,
            **to_columns(self._redactor, columns),
        }
        if "owner_lock" in values:
            values["minded_by"] = values["owner_lock"]  # otherwise a trigger updates each row
        same = tuple(values.values())
        row = self._database.row(f"SELECT {self._database.dialect.next_run_key} AS run_key")
        assert row is not None
        first_key = int(row["run_key"])
        if tag_and_values is not None:
            # Before the runs, whose texts to search are then inserted with them and not changed for each tag.
            self._add_tags(first_key, *tag_and_values)
        self._database.insert_many(
            "runs",
            ("run_key", "run_id", "run_uuid", "run_number", *values),
            (
                (first_key + place, run_id, generate_guid(), first_run_number + place, *same)
                for place, run_id in enumerate(run_ids)
            ),
        )
        self._database.execute(
            "INSERT INTO status_changes (run_key, status, changed_at)"
            " SELECT run_key, status, created_at FROM runs WHERE run_key >= :first",
            first=first_key,
        )

    def _add_tags(self, first_key: int, tag_key: str, values: Sequence[str | None]) -> None:
        """Add a tag with the given values to consecutive runs, starting with `first_key`."""
        self._database.insert_many(
            "run_tags",
            ("run_key", "key", "value"),
            [
                (first_key + place, name, hidden)
                for place, value in enumerate(values)
                for name, hidden in self._redactor.redact_document({tag_key: value}).items()
            ],
        )

    def find_key(self, run_id: str) -> int | None:
        """Return the key of the run with exactly this id, or None if there is none."""
        row = self._database.row("SELECT run_key FROM runs WHERE run_id = :run_id", run_id=run_id)
        return None if row is None else int(row["run_key"])

    def get(self, run_id: str) -> Run:
        """Return the run with exactly this id.

        Raises:
            RunNotFound: it does not exist.
        """
        row = self._database.row(f"{SELECT_RUN} WHERE runs.run_id = :run_id", run_id=run_id)
        if row is None:
            raise RunNotFound(run_id)
        return self._build_runs([row])[0]

    def get_by_key(self, run_key: int) -> Run:
        """Return the run with this key, which must exist."""
        row = self._database.row(f"{SELECT_RUN} WHERE runs.run_key = :key", key=run_key)
        if row is None:
            raise RunNotFound(f"#{run_key}")
        return self._build_runs([row])[0]

    def get_key_and_root_key(self, run_id: str) -> tuple[int, int]:
        """Return the key of the run with exactly this id, and the key of its root, which may be the run itself.

        Raises:
            RunNotFound: it does not exist.
        """
        row = self._database.row("SELECT run_key, root_key FROM runs WHERE run_id = :run_id", run_id=run_id)
        if row is None:
            raise RunNotFound(run_id)
        return int(row["run_key"]), int(row["root_key"] or row["run_key"])

    def resolve_id(self, prefix: str) -> str:
        """Return the run id that a prefix means: the equal id, the only match, or the common ancestor of all matches.

        A run is also meant if all other ids with the prefix continue its own, and are those of runs within it.

        Raises:
            RunNotFound: no run id has this prefix.
            AmbiguousRunId: several run ids have it, and none of them is meant.
        """
        matches = "run_id >= :prefix AND run_id < :beyond"
        beyond = "\U0010ffff"
        rows = self._database.rows(
            f"SELECT run_key, run_id FROM runs WHERE {matches} ORDER BY run_id LIMIT :candidates",  # noqa: S608
            prefix=prefix,
            beyond=prefix + beyond,
            candidates=_CANDIDATES,
        )
        found = [row["run_id"] for row in rows]
        if not found:
            raise RunNotFound(prefix)
        if found[0] != prefix and len(found) > 1:
            stranger = self._database.row(
                f"SELECT 1 AS found FROM runs WHERE {matches} AND run_key <> :first"  # noqa: S608
                " AND (run_id >= :after OR COALESCE(parent_key, 0) <> :first AND COALESCE(root_key, 0) <> :first)"
                " LIMIT 1",
                prefix=prefix,
                beyond=prefix + beyond,
                first=rows[0]["run_key"],
                after=found[0] + beyond,
            )
            if stranger is not None:
                raise AmbiguousRunId(prefix, found)
        return str(found[0])

    def list_keys_with_display_name(self, name: str, experiment_name: str | None) -> Sequence[int]:
        """Return the keys of the few newest runs with a display name, in one experiment or, if it is None, in all."""
        condition, parameters = "", {"name": name}
        if experiment_name is not None:
            its_key = self._database.dialect.build_unindexed_column(
                "experiment_key"
            )  # an experiment has more runs than a name
            condition = f" AND {its_key} = (SELECT experiment_key FROM experiments WHERE name = :experiment)"  # noqa: S608
            parameters["experiment"] = experiment_name
        rows = self._database.rows(
            f"SELECT run_key FROM runs WHERE display_name = :name{condition}"  # noqa: S608 — our own words
            " ORDER BY run_key DESC LIMIT :candidates",
            candidates=_CANDIDATES,
            **parameters,
        )
        return [row["run_key"] for row in rows]

    def list(self, run_filter: RunFilter) -> Sequence[Run]:
        """Return the runs that match a filter, newest first."""
        from mlrun_cli.store.runs.conditions import RunConditions  # noqa: PLC0415 - start-up

        conditions = RunConditions(self._database, run_filter)
        limit = ""
        if run_filter.last is not None:
            limit = " LIMIT :last"
            conditions.parameters["last"] = run_filter.last
        rows = self._database.rows(
            f"{SELECT_RUN} WHERE {conditions.indexed_conditions} ORDER BY runs.run_key DESC{limit}",
            **conditions.parameters,
        )
        return self._build_runs(rows)

    def list_by_keys(self, keys: Sequence[int]) -> Sequence[Run]:
        """Return the runs with these keys, in the same order; deleted runs are omitted."""
        found: dict[int, Row] = {}
        for places, parameters in build_in_lists("run", keys):
            rows = self._database.rows(f"{SELECT_RUN} WHERE runs.run_key IN {places}", **parameters)
            found.update((row["run_key"], row) for row in rows)
        return self._build_runs([found[key] for key in keys if key in found])

    def list_supervised_runs(self) -> Sequence[Run]:
        """Return all live runs that have a supervisor, oldest first, without tags and properties.

        Queued runs, which may be very many, have no supervisor yet.
        """
        rows = self._database.rows(
            f"{SELECT_RUN} WHERE {ALIVE} AND runs.status <> 'Queued' AND runs.owner_lock IS NULL"
            " AND runs.controller IS NULL ORDER BY runs.run_key"
        )
        return [build_run(row, {}, {}) for row in rows]

    def list_live_runs_on_target(self, target: str) -> Sequence[Run]:
        """Return all live runs of a target, including queued ones, oldest first, with tags and properties.

        Runs with a controller are not on their target; their child runs are.
        """
        rows = self._database.rows(
            f"{SELECT_RUN} WHERE {ALIVE} AND runs.owner_lock IS NULL AND runs.controller IS NULL"
            f" AND {self._database.dialect.build_unindexed_column('runs.target')} = :target ORDER BY runs.run_key",
            target=target,
        )
        return self._build_runs(rows)

    def has_live_runs(self) -> bool:
        """Return whether any run has not ended, including queued runs."""
        # In this order, the planner takes the index of live runs; otherwise one of all runs by status.
        sql = f"SELECT 1 AS found FROM runs WHERE {ALIVE} ORDER BY runs.run_key LIMIT 1"  # noqa: S608
        return self._database.row(sql) is not None

    def list_unsupervised_owner_locks(self) -> Sequence[tuple[str, str]]:
        """Return the distinct owner locks of live runs without a supervisor, each with its host id."""
        rows = self._database.rows(
            f"SELECT owner_lock, max(host_id) AS host_id FROM runs WHERE {ALIVE}"  # noqa: S608
            " AND owner_lock IS NOT NULL GROUP BY owner_lock"
        )
        return [(row["owner_lock"], row["host_id"]) for row in rows]

    def list_keys_of_owner(self, owner_lock: str) -> Sequence[int]:
        """Return the keys of the live runs of the process that holds an owner lock."""
        rows = self._database.rows(
            f"SELECT run_key FROM runs WHERE owner_lock = :owner_lock AND {ALIVE}",  # noqa: S608
            owner_lock=owner_lock,
        )
        return [row["run_key"] for row in rows]

    def end_runs_of_owner(self, owner_lock: str, status: RunStatus, ended_at: int, error: object) -> int:
        """End all live runs of the process that holds an owner lock, in a transaction; return their number.

        `ended_at` is a time at which their process was known to live; a run that started later ends at its start.
        """
        condition = f"owner_lock = :owner_lock AND {ALIVE}"
        self._database.execute(
            "INSERT INTO status_changes (run_key, status, changed_at)"  # noqa: S608
            f" SELECT run_key, :after, :now FROM runs WHERE {condition}",
            owner_lock=owner_lock,
            after=status.value,
            now=now(),
        )
        return self._database.execute(
            f"UPDATE runs SET status = :after, error = :error, ended_at = {_ENDED_AT} WHERE {condition}",  # noqa: S608
            owner_lock=owner_lock,
            after=status.value,
            ended_at=ended_at,
            **to_columns(self._redactor, {"error": error}),
        )

    def find_status(self, run_key: int) -> RunStatus | None:
        """Return the status of a run, or None if it was deleted."""
        row = self._database.row("SELECT status FROM runs WHERE run_key = :key", key=run_key)
        return None if row is None else RunStatus(row["status"])

    def change_status(
        self,
        run_key: int,
        old_statuses: Collection[RunStatus],
        new_status: RunStatus,
        *,
        changed_at: int | None = None,
        **columns: object,
    ) -> bool:
        """Change a run's status and other columns in a transaction; return False if it has none of `old_statuses`.

        In that case, nothing is changed. `changed_at` is the time of the change in microseconds, by default now. A run
        whose `ended_at` is before its start ends at its start.
        """
        values = to_columns(self._redactor, columns)
        places, statuses = build_in_list("before", [status.value for status in old_statuses])
        changes = "".join(f", {name} = {_ENDED_AT if name == 'ended_at' else f':{name}'}" for name in values)
        changed = self._database.execute(
            f"UPDATE runs SET status = :after{changes} WHERE run_key = :key AND status IN {places}",  # noqa: S608
            key=run_key,
            after=new_status.value,
            **statuses,
            **values,
        )
        if changed:
            self._record_status_change(run_key, new_status.value, changed_at)
        return bool(changed)

    def update(self, run_key: int, **columns: object) -> None:
        """Update columns of a run other than its status."""
        values = to_columns(self._redactor, columns)
        changes = ", ".join(f"{name} = :{name}" for name in values)
        self._database.execute(f"UPDATE runs SET {changes} WHERE run_key = :key", key=run_key, **values)  # noqa: S608

    def request_end(self, run_key: int, requested_status: RunStatus, error: object) -> None:
        """Record the final status that a script has requested; a completion does not override an earlier failure."""
        self._database.execute(
            "UPDATE runs SET wanted_status = :status, wanted_error = :wanted_error WHERE run_key = :key"
            " AND (:status = 'Failed' OR wanted_status IS NULL OR wanted_status <> 'Failed')",
            key=run_key,
            status=requested_status.value,
            **to_columns(self._redactor, {"wanted_error": error}),
        )

    def list_status_changes(self, run_key: int) -> Sequence[tuple[RunStatus, int]]:
        """Return a run's status history with timestamps, oldest first."""
        rows = self._database.rows(
            "SELECT status, changed_at FROM status_changes WHERE run_key = :key ORDER BY change_key", key=run_key
        )
        return [(RunStatus(row["status"]), row["changed_at"]) for row in rows]

    def list_tag_values(self, name: str) -> frozenset[str]:
        """Return the distinct values of a tag in the workspace's runs."""
        rows = self._database.rows("SELECT value FROM run_tags WHERE key = :name AND value IS NOT NULL", name=name)
        return frozenset(row["value"] for row in rows)

    def check_is_not_repeated(self, run_id: str) -> None:
        """Raise if another run repeats the one with this id; call this in the transaction that inserts a repeat.

        Raises:
            RunAlreadyRepeated: another does.
        """
        row = self._database.row(
            "SELECT runs.run_id FROM run_tags JOIN runs ON runs.run_key = run_tags.run_key"
            " WHERE run_tags.key = :name AND run_tags.value = :run_id ORDER BY run_tags.run_key LIMIT 1",
            name=RERUN_TAG,
            run_id=run_id,
        )
        if row is not None:
            raise RunAlreadyRepeated(run_id, row["run_id"])

    def list_property_values_by_run(self, name: str) -> Sequence[tuple[int, str]]:
        """Return the key of each run that has a property with this name, and the property's value."""
        rows = self._database.rows("SELECT run_key, value FROM run_properties WHERE key = :name", name=name)
        return [(row["run_key"], row["value"] or "") for row in rows]

    def delete(self, run_key: int) -> bool:
        """Delete an ended run with its data, in the caller's transaction; return False if it is live or missing."""
        deleted = self._database.execute(
            f"DELETE FROM runs WHERE run_key = :key AND status IN ({TERMINAL})",  # noqa: S608
            key=run_key,
        )
        if not deleted:
            return False
        self._database.execute(
            "DELETE FROM metric_values WHERE metric_key IN (SELECT metric_key FROM metrics WHERE run_key = :key)",
            key=run_key,
        )
        for table in ("metrics", "run_tags", "run_properties", "status_changes", "journals"):
            self._database.execute(f"DELETE FROM {table} WHERE run_key = :key", key=run_key)  # noqa: S608
        return True

    def set_tags(self, run_key: int, tags: Mapping[str, str | None]) -> None:
        """Add tags or change their values, in the caller's transaction if several; secrets in them are redacted."""
        redacted = self._redactor.redact_document(tags)
        with self._defer_text_update(run_key, len(redacted)):
            for name, value in redacted.items():
                self._database.execute(
                    "INSERT INTO run_tags (run_key, key, value) VALUES (:run_key, :key, :value)"
                    " ON CONFLICT (run_key, key) DO UPDATE SET value = excluded.value",
                    run_key=run_key,
                    key=name,
                    value=value,
                )

    def remove_tags(self, run_key: int, names: Collection[str]) -> None:
        """Remove tags, in the caller's transaction if several; ignore missing ones."""
        with self._defer_text_update(run_key, len(names)):
            for name in names:
                self._database.execute(
                    "DELETE FROM run_tags WHERE run_key = :run_key AND key = :key", run_key=run_key, key=name
                )

    def _defer_text_update(self, run_key: int, changes: int) -> AbstractContextManager[None]:
        """Return a context manager that, for several tag changes, defers the update of the run's searchable text."""
        if changes <= 1:
            return nullcontext()
        return self._database.dialect.defer_text_update(self._database, run_key)

    def get_tags(self, run_key: int) -> dict[str, str | None]:
        """Return the tags of a run."""
        return self._read_pairs("run_tags", [run_key]).get(run_key, {})

    def get_properties(self, run_key: int) -> dict[str, str]:
        """Return the properties of a run."""
        return {
            name: value or "" for name, value in self._read_pairs("run_properties", [run_key]).get(run_key, {}).items()
        }

    def add_properties(self, run_key: int, properties: Mapping[str, str]) -> dict[str, str]:
        """Add properties, in the caller's transaction; if some have other values already, add none and return those.

        Secrets in them are redacted.

        If anything is returned, nothing was added, and the caller must roll back.
        """
        existing = self.get_properties(run_key)
        properties = self._redactor.redact_document(properties)
        conflicts = {
            name: existing[name] for name in properties if existing.get(name, properties[name]) != properties[name]
        }
        if not conflicts:
            self._database.insert_many(
                "run_properties",
                ("run_key", "key", "value"),
                [(run_key, name, value) for name, value in properties.items() if name not in existing],
            )
        return conflicts

    def set_property(self, run_key: int, name: str, value: str) -> None:
        """Set a property, replacing an earlier value; only for properties that this program maintains."""
        self._database.execute(
            "INSERT INTO run_properties (run_key, key, value) VALUES (:run_key, :key, :value)"
            " ON CONFLICT (run_key, key) DO UPDATE SET value = excluded.value",
            run_key=run_key,
            key=name,
            value=value,
        )

    def _record_status_change(self, run_key: int, status: str, changed_at: int | None = None) -> None:
        self._database.execute(
            "INSERT INTO status_changes (run_key, status, changed_at) VALUES (:key, :status, :now)",
            key=run_key,
            status=status,
            now=now() if changed_at is None else changed_at,
        )

    def _build_runs(self, rows: Sequence[Row]) -> Sequence[Run]:
        keys = [row["run_key"] for row in rows]
        tags = self._read_pairs("run_tags", keys)
        properties = self._read_pairs("run_properties", keys)
        return [build_run(row, tags.get(row["run_key"], {}), properties.get(row["run_key"], {})) for row in rows]

    def _read_pairs(self, table: str, keys: Sequence[int]) -> dict[int, dict[str, Any]]:
        """Return the tags or properties of several runs, keyed by run key."""
        found: dict[int, dict[str, Any]] = {}
        for places, parameters in build_in_lists("run", keys):
            rows = self._database.rows(
                f"SELECT run_key, key, value FROM {table} WHERE run_key IN {places} ORDER BY key",  # noqa: S608
                **parameters,
            )
            for row in rows:
                found.setdefault(row["run_key"], {})[row["key"]] = row["value"]
        return found
