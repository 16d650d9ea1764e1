"""Experiments in the database: every SQL statement about them is in this file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from mlrun_cli.core.guid import generate_guid
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.core.time import now
from mlrun_cli.errors import ExperimentNotFound
from mlrun_cli.experiments.experiment import Experiment
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.store.db.database import Database, Row

if TYPE_CHECKING:
    from mlrun_cli.experiments.outcomes import ExperimentOutcomes

_OUTCOMES = {
    RunStatus.COMPLETED.value: "completed",
    RunStatus.FAILED.value: "failed",
    RunStatus.CANCELED.value: "canceled",
}


class ExperimentStore:
    """Reads and writes experiments; `delete` and `reserve_run_numbers` need a transaction."""

    def __init__(self, database: Database, redactor: Redactor) -> None:
        self._database = database
        self._redactor = redactor

    def get(self, name: str) -> Experiment:
        """Return the experiment with this name.

        Raises:
            ExperimentNotFound: there is none; the message lists the existing ones.
        """
        found = self.find(name)
        if found is None:
            raise ExperimentNotFound(name, [experiment.name for experiment in self.list()])
        return found

    def find(self, name: str) -> Experiment | None:
        """Return the experiment with this name, or None if there is none."""
        row = self._database.row("SELECT * FROM experiments WHERE name = :name", name=name)
        return None if row is None else _build_experiment(row)

    def list(self) -> Sequence[Experiment]:
        """Return all experiments, sorted by name."""
        return [_build_experiment(row) for row in self._database.rows("SELECT * FROM experiments ORDER BY name")]

    def list_outcomes(self) -> Sequence[ExperimentOutcomes]:
        """Return every experiment with the numbers of its runs by outcome, most recently active first."""
        from mlrun_cli.experiments.outcomes import ExperimentOutcomes  # noqa: PLC0415 - start-up

        found = {experiment.key: ExperimentOutcomes(experiment) for experiment in self.list()}
        for row in self._database.rows("SELECT * FROM experiment_outcomes WHERE run_count > 0"):
            before = found.get(row["experiment_key"])
            if before is None:
                continue
            group = _OUTCOMES.get(row["status"], "active")
            found[row["experiment_key"]] = before._replace(
                last_activity_at=max(before.last_activity_at or 0, row["last_activity_at"]),
                **{group: getattr(before, group) + row["run_count"]},
            )
        return sorted(found.values(), key=lambda each: -(each.last_activity_at or each.experiment.created_at))

    def update(self, experiment_key: int, **columns: object) -> None:
        """Update columns of an experiment."""
        changes = ", ".join(f"{name} = :{name}" for name in columns)
        self._database.execute(
            f"UPDATE experiments SET {changes} WHERE experiment_key = :key",  # noqa: S608
            key=experiment_key,
            **columns,
        )

    def delete(self, experiment_key: int) -> bool:
        """Delete an experiment, in the caller's transaction; return False if it has runs or does not exist."""
        deleted = self._database.execute(
            "DELETE FROM experiments WHERE experiment_key = :key"
            " AND NOT EXISTS (SELECT 1 FROM runs WHERE experiment_key = :key)",
            key=experiment_key,
        )
        if deleted:
            for table in ("experiment_tags", "experiment_outcomes"):
                self._database.execute(f"DELETE FROM {table} WHERE experiment_key = :key", key=experiment_key)  # noqa: S608
        return bool(deleted)

    def get_tags(self, experiment_key: int) -> dict[str, str | None]:
        """Return the tags of an experiment."""
        rows = self._database.rows(
            "SELECT key, value FROM experiment_tags WHERE experiment_key = :key ORDER BY key", key=experiment_key
        )
        return {row["key"]: row["value"] for row in rows}

    def set_tags(self, experiment_key: int, tags: Mapping[str, str | None]) -> None:
        """Add tags or change their values; secrets in them are redacted."""
        for name, value in self._redactor.redact_document(tags).items():
            self._database.execute(
                "INSERT INTO experiment_tags (experiment_key, key, value) VALUES (:experiment_key, :key, :value)"
                " ON CONFLICT (experiment_key, key) DO UPDATE SET value = excluded.value",
                experiment_key=experiment_key,
                key=name,
                value=value,
            )

    def remove_tags(self, experiment_key: int, names: Iterable[str]) -> None:
        """Remove tags; ignore missing ones."""
        for name in names:
            self._database.execute(
                "DELETE FROM experiment_tags WHERE experiment_key = :experiment_key AND key = :key",
                experiment_key=experiment_key,
                key=name,
            )

    def reserve_run_numbers(self, name: str, count: int = 1) -> tuple[Experiment, int]:
        """Reserve run numbers, in the caller's transaction; return the experiment, created if new, and the first."""
        self.ensure(name)
        row = self._database.row(
            "UPDATE experiments SET last_run_number = last_run_number + :count WHERE name = :name RETURNING *",
            name=name,
            count=count,
        )
        assert row is not None
        return _build_experiment(row), int(row["last_run_number"]) - count + 1

    def ensure(self, name: str) -> None:
        """Create the experiment with this name if it does not exist."""
        self._database.execute(
            "INSERT INTO experiments (experiment_id, name, created_at) VALUES (:guid, :name, :now)"
            " ON CONFLICT (name) DO NOTHING",
            guid=generate_guid(),
            name=name,
            now=now(),
        )


def _build_experiment(row: Row) -> Experiment:
    return Experiment(
        key=row["experiment_key"],
        experiment_id=row["experiment_id"],
        name=row["name"],
        created_at=row["created_at"],
        description=row["description"],
        archived_at=row["archived_at"],
    )
