"""Version stamps of the files in a watched folder, and the files that have changed since an earlier check."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path


def scan_watched_files(folder: Path, *, with_subfolders: bool) -> dict[str, str]:
    """Return a version stamp of each file in a folder, keyed by relative path; empty if the folder does not exist."""
    found: dict[str, str] = {}
    left = [""]
    while left:
        inner = left.pop()
        with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder / inner) as entries:
            for entry in entries:
                name = f"{inner}{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    if with_subfolders:
                        left.append(f"{name}/")
                    continue
                with suppress(FileNotFoundError):
                    stat = entry.stat()
                    found[name] = f"{stat.st_mtime_ns} {stat.st_size} {stat.st_ino}"
    return found


def list_changed_files(old_files: Mapping[str, str], new_files: Mapping[str, str]) -> list[str]:
    """Return the paths of files that are new or have changed, in alphabetical order."""
    return sorted(name for name, version in new_files.items() if old_files.get(name) != version)
