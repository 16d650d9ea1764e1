"""A reader of a database on a network file system while another host writes to it.

Locks do not reach from host to host, so a query is repeated until no commit interferes: see `journaled_file`.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import StoreUnavailable
from mlrun_cli.processes.host_lease import SEEN_SECONDS
from mlrun_cli.store.db.sqlite.connection import SqliteDatabase
from mlrun_cli.store.db.sqlite.journaled_file import (
    FileVersion,
    discard_cache,
    find_journal,
    open_without_locks,
    read_file_version,
)

if TYPE_CHECKING:
    from mlrun_cli.processes.host_lease import HostLease

_CACHE_KIB = 16384
_SHORTEST_WAIT_SECONDS = 0.001
_LONGEST_WAIT_SECONDS = 0.02
_STANDSTILL_SECONDS = 2.0
"""The time after which a commit that makes no progress is not waited for if its host has not been seen lately.

One of a host that is up may wait for the file server, or is undone by the next process there that uses the store.
"""

_T = TypeVar("_T")


class _State(NamedTuple):
    """What a look finds: the version of the file, the size and time of a commit's journal, or an error instead."""

    version: FileVersion | None = None
    journal: tuple[int, int] | None = None
    error: str = ""


class ForeignDatabase(SqliteDatabase):
    """A read-only `Database` in a file that another host writes to; writing raises HomeInUse."""

    def __init__(self, path: Path, lease: HostLease) -> None:
        """Open the file.

        Args:
            path: the file.
            lease: the lease of the other host, which this process follows.

        Raises:
            StoreError: it cannot be opened.
        """
        assert lease.refusal is not None
        self._refusal: StoreUnavailable = lease.refusal
        self._lease = lease
        self._version: FileVersion | None = None
        """The version of the file that the connection has read; None if its cache may be a mixture of several."""
        self._folder: int | None = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        super().__init__(path, starts_read_only=True)

    def _open_reader(self) -> sqlite3.Connection:
        try:
            return open_without_locks(self._path)
        except sqlite3.Error as error:
            raise self._convert_error(error) from error

    def copy_to(self, destination: sqlite3.Connection) -> None:
        """Copy the state after a single commit to another database.

        Raises:
            StoreError: the file cannot be read, or the other host has written all the time.
        """
        self._call_reader(lambda: self._connection.backup(destination))

    def _call_reader(self, action: Callable[[], _T]) -> _T:
        """Call a function that reads, repeatedly until no commit interferes, and return its result.

        Raises:
            MlrunError: it failed, or the other host has written all the time.
        """
        started = time.monotonic()
        since, last = started, _State()
        pause = _SHORTEST_WAIT_SECONDS
        while True:
            state = self._read_state()
            if state.version is not None and state.journal is None:
                failure: Exception | None = None
                try:
                    self._reopen_unless_current(state.version)
                    found = action()
                except (sqlite3.Error, UnicodeEncodeError, OverflowError) as error:
                    failure = error
                if self._is_unchanged(state.version):
                    if failure is None:
                        return found
                    raise self._convert_error(failure) from failure
                self._version = None
                state = _State()
            now = time.monotonic()
            if state != last or state == _State():
                since, last = now, state
            is_over = now - started >= self._busy_timeout
            if now - since >= min(_STANDSTILL_SECONDS, self._busy_timeout):
                if is_over or state.error or not self._is_host_active():
                    raise self._create_standstill_error(state)
            elif is_over:
                raise self._create_busy_error()
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_WAIT_SECONDS)

    def _is_host_active(self) -> bool:
        """Return whether the other host has used the home lately, so that it may be in a commit."""
        _, seconds = self._lease.describe_use()
        return seconds <= SEEN_SECONDS

    def _create_standstill_error(self, state: _State) -> StoreUnavailable:
        if state.error:
            return StoreUnavailable(
                f"The store {self._path} cannot be read: {state.error}.",
                hint="Check that its file system is mounted, and that the file and its folder can be read.",
            )
        host, seconds = self._lease.describe_use()
        return StoreUnavailable(
            f"The store {self._path} cannot be read: {host}, last seen {seconds} s ago, began to change it and makes"
            " no progress.",
            hint=f"If {host} works, any command on it completes or undoes the change. When that host is gone: mlrun"
            " workspace show --take-over",
        )

    def _create_busy_error(self) -> StoreUnavailable:
        host, _ = self._lease.describe_use()
        return StoreUnavailable(
            f"The store {self._path} could not be read for {self._busy_timeout:.0f} s: {host}, which uses it, writes to"
            " it all the time.",
            hint=f"Try again, or work on {host}.",
        )

    def _read_state(self) -> _State:
        """Return the file's version, read first, and its journal if a commit may be changing the file.

        Raises:
            StoreUnavailable: the file is as it was on a local disk.
        """
        try:
            return _State(self._read_version(), self._find_journal())
        except OSError as error:
            return _State(error=f"{error.filename or self._path}: {error.strerror}")

    def _is_unchanged(self, version: FileVersion) -> bool:
        """Return whether no commit is changing the file, and none has done so since it had this version."""
        try:
            return self._find_journal() is None and self._read_version() == version
        except OSError:
            return False

    def _reopen_unless_current(self, version: FileVersion) -> None:
        """Reopen the file, discarding the caches of SQLite and this machine, unless they contain this version."""
        if version == self._version:
            return
        self._connection.close()
        discard_cache(self._path)
        self._connection = self._open_reader()
        self._connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        self._version = version
        self._number += 1

    def _read_version(self) -> FileVersion:
        """Return the version of the file on the file server.

        Raises:
            OSError: it cannot be read at the moment.
            StoreUnavailable: it is as it was on a local disk, perhaps with a write-ahead log beside it.
        """
        version = read_file_version(self._path)
        if version.has_write_ahead_log:
            host, _ = self._lease.describe_use()
            raise StoreUnavailable(
                f"The store {self._path} comes from a local disk, and has not been in use on {host} since.",
                hint=f"List the runs of its workspace there once: mlrun run list --all-experiments, on {host}.",
            )
        return version

    def _find_journal(self) -> tuple[int, int] | None:
        assert self._folder is not None
        return find_journal(self._path, self._folder)

    def _ensure_writable(self) -> None:
        """Raise HomeInUse, since another host uses the database, so that nothing can be written."""
        raise self._refusal.with_traceback(None)

    def close(self) -> None:
        """Close the connection, unless it is closed."""
        super().close()
        if self._folder is not None:
            os.close(self._folder)
            self._folder = None
