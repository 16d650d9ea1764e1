"""The offsets up to which journals have been ingested into the database."""

from __future__ import annotations

from mlrun_cli.store.db.database import Database


class JournalStore:
    """Reads and advances the offsets of journals, in bytes; the ingested data is stored in the same transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get_offsets(self, run_key: int) -> dict[str, int]:
        """Return the read offsets of a run's journals, keyed by journal name; unread journals are omitted."""
        rows = self._database.rows("SELECT name, bytes_read FROM journals WHERE run_key = :run_key", run_key=run_key)
        return {row["name"]: row["bytes_read"] for row in rows}

    def advance(self, run_key: int, journal_name: str, old_offset: int, new_offset: int) -> bool:
        """Advance the read offset of a run's journal, in a transaction; return False if another reader has moved it."""
        if old_offset == 0:
            self._database.execute(
                "INSERT INTO journals (run_key, name) VALUES (:run_key, :name) ON CONFLICT (run_key, name) DO NOTHING",
                run_key=run_key,
                name=journal_name,
            )
        changed = self._database.execute(
            "UPDATE journals SET bytes_read = :after"
            " WHERE run_key = :run_key AND name = :name AND bytes_read = :before",
            run_key=run_key,
            name=journal_name,
            before=old_offset,
            after=new_offset,
        )
        return bool(changed)

    def get_session_offset(self, journal_name: str) -> int:
        """Return the read offset of a session's journal, or 0 if nothing has been read."""
        row = self._database.row("SELECT bytes_read FROM session_journals WHERE name = :name", name=journal_name)
        return 0 if row is None else int(row["bytes_read"])

    def advance_session_offset(self, journal_name: str, old_offset: int, new_offset: int) -> bool:
        """Advance the read offset of a session's journal; return False if another reader has moved the offset."""
        if old_offset == 0:
            self._database.execute(
                "INSERT INTO session_journals (name) VALUES (:name) ON CONFLICT (name) DO NOTHING", name=journal_name
            )
        changed = self._database.execute(
            "UPDATE session_journals SET bytes_read = :after WHERE name = :name AND bytes_read = :before",
            name=journal_name,
            before=old_offset,
            after=new_offset,
        )
        return bool(changed)

    def delete_session_offset(self, journal_name: str) -> None:
        """Delete the read offset of a journal whose session no longer exists."""
        self._database.execute("DELETE FROM session_journals WHERE name = :name", name=journal_name)
