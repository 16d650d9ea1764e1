"""The SQLite dialect: one file, any number of processes, nothing to set up."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mlrun_cli.errors import MlrunError, StoreError, StoreUnavailable, UsageError
from mlrun_cli.store.database import Dialect, Row

_BUSY_SECONDS = 30.0

_CHECKPOINT_PAGES = 4000
"""16 MiB of log before it is copied into the database, which waits for the disk; four times SQLite's default."""
_OLDEST = (3, 35, 0)
"""The first that knows `RETURNING`."""
_ERRORS = (sqlite3.Error, UnicodeEncodeError, OverflowError)

DIALECT = Dialect(
    rising_key="INTEGER PRIMARY KEY AUTOINCREMENT",
    integer="INTEGER",
    real="REAL",
    clustered="WITHOUT ROWID",
)


class SqliteDatabase:
    """A `Database` in a file, in WAL mode: readers never wait for the writer."""

    dialect = DIALECT

    def __init__(self, path: Path) -> None:
        """Open or make the file.

        Raises:
            StoreError: it cannot be opened or is no database.
        """
        self._path = path
        self._is_watched = False
        if sqlite3.sqlite_version_info < _OLDEST:
            needed = ".".join(map(str, _OLDEST))
            raise StoreError(
                f"This Python has SQLite {sqlite3.sqlite_version}; mlrun-cli needs {needed} or later.",
                hint="Install mlrun-cli with a newer Python.",
            )
        try:
            # Who lets several threads use it, lets them do so one at a time.
            self._connection = sqlite3.connect(
                path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            try:
                self._prepare()
            except sqlite3.Error:
                self._connection.close()
                raise
        except sqlite3.Error as error:
            raise self._store_error(error) from error

    def _prepare(self) -> None:
        self._connection.row_factory = sqlite3.Row
        if self._connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")

    def row(self, sql: str, **parameters: object) -> Row | None:
        """The first row, or None."""
        try:
            row: Row | None = self._connection.execute(sql, parameters).fetchone()
        except _ERRORS as error:
            raise self._told(error) from error
        return row

    def rows(self, sql: str, **parameters: object) -> list[Row]:
        """All rows."""
        try:
            return self._connection.execute(sql, parameters).fetchall()
        except _ERRORS as error:
            raise self._told(error) from error

    def execute(self, sql: str, **parameters: object) -> int:
        """Run a statement; the number of rows it changed."""
        try:
            return self._connection.execute(sql, parameters).rowcount
        except _ERRORS as error:
            raise self._told(error) from error

    def insert_many(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Insert many rows at once, each a sequence in the order of `columns`."""
        places = ", ".join("?" * len(columns))
        names = ", ".join(columns)
        try:
            self._connection.executemany(
                f"INSERT INTO {table} ({names}) VALUES ({places})",  # noqa: S608 — names come from the stores
                rows,
            )
        except _ERRORS as error:
            raise self._told(error) from error

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[None]:
        """One write transaction, locked for writing from its start; `durable` waits for the disk."""
        if durable:
            self.execute("PRAGMA synchronous = FULL")
        try:
            self.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.execute("COMMIT")
            except BaseException:
                # After some errors, a full disk among them, SQLite has rolled back by itself.
                if self._connection.in_transaction:
                    self.execute("ROLLBACK")
                raise
        finally:
            if durable:
                self.execute("PRAGMA synchronous = NORMAL")

    def watch(self, function: str, note: Callable[..., None], statements: Callable[[], Sequence[str]]) -> None:
        """Have `note` called by an SQL function, of which statements make use; once for each connection."""
        if self._is_watched:
            return
        self._connection.create_function(function, -1, note)
        found = statements()
        self.execute("BEGIN")  # at once they take a third of the time; of the store itself, nothing is locked
        for statement in found:
            self.execute(statement)
        self.execute("COMMIT")
        self._is_watched = True

    def take_over(self, other: SqliteDatabase) -> None:
        """Go on with the connection of another one, which is of no use afterwards."""
        self._connection.close()
        self._connection, self._is_watched = other._connection, other._is_watched

    def version(self) -> int:
        """A number that differs from the last one when another connection has written meanwhile; costs no read.

        What this connection wrote does not change it, and numbers of two connections do not compare.
        """
        row = self.row("PRAGMA data_version")
        assert row is not None
        return int(row["data_version"])

    def wait_at_most(self, seconds: float) -> None:
        """How long a statement waits for another process before it fails; from now on."""
        self.execute(f"PRAGMA busy_timeout = {round(seconds * 1000)}")

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()

    def _told(self, error: Exception) -> MlrunError:
        if isinstance(error, sqlite3.Error):
            return self._store_error(error)
        if isinstance(error, UnicodeEncodeError):
            return UsageError(f"A text is not UTF-8: {error.object!a}.", hint="Write it in UTF-8.")
        return UsageError("A number is too large: whole numbers reach to 9223372036854775807.")

    def _store_error(self, error: sqlite3.Error) -> StoreError:
        hint = "Check that the file and its folder can be read and written, or set MLRUN_HOME to another folder."
        text = str(error)
        if "locked" in text:
            hint = "Another process has held it for long; try again when that has ended."
        elif "full" in text:
            hint = "Free some space on its disk, then try again; nothing that was stored is lost."
        elif "malformed" in text or "not a database" in text:
            hint = (
                "'mlrun workspace repair' makes it again from what can be read of it and from the folders of the runs;"
                " the damaged file stays beside it."
            )
        elif "no such module" in text or "no such tokenizer" in text:
            hint = "Install mlrun-cli with a Python whose SQLite has full-text search (FTS5)."
        elif not self._path.parent.is_dir():
            text = "its folder is not there"
        elif not os.access(self._path.parent, os.W_OK):
            text = "its folder is read-only, and a store that cannot be written cannot be read either"
        # What is operational passes; a file that is no database, or a damaged one, stays what it is.
        kind = StoreUnavailable if isinstance(error, sqlite3.OperationalError) else StoreError
        return kind(f"The store {self._path} cannot be used: {text}.", hint=hint)
