"""Runs in the database: every SQL statement about runs is in this file."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from typing import Any

from mlrun_cli.core.guid import new_guid
from mlrun_cli.core.time import now
from mlrun_cli.errors import AmbiguousRunId, RunNotFound
from mlrun_cli.experiments.experiment import Experiment
from mlrun_cli.processes.host import Origin
from mlrun_cli.runs.filter import RunFilter
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.store.db.database import Database, Row, in_list, in_lists
from mlrun_cli.store.run_conditions import TERMINAL, RunConditions
from mlrun_cli.store.secrets import hidden_error, hidden_pairs, hidden_text

_SELECT = (
    "SELECT runs.*, experiments.name AS experiment_name, experiments.experiment_id AS experiment_id,"
    " parents.run_id AS parent_run_id, coalesce(parents.display_name, parents.run_id) AS parent_name,"
    " roots.run_id AS root_run_id, roots.run_uuid AS root_run_uuid"
    " FROM runs JOIN experiments ON experiments.experiment_key = runs.experiment_key"
    " LEFT JOIN runs AS parents ON parents.run_key = runs.parent_key"
    " LEFT JOIN runs AS roots ON roots.run_key = runs.root_key"
)
_ALIVE = f"runs.status NOT IN ({TERMINAL})"
_SPARED = "(runs.is_kept = 1 OR EXISTS (SELECT 1 FROM models WHERE models.run_id = runs.run_id))"
_HIDING: Mapping[str, Callable[[Any], object]] = {
    "display_name": hidden_text,
    "description": hidden_text,
    "error": hidden_error,
    "wanted_error": hidden_error,
    "failed_with": hidden_error,
}
_CANDIDATES = 5


class RunStore:
    """Reads and writes runs.

    A change that is more than one statement says so; the others need no transaction.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def insert(self, experiment: Experiment, run_number: int, run_id: str, **columns: object) -> int:
        """Add a run and the record of its first status, within a transaction; its key."""
        values = {
            "run_id": run_id,
            "run_uuid": new_guid(),
            "experiment_key": experiment.key,
            "run_number": run_number,
            "created_at": now(),
            **_to_columns(columns),
        }
        names = ", ".join(values)
        places = ", ".join(f":{name}" for name in values)
        row = self._database.row(
            f"INSERT INTO runs ({names}) VALUES ({places}) RETURNING run_key, status",  # noqa: S608 — our own names
            **values,
        )
        assert row is not None
        self._record_change(row["run_key"], row["status"])
        return int(row["run_key"])

    def insert_children(self, parent: Run, first_number: int, run_ids: Sequence[str], **columns: object) -> None:
        """Add runs below one in one statement, numbered from `first_number` on, within a transaction."""
        moment = now()
        values = {
            "experiment_key": parent.experiment_key,
            "parent_key": parent.key,
            "root_key": parent.root_key or parent.key,
            "created_at": moment,
            **_to_columns(columns),
        }
        same = tuple(values.values())
        self._database.insert_many(
            "runs",
            ("run_id", "run_uuid", "run_number", *values),
            ((run_id, new_guid(), first_number + place, *same) for place, run_id in enumerate(run_ids)),
        )
        self._database.execute(
            "INSERT INTO status_changes (run_key, status, changed_at)"
            " SELECT run_key, status, created_at FROM runs WHERE parent_key = :parent AND run_number >= :first",
            parent=parent.key,
            first=first_number,
        )

    def add_tags_to_children(self, parent: Run, first_number: int, key: str, values: Sequence[str | None]) -> None:
        """Give the runs that were just added below one a tag each, in their order, within a transaction."""
        rows = self._database.rows(
            "SELECT run_key FROM runs WHERE parent_key = :parent AND run_number >= :first ORDER BY run_number",
            parent=parent.key,
            first=first_number,
        )
        self._database.insert_many(
            "run_tags",
            ("run_key", "key", "value"),
            [
                (row["run_key"], name, hidden)
                for row, value in zip(rows, values, strict=True)
                for name, hidden in hidden_pairs({key: value}).items()
            ],
        )

    def find_key(self, run_id: str) -> int | None:
        """The key of the run of this whole id, or None."""
        row = self._database.row("SELECT run_key FROM runs WHERE run_id = :run_id", run_id=run_id)
        return None if row is None else int(row["run_key"])

    def get(self, run_id: str) -> Run:
        """The run of this whole id.

        Raises:
            RunNotFound: there is none.
        """
        row = self._database.row(f"{_SELECT} WHERE runs.run_id = :run_id", run_id=run_id)
        if row is None:
            raise RunNotFound(run_id)
        return self._complete([row])[0]

    def get_by_key(self, key: int) -> Run:
        """The run of this key, which is known to exist."""
        row = self._database.row(f"{_SELECT} WHERE runs.run_key = :key", key=key)
        if row is None:
            raise RunNotFound(f"#{key}")
        return self._complete([row])[0]

    def resolve(self, prefix: str) -> str:
        """The one run id that begins like this.

        Raises:
            RunNotFound: none does.
            AmbiguousRunId: several do, and none is equal to it.
        """
        rows = self._database.rows(
            "SELECT run_id FROM runs WHERE run_id >= :prefix AND run_id < :beyond ORDER BY run_id LIMIT :candidates",
            prefix=prefix,
            beyond=prefix + "\U0010ffff",
            candidates=_CANDIDATES,
        )
        found = [row["run_id"] for row in rows]
        if not found:
            raise RunNotFound(prefix)
        if found[0] != prefix and len(found) > 1:
            raise AmbiguousRunId(prefix, found)
        return str(found[0])

    def list(self, which: RunFilter) -> Sequence[Run]:
        """The runs that are meant, newest first."""
        conditions = RunConditions(self._database, which)
        limit = ""
        if which.last is not None:
            limit = " LIMIT :last"
            conditions.parameters["last"] = which.last
        rows = self._database.rows(
            f"{_SELECT} WHERE {conditions.for_an_index} ORDER BY runs.run_key DESC{limit}", **conditions.parameters
        )
        return self._complete(rows)

    def of_keys(self, keys: Sequence[int]) -> Sequence[Run]:
        """The runs of these keys, in their order; those that have been deleted are left out."""
        found: dict[int, Row] = {}
        for places, parameters in in_lists("run", keys):
            rows = self._database.rows(f"{_SELECT} WHERE runs.run_key IN {places}", **parameters)
            found.update((row["run_key"], row) for row in rows)
        return self._complete([found[key] for key in keys if key in found])

    def alive(self) -> Sequence[Run]:
        """All runs with a supervisor that have not ended, oldest first, without tags and properties.

        A run that waits in a queue has none yet, however many there are.
        """
        rows = self._database.rows(
            f"{_SELECT} WHERE {_ALIVE} AND runs.status <> 'Queued' AND runs.owner_lock IS NULL ORDER BY runs.run_key"
        )
        return [_run(row, {}, {}) for row in rows]

    def queued(self, target: str, limit: int) -> Sequence[Run]:
        """The first of the runs that wait for a place on a target, without tags and properties."""
        rows = self._database.rows(
            f"{_SELECT} WHERE runs.status = 'Queued' AND {self._target('runs.target')} = :target"
            " ORDER BY runs.run_key LIMIT :limit",
            target=target,
            limit=limit,
        )
        return [_run(row, {}, {}) for row in rows]

    def queued_keys(self, target: str) -> Sequence[int]:
        """The keys of all runs that wait for a place on a target, in their order."""
        rows = self._database.rows(
            "SELECT run_key FROM runs WHERE status = 'Queued' AND target = :target ORDER BY run_key", target=target
        )
        return [row["run_key"] for row in rows]

    def queued_beyond(self, target: str, most: int) -> Sequence[str]:
        """The ids of the runs that wait for more nodes of a target than it would have with `most`, in their order."""
        rows = self._database.rows(
            f"SELECT run_id FROM runs WHERE status = 'Queued' AND {self._target()} = :target"  # noqa: S608
            " AND node_count > :most ORDER BY run_key",
            target=target,
            most=most,
        )
        return [row["run_id"] for row in rows]

    def queued_targets(self) -> Sequence[str]:
        """The targets that runs wait for."""
        rows = self._database.rows("SELECT DISTINCT target FROM runs WHERE status = 'Queued' AND target IS NOT NULL")
        return [row["target"] for row in rows]

    def busy_nodes(self, target: str, besides: Collection[int] = ()) -> int:
        """How many nodes of a target are taken by runs that have left its queue and have not ended.

        `besides` are the keys of those that are not to be counted.
        """
        places, keys = in_list("besides", list(besides))
        others = f" AND run_key NOT IN {places}" if keys else ""
        row = self._database.row(
            f"SELECT coalesce(sum(node_count), 0) AS busy FROM runs WHERE {_ALIVE} AND status <> 'Queued'"  # noqa: S608
            f" AND {self._target()} = :target AND owner_lock IS NULL{others}",
            target=target,
            **keys,
        )
        assert row is not None
        return int(row["busy"])

    def gpus_of_later(self, target: str, key: int, starting: Collection[int]) -> Sequence[Set[str]]:
        """The GPUs, or none, of each run that was put into a target's queue behind one and has been started.

        `starting` are the keys of those that are being started, and may still be in the queue.
        """
        places, keys = in_list("starting", list(starting))
        rows = self._database.rows(
            f"SELECT gpus FROM runs WHERE run_key > :key AND {self._target()} = :target AND owner_lock IS NULL"  # noqa: S608
            f" AND (status <> 'Queued' AND ({_ALIVE} OR started_at IS NOT NULL) OR run_key IN {places})",
            key=key,
            target=target,
            **keys,
        )
        return [frozenset(filter(None, (row["gpus"] or "").split(","))) for row in rows]

    def list_owner_locks(self) -> Sequence[tuple[str, str]]:
        """List the owner locks of live runs that have no supervisor of their own, each with its host."""
        rows = self._database.rows(
            f"SELECT owner_lock, max(host_id) AS host_id FROM runs WHERE {_ALIVE}"  # noqa: S608
            " AND owner_lock IS NOT NULL GROUP BY owner_lock"
        )
        return [(row["owner_lock"], row["host_id"]) for row in rows]

    def list_keys_of_owner(self, owner_lock: str) -> Sequence[int]:
        """List the keys of the live runs of an owner."""
        rows = self._database.rows(
            f"SELECT run_key FROM runs WHERE owner_lock = :owner_lock AND {_ALIVE}",  # noqa: S608
            owner_lock=owner_lock,
        )
        return [row["run_key"] for row in rows]

    def end_runs_of_owner(self, owner_lock: str, after: RunStatus, ended_at: int, error: object) -> int:
        """End all live runs of an owner, within a transaction; return how many.

        `ended_at` is a moment at which their process was known to live: one that began later ended when it began.
        """
        condition = f"owner_lock = :owner_lock AND {_ALIVE}"
        self._database.execute(
            "INSERT INTO status_changes (run_key, status, changed_at)"  # noqa: S608
            f" SELECT run_key, :after, :now FROM runs WHERE {condition}",
            owner_lock=owner_lock,
            after=after.value,
            now=now(),
        )
        return self._database.execute(
            "UPDATE runs SET status = :after, error = :error,"  # noqa: S608
            f" ended_at = CASE WHEN started_at > :ended_at THEN started_at ELSE :ended_at END WHERE {condition}",
            owner_lock=owner_lock,
            after=after.value,
            ended_at=ended_at,
            **_to_columns({"error": error}),
        )

    def status(self, key: int) -> RunStatus | None:
        """Where a run stands; None when it has been deleted."""
        row = self._database.row("SELECT status FROM runs WHERE run_key = :key", key=key)
        return None if row is None else RunStatus(row["status"])

    def change_status(self, key: int, before: Collection[RunStatus], after: RunStatus, **columns: object) -> bool:
        """Move a run to `after` from one of `before`, with other columns, within a transaction.

        Returns False, and changes nothing, when the run stands elsewhere by now.
        """
        values = _to_columns(columns)
        places, statuses = in_list("before", [status.value for status in before])
        changes = "".join(f", {name} = :{name}" for name in values)
        changed = self._database.execute(
            f"UPDATE runs SET status = :after{changes} WHERE run_key = :key AND status IN {places}",  # noqa: S608
            key=key,
            after=after.value,
            **statuses,
            **values,
        )
        if changed:
            self._record_change(key, after.value)
        return bool(changed)

    def update(self, key: int, **columns: object) -> None:
        """Set columns that have nothing to do with the status."""
        values = _to_columns(columns)
        changes = ", ".join(f"{name} = :{name}" for name in values)
        self._database.execute(f"UPDATE runs SET {changes} WHERE run_key = :key", key=key, **values)  # noqa: S608

    def want(self, key: int, status: RunStatus, error: object) -> None:
        """Note how a script says that it ends; what has failed is not completed by what it says later."""
        self._database.execute(
            "UPDATE runs SET wanted_status = :status, wanted_error = :wanted_error WHERE run_key = :key"
            " AND (:status = 'Failed' OR wanted_status IS NULL OR wanted_status <> 'Failed')",
            key=key,
            status=status.value,
            **_to_columns({"wanted_error": error}),
        )

    def history(self, key: int) -> Sequence[tuple[RunStatus, int]]:
        """Every status the run has had, with the moment it took it, oldest first."""
        rows = self._database.rows(
            "SELECT status, changed_at FROM status_changes WHERE run_key = :key ORDER BY change_key", key=key
        )
        return [(RunStatus(row["status"]), row["changed_at"]) for row in rows]

    def ended_trees(self, before: int) -> Sequence[int]:
        """The topmost of runs that have all, with all that is below them, ended before a moment; oldest first.

        Trees with a run that is spared are left out.
        """
        rows = self._database.rows(
            "SELECT coalesce(root_key, run_key) AS tree FROM runs GROUP BY tree"  # noqa: S608
            f" HAVING min(CASE WHEN {_ALIVE} OR coalesce(ended_at, created_at) >= :before OR {_SPARED}"
            " THEN 0 ELSE 1 END) = 1 ORDER BY tree",
            before=before,
        )
        return [row["tree"] for row in rows]

    def ended_tree(self, topmost: int, before: int) -> Sequence[tuple[int, str]]:
        """Key and id of a run and of all below it, children first.

        There are none unless all have ended before a moment, and none of them is spared.
        """
        rows = self._database.rows(
            "WITH RECURSIVE tree (run_key) AS (SELECT :topmost"  # noqa: S608
            " UNION ALL SELECT runs.run_key FROM runs JOIN tree ON runs.parent_key = tree.run_key)"
            f" SELECT run_key, run_id, {_ALIVE} OR coalesce(ended_at, created_at) >= :before OR {_SPARED} AS stays"
            " FROM runs WHERE run_key IN (SELECT run_key FROM tree) ORDER BY run_key DESC",
            topmost=topmost,
            before=before,
        )
        return [] if any(row["stays"] for row in rows) else [(row["run_key"], row["run_id"]) for row in rows]

    def spared(self, before: int) -> Sequence[str]:
        """The ids of the runs that ended before a moment and are spared: kept, or behind a registered model."""
        rows = self._database.rows(
            f"SELECT run_id FROM runs WHERE {_SPARED} AND NOT ({_ALIVE})"  # noqa: S608
            " AND coalesce(ended_at, created_at) < :before ORDER BY run_key",
            before=before,
        )
        return [row["run_id"] for row in rows]

    def why_spared(self, run_ids: Sequence[str]) -> Mapping[str, str]:
        """Of the runs of these ids that are spared, what spares them, in words."""
        why: dict[str, str] = {}
        for places, parameters in in_lists("run", run_ids):
            kept = self._database.rows(
                f"SELECT run_id FROM runs WHERE run_id IN {places} AND is_kept = 1",  # noqa: S608
                **parameters,
            )
            why.update((row["run_id"], "it is kept") for row in kept)
            behind = self._database.rows(
                f"SELECT run_id, name, version FROM models WHERE run_id IN {places}",  # noqa: S608
                **parameters,
            )
            why.update((row["run_id"], f"model {row['name']}:{row['version']} comes from it") for row in behind)
        return why

    def with_property(self, name: str) -> Sequence[tuple[int, str]]:
        """The keys of all runs that have a property of this name, each with its value."""
        rows = self._database.rows("SELECT run_key, value FROM run_properties WHERE key = :name", name=name)
        return [(row["run_key"], row["value"] or "") for row in rows]

    def delete(self, key: int) -> bool:
        """Forget an ended run and all that hangs on it, within a transaction; False when it is not there or lives."""
        deleted = self._database.execute(
            f"DELETE FROM runs WHERE run_key = :key AND status IN ({TERMINAL})",  # noqa: S608
            key=key,
        )
        if not deleted:
            return False
        self._database.execute(
            "DELETE FROM metric_values WHERE metric_key IN (SELECT metric_key FROM metrics WHERE run_key = :key)",
            key=key,
        )
        for table in ("metrics", "run_tags", "run_properties", "status_changes", "journals"):
            self._database.execute(f"DELETE FROM {table} WHERE run_key = :key", key=key)  # noqa: S608
        return True

    def set_tags(self, key: int, tags: Mapping[str, str | None]) -> None:
        """Add tags or change their values; secrets in them are hidden."""
        for name, value in hidden_pairs(tags).items():
            self._database.execute(
                "INSERT INTO run_tags (run_key, key, value) VALUES (:run_key, :key, :value)"
                " ON CONFLICT (run_key, key) DO UPDATE SET value = excluded.value",
                run_key=key,
                key=name,
                value=value,
            )

    def remove_tags(self, key: int, names: Iterable[str]) -> None:
        """Take tags away; those that are not there do no harm."""
        for name in names:
            self._database.execute(
                "DELETE FROM run_tags WHERE run_key = :run_key AND key = :key", run_key=key, key=name
            )

    def tags(self, key: int) -> dict[str, str | None]:
        """The tags of one run."""
        return self._pairs("run_tags", [key]).get(key, {})

    def properties(self, key: int) -> dict[str, str]:
        """The properties of one run."""
        return {name: value or "" for name, value in self._pairs("run_properties", [key]).get(key, {}).items()}

    def add_properties(self, key: int, properties: Mapping[str, str]) -> dict[str, str]:
        """Add properties, within a transaction; those that exist with another value are returned as they are.

        Secrets in them are hidden.

        When anything is returned, the caller has to roll back: nothing may be half added.
        """
        existing = self.properties(key)
        properties = hidden_pairs(properties)
        conflicts = {
            name: existing[name] for name in properties if existing.get(name, properties[name]) != properties[name]
        }
        if not conflicts:
            self._database.insert_many(
                "run_properties",
                ("run_key", "key", "value"),
                [(key, name, value) for name, value in properties.items() if name not in existing],
            )
        return conflicts

    def _target(self, column: str = "target") -> str:
        """Return the column for conditions that other indexes serve better: a target may have had a million runs."""
        return self._database.dialect.without_index(column)

    def _record_change(self, key: int, status: str) -> None:
        self._database.execute(
            "INSERT INTO status_changes (run_key, status, changed_at) VALUES (:key, :status, :now)",
            key=key,
            status=status,
            now=now(),
        )

    def _complete(self, rows: Sequence[Row]) -> Sequence[Run]:
        keys = [row["run_key"] for row in rows]
        tags = self._pairs("run_tags", keys)
        properties = self._pairs("run_properties", keys)
        return [_run(row, tags.get(row["run_key"], {}), properties.get(row["run_key"], {})) for row in rows]

    def _pairs(self, table: str, keys: Sequence[int]) -> dict[int, dict[str, Any]]:
        """Tags or properties of many runs."""
        found: dict[int, dict[str, Any]] = {}
        for places, parameters in in_lists("run", keys):
            rows = self._database.rows(
                f"SELECT run_key, key, value FROM {table} WHERE run_key IN {places} ORDER BY key",  # noqa: S608
                **parameters,
            )
            for row in rows:
                found.setdefault(row["run_key"], {})[row["key"]] = row["value"]
        return found


