"""The locks of this machine's GPUs, one file each, in a folder that all users and workspaces of the machine share.

Whoever has a GPU holds its lock, and the kernel gives that back when the last process which holds the open file has
ended: no process of another user has to be asked, nor trusted to write something down.
"""

from __future__ import annotations

import fcntl
import os
import stat
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from mlrun_cli.core import locks
from mlrun_cli.errors import MlrunError

MACHINE_VARIABLE = "MLRUN_MACHINE"
_LOCKS, _ELSEWHERE = Path("/run/lock"), Path("/tmp")  # noqa: S108 — what both have to be is checked
_SHARED = 0o1777


def machine_folder() -> Path:
    """The folder that `MLRUN_MACHINE` names, or else the same one for every user of this machine; made as needed.

    Raises:
        MlrunError: it cannot be made, or is none.
    """
    named = os.environ.get(MACHINE_VARIABLE)
    folder = Path(named) if named else _shared_by_all() / "mlrun"
    try:
        with suppress(FileExistsError):
            folder.mkdir()
            folder.chmod(_SHARED)  # mkdir takes the umask off
        if not stat.S_ISDIR(folder.lstat().st_mode) and not named:
            raise NotADirectoryError(0, "it is no folder")
    except OSError as error:
        raise MlrunError(
            f"The folder {folder}, by whose locks GPUs are lent, cannot be used: {error.strerror}.",
            hint=f"Name another by {MACHINE_VARIABLE}, the same for all users of this machine.",
        ) from error
    return folder


def _shared_by_all() -> Path:
    """Not by what this very user may write: all have to come to the same."""
    with suppress(OSError):
        if stat.S_IMODE(_LOCKS.stat().st_mode) & _SHARED == _SHARED:
            return _LOCKS
    return _ELSEWHERE


def take_gpu(folder: Path, name: str) -> int | None:
    """The open file of a GPU whose lock has been taken; None when somebody has it.

    Raises:
        OSError: the file cannot be opened or made.
        StoreError: the file system knows no locks.
    """
    descriptor = _opened(folder / f"gpu-{quote(name, safe='')}")
    try:
        locks.lock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _opened(path: Path) -> int:
    """Open a file for its lock alone, for which to read is enough: it may be another user's."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    while True:
        with suppress(FileNotFoundError):
            return os.open(path, flags)
        with suppress(FileExistsError):
            descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o644)
            os.fchmod(descriptor, 0o644)
            return descriptor
