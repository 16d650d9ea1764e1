"""Whether a disk is full, which errors seldom say as it is: SQLite speaks of I/O, the kernel of devices."""

from __future__ import annotations

import os
from pathlib import Path

FULL_BYTES = 64 << 10
"""With less than that nothing is to be done: SQLite needs half of it to open a store."""

FULL_FOR_RUNS_BYTES = 1 << 20
"""With less than that a script may have been refused what it wanted to write, and what ends a run may have no room."""


def describe_full_disk(path: Path, full_bytes: int = FULL_BYTES) -> str | None:
    """Return a message that the disk of a path is full, as the beginning of a sentence; None when it is not.

    None unless it is full.
    """
    there = next((folder for folder in (path, *path.parents) if os.path.exists(folder)), None)
    try:
        found = None if there is None else os.statvfs(there)
    except OSError:
        return None
    if found is None or there is None:
        return None
    blocks = found.f_bfree if os.geteuid() == 0 else found.f_bavail
    free = blocks * found.f_frsize
    if found.f_blocks and free < full_bytes:
        return f"the disk of {_find_mount_point(there)} is full ({free >> 10} KiB free)"
    if found.f_files and found.f_favail == 0:
        return f"the disk of {_find_mount_point(there)} is full (it has room for no more files: no inode is free)"
    return None


def _find_mount_point(path: Path) -> Path:
    """Return the topmost folder above a path that is on the same disk: where that is mounted, as a rule."""
    device = path.stat().st_dev
    return next((below for below in (path, *path.parents) if os.stat(below.parent).st_dev != device), Path("/"))
