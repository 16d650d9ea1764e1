"""Explanations of failed writes: full disks, which SQLite reports as I/O errors, and unwritable folders."""

from __future__ import annotations

import errno
import os
from pathlib import Path

FULL_BYTES = 64 << 10
"""The free space below which a disk counts as full: SQLite needs half of it to open a store."""

FULL_FOR_RUNS_BYTES = 1 << 20
"""The free space below which a script may have failed to write, and the end of a run may fail to be recorded."""


def describe_write_remedy(error: OSError) -> str:
    """Return a sentence of advice on a file of the home that could not be written."""
    if error.errno in {errno.EACCES, errno.EPERM}:
        return "Correct its owner or its permissions ('ls -ld' shows them), or set MLRUN_HOME to a folder of yours."
    if error.errno == errno.EROFS:
        return "Its disk can only be read: set MLRUN_HOME to a folder on another disk."
    return "Make room there, or set MLRUN_HOME to a folder on another disk."


def describe_full_disk(path: Path, min_free_bytes: int = FULL_BYTES) -> str | None:
    """Return a clause saying that a path's disk is full, or None if it is not or if that is unknown."""
    there = next((folder for folder in (path, *path.parents) if os.path.exists(folder)), None)
    try:
        found = None if there is None else os.statvfs(there)
    except OSError:
        return None
    if found is None or there is None:
        return None
    blocks = found.f_bfree if os.geteuid() == 0 else found.f_bavail
    free = blocks * found.f_frsize
    if found.f_blocks and free < min_free_bytes:
        return f"the disk of {_find_mount_point(there)} is full ({free >> 10} KiB free)"
    if found.f_files and found.f_favail == 0:
        return f"the disk of {_find_mount_point(there)} is full (it has room for no more files: no inode is free)"
    return None


def _find_mount_point(path: Path) -> Path:
    """Return the topmost ancestor of a path on the same disk, usually its mount point."""
    device = path.stat().st_dev
    return next((below for below in (path, *path.parents) if os.stat(below.parent).st_dev != device), Path("/"))
