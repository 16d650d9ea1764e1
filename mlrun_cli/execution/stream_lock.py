"""The lock of a command that streams a run which is to be canceled with it, however the command ends.

The kernel gives the lock back when the command has ended. One that leaves in order removes the file first; a file whose
lock is free is that of a command that was killed, or whose job has ended.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from mlrun_cli.files import locks
from mlrun_cli.files.run_folder import RunFolder


class StreamLock:
    """Held by the command; a context that lets go of it in order."""

    def __init__(self, folder: RunFolder) -> None:
        """Take it, before anybody can see the file.

        Raises:
            OSError: it cannot be made.
            StoreError: the file system knows no locks.
        """
        name = f"{os.getpid()}-{os.urandom(4).hex()}"
        folder.streams.mkdir(mode=0o700, exist_ok=True)
        unfinished = folder.streams / f".{name}"
        self._path = folder.streams / name
        self._descriptor = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            locks.lock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            unfinished.rename(self._path)
        except BaseException:
            os.close(self._descriptor)
            unfinished.unlink(missing_ok=True)
            raise

    def __enter__(self) -> StreamLock:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


def has_lost_its_stream(folder: RunFolder) -> bool:
    """Whether a command that the run is to be canceled with has ended without a word."""
    try:
        names = os.listdir(folder.streams)
    except FileNotFoundError:
        return False
    return any(_is_left(folder.streams / name) for name in names if not name.startswith("."))


def _is_left(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        locks.lock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return locks.is_at(descriptor, path)  # one that has just left in order has removed it
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
