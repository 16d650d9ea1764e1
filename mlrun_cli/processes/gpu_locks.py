"""The locks of this machine's GPUs, one file for each, in a folder shared by all users and workspaces.

A process that uses a GPU holds its lock, and the kernel releases the lock when the last process with the open file has
ended. This requires no cooperation from the processes of other users.
"""

from __future__ import annotations

import fcntl
import os
import stat
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from mlrun_cli.core import locks
from mlrun_cli.errors import OperatingSystemError

MACHINE_VARIABLE = "MLRUN_MACHINE"
_LOCKS, _ELSEWHERE = Path("/run/lock"), Path("/tmp")  # noqa: S108 — what both have to be is checked
_SHARED = 0o1777


def ensure_lock_folder() -> Path:
    """Create the folder of GPU locks if needed and return it: `MLRUN_MACHINE`, or a default for all users.

    Raises:
        MlrunError: it cannot be created, or is not a folder.
    """
    named = os.environ.get(MACHINE_VARIABLE)
    folder = Path(named) if named else _get_shared_folder() / "mlrun"
    try:
        with suppress(FileExistsError):
            folder.mkdir()
            folder.chmod(_SHARED)  # mkdir takes the umask off
        if not stat.S_ISDIR(folder.lstat().st_mode) and not named:
            raise NotADirectoryError(0, "it is not a folder")
    except OSError as error:
        raise OperatingSystemError(
            f"The folder {folder}, whose locks say which GPUs are in use, cannot be used: {error.strerror}.",
            hint=f"Set {MACHINE_VARIABLE} to another folder, the same for all users of this machine.",
        ) from error
    return folder


def _get_shared_folder() -> Path:
    """Return the system folder, shared and writable by all users, in which the lock folder is created."""
    with suppress(OSError):
        if stat.S_IMODE(_LOCKS.stat().st_mode) & _SHARED == _SHARED:
            return _LOCKS
    return _ELSEWHERE


def lock_gpu(folder: Path, gpu_name: str) -> int | None:
    """Acquire the lock of a GPU and return its descriptor, or None if the lock is held by another process.

    Raises:
        OSError: the file cannot be opened or created.
        StoreError: the file system does not support locks.
    """
    descriptor = _open_lock_file(folder / f"gpu-{quote(gpu_name, safe='')}")
    try:
        locks.lock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _open_lock_file(path: Path) -> int:
    """Open a lock file, which may belong to another user, read-only, and return its descriptor."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    while True:
        with suppress(FileNotFoundError):
            return os.open(path, flags)
        with suppress(FileExistsError):
            descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o644)
            os.fchmod(descriptor, 0o644)
            return descriptor
