"""Saved views in the database: every SQL statement about them is in this file."""

from __future__ import annotations

from collections.abc import Sequence

from mlrun_cli.core.time import now
from mlrun_cli.store.db.database import Database, Row
from mlrun_cli.views.view import SavedView


class ViewStore:
    """Reads and writes saved views. Each method is one statement."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self) -> Sequence[SavedView]:
        """Return all views, sorted by name."""
        return [_build_view(row) for row in self._database.rows("SELECT * FROM saved_views ORDER BY name")]

    def find(self, name: str) -> SavedView | None:
        """Return the view with this name, or None if there is none."""
        row = self._database.row("SELECT * FROM saved_views WHERE name = :name", name=name)
        return None if row is None else _build_view(row)

    def add(self, name: str, page: str, query: str, author: str) -> bool:
        """Insert a view; return False if its name is already in use."""
        added = self._database.execute(
            "INSERT INTO saved_views (name, page, query, author, created_at, changed_at, version)"
            " VALUES (:name, :page, :query, :author, :now, :now, 1) ON CONFLICT (name) DO NOTHING",
            name=name,
            page=page,
            query=query,
            author=author,
            now=now(),
        )
        return bool(added)

    def replace(self, name: str, version: int, page: str, query: str, author: str) -> bool:
        """Overwrite a view if it is at this version; return False otherwise."""
        return self._update_view(name, version, page=page, query=query, author=author)

    def rename(self, name: str, version: int, new_name: str, author: str) -> bool:
        """Rename a view if it is at this version; return False otherwise."""
        return self._update_view(name, version, name=new_name, author=author)

    def delete(self, name: str, version: int) -> bool:
        """Delete a view if it is at this version; return False otherwise."""
        deleted = self._database.execute(
            "DELETE FROM saved_views WHERE name = :name AND version = :version", name=name, version=version
        )
        return bool(deleted)

    def _update_view(self, old_name: str, version: int, **columns: object) -> bool:
        changes = "".join(f", {column} = :{column}" for column in columns)
        changed = self._database.execute(
            f"UPDATE saved_views SET changed_at = :now, version = version + 1{changes}"  # noqa: S608
            " WHERE name = :before AND version = :version",
            before=old_name,
            version=version,
            now=now(),
            **columns,
        )
        return bool(changed)


def _build_view(row: Row) -> SavedView:
    return SavedView(**{name: row[name] for name in SavedView._fields})
