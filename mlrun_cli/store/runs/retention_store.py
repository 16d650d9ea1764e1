"""Ended runs that may be pruned, and runs that are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlrun_cli.store.db.database import Database, build_in_lists
from mlrun_cli.store.runs.rows import ALIVE

_SPARED = "(runs.is_kept = 1 OR EXISTS (SELECT 1 FROM models WHERE models.run_id = runs.run_id))"


class RetentionStore:
    """Finds runs that may be pruned."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list_ended_trees(self, ended_before: int) -> Sequence[int]:
        """Return the keys of root runs that, with all their descendants, ended before a time, oldest first.

        Trees that contain a retained run are omitted.
        """
        rows = self._database.rows(
            "SELECT coalesce(root_key, run_key) AS tree FROM runs GROUP BY tree"  # noqa: S608
            f" HAVING min(CASE WHEN {ALIVE} OR coalesce(ended_at, created_at) >= :before OR {_SPARED}"
            " THEN 0 ELSE 1 END) = 1 ORDER BY tree",
            before=ended_before,
        )
        return [row["tree"] for row in rows]

    def list_removable_tree(self, run_key: int, ended_before: int) -> Sequence[tuple[int, str]]:
        """Return the key and id of a run and each descendant, children first; empty if any of them may not be removed.

        Return an empty list if any of them is retained or had not ended before the given time.
        """
        rows = self._database.rows(
            "WITH RECURSIVE tree (run_key) AS (SELECT :topmost"  # noqa: S608
            " UNION ALL SELECT runs.run_key FROM runs JOIN tree ON runs.parent_key = tree.run_key)"
            f" SELECT run_key, run_id, {ALIVE} OR coalesce(ended_at, created_at) >= :before OR {_SPARED} AS is_kept"
            " FROM runs WHERE run_key IN (SELECT run_key FROM tree) ORDER BY run_key DESC",
            topmost=run_key,
            before=ended_before,
        )
        return [] if any(row["is_kept"] for row in rows) else [(row["run_key"], row["run_id"]) for row in rows]

    def list_retained_run_ids(self, ended_before: int) -> Sequence[str]:
        """Return the ids of runs that ended before a time but are retained by a user or for a model."""
        rows = self._database.rows(
            f"SELECT run_id FROM runs WHERE {_SPARED} AND NOT ({ALIVE})"  # noqa: S608
            " AND coalesce(ended_at, created_at) < :before ORDER BY run_key",
            before=ended_before,
        )
        return [row["run_id"] for row in rows]

    def explain_retained_runs(self, run_ids: Sequence[str]) -> Mapping[str, str]:
        """Return why some of these runs are never pruned, keyed by run id; those that may be pruned are omitted."""
        why: dict[str, str] = {}
        for places, parameters in build_in_lists("run", run_ids):
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
