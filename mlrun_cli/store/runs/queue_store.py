"""Queues of compute targets: the queued runs, and the runs that occupy nodes and GPUs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set

from mlrun_cli.runs.run import Run
from mlrun_cli.store.db.database import Database, build_in_list
from mlrun_cli.store.runs.rows import ALIVE, SELECT_RUN, build_run

_IS_READY = """((runs.begin_at IS NULL OR runs.begin_at <= :now) AND (
    runs.started_at IS NOT NULL OR runs.predecessor_key IS NULL OR EXISTS (
        SELECT 1 FROM runs AS predecessors
        WHERE predecessors.run_key = runs.predecessor_key AND predecessors.status = 'Completed')))"""
"""True for a run that waits for nothing but a place; one that is started again no longer needs its predecessor."""


class QueueStore:
    """Reads the queues of targets. Each method is one statement."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list_runs(self, target: str, limit: int) -> Sequence[Run]:
        """Return the first `limit` runs in the queue of a target, without tags and properties."""
        rows = self._database.rows(
            f"{SELECT_RUN} WHERE runs.status = 'Queued' AND {self._build_unindexed_target('runs.target')} = :target"
            " ORDER BY runs.priority DESC, runs.run_key LIMIT :limit",
            target=target,
            limit=limit,
        )
        return [build_run(row, {}, {}) for row in rows]

    def list_ready_runs(self, target: str, now: int, limit: int) -> Sequence[Run]:
        """Return the first `limit` runs that wait only for free resources of a target, in queue order."""
        rows = self._database.rows(
            f"{SELECT_RUN} WHERE runs.status = 'Queued' AND {self._build_unindexed_target('runs.target')} = :target"
            f" AND {_IS_READY} ORDER BY runs.priority DESC, runs.run_key LIMIT :limit",
            target=target,
            now=now,
            limit=limit,
        )
        return [build_run(row, {}, {}) for row in rows]

    def list_ready_keys(self, target: str, now: int) -> Sequence[int]:
        """Return the keys of the runs that wait only for free resources of a target, in queue order."""
        rows = self._database.rows(
            f"SELECT run_key FROM runs WHERE status = 'Queued' AND target = :target AND {_IS_READY}"  # noqa: S608
            " ORDER BY priority DESC, run_key",
            target=target,
            now=now,
        )
        return [row["run_key"] for row in rows]

    def list_unstartable_runs(self, target: str) -> Sequence[Run]:
        """Return the queued runs of a target whose predecessor ended without completing or was deleted."""
        rows = self._database.rows(
            f"{SELECT_RUN} WHERE runs.status = 'Queued' AND {self._build_unindexed_target('runs.target')} = :target"  # noqa: S608
            " AND runs.predecessor_key IS NOT NULL AND runs.started_at IS NULL AND NOT EXISTS ("
            "SELECT 1 FROM runs AS predecessors WHERE predecessors.run_key = runs.predecessor_key"
            " AND predecessors.status NOT IN ('Canceled', 'Failed')) ORDER BY runs.run_key",
            target=target,
        )
        return [build_run(row, {}, {}) for row in rows]

    def list_keys(self, target: str) -> Sequence[int]:
        """Return the keys of all runs in the queue of a target, in queue order."""
        rows = self._database.rows(
            "SELECT run_key FROM runs WHERE status = 'Queued' AND target = :target ORDER BY run_key", target=target
        )
        return [row["run_key"] for row in rows]

    def list_ids_exceeding_node_limit(self, target: str, node_limit: int) -> Sequence[str]:
        """Return the ids of a target's queued runs that need more nodes than `node_limit`, in queue order."""
        rows = self._database.rows(
            f"SELECT run_id FROM runs WHERE status = 'Queued' AND {self._build_unindexed_target()} = :target"  # noqa: S608
            " AND node_count > :limit ORDER BY run_key",
            target=target,
            limit=node_limit,
        )
        return [row["run_id"] for row in rows]

    def get_targets_in_use(self) -> Mapping[str, bool]:
        """Return whether any run is queued on each target that has live runs with a script, keyed by target name."""
        rows = self._database.rows(
            f"SELECT target, max(status = 'Queued') AS has_queue FROM runs WHERE {ALIVE}"  # noqa: S608
            " AND owner_lock IS NULL AND controller IS NULL AND target IS NOT NULL"
            f" GROUP BY {self._build_unindexed_target()}"
        )
        return {row["target"]: bool(row["has_queue"]) for row in rows}

    def count_busy_nodes(self, target: str, excluded_keys: Collection[int] = ()) -> int:
        """Return the number of a target's nodes that are used by live runs outside its queue.

        `excluded_keys` are the keys of runs to leave out of the count.
        """
        places, keys = build_in_list("besides", list(excluded_keys))
        others = f" AND run_key NOT IN {places}" if keys else ""
        row = self._database.row(
            f"SELECT coalesce(sum(node_count), 0) AS busy FROM runs WHERE {ALIVE} AND status <> 'Queued'"  # noqa: S608
            f" AND {self._build_unindexed_target()} = :target AND owner_lock IS NULL AND controller IS NULL{others}",
            target=target,
            **keys,
        )
        assert row is not None
        return int(row["busy"])

    def list_gpus_of_later_runs(self, run: Run, since: int, starting_keys: Collection[int]) -> Sequence[Set[str]]:
        """Return the GPUs of each run that is behind `run` in queue order but was started at or after `since`.

        `starting_keys` are the keys of runs that are being started and may still be in the queue. A set may be empty.
        """
        places, keys = build_in_list("starting", list(starting_keys))
        rows = self._database.rows(
            "SELECT gpus FROM runs WHERE (priority < :priority OR priority = :priority AND run_key > :key)"  # noqa: S608
            f" AND {self._build_unindexed_target()} = :target AND owner_lock IS NULL AND (run_key IN {places}"
            f" OR status <> 'Queued' AND (started_at >= :since OR started_at IS NULL AND {ALIVE}))",
            priority=run.priority,
            key=run.key,
            target=run.target,
            since=since,
            **keys,
        )
        return [frozenset(filter(None, (row["gpus"] or "").split(","))) for row in rows]

    def _build_unindexed_target(self, column: str = "target") -> str:
        """Return an SQL expression for the target column that keeps the database from using its unselective index."""
        return self._database.dialect.build_unindexed_column(column)
