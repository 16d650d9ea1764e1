"""The SQLite dialect on a network file system: one host at a time, with locks of this host instead of SQLite's.

The write-ahead log needs memory that all processes share, and the locks of such a file system cannot be trusted. So
the file is in rollback-journal mode and opened without locks; each statement that reads holds the database's local lock
together with other readers, each transaction alone. Under the lock, and before anything else, the host's lease is
checked.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from mlrun_cli.core.local_folder import get_counterpart
from mlrun_cli.errors import StoreUnavailable
from mlrun_cli.store.db.sqlite.connection import SqliteDatabase
from mlrun_cli.store.db.sqlite.local_lock import LocalLock
from mlrun_cli.store.db.sqlite.wal_index import has_write_ahead_log

if TYPE_CHECKING:
    from mlrun_cli.processes.host_lease import HostLease
    from mlrun_cli.store.db.database import Database
    from mlrun_cli.store.db.watched_table import ReportChange, WatchedTable

_LONG_SECONDS = 1.0
"""The time after which a transaction checks once more, before it commits, that its host has the home."""

_SPILL_PAGES = 16383
"""64 MiB of changed pages before some are written to the file ahead of the commit, until which readers on other hosts
then wait; SQLite's default is 2 MiB. A multiple of 256 would mean that none are."""

_LAST_COMMIT_SECONDS = 10.0
"""The time within which a host that loses its home has ended the commit that it was in."""
_LOOK_AGAIN_SECONDS = 0.1
_HALF_WRITTEN = ("disk I/O error", "malformed", "unable to open")

_T = TypeVar("_T")


