"""Experiments in the database: every SQL statement about them is in this file."""

from __future__ import annotations

from collections.abc import Sequence

from mlrun_cli.domain.experiment import Experiment
from mlrun_cli.domain.guid import new_guid
from mlrun_cli.domain.moment import now
from mlrun_cli.errors import ExperimentNotFound
from mlrun_cli.store.database import Database, Row


class ExperimentStore:
    """Reads and writes experiments. Each method but `take_run_number` is one statement."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str) -> Experiment:
        """The experiment of this name.

        Raises:
            ExperimentNotFound: there is none; the message lists those there are.
        """
        found = self.find(name)
        if found is None:
            raise ExperimentNotFound(name, [experiment.name for experiment in self.list()])
        return found

    def find(self, name: str) -> Experiment | None:
        """The experiment of this name, or None."""
        row = self._database.row("SELECT * FROM experiments WHERE name = :name", name=name)
        return None if row is None else _experiment(row)

    def list(self) -> Sequence[Experiment]:
        """All experiments, by name."""
        return [_experiment(row) for row in self._database.rows("SELECT * FROM experiments ORDER BY name")]

    def take_run_number(self, name: str) -> tuple[Experiment, int]:
        """The experiment, made when there is none, and its next run number; within a transaction."""
        self._database.execute(
            "INSERT INTO experiments (experiment_id, name, created_at) VALUES (:guid, :name, :now)"
            " ON CONFLICT (name) DO NOTHING",
            guid=new_guid(),
            name=name,
            now=now(),
        )
        row = self._database.row(
            "UPDATE experiments SET last_run_number = last_run_number + 1 WHERE name = :name RETURNING *",
            name=name,
        )
        assert row is not None
        return _experiment(row), int(row["last_run_number"])


def _experiment(row: Row) -> Experiment:
    return Experiment(
        key=row["experiment_key"],
        experiment_id=row["experiment_id"],
        name=row["name"],
        created_at=row["created_at"],
        description=row["description"],
        archived_at=row["archived_at"],
    )
