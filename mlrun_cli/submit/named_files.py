"""Search for files that a submission or a runconfig refers to by relative names."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from mlrun_cli.core.similar_files import find_similar_file
from mlrun_cli.errors import MissingFile
from mlrun_cli.folders.project_config import get_configuration_folder


def resolve_conda_file(name: Path, project: Path, source: Path) -> Path:
    """Return the path of a submission's conda file, looked up in the current, the project and the source folder.

    Raises:
        MissingFile: it is in none of the folders, which the message lists.
    """
    return _resolve_file(name, [Path.cwd(), project, source], "conda dependencies")


def resolve_named_file(name: str, noun: str, runconfig: Path | None, project: Path, source: Path) -> Path:
    """Return the path of the first existing file with a name that a runconfig refers to.

    The name is relative to the project, the source folder, the runconfig's folder, or the folder of runconfigs.

    Args:
        name: the name in the runconfig.
        noun: a description of the file for the error message.
        runconfig: the file that contains the name, if any.
        project: the attached folder.
        source: the folder of the script.

    Raises:
        MissingFile: it is in none of the folders, which the message lists.
    """
    beside = project if runconfig is None else runconfig.parent
    return _resolve_file(Path(name), [project, source, beside, get_configuration_folder(project)], noun)


def _resolve_file(name: Path, folders: Sequence[Path], noun: str) -> Path:
    places = list(dict.fromkeys(Path(os.path.normpath((folder / name).absolute())) for folder in folders))
    for place in places:
        if place.is_file():
            return place
    similar = next((found for place in places if (found := find_similar_file(place))), None)
    guess = "" if similar is None else f"Did you mean '{name.with_name(similar.name)}'? "
    raise MissingFile(
        f"There is no {noun} file '{name}'.", hint=f"{guess}Looked at {', '.join(map(str, places))}.", target=name
    )
