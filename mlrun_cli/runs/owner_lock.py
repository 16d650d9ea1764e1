"""The lock held by a live run's supervisor; if it is free, the run has lost its supervisor.

The kernel releases the lock when the last process that has the file open ends, however it ends. The content of the
file says what the holder is doing, so that a second reader knows that a run is being recovered.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import ExitStack, suppress
from pathlib import Path

from mlrun_cli.core import locks
from mlrun_cli.errors import StoreUnavailable

_RECOVERING = b"recover"
_NO_ROOM = b"no room"
_NOTHING = b" " * len(_RECOVERING)
_PID_AT, _PID_BYTES = 8, 10
_SLOW_AT, _SLOW = 20, b"slow"
_READER_SECONDS = 0.005
_TIMEOUT_SECONDS = 1.0


class OwnerLock:
    """An open lock file that can be locked and tested; `close` releases the lock."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @classmethod
    def open(cls, path: Path) -> OwnerLock:
        """Open the lock file of a run.

        Raises:
            FileNotFoundError: the run's folder does not exist.
        """
        return cls(locks.open_lock_file(path))

    @classmethod
    def open_new(cls, path: Path) -> OwnerLock:
        """Open a newly created lock file and acquire the lock, waiting for readers that test it.

        Raises:
            OSError: it cannot be opened.
            StoreError: another process holds it, or the file system does not support locks.
        """
        with ExitStack() as stack:
            lock = cls.open(path)
            stack.callback(lock.close)
            if not lock.acquire_within(_TIMEOUT_SECONDS):
                raise StoreUnavailable(
                    f"Another process holds {path}, a lock that was made just now.",
                    hint="See by 'lsof' which one does, then try again.",
                )
            stack.pop_all()
        return lock

    def try_acquire(self) -> bool:
        """Acquire the lock if it is free; return whether it was acquired.

        Raises:
            StoreError: the file system does not support locks.
        """
        return self._try_lock(fcntl.LOCK_EX)

    def acquire_within(self, timeout_seconds: float) -> bool:
        """Acquire the lock, waiting for readers that test it; return False if it is held for longer."""
        deadline = time.monotonic() + timeout_seconds
        while not self.try_acquire():
            if time.monotonic() >= deadline:
                return False
            time.sleep(_READER_SECONDS)
        return True

    def is_free(self) -> bool:
        """Return whether no owner holds the lock; if so, keep a shared lock, which other readers may hold as well.

        Raises:
            StoreError: the file system does not support locks.
        """
        return self._try_lock(fcntl.LOCK_SH)

    def _try_lock(self, operation: int) -> bool:
        try:
            locks.lock(self.descriptor, operation | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def acquire_to_recover(self, timeout_seconds: float = 0.0) -> bool:
        """Acquire the lock to recover the run, waiting for readers; return False if another process holds it.

        The recovery is recorded in the file before the lock is acquired, so that others that find it locked know why.

        Raises:
            OSError: the file cannot be written.
            StoreError: the file system does not support locks.
        """
        if not self.is_free():
            return False
        self.record_recovery()
        return self.acquire_within(timeout_seconds)

    def record_recovery(self) -> None:
        """Record in the lock file that its holder is recovering the run.

        Raises:
            OSError: the file cannot be written.
        """
        os.pwrite(self.descriptor, _RECOVERING + f" {os.getpid():<{_PID_BYTES}}".encode(), 0)

    def is_recovering(self) -> bool:
        """Return whether the lock file shows that its holder is recovering the run."""
        return os.pread(self.descriptor, len(_RECOVERING), 0) == _RECOVERING

    def clear_records(self) -> None:
        """Remove the records of earlier holders from the file, if it is writable."""
        with suppress(OSError):
            os.pwrite(self.descriptor, b" " * (_SLOW_AT + len(_SLOW)), 0)

    def record_waiting_for_space(self, *, is_waiting: bool) -> None:
        """Record whether the holder is waiting for disk space, if the file is writable."""
        with suppress(OSError):
            os.pwrite(self.descriptor, _NO_ROOM if is_waiting else _NOTHING, 0)

    def is_waiting_for_space(self) -> bool:
        """Return whether the holder, if any, is waiting for disk space."""
        return os.pread(self.descriptor, len(_NO_ROOM), 0) == _NO_ROOM

    def record_slow_recovery(self) -> None:
        """Record that a reader has timed out waiting for the recovery, so that others do not wait."""
        with suppress(OSError):
            os.pwrite(self.descriptor, _SLOW, _SLOW_AT)

    def is_worth_waiting_for(self) -> bool:
        """Return whether to wait: no reader has timed out, and the recovering process is not suspended."""
        if os.pread(self.descriptor, len(_SLOW), _SLOW_AT) == _SLOW:
            return False
        from mlrun_cli.processes.lock_holders import is_stopped  # noqa: PLC0415 - start-up: few runs are recovered

        pid = os.pread(self.descriptor, _PID_BYTES, _PID_AT).strip()
        return not (self.is_recovering() and pid.isdigit() and is_stopped(int(pid)))

    def close(self) -> None:
        """Close the file, which releases the lock unless another process has inherited it."""
        os.close(self.descriptor)
