"""Comparison of a file to be written with an existing file at its destination."""

from __future__ import annotations

import os
import stat
from pathlib import Path

_CHUNK = 1 << 20


def has_other_content(source: Path, destination: Path) -> bool:
    """Return whether `destination` exists and is not a regular file with the same content as `source`.

    An unreadable file counts as different, and so does a link, because it would be replaced.
    """
    try:
        there = os.lstat(destination)
        return not stat.S_ISREG(there.st_mode) or not _have_same_content(source, destination)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True


def _have_same_content(first: Path, second: Path) -> bool:
    # A script that is still running may put a FIFO in place of a file: opening it must not block.
    with (
        open(first, "rb", opener=_open_without_waiting) as one,
        open(second, "rb", opener=_open_without_waiting) as other,
    ):
        if os.fstat(one.fileno()).st_size != os.fstat(other.fileno()).st_size:
            return False
        while chunk := one.read(_CHUNK):
            if chunk != other.read(_CHUNK):
                return False
    return True


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)
