"""The lock of a database on a network file system: a lock of this machine, for several readers or one writer.

SQLite's own locks are off there. A second file keeps readers that follow each other from shutting out a writer: whoever
wants the lock holds that one until it has it.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mlrun_cli.core.local_folder import get_counterpart, make_counterpart_folder

_SHORTEST_WAIT_SECONDS = 0.0005
_LONGEST_WAIT_SECONDS = 0.01


class LocalLock:
    """The lock of a database; an object cannot hold it twice."""

    def __init__(self, database: Path) -> None:
        make_counterpart_folder(database.parent)
        counterpart = get_counterpart(database)
        self.files = [Path(f"{counterpart}.turn"), Path(f"{counterpart}.lock")]
        self._descriptors: list[int] = []
        self._process = 0

    @contextmanager
    def hold(self, timeout_seconds: float, *, exclusive: bool) -> Iterator[None]:
        """Hold the lock during a block.

        Raises:
            sqlite3.OperationalError: it is locked for longer than this, in SQLite's words.
        """
        self.acquire(timeout_seconds, exclusive=exclusive)
        try:
            yield
        finally:
            self.release()

    def acquire(self, timeout_seconds: float, *, exclusive: bool) -> None:
        """Acquire the lock.

        Raises:
            sqlite3.OperationalError: it is locked for longer than this, in SQLite's words.
        """
        operation = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
        deadline = time.monotonic() + timeout_seconds
        while True:
            self._open_files()
            turn, lock = self._descriptors
            try:
                _lock_file(turn, operation, deadline)
                try:
                    _lock_file(lock, operation, deadline)
                finally:
                    fcntl.flock(turn, fcntl.LOCK_UN)
            except OSError as error:
                raise sqlite3.OperationalError("database is locked") from error
            if self._is_in_place():
                if exclusive:
                    os.utime(lock)  # for what removes old files from temporary folders
                return
            self.close()  # the folder was emptied, and others lock new files

    def release(self) -> None:
        """Release the lock."""
        if self._descriptors and self._process == os.getpid():
            fcntl.flock(self._descriptors[1], fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the files, which releases the lock."""
        for descriptor in self._descriptors:
            with suppress(OSError):
                os.close(descriptor)
        self._descriptors = []

    def _open_files(self) -> None:
        if self._process != os.getpid():  # a lock of the parent is shared with it
            self.close()
            self._process = os.getpid()
        if not self._descriptors:
            os.makedirs(self.files[0].parent, mode=0o700, exist_ok=True)
            self._descriptors = [os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600) for file in self.files]

    def _is_in_place(self) -> bool:
        """Return whether the open file is still the one at the lock's path."""
        try:
            return os.path.samestat(os.fstat(self._descriptors[1]), os.stat(self.files[1]))
        except FileNotFoundError:
            return False


def _lock_file(descriptor: int, operation: int, deadline: float) -> None:
    """Lock a file, waiting until a deadline.

    Raises:
        BlockingIOError: it is still locked.
    """
    wait = _SHORTEST_WAIT_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise
        else:
            return
        time.sleep(wait)
        wait = min(2 * wait, _LONGEST_WAIT_SECONDS)
