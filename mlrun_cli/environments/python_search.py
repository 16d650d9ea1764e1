"""The search for Pythons on PATH by file name, without running them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path


def list_search_folders(search_path: str) -> list[Path]:
    """Return the absolute folders in a value of PATH, except the private folder that `uvx` adds for this tool."""
    folders = [Path(entry) for entry in search_path.split(os.pathsep)]
    private = Path(sys.prefix, "bin") if _is_temporary_environment(Path(sys.prefix)) else None
    return [folder for folder in folders if folder.is_absolute() and folder != private]


def _is_temporary_environment(prefix: Path) -> bool:
    """Return whether a prefix belongs to a temporary virtual environment that uv created for a single command."""
    return any(part.startswith("archive-v") for part in prefix.parts)


def iterate_executables(name: str, folders: list[Path]) -> Iterator[Path]:
    """Yield every executable with this name, in the order of the folders."""
    for folder in folders:
        path = folder / name
        if path.is_file() and os.access(path, os.X_OK):
            yield path


def find_python(folders: list[Path]) -> Path | None:
    """Return the first `python`, or else the first `python3`, in the folders; None if they have neither."""
    return next(iterate_executables("python", folders), None) or next(iterate_executables("python3", folders), None)
