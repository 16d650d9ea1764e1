"""The file of an SQLite database, with the files that SQLite creates beside it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from mlrun_cli.core.home import make_private_file
from mlrun_cli.processes.host_lease import find_lease
from mlrun_cli.store.db.database import Database, Row
from mlrun_cli.store.db.sqlite.connection import SqliteDatabase, query_without_waiting
from mlrun_cli.store.db.sqlite.migrations import migrate

if TYPE_CHECKING:
    from mlrun_cli.store.db.locator import DamagedDatabase

_BESIDES = ("-wal", "-shm", "-journal")
_LOCK_SECONDS = 30.0


class SqliteFile:
    """The `DatabaseLocator` of an SQLite file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __str__(self) -> str:
        return str(self._path)

    @staticmethod
    def load_modules() -> None:
        """Import all modules of the dialect, including those that are otherwise imported on first use."""
        for name in ("change_triggers", "first_schema"):
            import_module(f"mlrun_cli.store.db.sqlite.{name}")

    def exists(self) -> bool:
        """Return whether the file exists."""
        return self._path.exists()

    def create(self) -> None:
        """Create an empty file that only its owner can access, unless the file exists."""
        make_private_file(self._path)

    def open(self, *, starts_read_only: bool = False) -> Database:
        """Open the file and bring its schema up to date.

        Raises:
            StoreError: it cannot be opened, or was created by a newer version of this program.
        """
        database = _open_database(self._path, starts_read_only=starts_read_only)
        try:
            migrate(database, str(self._path))
        except BaseException:
            database.close()
            raise
        return database

    def query_without_waiting(self, sql: str, **parameters: object) -> list[Row]:
        """Return the rows of a query, without waiting for other processes or changing the file.

        Raises:
            StoreError: it cannot be read at the moment, does not exist, or lacks a table.
        """
        return query_without_waiting(self._path, sql, parameters)

    def get_identity(self, folder_fd: int | None = None) -> tuple[object, ...] | None:
        """Return the device and inode of the file, which change when it is replaced, or None if there is no file.

        On a network file system, the term of its host is added: what another host replaces may keep its inode here.
        """
        try:
            found = os.stat(self._path if folder_fd is None else self._path.name, dir_fd=folder_fd)
        except OSError:
            return None
        lease = find_lease(self._path)
        return (found.st_dev, found.st_ino, *(() if lease is None else (lease.term_id,)))

    def list_files(self) -> Sequence[Path]:
        """Return the database file and the files of its write-ahead log."""
        return list(self._path.parent.glob(f"{self._path.name}*"))

    def check_integrity(self, copy_path: Path | None = None) -> list[str]:
        """Return the problems that SQLite's integrity check finds in the file or in a copy of it.

        Raises:
            StoreUnavailable: it cannot be checked at the moment.
        """
        from mlrun_cli.store.db.sqlite.damaged_file import check_integrity  # noqa: PLC0415 - few come here

        return check_integrity(copy_path or self._path)

    def copy_to(self, file: Path, *, shown: Path | None = None) -> None:
        """Copy the database to a single file, while other processes may write to the database.

        Args:
            file: an empty file, often a temporary one.
            shown: what errors call it instead.

        Raises:
            StoreError: it cannot be read, or the copy cannot be written.
        """
        from mlrun_cli.store.db.sqlite.damaged_file import copy_database  # noqa: PLC0415 - few come here

        copy_database(self._path, file, shown or file)

    def open_damaged_database(self) -> DamagedDatabase:
        """Open the file to read its undamaged rows."""
        from mlrun_cli.store.db.sqlite.damaged_file import DamagedFile  # noqa: PLC0415 - few come here

        return DamagedFile(self._path)

    @contextmanager
    def create_replacement(self, copy_path: Path | None = None) -> Iterator[NewFile]:
        """Create a file beside this one, empty or a copy, that is removed after the block unless it replaced this one.

        Raises:
            StoreError: it cannot be created.
        """
        new = self._path.with_name(f".{self._path.name}.new")
        _remove_files(new)
        try:
            os.close(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            if copy_path is not None:
                SqliteFile(copy_path).copy_to(new)
            with closing(_open_database(new)) as database:
                migrate(database, str(copy_path or new))
                yield NewFile(database, new, self._path)
        finally:
            _remove_files(new)


class NewFile:
    """The `NewDatabase` of an SQLite file."""

    def __init__(self, database: SqliteDatabase, path: Path, file_path: Path) -> None:
        self.database: Database = database
        self._path = path
        self._place = file_path

    def replace_current(self, suffix: str) -> Path | None:
        """Replace the current file with this one, close this one, and return the new path of the old one, or None."""
        from mlrun_cli.core.json_files import sync_to_disk  # noqa: PLC0415 - few come here

        self.database.execute("PRAGMA journal_mode = DELETE")  # one file that needs no log
        self.database.close()
        sync_to_disk(self._path)
        timestamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        kept = self._place.with_name(f"{self._place.name}.{suffix}-{timestamp}")
        had_one = self._place.exists()
        with self._hold_lock():
            for besides in (*_BESIDES, ""):
                with suppress(FileNotFoundError):
                    Path(f"{self._place}{besides}").rename(f"{kept}{besides}")
            self._path.rename(self._place)
        sync_to_disk(self._place.parent)
        return kept if had_one else None

    def _hold_lock(self) -> AbstractContextManager[None]:
        if find_lease(self._place) is None:
            return nullcontext()
        from mlrun_cli.store.db.sqlite.local_lock import LocalLock  # noqa: PLC0415 - start-up

        return LocalLock(self._place).hold(_LOCK_SECONDS, exclusive=True)


def _open_database(path: Path, *, starts_read_only: bool = False) -> SqliteDatabase:
    """Open a file in the mode that its file system requires."""
    lease = find_lease(path)
    if lease is None:
        return SqliteDatabase(path, starts_read_only=starts_read_only)
    if lease.refusal is not None:
        from mlrun_cli.store.db.sqlite.foreign_reader import ForeignDatabase  # noqa: PLC0415 - start-up

        return ForeignDatabase(path, lease)
    from mlrun_cli.store.db.sqlite.network_connection import NetworkDatabase  # noqa: PLC0415 - start-up

    return NetworkDatabase(path, lease)


def _remove_files(path: Path) -> None:
    for besides in ("", *_BESIDES):
        Path(f"{path}{besides}").unlink(missing_ok=True)
