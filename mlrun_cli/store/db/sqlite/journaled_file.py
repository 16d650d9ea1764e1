"""The state of a database file with a rollback journal, from which a reader without locks sees if it read one commit.

Whoever writes has a synced journal beside the file whenever the file changes, and each commit changes a counter in the
file's header. So a query is valid if there was such a journal neither before nor after it, and if the counter was the
same. The counter is read before the first look at the journal and after the second, so that a commit that begins or
ends between the looks is noticed.

Clients of a network file system remember contents, sizes and absences. What is opened anew is read anew.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import StoreUnavailable
from mlrun_cli.store.db.database import Row
from mlrun_cli.store.db.sqlite.wal_index import is_header_of_wal_mode
from mlrun_cli.wire.fresh_files import refresh_file_size

_HEADER_BYTES = 100


class FileVersion(NamedTuple):
    """The values that identify a version of a database file.

    The header has the counter of commits; the time also changes with a commit that fails and is rolled back.
    """

    header: bytes
    size: int
    modified_ns: int

    @property
    def has_write_ahead_log(self) -> bool:
        """True if the file has, or had on a local disk, a write-ahead log instead of a journal."""
        return is_header_of_wal_mode(self.header)


def query_without_locks(path: Path, sql: str, parameters: Mapping[str, object]) -> list[Row]:
    """Return the rows of a query, read without locks at a moment when nobody commits.

    Raises:
        OSError: the file cannot be read.
        sqlite3.Error: the query failed.
        StoreUnavailable: somebody is committing, or was killed during a commit.
    """
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        version = read_file_version(path)
        is_readable = find_journal(path, folder) is None
        if is_readable:
            discard_cache(path)
            with closing(open_without_locks(path)) as connection:
                rows = connection.execute(sql, parameters).fetchall()
            is_readable = find_journal(path, folder) is None and read_file_version(path) == version
    finally:
        os.close(folder)
    if not is_readable:
        raise StoreUnavailable(f"The store {path} is being changed.", hint="Try again.")
    return rows


def open_without_locks(path: Path) -> sqlite3.Connection:
    """Open a connection that only reads, and knows nothing of what others write."""
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    return connection


def read_file_version(path: Path) -> FileVersion:
    """Return the version of a file on its file server.

    Raises:
        OSError: it cannot be read at the moment.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        refresh_file_size(descriptor)
        os.posix_fadvise(descriptor, 0, _HEADER_BYTES, os.POSIX_FADV_DONTNEED)
        header = os.pread(descriptor, _HEADER_BYTES, 0)
        found = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    return FileVersion(header, found.st_size, found.st_mtime_ns)


def find_journal(path: Path, folder: int) -> tuple[int, int] | None:
    """Return the size and time of the journal of a commit that may be changing a file, or None if there is none.

    SQLite completes the journal's header before it changes the file.

    Args:
        path: the file.
        folder: the descriptor of its folder.

    Raises:
        OSError: that cannot be read at the moment.
    """
    refresh_file_size(folder)
    try:
        descriptor = os.open(f"{path}-journal", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        refresh_file_size(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        if os.pread(descriptor, 1, 0) in {b"", b"\0"}:
            return None
        found = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    return found.st_size, found.st_mtime_ns


def discard_cache(path: Path) -> None:
    """Discard this machine's cached content of a file."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)