class NetworkDatabase(SqliteDatabase):
    """A `Database` in a file on a network file system."""

    _access_seconds = 3 * _LAST_COMMIT_SECONDS
    """The time for which a journal of the host before may come and go; to open the file again is a part of it."""

    def __init__(self, path: Path, lease: HostLease) -> None:
        """Open or create the file.

        Raises:
            HomeInUse: another host uses it.
            StoreError: it cannot be opened or is not a database.
        """
        self._lease = lease
        self._lock = LocalLock(path)
        self._is_locked = False
        self._term = ""
        """The id of the term in which the connection was opened; other hosts may have written since."""
        super().__init__(path)

    def _connect(self) -> sqlite3.Connection:
        return self._retry_while_busy(self._open_under_lock)

    def _open_under_lock(self) -> sqlite3.Connection:
        with self._lock.hold(self._busy_interval, exclusive=False):
            self._lease.check_and_renew()
            self._term = self._lease.term_id
            if not _is_modified_by_opening(self._path, self._term):
                return _open_database(self._path, self._term)
        with self._lock.hold(self._busy_interval, exclusive=True):
            self._lease.check_and_renew()
            self._term = self._lease.term_id
            return _open_database(self._path, self._term)

    def _list_lock_files(self) -> Sequence[Path]:
        return self._lock.files

    def _call_reader(self, action: Callable[[], _T]) -> _T:
        return super()._call_reader(lambda: self._call_under_lock(action, exclusive=False))

    def execute(self, sql: str, **parameters: object) -> int:
        """Execute a statement and return the number of rows it changed."""
        return self._retry_while_busy(
            lambda: self._call_under_lock(lambda: self._connection.execute(sql, parameters).rowcount, exclusive=True)
        )

    def insert_many(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Insert rows into a table, each a sequence of values in the order of `columns`."""
        if self._is_locked:
            super().insert_many(table, columns, rows)
        else:
            with self.transaction():
                super().insert_many(table, columns, rows)

    def _call_under_lock(self, action: Callable[[], _T], *, exclusive: bool) -> _T:
        """Call a function under the lock, after discarding outdated cached content, and return its result."""
        if self._is_locked:
            return action()
        with self._lock.hold(self._busy_interval, exclusive=exclusive):
            is_usable = self._renew_lease()
            # A journal that nobody writes was left by a killed process: who reads takes its writes back.
            if is_usable and (exclusive or not os.path.exists(f"{self._path}-journal")):
                return action()
        with self._lock.hold(self._busy_interval, exclusive=True):
            if not self._renew_lease():
                self._reopen()
            self._reopen_if_journal_is_stale()
            return action()

    def _reopen_if_journal_is_stale(self) -> None:
        """Reopen the database, without this host's cache, if the cache names a journal that cannot be opened.

        The host before may have removed it with its last commit, after this host had discarded its cache. SQLite finds
        the name, fails to open the file, and so refuses the database.
        """
        if not os.path.exists(f"{self._path}-journal"):
            return
        try:
            self._connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
        except sqlite3.DatabaseError as error:
            if not _can_come_from_partial_commit(error):
                raise
            _get_seen_term_path(self._path).unlink(missing_ok=True)
            self._reopen()

    def _renew_lease(self) -> bool:
        """Renew the lease; return whether this host has held it continuously since the connection was opened."""
        self._lease.check_and_renew()
        return self._lease.term_id == self._term

    def _reopen(self) -> None:
        self._connection.close()
        self._term = self._lease.term_id
        self._connection = _open_database(self._path, self._term)
        self._is_watched = False
        self._number += 1

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[None]:
        """Run a block in a write transaction under the lock; `durable` also flushes the folder to disk."""
        self._retry_while_busy(lambda: self._lock.acquire(self._busy_interval, exclusive=True))
        self._is_locked = True
        try:
            if not self._renew_lease():
                self._reopen()
                raise _create_lease_lost_error(self._path)
            self._reopen_if_journal_is_stale()
            self._connection.execute(f"PRAGMA synchronous = {'EXTRA' if durable else 'FULL'}")
            started = time.monotonic()
            with super().transaction():
                yield
                if time.monotonic() - started > _LONG_SECONDS and not self._renew_lease():
                    raise _create_lease_lost_error(self._path)
        finally:
            self._is_locked = False
            self._lock.release()

    def watch(self, list_tables: Callable[[], Sequence[WatchedTable]], report: ReportChange) -> None:
        """Register a function to call, in the same transaction, for each watched row that this connection changes."""
        self._retry_while_busy(
            lambda: self._call_under_lock(lambda: self._watch_under_lock(list_tables, report), exclusive=False)
        )

    def _watch_under_lock(self, list_tables: Callable[[], Sequence[WatchedTable]], report: ReportChange) -> None:
        was_locked, self._is_locked = self._is_locked, True
        try:
            super().watch(list_tables, report)
        finally:
            self._is_locked = was_locked

    def replace_connection(self, other: Database) -> None:
        """Take over the connection of another object; the other object is unusable afterwards."""
        super().replace_connection(other)
        assert isinstance(other, NetworkDatabase)
        self._term = other._term
        other._lock.close()

    def checkpoint(self) -> None:
        """Do nothing, since there is no write-ahead log."""

    def close(self) -> None:
        """Close the connection and the files of its lock."""
        self._connection.close()
        self._lock.close()


def _create_lease_lost_error(path: Path) -> StoreUnavailable:
    return StoreUnavailable(f"The store {path} was in use from another host meanwhile.", hint="Try again.")


def build_uri(path: Path, options: str = "") -> str:
    """Return the SQLite URI that opens a database file without locks; `options` are further query parameters, `&…`."""
    return f"{path.absolute().as_uri()}?vfs=unix-none&nolock=1{options}"


def _open_database(path: Path, term_id: str) -> sqlite3.Connection:
    deadline = time.monotonic() + _LAST_COMMIT_SECONDS
    while True:
        if not _is_cache_fresh(path, term_id):
            _discard_cache(path, term_id)
        try:
            return _open_without_refresh(path)
        except sqlite3.DatabaseError as error:
            # The host before may still have been in a commit: the file and its journal change while they are read.
            if not _can_come_from_partial_commit(error) or time.monotonic() >= deadline:
                raise
            _get_seen_term_path(path).unlink(missing_ok=True)
            time.sleep(_LOOK_AGAIN_SECONDS)


def _can_come_from_partial_commit(error: sqlite3.DatabaseError) -> bool:
    """Return whether an error may come from another host's commit that is incomplete or not yet fully visible here."""
    return any(text in str(error) for text in _HALF_WRITTEN)


def _open_without_refresh(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(build_uri(path), uri=True, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        connection.row_factory = sqlite3.Row
        if _is_in_wal_mode(path):  # it was on a local disk
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute("PRAGMA locking_mode = NORMAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA cache_spill = {_SPILL_PAGES}")
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _is_modified_by_opening(path: Path, term_id: str) -> bool:
    """Return whether opening a database would discard its cache, end its WAL mode or roll back its journal."""
    return not _is_cache_fresh(path, term_id) or _is_in_wal_mode(path) or os.path.exists(f"{path}-journal")


def _is_in_wal_mode(path: Path) -> bool:
    with suppress(OSError):
        return has_write_ahead_log(path)
    return False


def _is_cache_fresh(path: Path, term_id: str) -> bool:
    """Return whether this host has discarded its cached content of a file since its lease term began."""
    with suppress(OSError):
        return _get_seen_term_path(path).read_text(encoding="ascii") == term_id
    return False


def _get_seen_term_path(path: Path) -> Path:
    return Path(f"{get_counterpart(path)}.seen")


def _discard_cache(path: Path, term_id: str) -> None:
    """Discard this host's cached content of a file and its journal, since another host may have changed them.

    A client remembers the sizes of files, and which files exist. A change that it makes itself has it ask again.
    """
    journal = Path(f"{path}-journal")
    probe = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    with suppress(OSError):
        os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        if journal.exists() and not _is_readable(journal):
            probe.replace(journal)
            journal.unlink()
        probe.unlink(missing_ok=True)
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            os.fchmod(descriptor, 0o600)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)
        _get_seen_term_path(path).write_text(term_id, encoding="ascii")


def _is_readable(path: Path) -> bool:
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
    except FileNotFoundError:
        return False
    return True
