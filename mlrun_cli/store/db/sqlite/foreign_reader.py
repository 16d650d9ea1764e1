"""A reader of a database on a network file system while another host writes to it.

Locks do not reach from host to host. But the writer, a `NetworkDatabase`, has a synced rollback journal beside the
file whenever it changes the file, and each commit changes a counter in the file's header. So a query is valid if there
was such a journal neither before nor after it, and if the counter was the same: what was read then is what one commit
left. Otherwise the query is repeated. The counter is read before the first look at the journal and after the second,
so that a commit that begins or ends between the looks is noticed.

Clients of a network file system remember contents, sizes and absences. What is opened anew is read anew.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import HomeInUse, StoreUnavailable
from mlrun_cli.store.db.sqlite.connection import SqliteDatabase
from mlrun_cli.wire.fresh_files import refresh_file_size

if TYPE_CHECKING:
    from mlrun_cli.processes.host_lease import HostLease

_HEADER_BYTES = 100
_JOURNAL_MODE_AT = 18
_WAL_MODE = 2
_CACHE_KIB = 16384
_SHORTEST_WAIT_SECONDS = 0.001
_LONGEST_WAIT_SECONDS = 0.02

_T = TypeVar("_T")


class _Version(NamedTuple):
    """The values that identify a version of a database file.

    The header has the counter of commits; the time also changes with a commit that fails and is rolled back.
    """

    header: bytes
    size: int
    modified_ns: int


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
        self._refusal: HomeInUse = lease.refusal
        self._host = lease.describe()["host"]
        self._version: _Version | None = None
        """The version of the file that the connection has read; None if its cache may be a mixture of several."""
        self._folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        super().__init__(path, starts_read_only=True)

    def _open_reader(self) -> sqlite3.Connection:
        uri = f"{self._path.absolute().as_uri()}?mode=ro&immutable=1"
        try:
            connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise self._convert_error(error) from error
        connection.row_factory = sqlite3.Row
        return connection

    def _call_reader(self, action: Callable[[], _T]) -> _T:
        """Call a function that reads, repeatedly until no commit interferes, and return its result.

        Raises:
            MlrunError: it failed, or the other host has written all the time.
        """
        deadline = time.monotonic() + self._busy_timeout
        pause = _SHORTEST_WAIT_SECONDS
        while True:
            version = self._read_version()
            if version is not None and not self._is_being_changed():
                failure: Exception | None = None
                try:
                    self._reopen_unless_current(version)
                    found = action()
                except (sqlite3.Error, UnicodeEncodeError, OverflowError) as error:
                    failure = error
                if not self._is_being_changed() and self._read_version() == version:
                    if failure is None:
                        return found
                    raise self._convert_error(failure) from failure
                self._version = None
            if time.monotonic() >= deadline:
                raise StoreUnavailable(
                    f"The store {self._path} could not be read for {self._busy_timeout:.0f} s: {self._host}, which uses"
                    " it, writes to it all the time.",
                    hint=f"Try again, or work on {self._host}.",
                )
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_WAIT_SECONDS)

    def _reopen_unless_current(self, version: _Version) -> None:
        """Reopen the file, discarding the caches of SQLite and this machine, unless they contain this version."""
        if version == self._version:
            return
        self._connection.close()
        _discard_cache(self._path)
        self._connection = self._open_reader()
        self._connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        self._version = version
        self._number += 1

    def _read_version(self) -> _Version | None:
        """Return the version of the file on the file server, or None if it cannot be read at the moment.

        Raises:
            StoreUnavailable: it is as it was on a local disk, perhaps with a write-ahead log beside it.
        """
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            refresh_file_size(descriptor)
            os.posix_fadvise(descriptor, 0, _HEADER_BYTES, os.POSIX_FADV_DONTNEED)
            header = os.pread(descriptor, _HEADER_BYTES, 0)
            found = os.fstat(descriptor)
        except OSError:
            return None
        finally:
            os.close(descriptor)
        if header[_JOURNAL_MODE_AT : _JOURNAL_MODE_AT + 1] == bytes([_WAL_MODE]):
            raise StoreUnavailable(
                f"The store {self._path} comes from a local disk, and has not been in use on {self._host} since.",
                hint=f"List the runs of its workspace there once: mlrun run list --all-experiments, on {self._host}.",
            )
        return _Version(header, found.st_size, found.st_mtime_ns)

    def _is_being_changed(self) -> bool:
        """Return whether a commit may be changing the file: SQLite first completes the journal's header."""
        refresh_file_size(self._folder)
        try:
            descriptor = os.open(f"{self._path}-journal", os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        try:
            refresh_file_size(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            return os.pread(descriptor, 1, 0) not in {b"", b"\0"}
        except OSError:
            return True
        finally:
            os.close(descriptor)

    def _ensure_writable(self) -> None:
        """Raise HomeInUse, since another host uses the database, so that nothing can be written."""
        raise self._refusal.with_traceback(None)

    def close(self) -> None:
        """Close the connection."""
        super().close()
        os.close(self._folder)


def _discard_cache(path: Path) -> None:
    """Discard this machine's cached content of a file."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)
