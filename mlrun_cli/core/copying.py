"""Bytes from one open file to another, by the quickest way that the file system has."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_FICLONE = 0x40049409
_MOST_AT_ONCE = 1 << 30
_MOST_WHILE_WATCHED = 1 << 26
_CHUNK = 1 << 20
_NOT_HERE = {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF, errno.EPERM}


_watchers: list[Callable[[int], None]] = []


@contextmanager
def watched(watch: Callable[[int], None]) -> Iterator[None]:
    """Within this context, tell `watch` how many bytes more were copied, again and again while files are."""
    _watchers.append(watch)
    try:
        yield
    finally:
        _watchers.remove(watch)


def clone(source: int, destination: int) -> bool:
    """Make `destination` share all blocks of `source`; False where the file system cannot."""
    try:
        fcntl.ioctl(destination, _FICLONE, source)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
        return False
    return True


def copy(source: int, destination: int, size: int) -> int:
    """Copy up to `size` bytes to the end of `destination`, which is empty; the number of bytes copied.

    Raises:
        OSError: what the file system said.
    """
    if clone(source, destination):
        cloned = os.fstat(destination).st_size
        _tell(cloned)
        return cloned
    copied = 0
    most_at_once = _MOST_WHILE_WATCHED if _watchers else _MOST_AT_ONCE
    try:
        while copied < size:
            count = os.copy_file_range(source, destination, min(size - copied, most_at_once))
            if count == 0:
                break
            copied += count
            _tell(count)
    except OSError as error:
        if copied or error.errno not in _NOT_HERE:
            raise
    while copied < size:  # copy_file_range is not there, or gave nothing (as it does for some file systems)
        chunk = os.read(source, min(size - copied, _CHUNK))
        if not chunk:
            break
        write_all(destination, chunk)
        copied += len(chunk)
        _tell(len(chunk))
    return copied


def _tell(count: int) -> None:
    for watch in _watchers:
        watch(count)


def write_all(descriptor: int, content: bytes) -> None:
    """Write all of `content`, in several calls if the kernel takes it in parts."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
