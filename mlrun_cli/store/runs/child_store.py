"""Runs with a controller, and the statuses of their child runs. Each method is one statement."""

from __future__ import annotations

from collections.abc import Sequence

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.store.db.database import Database, build_in_lists
from mlrun_cli.store.runs.rows import ALIVE, SELECT_RUN, build_run

_CONTROLLED = f"runs.controller IS NOT NULL AND {ALIVE}"


class ChildState(NamedTuple):
    """A child run: its key, its id and its status."""

    key: int
    run_id: str
    status: RunStatus


class ChildStore:
    """Reads controlled runs and child runs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list_controlled_runs(self) -> Sequence[Run]:
        """Return all live runs with a controller, oldest first, without tags and properties."""
        rows = self._database.rows(f"{SELECT_RUN} WHERE {_CONTROLLED} ORDER BY runs.run_key")
        return [build_run(row, {}, {}) for row in rows]

    def has_controlled_runs(self) -> bool:
        """Return whether any live run has a controller."""
        return self._database.row(f"SELECT 1 AS found FROM runs WHERE {_CONTROLLED} LIMIT 1") is not None  # noqa: S608

    def find_by_key(self, run_key: int) -> Run | None:
        """Return the run with this key, without its tags and properties, or None if it was deleted."""
        row = self._database.row(f"{SELECT_RUN} WHERE runs.run_key = :key", key=run_key)
        return None if row is None else build_run(row, {}, {})

    def list_children(self, parent_key: int) -> Sequence[ChildState]:
        """Return the ids and statuses of a run's child runs, in the order of their creation."""
        rows = self._database.rows(
            "SELECT run_key, run_id, status FROM runs WHERE parent_key = :parent ORDER BY run_key", parent=parent_key
        )
        return [ChildState(row["run_key"], row["run_id"], RunStatus(row["status"])) for row in rows]

    def get_statuses(self, run_keys: Sequence[int]) -> dict[int, RunStatus]:
        """Return the statuses of the runs with these keys, keyed by run key; deleted runs are omitted."""
        found: dict[int, RunStatus] = {}
        for places, parameters in build_in_lists("run", run_keys):
            rows = self._database.rows(
                f"SELECT run_key, status FROM runs WHERE run_key IN {places}",  # noqa: S608
                **parameters,
            )
            found.update((row["run_key"], RunStatus(row["status"])) for row in rows)
        return found
