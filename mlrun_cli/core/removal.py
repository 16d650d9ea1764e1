"""Removal of this program's folders, whatever permissions scripts have set in them."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

_TRIES = 100


def remove_tree(folder: Path) -> None:
    """Remove a folder and its contents, even if other processes are removing them too.

    Raises:
        OSError: something in it cannot be removed, even after its folders have been made writable.
    """
    for tries_left in reversed(range(_TRIES)):
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            if not os.path.lexists(folder):
                return
        except OSError:
            # A script may still write while its folder is removed, and may have removed permissions.
            if not tries_left or not (_make_writable(folder) or not os.path.lexists(folder)):
                raise
        else:
            return


def _make_writable(folder: Path) -> bool:
    """Make all folders of a tree writable for their owner; return whether any permissions have changed.

    Links are not followed, and other users' folders are left unchanged.
    """
    changed = False
    try:
        mode = stat.S_IMODE(os.lstat(folder).st_mode)
        if mode & stat.S_IRWXU != stat.S_IRWXU:
            os.chmod(folder, mode | stat.S_IRWXU)
            changed = True
        with os.scandir(folder) as entries:
            below = [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return changed
    for inner in below:
        changed |= _make_writable(inner)
    return changed
