"""Compute targets in the database: every SQL statement about them is in this file."""

from __future__ import annotations

import json
from collections.abc import Sequence

from mlrun_cli.compute.compute_target import ComputeTarget
from mlrun_cli.store.db.database import Database, Row


class ComputeTargetStore:
    """Reads and writes compute targets. Each method is one statement."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, name: str) -> ComputeTarget | None:
        """Return the compute target with this name, or None if there is none."""
        row = self._database.row("SELECT * FROM compute_targets WHERE name = :name", name=name)
        return None if row is None else _build_target(row)

    def list(self) -> Sequence[ComputeTarget]:
        """Return all compute targets, sorted by name."""
        return [_build_target(row) for row in self._database.rows("SELECT * FROM compute_targets ORDER BY name")]

    def insert(self, target: ComputeTarget) -> bool:
        """Insert a compute target; return False, and change nothing, if one with its name exists."""
        inserted = self._database.execute(
            "INSERT INTO compute_targets (name, kind, definition, created_at, modified_at)"
            " VALUES (:name, :kind, :definition, :created_at, :modified_at) ON CONFLICT (name) DO NOTHING",
            name=target.name,
            kind=target.kind,
            definition=_serialize_definition(target),
            created_at=target.created_at,
            modified_at=target.modified_at,
        )
        return inserted == 1

    def replace(self, target: ComputeTarget) -> None:
        """Replace the definition of a compute target; its kind and creation time stay the same."""
        self._database.execute(
            "UPDATE compute_targets SET definition = :definition, modified_at = :modified_at WHERE name = :name",
            name=target.name,
            definition=_serialize_definition(target),
            modified_at=target.modified_at,
        )

    def delete(self, name: str) -> bool:
        """Delete a compute target; return False if it does not exist."""
        return self._database.execute("DELETE FROM compute_targets WHERE name = :name", name=name) == 1


def _serialize_definition(target: ComputeTarget) -> str:
    return json.dumps(
        {
            "description": target.description,
            "tags": None if target.tags is None else dict(target.tags),
            "properties": dict(target.properties),
        }
    )


def _build_target(row: Row) -> ComputeTarget:
    return ComputeTarget(
        name=row["name"],
        kind=row["kind"],
        created_at=row["created_at"],
        modified_at=row["modified_at"],
        **json.loads(row["definition"]),
    )
