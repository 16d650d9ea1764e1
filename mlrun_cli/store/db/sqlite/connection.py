"""The SQLite dialect: a single file, any number of processes, and no setup.

A process that is stopped, by a signal or with its control group, keeps the locks it holds. So ordinary opening and
closing takes no lock that blocks others: a process that only reads opens the file read-only, and no process moves the
log into the file and removes it at the end, as SQLite does when the last connection closes. The log is copied into the
file while connections are open, which blocks nobody. One lock remains: the first process that opens the file for
writing builds the index of the log for all. While such a process is stopped, readers read past its locks.

Log and index belong for a moment to root when root's process creates them, before SQLite gives them to the owner of the
database. SQLite cannot open them during that moment, or opens them for reading, and stays so until all connections of
the process are closed. So both is tried again, with a new connection.
"""

from __future__ import annotations

import atexit
import itertools
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mlrun_cli.core.disk_space import describe_full_disk
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import InvalidValue, MlrunError, StoreError, StoreUnavailable
from mlrun_cli.store.db.database import Database, Dialect, Row
from mlrun_cli.store.db.sqlite.dialect import SqliteDialect
from mlrun_cli.store.db.sqlite.wal_index import find_index_builder_pid, has_write_ahead_log

if TYPE_CHECKING:
    from mlrun_cli.processes.lock_holders import LockHolder
    from mlrun_cli.store.db.sqlite.unlocked_reader import UnlockedReader
    from mlrun_cli.store.db.watched_table import ReportChange, WatchedTable

_BUSY_SECONDS = 30.0
_BUSY_SLICE_SECONDS = 3.0
"""The time after which the holder of the lock is checked: a stopped process is not waited for any longer."""

_CHECKPOINT_PAGES = 4000
"""16 MiB of log before it is copied into the database, which waits for the disk; four times SQLite's default."""
_SHORT_LOG_PAGES = 256
"""1 MiB, which is read in a millisecond or two."""
_LONG_LOG_BYTES = 32 << 20
_OLDEST = (3, 35, 0)
"""The first version that supports `RETURNING`."""
_ERRORS = (sqlite3.Error, UnicodeEncodeError, OverflowError)
_CONNECTION_BITS = 40
_CHANGE_FUNCTION = "mlrun_changed"
_READ_ONLY_BUSY_SECONDS = 0.25
_LOOK_SECONDS = 0.05
_MAX_IDLE = 64

_T = TypeVar("_T")


