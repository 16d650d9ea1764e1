"""Locks on files, which the kernel gives back when the last process that holds the open file has ended."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

from mlrun_cli.errors import UnreliableFileSystem

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}


def lock(descriptor: int, operation: int) -> None:
    """Call `fcntl.flock`, with an error for file systems without locks.

    Raises:
        BlockingIOError: it is held, and was not to be waited for.
        StoreError: the file system knows no locks.
    """
    try:
        fcntl.flock(descriptor, operation)
    except BlockingIOError:
        raise
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        raise UnreliableFileSystem(
            f"The file system of the run folders has no locks ({error.strerror}), so no status could be trusted.",
            hint="Set MLRUN_HOME to a folder on a local disk.",
        ) from error


def acquire_lock(path: Path, operation: int) -> int:
    """Open a lock file, created if missing, lock it as `fcntl.flock` does, and return its descriptor.

    Who removes the file holds its lock: a lock that was waited for meanwhile is nobody's any more.

    Raises:
        BlockingIOError: it is held, and was not to be waited for.
        OSError: the file cannot be made, or the file system knows no locks.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, operation)
            if is_at(descriptor, path):
                return descriptor
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)


def remove_locked(path: Path, descriptor: int) -> None:
    """Remove the lock file whose lock this descriptor holds, unless it has been removed already, and close it."""
    try:
        if is_at(descriptor, path):
            path.unlink()
    finally:
        os.close(descriptor)


def is_at(descriptor: int, path: Path) -> bool:
    """Return whether an open file is still at this path."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False
