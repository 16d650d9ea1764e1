"""Copying of open files by the fastest method that their file system supports."""

import errno
import fcntl
import os
from contextlib import contextmanager
from typing import IO, Any, Callable, Iterator, List

_FICLONE = 0x40049409
_MAX_AT_ONCE = 1 << 30
_MAX_WHILE_WATCHED = 1 << 26
_CHUNK = 1 << 20
_NOT_HERE = {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF, errno.EPERM}


_watchers: List[Callable[[int], None]] = []


@contextmanager
def report_copied_bytes(report: Callable[[int], None]) -> Iterator[None]:
    """Call `report` repeatedly with the number of newly copied bytes during the block."""
    _watchers.append(report)
    try:
        yield
    finally:
        _watchers.remove(report)


def clone(source_fd: int, destination_fd: int) -> bool:
    """Clone an open file by sharing blocks; return False if the file system does not support that."""
    try:
        fcntl.ioctl(destination_fd, _FICLONE, source_fd)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
        return False
    return True


def copy(source_fd: int, destination_fd: int, size: "int | None" = None) -> int:
    """Copy an open file to an empty one and return the number of bytes copied.

    Raises:
        OSError: Reading or writing failed.
    """
    if clone(source_fd, destination_fd):
        cloned = os.fstat(destination_fd).st_size
        _report_to_watchers(cloned)
        return cloned
    copied = _copy_in_kernel(source_fd, destination_fd, size)
    # copy_file_range is unavailable, or copied nothing, as on some file systems.
    while size is None or copied < size:
        chunk = os.read(source_fd, _CHUNK if size is None else min(size - copied, _CHUNK))
        if not chunk:
            break
        write_all(destination_fd, chunk)
        copied += len(chunk)
        _report_to_watchers(len(chunk))
    return copied


def _copy_in_kernel(source_fd: int, destination_fd: int, size: "int | None") -> int:
    """Copy with `copy_file_range` and return the number of bytes copied, which is 0 where the call is unavailable."""
    copy_range: Any = getattr(os, "copy_file_range", None)  # Python 3.8, on Linux
    if copy_range is None:
        return 0
    copied = 0
    most_at_once = _MAX_WHILE_WATCHED if _watchers else _MAX_AT_ONCE
    try:
        while size is None or copied < size:
            wanted = most_at_once if size is None else min(size - copied, most_at_once)
            count: int = copy_range(source_fd, destination_fd, wanted)
            if count == 0:
                break
            copied += count
            _report_to_watchers(count)
    except OSError as error:
        if copied or error.errno not in _NOT_HERE:
            raise
    return copied


def _report_to_watchers(byte_count: int) -> None:
    """Call the functions registered by `report_copied_bytes` with a number of newly copied bytes."""
    for watch in _watchers:
        watch(byte_count)


def copy_stream(stream: "IO[Any]", destination_fd: int) -> None:
    """Copy the rest of a binary or text stream to an open file; text is encoded as UTF-8."""
    while True:
        chunk = stream.read(_CHUNK)
        if not chunk:
            return
        write_all(destination_fd, chunk.encode("utf-8", "backslashreplace") if isinstance(chunk, str) else chunk)


def write_all(destination_fd: int, content: bytes) -> None:
    """Write all of `content` to an open file, in several calls if the kernel accepts only part of it."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(destination_fd, rest) :]