def _to_columns(columns: Mapping[str, object]) -> dict[str, object]:
    """The values as the database takes them; secrets in what a user or a script has written are hidden."""
    return {name: _to_column(_HIDING[name](value) if name in _HIDING else value) for name, value in columns.items()}


def _to_column(value: object) -> object:
    if isinstance(value, RunStatus):
        return value.value
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value)
    return value


def _from_json(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def _run(row: Row, tags: Mapping[str, str | None], properties: Mapping[str, str]) -> Run:
    origin = None if row["host_id"] is None else Origin(row["host_id"], row["boot_id"], row["pid_namespace"])
    return Run(
        key=row["run_key"],
        run_id=row["run_id"],
        run_uuid=row["run_uuid"],
        run_number=row["run_number"],
        experiment_id=row["experiment_id"],
        experiment_name=row["experiment_name"],
        run_type=row["run_type"],
        status=RunStatus(row["status"]),
        created_at=row["created_at"],
        user_name=row["user_name"],
        root_run_id=row["root_run_id"] or row["run_id"],
        root_run_uuid=row["root_run_uuid"] or row["run_uuid"],
        parent_run_id=row["parent_run_id"],
        parent_name=row["parent_name"],
        display_name=row["display_name"],
        description=row["description"],
        script_name=row["script_name"],
        target=row["target"],
        hidden=bool(row["hidden"]),
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        duration_seconds=row["duration_seconds"],
        exit_code=row["exit_code"],
        signal=row["signal"],
        error=_from_json(row["error"]),
        warnings=tuple(_from_json(row["warnings"]) or ()),
        definition=_from_json(row["definition"]),
        wanted_status=None if row["wanted_status"] is None else RunStatus(row["wanted_status"]),
        wanted_error=_from_json(row["wanted_error"]),
        origin=origin,
        lease_until=row["lease_until"],
        cancel_grace_seconds=row["cancel_grace_seconds"],
        experiment_key=row["experiment_key"],
        root_key=row["root_key"],
        owner_lock=row["owner_lock"],
        failed_with=_from_json(row["failed_with"]),
        node_count=row["node_count"],
        gpu_count=row["gpu_count"],
        gpus=row["gpus"],
        visible_gpus=row["visible_gpus"],
        is_kept=bool(row["is_kept"]),
        tags=tags,
        properties=properties,
    )
