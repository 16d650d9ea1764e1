"""Safe opening of files in folders that others can write to, without following links."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: opening must not block on a FIFO that a script has put in place of a file.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def open_inner_file(folder: Path, name: str) -> int | None:
    """Open a regular file below a folder, without following links, and return its descriptor, or None.

    None if there is no such file, if a part of its path is a link, or if the name leads out of the folder.
    """
    parts = name.split("/")
    if not all(parts) or {".", ".."} & set(parts) or "\0" in name:
        return None
    descriptor = -1
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        for part in parts[:-1]:
            descriptor = _replace_descriptor(descriptor, os.open(part, _FOLDER, dir_fd=descriptor))
        descriptor = _replace_descriptor(descriptor, os.open(parts[-1], _FILE, dir_fd=descriptor))
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return descriptor
    if descriptor >= 0:
        os.close(descriptor)
    return None


def _replace_descriptor(before: int, after: int) -> int:
    os.close(before)
    return after
