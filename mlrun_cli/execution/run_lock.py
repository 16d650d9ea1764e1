"""The lock that a live run holds on its folder: free means that whoever minded the run is gone.

The kernel gives a lock back when the last process that holds the open file has ended, however it ended. What
stands in the file says what the holder is doing, so that a second reader knows that a run is being mended.
"""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

from mlrun_cli.errors import StoreError

_MENDING = b"recover"
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}


class RunLock:
    """An open lock file; `try_take` and `hand_over` make use of it, `close` lets go of it."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @classmethod
    def open(cls, path: Path) -> RunLock:
        """Open the lock file of a run.

        Raises:
            FileNotFoundError: the run's folder is gone.
        """
        return cls(os.open(path, os.O_RDWR | os.O_CLOEXEC))

    def try_take(self) -> bool:
        """Take the lock if it is free.

        Raises:
            StoreError: the file system knows no locks.
        """
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            raise StoreError(
                f"The file system of the run folders knows no locks ({error.strerror}), so no status could be trusted.",
                hint="Set MLRUN_HOME to a folder on a local disk.",
            ) from error
        return True

    def say_mending(self) -> None:
        """Write down that the holder mends a run whose supervisor is gone."""
        os.pwrite(self.descriptor, _MENDING, 0)

    def is_mending(self) -> bool:
        """Whether the holder said so."""
        return os.pread(self.descriptor, len(_MENDING), 0) == _MENDING

    def close(self) -> None:
        """Close the file; the lock is free unless another process was handed it."""
        os.close(self.descriptor)
