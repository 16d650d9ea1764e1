"""Copies of files that share blocks where the file system can, and never stand in memory as a whole."""

import errno
import os
from typing import BinaryIO

_FICLONE = 0x40049409
_CHUNK = 1 << 20
_MOST_AT_ONCE = 1 << 30
_NOT_HERE = {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF, errno.EPERM}


def copy_file(source: int, destination: int) -> None:
    """Copy an open file into another one, which is empty."""
    if _clone(source, destination):
        return
    try:
        while os.copy_file_range(source, destination, _MOST_AT_ONCE):  # novm
            pass
    except AttributeError:  # not on this platform, or not in this Python
        pass
    except OSError as error:
        if error.errno not in _NOT_HERE:
            raise
    # Whatever is left: all, or nothing.
    while True:
        chunk = os.read(source, _CHUNK)
        if not chunk:
            return
        _write_all(destination, chunk)


def copy_stream(stream: BinaryIO, destination: int) -> None:
    """Copy what a stream still gives, bytes or text, into an open file."""
    while True:
        chunk = stream.read(_CHUNK)
        if not chunk:
            return
        _write_all(destination, chunk.encode("utf-8", "backslashreplace") if isinstance(chunk, str) else chunk)


def _clone(source: int, destination: int) -> bool:
    try:
        import fcntl

        fcntl.ioctl(destination, _FICLONE, source)
    except (ImportError, OSError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise
        return False
    return True


def _write_all(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
