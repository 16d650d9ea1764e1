"""Private folders on the disk of a node, for as long as the process that uses one is alive."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mlrun_cli.core.locks import acquire_lock


@contextmanager
def create_scratch_folder(run_id: str) -> Iterator[tuple[Path, int]]:
    """Create a private folder for a run on this node's disk, yield it with its lock, and finally remove it.

    The lock, an open descriptor, shows other processes that the folder is in use.

    Raises:
        OSError: it cannot be created.
    """
    above = Path(tempfile.gettempdir(), f"mlrun-node-{os.getuid()}")
    above.mkdir(mode=0o700, exist_ok=True)
    found = above.lstat()
    if found.st_uid != os.getuid() or found.st_mode & 0o077 or above.is_symlink():
        above = Path(tempfile.mkdtemp(prefix="mlrun-node-"))
    _remove_abandoned_folders(above)
    folder = Path(tempfile.mkdtemp(prefix=f"{run_id}-", dir=above))
    lock = acquire_lock(_get_lock_path(folder), fcntl.LOCK_EX)
    try:
        yield folder, lock
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _get_lock_path(folder).unlink(missing_ok=True)
        os.close(lock)


def _get_lock_path(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _remove_abandoned_folders(parent: Path) -> None:
    """Remove the scratch folders of processes that were killed on this node."""
    for path in parent.glob("*.lock"):
        with suppress(OSError):
            lock = acquire_lock(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path.with_suffix(""), ignore_errors=True)
            path.unlink(missing_ok=True)
            os.close(lock)
