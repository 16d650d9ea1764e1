"""Files that a submit or a runconfig names: the folders that a relative name is looked for in."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from mlrun_cli.errors import MissingFile
from mlrun_cli.folders.project_config import find_configuration_folder


def find_conda_file(name: Path, project: Path, source: Path) -> Path:
    """Return the conda file that a submit names: relative to the current folder, the project or the source folder.

    Raises:
        MissingFile: none of them has it; lists the places.
    """
    return _find_file(name, [Path.cwd(), project, source], "conda dependencies")


def find_named_file(name: str, what: str, runconfig: Path | None, project: Path, source: Path) -> Path:
    """Return a file that a runconfig names.

    The name is relative to the project, the source folder, the runconfig's folder, or the folder of runconfigs.

    Args:
        name: as the runconfig has it.
        what: it is, for the error.
        runconfig: the file that names it, if any.
        project: the attached folder.
        source: the folder of the script.

    Raises:
        MissingFile: none of them has it; lists the places.
    """
    beside = project if runconfig is None else runconfig.parent
    return _find_file(Path(name), [project, source, beside, find_configuration_folder(project)], what)


def _find_file(name: Path, folders: Sequence[Path], what: str) -> Path:
    places = list(dict.fromkeys(Path(os.path.normpath((folder / name).absolute())) for folder in folders))
    for place in places:
        if place.is_file():
            return place
    raise MissingFile(
        f"There is no {what} file '{name}'.", hint=f"Looked at {', '.join(map(str, places))}.", target=name
    )
