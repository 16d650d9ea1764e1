"""The file of a sweep's configuration, looked for as az does."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from mlrun_cli.core.similar_files import find_similar_name
from mlrun_cli.errors import InvalidFile

_SUFFIXES = (".json", ".yaml", ".yml")


def resolve_sweep_file(name: str, folder: Path) -> tuple[Path, Sequence[str]]:
    """Return the path of a sweep's configuration file, and notes for stderr.

    An existing path is taken as it is, then one relative to `folder`. Otherwise all folders below `folder`, hidden ones
    too, are searched for a file of that name; of several, the one that is walked last is taken, as in az, and named.

    Args:
        name: the path or the name of the file.
        folder: the attached folder.

    Raises:
        InvalidFile: there is no such file.
    """
    for path in (Path(name), folder / name):
        if path.is_file():
            return path.absolute(), ()
    found: list[Path] = []
    similar: set[str] = set()
    for place, folders, files in os.walk(folder):
        folders.sort()
        if name in files:
            found.append(Path(place, name))
        similar.update(file for file in files if file.endswith(_SUFFIXES))
    if not found:
        near = find_similar_name(name, similar)
        guess = "" if near is None else f"Did you mean '{near}'? "
        raise InvalidFile(
            name,
            f"there is no such file in this folder, and none of that name below {folder.absolute()}",
            hint=f"{guess}Give the name with its extension, or a path.",
        )
    taken = found[-1].absolute()
    if len(found) == 1:
        return taken, ()
    others = ", ".join(str(path) for path in found[:-1])
    return taken, [f"There are {len(found)} files named '{name}': {taken} is taken, the last one; not {others}."]
