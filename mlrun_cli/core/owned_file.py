"""Files whose locks show whether the process that created them is alive; an orderly exit removes them."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from mlrun_cli.core import locks
from mlrun_cli.core.local_folder import get_counterpart, make_counterpart_folder


class OwnedFile:
    """An empty file that is locked from the start; as a context manager, it removes the file at the end."""

    def __init__(self, path: Path, descriptor: int) -> None:
        """Initialize the object for a file whose lock is held through an open descriptor."""
        self._path = path
        self._descriptor = descriptor

    @classmethod
    def create(cls, path: Path) -> OwnedFile:
        """Create and lock the file, after creating its folder if needed.

        Raises:
            OSError: the file cannot be created.
            StoreError: the file system does not support locks.
        """
        path.parent.mkdir(mode=0o700, exist_ok=True)
        counterpart = make_counterpart_folder(path.parent) / path.name
        unfinished = counterpart.with_name(f".{path.name}")
        unfinished.unlink(missing_ok=True)  # of a process that was killed here, and made a file of the same name
        descriptor = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            locks.lock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            unfinished.rename(counterpart)
            if counterpart != path:
                path.touch(mode=0o600)
        except BaseException:
            os.close(descriptor)
            unfinished.unlink(missing_ok=True)
            raise
        return cls(path, descriptor)

    def __enter__(self) -> OwnedFile:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.remove()

    def remove(self) -> None:
        """Remove the file and close it."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
            get_counterpart(self._path).unlink(missing_ok=True)
        os.close(self._descriptor)

    def abandon(self) -> None:
        """Close the file and leave it in place, as if this process were killed."""
        os.close(self._descriptor)


def list_abandoned_files(folder: Path) -> list[Path]:
    """Return the files that killed processes have left in a folder."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    return [folder / name for name in names if not name.startswith(".") and _is_abandoned(folder / name)]


def claim_abandoned_file(path: Path) -> OwnedFile | None:
    """Lock a file of a killed process and return it; None if it no longer exists or another process holds it."""
    try:
        descriptor = locks.open_lock_file(path)
    except OSError:
        return None
    try:
        is_mine = _lock_if_in_place(path, descriptor, fcntl.LOCK_EX)
    except BaseException:
        os.close(descriptor)
        raise
    if is_mine:
        return OwnedFile(path, descriptor)
    os.close(descriptor)
    return None


def _is_abandoned(path: Path) -> bool:
    try:
        descriptor = locks.open_lock_file(path)
    except OSError:
        return False
    try:
        return _lock_if_in_place(path, descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _lock_if_in_place(path: Path, descriptor: int, operation: int) -> bool:
    """Try to lock an open file; return False if another process holds it or it is no longer at its path."""
    try:
        locks.lock(descriptor, operation | fcntl.LOCK_NB)
        return path.exists() and locks.refers_to_path(
            descriptor, path
        )  # one that has just ended in order has removed it
    except BlockingIOError:
        return False
