"""Names for shell completion, read from a database without waiting, migrating or repairing it.

Each method reads a bounded number of index entries, whatever the number of runs, apart from keys that sweeps wrote
among those of tags. A database that cannot be read at the moment, or is too old, raises a `StoreError`.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.store.db.locator import DatabaseLocator
from mlrun_cli.store.runs.rows import ALIVE
from mlrun_cli.store.tag_keys import build_readable_tag_conditions

_MAX_MATCHES = 1000
"""The number of runs that match a prefix up to which the newest of all of them come first."""
_MATCHES = "run_id >= :prefix AND run_id < :end"


class NameSource(Enum):
    """A table and column with names, for which an index exists."""

    EXPERIMENT = ("experiments", "name")
    METRIC = ("metrics", "name")
    PARAMETER = ("run_parameters", "name")
    TAG = ("run_tags", "key")
    TARGET = ("compute_targets", "name")
    DATASET = ("datasets", "name")
    DATASTORE = ("datastores", "name")
    ENVIRONMENT = ("environments", "name")
    MODEL = ("models", "name")
    DELETED_EXPERIMENT = ("trashed_experiments", "name")


class RunSuggestion(NamedTuple):
    """A run as a completion suggestion."""

    run_id: str
    display_name: str | None
    status: str
    experiment_name: str


class CompletionStore:
    """Reads names that start with a prefix."""

    def __init__(self, database: DatabaseLocator) -> None:
        self._database = database

    def list_names(self, source: NameSource, prefix: str, limit: int) -> Sequence[str]:
        """Return the first `limit` distinct names that start with a prefix, in alphabetical order.

        Keys of tags in which sweeps and MLflow keep documents are left out.
        """
        table, column = source.value
        conditions, parameters = build_readable_tag_conditions() if source is NameSource.TAG else ((), {})
        also = "".join(f" AND {condition}" for condition in conditions)
        rows = self._database.query_without_waiting(
            f"WITH RECURSIVE each_name (name) AS (SELECT min({column}) FROM {table} WHERE {column} >= :prefix{also}"  # noqa: S608
            f" UNION ALL SELECT (SELECT min({column}) FROM {table} WHERE {column} > each_name.name{also})"
            " FROM each_name WHERE substr(each_name.name, 1, length(:prefix)) = :prefix)"
            " SELECT name FROM each_name WHERE substr(name, 1, length(:prefix)) = :prefix LIMIT :limit",
            prefix=prefix,
            limit=limit,
            **parameters,
        )
        return [row["name"] for row in rows]

    def list_runs(self, prefix: str, limit: int, *, only_live: bool = False) -> Sequence[RunSuggestion]:
        """Return up to `limit` runs whose ids start with a prefix, newest first.

        If very many begin with it, they are those whose ids come last in alphabetical order.
        """
        where = [ALIVE] if only_live else []
        source = "runs"
        if prefix and not only_live:
            source = f"(SELECT * FROM runs WHERE {_MATCHES} ORDER BY run_id DESC LIMIT {_MAX_MATCHES})"  # noqa: S608
        elif prefix:
            where.append(_MATCHES)
        condition = f" WHERE {' AND '.join(where)}" if where else ""
        rows = self._database.query_without_waiting(
            "SELECT run_id, display_name, status, experiments.name AS experiment_name FROM"  # noqa: S608
            f" (SELECT run_key, run_id, display_name, status, experiment_key FROM {source} AS runs{condition}"
            " ORDER BY run_key DESC LIMIT :limit) AS found JOIN experiments USING (experiment_key)"
            " ORDER BY run_key DESC",
            limit=limit,
            **({"prefix": prefix, "end": f"{prefix}\U0010ffff"} if prefix else {}),
        )
        return [RunSuggestion(*(row[name] for name in RunSuggestion._fields)) for row in rows]

    def list_runs_by_display_name(self, prefix: str, limit: int, *, only_live: bool = False) -> Sequence[RunSuggestion]:
        """Return up to `limit` runs whose display names are unique and start with a prefix, sorted by display name."""
        live = f" AND {ALIVE}" if only_live else ""
        rows = self._database.query_without_waiting(
            "SELECT run_id, display_name, status, experiments.name AS experiment_name FROM"  # noqa: S608
            " (SELECT run_id, display_name, status, experiment_key, count(*) AS run_count FROM"
            " (SELECT run_id, display_name, status, experiment_key FROM runs WHERE display_name >= :prefix"
            f" AND display_name < :end ORDER BY display_name LIMIT {_MAX_MATCHES}) AS found GROUP BY display_name)"
            f" AS runs JOIN experiments USING (experiment_key) WHERE run_count = 1{live}"
            " ORDER BY display_name LIMIT :limit",
            prefix=prefix,
            end=f"{prefix}\U0010ffff",
            limit=limit,
        )
        return [RunSuggestion(*(row[name] for name in RunSuggestion._fields)) for row in rows]

    def find_property(self, id_or_display_name: str, property_name: str) -> str | None:
        """Return a property of the run with this id, or else of the newest with this display name; None without one."""
        rows = self._database.query_without_waiting(
            "SELECT value FROM run_properties WHERE key = :name AND run_key = coalesce("
            "(SELECT run_key FROM runs WHERE run_id = :run_id),"
            " (SELECT max(run_key) FROM runs WHERE display_name = :run_id))",
            run_id=id_or_display_name,
            name=property_name,
        )
        return next((row["value"] for row in rows), None)

    def find_newest_run_id(self, experiment_name: str) -> str | None:
        """Return the id of an experiment's newest run without a parent, or None if there is none."""
        rows = self._database.query_without_waiting(
            "SELECT run_id FROM runs WHERE parent_key IS NULL"
            " AND experiment_key = (SELECT experiment_key FROM experiments WHERE name = :name)"
            " ORDER BY run_key DESC LIMIT 1",
            name=experiment_name,
        )
        return next((row["run_id"] for row in rows), None)

    def list_deleted_runs(self, prefix: str, limit: int) -> Sequence[tuple[str, str]]:
        """Return the id and experiment of up to `limit` deleted runs with an id prefix, most recently deleted first."""
        rows = self._database.query_without_waiting(
            "SELECT run_id, experiment_name FROM trashed_runs WHERE substr(run_id, 1, length(:prefix)) = :prefix"
            " ORDER BY deleted_at DESC, run_key LIMIT :limit",
            prefix=prefix,
            limit=limit,
        )
        return [(row["run_id"], row["experiment_name"]) for row in rows]
