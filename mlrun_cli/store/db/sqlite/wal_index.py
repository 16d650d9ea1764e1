"""The index of SQLite's log (`-shm`), which the first process that opens a database rebuilds while others wait."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from fcntl import F_GETLK, F_RDLCK, F_UNLCK, fcntl
from pathlib import Path

_WRITE_BYTE = 120
_RECOVER_BYTE = 122
_FIRST_OPENER_BYTE = 128
_COPY_BYTES = 48
_IS_FILLED_AT = 12
_HAS_KNOWN_FLOCK = sys.platform == "linux" and sys.maxsize > 2**32

_MAX_OPEN = 64

_JOURNAL_MODE_AT = 18
_WAL_MODE = 2

_open_files: dict[tuple[int, int], int] = {}


def has_write_ahead_log(database: Path) -> bool:
    """Return whether the header of a database file says that it has a write-ahead log.

    Raises:
        OSError: the file cannot be read.
    """
    with open(database, "rb") as file:
        return is_header_of_wal_mode(file.read(_JOURNAL_MODE_AT + 1))


def is_header_of_wal_mode(header: bytes) -> bool:
    """Return whether the first bytes of a database file say that it has a write-ahead log."""
    return header[_JOURNAL_MODE_AT : _JOURNAL_MODE_AT + 1] == bytes([_WAL_MODE])


def find_index_builder_pid(database: Path) -> int | None:
    """Return the pid of a process that blocks others while it builds a database's WAL index; None if none does.

    SQLite itself waits for such a process for ten seconds, which no timeout setting shortens.
    """
    if not _HAS_KNOWN_FLOCK:
        return None
    try:
        descriptor = _open_index(f"{database}-shm")
        if descriptor is None:
            return None
        for byte in (_FIRST_OPENER_BYTE, _RECOVER_BYTE):
            if (holder := _find_exclusive_holder_pid(descriptor, byte)) is not None:
                return holder
        is_complete = _is_complete(os.pread(descriptor, 2 * _COPY_BYTES, 0))
        return None if is_complete else _find_exclusive_holder_pid(descriptor, _WRITE_BYTE)
    except OSError:
        return None


def _open_index(path: str) -> int | None:
    """Return the process's only descriptor of a WAL index, opened if needed, or None if too many files are open.

    It is never closed: closing it would release all locks of the process on the file, including those of SQLite.
    """
    found = os.stat(path)
    key = (found.st_dev, found.st_ino)
    descriptor = _open_files.get(key)
    if descriptor is not None:
        with suppress(OSError):  # a forked process may have closed all files
            if os.path.samestat(os.fstat(descriptor), found):
                return descriptor
    if len(_open_files) >= _MAX_OPEN:
        return None
    descriptor = os.open(path, os.O_RDONLY)
    opened = os.fstat(descriptor)
    _open_files[opened.st_dev, opened.st_ino] = descriptor
    return descriptor


def _find_exclusive_holder_pid(descriptor: int, byte_offset: int) -> int | None:
    """Return the pid of the process that blocks readers with a lock on a byte, or None if there is none."""
    order = sys.byteorder
    kind_and_whence = F_RDLCK.to_bytes(2, order) + bytes(6)
    found = fcntl(
        descriptor, F_GETLK, kind_and_whence + byte_offset.to_bytes(8, order) + (1).to_bytes(8, order) + bytes(8)
    )
    pid = int.from_bytes(found[24:28], order, signed=True)
    return pid if int.from_bytes(found[:2], order) != F_UNLCK and pid > 0 else None


def _is_complete(header: bytes) -> bool:
    """Return whether both copies of the header are present, identical and initialized."""
    first, second = header[:_COPY_BYTES], header[_COPY_BYTES:]
    return len(second) == _COPY_BYTES and first == second and first[_IS_FILLED_AT] != 0
