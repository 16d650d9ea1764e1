"""File locks, which the kernel releases when the last process that has the file open ends."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

from mlrun_cli.core.local_folder import get_counterpart, make_counterpart_folder
from mlrun_cli.errors import UnreliableFileSystem

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}


def lock(descriptor: int, operation: int) -> None:
    """Call `fcntl.flock`; raise a specific error if the file system does not support locks.

    Raises:
        BlockingIOError: the lock is held, and `operation` includes `LOCK_NB`.
        StoreError: the file system does not support locks.
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


def open_lock_file(path: Path) -> int:
    """Open an existing lock file and return its descriptor.

    Raises:
        FileNotFoundError: it does not exist.
        OSError: it cannot be opened.
    """
    counterpart = get_counterpart(path)
    if counterpart == path:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)
    os.stat(path)
    make_counterpart_folder(path.parent)
    return os.open(counterpart, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def acquire_lock(path: Path, operation: int) -> int:
    """Open a lock file, creating it if missing, lock it like `fcntl.flock`, and return its descriptor.

    Only the lock's holder removes the file; if it did so while this function waited, a new file is locked instead.

    Raises:
        BlockingIOError: the lock is held, and `operation` includes `LOCK_NB`.
        OSError: the file cannot be created, or the file system does not support locks.
    """
    make_counterpart_folder(path.parent)
    while True:
        descriptor = os.open(get_counterpart(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, operation)
            if refers_to_path(descriptor, path):
                return descriptor
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)


def remove_lock_file(path: Path, descriptor: int) -> None:
    """Remove the lock file that this descriptor has locked, if it still exists, and close the descriptor."""
    try:
        if refers_to_path(descriptor, path):
            get_counterpart(path).unlink()
    finally:
        os.close(descriptor)


def refers_to_path(descriptor: int, path: Path) -> bool:
    """Return whether a descriptor of a lock file refers to the file that is now at this path."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(get_counterpart(path)))
    except FileNotFoundError:
        return False
