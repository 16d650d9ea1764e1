"""Locks on files, which the kernel gives back when the last process that holds the open file has ended."""

from __future__ import annotations

import errno
import fcntl

from mlrun_cli.errors import StoreError

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}


def lock(descriptor: int, operation: int) -> None:
    """As `fcntl.flock`.

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
        raise StoreError(
            f"The file system of the run folders knows no locks ({error.strerror}), so no status could be trusted.",
            hint="Set MLRUN_HOME to a folder on a local disk.",
        ) from error
