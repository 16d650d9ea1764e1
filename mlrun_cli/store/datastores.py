"""Datastores in the database: every SQL statement about them is in this file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mlrun_cli.core.time import now
from mlrun_cli.data.datastore import Datastore
from mlrun_cli.store.db.database import Database, Row


class DatastoreStore:
    """Reads and writes the datastores that users have registered."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, name: str) -> Datastore | None:
        """Return the datastore with this name, or None if there is none."""
        row = self._database.row("SELECT * FROM datastores WHERE name = :name", name=name)
        return None if row is None else _build_datastore(row)

    def list(self) -> Sequence[Datastore]:
        """Return all datastores, sorted by name."""
        return [_build_datastore(row) for row in self._database.rows("SELECT * FROM datastores ORDER BY name")]

    def upsert(self, name: str, folder: Path) -> None:
        """Insert a datastore, or change the folder of the existing one with this name."""
        self._database.execute(
            "INSERT INTO datastores (name, folder, created_at) VALUES (:name, :folder, :now)"
            " ON CONFLICT (name) DO UPDATE SET folder = excluded.folder",
            name=name,
            folder=str(folder),
            now=now(),
        )

    def delete(self, name: str) -> bool:
        """Delete a datastore; return False if it does not exist."""
        return self._database.execute("DELETE FROM datastores WHERE name = :name", name=name) > 0


def _build_datastore(row: Row) -> Datastore:
    return Datastore(name=row["name"], folder=Path(row["folder"]), is_own=False)