class SqliteDatabase:
    """A `Database` in a file, in WAL mode: readers never wait for the writer."""

    dialect: Dialect = SqliteDialect()
    _access_seconds = 3.0
    """The time after which the files beside the database have their final owner at the latest."""

    def __init__(self, path: Path, *, starts_read_only: bool = False) -> None:
        """Open or create the file; with `starts_read_only`, read-only until the first write.

        A process that reads a store opens it once: SQLite cannot have it open in both modes at the same time.

        Raises:
            StoreError: it cannot be opened or is not a database.
        """
        self._path = path
        self._is_retired = False
        """Whether the connection was closed since it could not write, and could not be replaced yet."""
        self._is_watched = False
        self._watched: tuple[Callable[[], Sequence[WatchedTable]], ReportChange] | None = None
        self._busy_timeout = _BUSY_SECONDS
        self._checkpoint_pages = _CHECKPOINT_PAGES
        self._synchronous = "NORMAL"
        self._number = 0
        if sqlite3.sqlite_version_info < _OLDEST:
            needed = ".".join(map(str, _OLDEST))
            raise StoreError(
                f"This Python has SQLite {sqlite3.sqlite_version}; mlrun-cli needs {needed} or later.",
                hint="Install mlrun-cli with a newer Python.",
            )
        self._open_file: _OpenFile | None = None
        self._unlocked_reader: UnlockedReader | None = None
        reading = self._open_reader() if starts_read_only else None
        self._is_read_only = reading is not None
        self._connection = self._connect() if reading is None else reading

    def _open_reader(self) -> sqlite3.Connection | None:
        """Open a read-only connection whose locks never block others; return None if that is currently impossible.

        If a stopped process blocks readers, the connection reads past its locks.
        """
        self._unlocked_reader = None
        builder = find_index_builder_pid(self._path)
        connection = self._open_without_locking(builder) if builder is not None else None
        if connection is not None:
            return connection
        try:
            return _open_read_only(self._path)
        except sqlite3.Error as error:
            return self._open_without_locking() if _is_busy_error(error) else None

    def _open_without_locking(self, holder_pid: int | None = None) -> sqlite3.Connection | None:
        """Open a connection that ignores a suspended process's locks; return None if no suspended process holds any."""
        from mlrun_cli.store.db.sqlite.unlocked_reader import open_without_locking  # noqa: PLC0415 - a rare case

        self._unlocked_reader = open_without_locking(self._path, holder_pid, _pool.add)
        return None if self._unlocked_reader is None else self._unlocked_reader.connection

    def _connect(self) -> sqlite3.Connection:
        self._wait_for_stopped_index_builder()
        connection = self._retry_while_busy(
            lambda: _pool.acquire(self._path) or _open_writable(self._path, self._busy_interval)
        )
        self._open_file = _identify_file(self._path)
        connection.execute(f"PRAGMA busy_timeout = {round(self._busy_interval * 1000)}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {self._checkpoint_pages}")
        return connection

    @property
    def _busy_interval(self) -> float:
        """The seconds for which SQLite itself waits for a lock, before holders of the lock are examined."""
        return min(self._busy_timeout, _BUSY_SLICE_SECONDS)

    def _wait_for_stopped_index_builder(self) -> None:
        """Wait briefly if a suspended process blocks everyone else because it is building the index.

        Raises:
            StoreUnavailable: the process is still stopped after that.
        """
        deadline = time.monotonic() + self._busy_interval
        while (builder := find_index_builder_pid(self._path)) is not None:
            from mlrun_cli.processes.lock_holders import describe_holder  # noqa: PLC0415 - a rare case

            holder = describe_holder(builder)
            if not holder.is_stopped:
                return
            if time.monotonic() >= deadline:
                raise self._create_locked_error(holder)
            time.sleep(_LOOK_SECONDS)

    def _ensure_writable(self) -> None:
        """Replace a read-only connection with one that can write."""
        if self._is_read_only:
            self._close_reader()
            self._connection = self._connect()
            self._unlocked_reader = None
            self._is_read_only = False
            self._number += 1

    def _close_reader(self) -> None:
        """Close the read-only connection, except an unlocked reader, which stays open as long as its database."""
        if self._unlocked_reader is None:
            self._connection.close()

    def _reopen_reader(self) -> None:
        """Open a new read-only connection or, if that is impossible, one that can write."""
        reading = self._open_reader()
        if reading is None:
            self._connection = self._connect()
            self._is_read_only = False
        else:
            self._connection = reading
        self._number += 1

    def _retry_while_busy(self, action: Callable[[], _T]) -> _T:
        """Call a function, retrying while the file is locked; fail after a timeout or if the holder is suspended.

        Raises:
            MlrunError: the action failed, or the store is still locked.
        """
        started = time.monotonic()
        deadline = started + self._busy_timeout
        while True:
            try:
                return action()
            except _ERRORS as error:
                if time.monotonic() < started + self._access_seconds and self._reconnect_after_access_error(error):
                    continue
                if not _is_busy_error(error):
                    raise self._convert_error(error) from error
                from mlrun_cli.processes.lock_holders import list_exclusive_holders  # noqa: PLC0415 - a rare case

                holders = list_exclusive_holders(self._list_lock_files())
                stopped = [holder for holder in holders if holder.is_stopped]
                if stopped or time.monotonic() >= deadline:
                    raise self._create_locked_error(next(iter([*stopped, *holders]), None)) from error

    def _list_lock_files(self) -> Sequence[Path]:
        return [self._path, Path(f"{self._path}-shm")]

    def _reconnect_after_access_error(self, error: Exception) -> bool:
        """Replace a connection that cannot write although the user may, after a short wait; return whether to retry."""
        message = str(error)
        is_unopened, is_retired = "unable to open" in message, self._is_retired and "closed database" in message
        if not is_unopened and not is_retired and "readonly database" not in message:
            return False
        if not all(os.access(path, os.R_OK | os.W_OK) for path in (self._path, self._path.parent)):
            return False
        time.sleep(_LOOK_SECONDS)
        if is_unopened:
            return True
        if not is_retired:
            is_same_file = self._open_file is not None and self._open_file == _identify_file(self._path)
            if not is_same_file or self._connection.in_transaction:
                return False
            _pool.retire(self._connection)
            self._open_file, self._is_retired = None, True
        self._replace_retired_connection()
        return True

    def _replace_retired_connection(self) -> None:
        """Replace a connection that the pool has retired; if that fails, the next statement tries again."""
        self._connection = self._connect()
        self._number += 1
        self._is_watched = False
        try:
            self.execute(f"PRAGMA synchronous = {self._synchronous}")
            if self._watched is not None:
                self.watch(*self._watched)
        except BaseException:
            _pool.retire(self._connection)
            self._open_file = None
            raise
        self._is_retired = False

    def _call_reader(self, action: Callable[[], _T]) -> _T:
        """Call a function that reads; if the read-only connection cannot do so, replace it and call again."""
        while self._is_read_only:
            failure: Exception | None = None
            try:
                found = action()
            except _ERRORS as error:
                failure = error
            if self._unlocked_reader is not None and not self._unlocked_reader.is_valid():
                self._reopen_reader()
            elif failure is None:
                return found
            elif isinstance(failure, sqlite3.OperationalError):
                self._ensure_writable()
            else:
                raise self._convert_error(failure) from failure
        return self._retry_while_busy(action)

    def row(self, sql: str, **parameters: object) -> Row | None:
        """Execute a query and return its first row, or None if there is none."""
        found: Row | None = self._call_reader(lambda: self._connection.execute(sql, parameters).fetchone())
        return found

    def rows(self, sql: str, **parameters: object) -> list[Row]:
        """Execute a query and return all its rows."""
        return self._call_reader(lambda: self._connection.execute(sql, parameters).fetchall())

    def column(self, sql: str, **parameters: object) -> list[Any]:
        """Execute a query and return the first value of each row."""

        def read() -> list[Any]:
            cursor = self._connection.cursor()
            cursor.row_factory = None
            return [row[0] for row in cursor.execute(sql, parameters)]

        return self._call_reader(read)

    def execute(self, sql: str, **parameters: object) -> int:
        """Execute a statement and return the number of rows it changed."""
        self._ensure_writable()
        return self._retry_while_busy(lambda: self._connection.execute(sql, parameters).rowcount)

    def insert_many(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Insert rows into a table, each a sequence of values in the order of `columns`."""
        places = ", ".join("?" * len(columns))
        names = ", ".join(columns)
        self._ensure_writable()
        try:
            self._connection.executemany(
                f"INSERT INTO {table} ({names}) VALUES ({places})",  # noqa: S608 — names come from the stores
                rows,
            )
        except _ERRORS as error:
            raise self._convert_error(error) from error

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[None]:
        """Run the block in a write transaction, which is exclusive from its start; `durable` waits for the disk."""
        if durable:
            self._set_synchronous("FULL")
        try:
            self.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.execute("COMMIT")
            except BaseException:
                # After some errors, a full disk among them, SQLite has rolled back by itself.
                if self._connection.in_transaction:
                    self.execute("ROLLBACK")
                if describe_full_disk(self._path.parent) is not None:  # makes room for a retry
                    self.checkpoint()
                raise
        finally:
            if durable:
                self._set_synchronous("NORMAL")

    def _set_synchronous(self, mode: str) -> None:
        self._synchronous = mode
        self.execute(f"PRAGMA synchronous = {mode}")

    def list_columns(self, table: str) -> Sequence[str]:
        """Return the names of a table's columns, except generated columns."""
        return [row["name"] for row in self.rows(f"PRAGMA table_info({table})")]

    def watch(self, list_tables: Callable[[], Sequence[WatchedTable]], report: ReportChange) -> None:
        """Register a function to call, in the same transaction, for each watched row that this connection changes."""
        self._ensure_writable()
        if self._is_watched:
            return
        self._watched = (list_tables, report)
        self._connection.create_function(_CHANGE_FUNCTION, 3, report)
        if self.row("SELECT 1 FROM sqlite_temp_master LIMIT 1") is not None:  # by an earlier user of this connection
            self._is_watched = True
            return
        from mlrun_cli.store.db.sqlite.change_triggers import build_change_triggers  # noqa: PLC0415 - start-up

        triggers = ";\n".join(build_change_triggers(_CHANGE_FUNCTION, list_tables()))
        # Together they take a third of the time, and those of a script are not kept as prepared statements. The store
        # itself is not locked.
        script = f"BEGIN;\n{triggers};\nCOMMIT;"
        self._retry_while_busy(lambda: self._connection.executescript(script))
        self._is_watched = True

    def replace_connection(self, other: Database) -> None:
        """Take over the connection of another object; the other object is unusable afterwards."""
        assert isinstance(other, SqliteDatabase)
        self.close()
        self._connection, self._is_watched = other._connection, other._is_watched
        self._is_read_only, self._open_file = other._is_read_only, other._open_file
        self._unlocked_reader, self._watched = other._unlocked_reader, other._watched
        self._is_retired = other._is_retired
        self.set_busy_timeout(self._busy_timeout)
        self._number += 1

    def get_data_version(self) -> int:
        """Return a number that changes when another connection has written; this needs no disk access.

        This connection's own writes do not change it, and numbers of different connections are not comparable.
        """
        row = self.row("PRAGMA data_version")
        assert row is not None
        return (self._number << _CONNECTION_BITS) + int(row["data_version"])

    def set_busy_timeout(self, seconds: float) -> None:
        """Set the time that a statement waits for another process before it fails."""
        self._busy_timeout = seconds
        if not self._is_retired:  # or else the next connection gets it
            self._connection.execute(f"PRAGMA busy_timeout = {round(self._busy_interval * 1000)}")

    def enable_frequent_checkpoints(self) -> None:
        """Checkpoint the database's write-ahead log often from now on, so that it stays short.

        A process that opens the store while no other has it open must first read the whole log.
        """
        self._checkpoint_pages = _SHORT_LOG_PAGES
        with suppress(sqlite3.Error):  # it is for the speed of others
            self._connection.execute(f"PRAGMA wal_autocheckpoint = {self._checkpoint_pages}")

    def checkpoint(self) -> None:
        """Checkpoint the write-ahead log now; the next write reuses its space."""
        self._ensure_writable()
        with suppress(sqlite3.Error):
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        """Release the connection."""
        if self._is_read_only:
            self._close_reader()
        else:
            self._truncate_long_log()
            _pool.release(self._open_file, self._path, self._connection)

    def _truncate_long_log(self) -> None:
        """Truncate a write-ahead log that has grown in a large transaction, unless another process is reading it."""
        with suppress(OSError, sqlite3.Error):
            if os.stat(f"{self._path}-wal").st_size > _LONG_LOG_BYTES:
                self._connection.execute("PRAGMA busy_timeout = 0")
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _convert_error(self, error: Exception) -> MlrunError:
        if isinstance(error, sqlite3.Error):
            return self._create_store_error(error)
        if isinstance(error, UnicodeEncodeError):
            return InvalidValue(f"A text is not UTF-8: {error.object!a}.", hint="Use UTF-8.")
        return InvalidValue("A number is too large: whole numbers go up to 9223372036854775807.")

    def _create_store_error(self, error: sqlite3.Error) -> StoreError:
        hint = "Check that the file and its folder can be read and written, or set MLRUN_HOME to another folder."
        text = str(error)
        full = describe_full_disk(self._path)
        if "full" in text or (full is not None and ("I/O" in text or "unable to open" in text)):
            text = full or "its disk is full"
            hint = (
                "Free some space there, as with 'mlrun workspace prune --trash-older-than 0s', which empties the trash,"
                " or 'mlrun run delete --permanently', then try again; nothing that was stored is lost."
            )
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
            text = "its folder is read-only"
        # What is operational passes; a file that is no database, or a damaged one, stays what it is.
        kind = StoreUnavailable if isinstance(error, sqlite3.OperationalError) else StoreError
        return kind(f"The store {self._path} cannot be used: {text}.", hint=hint)

    def _create_locked_error(self, holder: LockHolder | None) -> StoreUnavailable:
        if holder is None:
            who, advice = "another process", "Try again when that has ended."
        else:
            who, advice = holder.description, holder.advice
        return StoreUnavailable(f"The store {self._path} is locked: {who} has held it for long.", hint=advice)


def query_without_waiting(path: Path, sql: str, parameters: Mapping[str, object]) -> list[Row]:
    """Return the rows of a query over a connection that neither waits for locks nor writes.

    A file without a write-ahead log is on a network file system, or was: locks there cannot be trusted.

    Raises:
        StoreUnavailable: that is not possible now.
    """
    try:
        if has_write_ahead_log(path):
            with closing(_open_read_only(path)) as connection:
                return connection.execute(sql, parameters).fetchall()
        from mlrun_cli.store.db.sqlite.journaled_file import query_without_locks  # noqa: PLC0415 - start-up

        return query_without_locks(path, sql, parameters)
    except (OSError, sqlite3.Error) as error:
        raise StoreUnavailable(f"The store {path} cannot be read: {error}.") from error


def _open_read_only(path: Path) -> sqlite3.Connection:
    """Open a connection that only reads, and holds no lock that blocks others.

    While no process has the store open for writing, SQLite reads the log for this connection alone.

    Raises:
        sqlite3.Error: that is not possible now.
    """
    uri = f"{path.absolute().as_uri()}?mode=ro&readonly_shm=1"
    connection = sqlite3.connect(
        uri, uri=True, timeout=_READ_ONLY_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _open_writable(path: Path, busy_seconds: float) -> sqlite3.Connection:
    # Callers that share it between threads let only one of them use it at a time.
    connection = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None, check_same_thread=False)
    try:
        connection.row_factory = sqlite3.Row
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        _pool.add(connection)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


class _OpenFile(NamedTuple):
    """The process that opened a connection, the path that it used, and the identity of the open file."""

    process: int
    path: Path
    device: int
    inode: int


class _ConnectionPool:
    """The writable connections of this process, which do not checkpoint the log when they are closed.

    From Python 3.12 on, SQLite has an option for this. Before, a released connection is reused when the same file is
    opened again, and is not closed before its process ends.

    The pool has no lock, because a signal handler that opens a store during one of its methods would deadlock; a
    connection that two callers may want is taken with `dict.pop`.
    """

    def __init__(self) -> None:
        self._all: set[sqlite3.Connection] = set()
        self._idle: dict[int, tuple[_OpenFile, sqlite3.Connection]] = {}
        self._numbers = itertools.count()

    def add(self, connection: sqlite3.Connection) -> None:
        """Add a new connection, and prevent SQLite from checkpointing the log when it is closed."""
        if sys.version_info >= (3, 12):
            connection.setconfig(sqlite3.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, True)
        else:
            if not self._all:
                atexit.register(self._keep_open_at_exit)
            self._all.add(connection)

    def acquire(self, path: Path) -> sqlite3.Connection | None:
        """Return an idle connection to the file that is now at this path, or None if there is none."""
        here = _identify_file(path)
        for number, (place, _) in list(self._idle.items()):
            if place == here and (found := self._idle.pop(number, None)):
                return found[1]
        return None

    def release(self, opened_file: _OpenFile | None, path: Path, connection: sqlite3.Connection) -> None:
        """Return a connection to the pool, or close it if not reusable; close the oldest ones if too many are idle."""
        if (
            connection not in self._all
            or opened_file is None
            or opened_file != _identify_file(path)
            or not _is_in_wal_mode(connection)
        ):
            self._close(connection)
            return
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        self._idle[next(self._numbers)] = (opened_file, connection)
        for number in sorted(self._idle)[:-_MAX_IDLE]:  # before the process runs out of file descriptors
            surplus = self._idle.pop(number, None)
            if surplus is not None:
                self._close(surplus[1])

    def retire(self, connection: sqlite3.Connection) -> None:
        """Close a connection that cannot write, and all idle ones; let others be closed when they are released.

        The connections of a process share the index of the log, and how it was opened.
        """
        for number in list(self._idle):
            if found := self._idle.pop(number, None):
                self._close(found[1])
        self._close(connection)
        self._all.clear()

    def _close(self, connection: sqlite3.Connection) -> None:
        self._all.discard(connection)
        connection.close()

    def _keep_open_at_exit(self) -> None:
        """Prevent the interpreter from closing the connections when it exits."""
        with suppress(ImportError):
            import ctypes  # noqa: PLC0415 - not for those that end by themselves

            for connection in self._all:
                ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


def _identify_file(path: Path) -> _OpenFile | None:
    """Return the identity of the file that a new connection would open, or None if there is no such file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return _OpenFile(os.getpid(), path, found.st_dev, found.st_ino)


def _is_in_wal_mode(connection: sqlite3.Connection) -> bool:
    """Return whether a connection's file is in WAL mode."""
    try:
        return bool(connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal")
    except sqlite3.Error:
        return False


def _is_busy_error(error: Exception) -> bool:
    return isinstance(error, sqlite3.OperationalError) and ("locked" in str(error) or "locking" in str(error))


_pool = _ConnectionPool()
