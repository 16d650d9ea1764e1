"""The settings of a workspace in the database: every SQL statement about them is in this file."""

from __future__ import annotations

from mlrun_cli.store.db.database import Database


class SettingStore:
    """Reads and writes settings, which are texts identified by a key. Each method is one statement."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, key: str) -> str | None:
        """Return the value of a setting, or None if it was never set."""
        row = self._database.row("SELECT value FROM settings WHERE key = :key", key=key)
        return None if row is None else str(row["value"])

    def set(self, key: str, value: str) -> None:
        """Set the value of a setting."""
        self._database.execute(
            "INSERT INTO settings (key, value) VALUES (:key, :value)"
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            key=key,
            value=value,
        )
