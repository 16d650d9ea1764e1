"""The lock that a live run holds on its folder: free means that whoever minded the run is gone.

The kernel gives a lock back when the last process that holds the open file has ended, however it ended. What
stands in the file says what the holder is doing, so that a second reader knows that a run is being mended.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import ExitStack
from pathlib import Path

from mlrun_cli.errors import StoreUnavailable
from mlrun_cli.files import locks

_MENDING = b"recover"
_READER_SECONDS = 0.005
_PATIENCE_SECONDS = 1.0


class RunLock:
    """An open lock file; those that take it and look at it make use of it, `close` lets go of it."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @classmethod
    def open(cls, path: Path) -> RunLock:
        """Open the lock file of a run.

        Raises:
            FileNotFoundError: the run's folder is gone.
        """
        return cls(os.open(path, os.O_RDWR | os.O_CLOEXEC))

    @classmethod
    def taken(cls, path: Path) -> RunLock:
        """Open the lock file of what this process has just made, and take it, waiting for readers.

        Raises:
            OSError: it cannot be opened.
            StoreError: somebody holds it, or the file system knows no locks.
        """
        with ExitStack() as stack:
            lock = cls.open(path)
            stack.callback(lock.close)
            if not lock.take_within(_PATIENCE_SECONDS):
                raise StoreUnavailable(
                    f"Another process holds {path}, a lock that was made just now.",
                    hint="See by 'lsof' which one does, then try again.",
                )
            stack.pop_all()
        return lock

    def try_take(self) -> bool:
        """Take the lock if it is free.

        Raises:
            StoreError: the file system knows no locks.
        """
        return self._try(fcntl.LOCK_EX)

    def take_within(self, seconds: float) -> bool:
        """Take the lock, waiting for readers who look whether it is free; False when it is held for longer."""
        deadline = time.monotonic() + seconds
        while not self.try_take():
            if time.monotonic() >= deadline:
                return False
            time.sleep(_READER_SECONDS)
        return True

    def is_free(self) -> bool:
        """Whether nobody has taken the lock; any number of readers may look at once, and none is seen by another.

        Raises:
            StoreError: the file system knows no locks.
        """
        return self._try(fcntl.LOCK_SH)

    def _try(self, operation: int) -> bool:
        try:
            locks.lock(self.descriptor, operation | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def take_to_mend(self, seconds: float = 0.0) -> bool:
        """Take the lock of what nobody minds any more, waiting for readers; False when somebody has it, or is quicker.

        That it is mended is written down before it is taken: whoever finds it taken by then knows by whom.

        Raises:
            OSError: that cannot be written down.
            StoreError: the file system knows no locks.
        """
        if not self.is_free():
            return False
        os.pwrite(self.descriptor, _MENDING, 0)
        return self.take_within(seconds)

    def is_mending(self) -> bool:
        """Whether the holder, if there is one, mends what nobody minds any more."""
        return os.pread(self.descriptor, len(_MENDING), 0) == _MENDING

    def close(self) -> None:
        """Close the file; the lock is free unless another process was handed it."""
        os.close(self.descriptor)
