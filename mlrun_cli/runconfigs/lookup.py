"""The search for a runconfig by the name given with `-c`."""

from __future__ import annotations

import difflib
import errno
import os
import shlex
from pathlib import Path

from mlrun_cli.errors import InvalidFile, MissingOption, RunconfigNotFound, UsageError
from mlrun_cli.folders.project_config import CONFIGURATION_FOLDERS, get_configuration_folder, make_absolute

SUFFIX = ".runconfig"


def resolve_runconfig_name(attached_folder: Path, name: str) -> tuple[Path, tuple[str, ...]]:
    """Return the path of the runconfig with this name in an attached folder, and notes of one line each.

    If `attached_folder` itself is a file, it is the runconfig. Otherwise, it is the first that exists of `FOLDER/NAME`,
    `FOLDER/NAME.runconfig`, `PATH/NAME.runconfig` and `PATH/NAME`, where FOLDER is `aml_config` if it exists, else
    `.azureml`. A name may contain slashes. The notes mention other files that the name could mean, including those in
    an `.azureml` that `aml_config` hides.

    Raises:
        UsageError: there is none; the message lists the paths that were tried, and the hint the closest name.
        InvalidFile: a folder cannot be searched.
    """
    attached_folder = make_absolute(attached_folder)
    if not name.strip():
        raise MissingOption("-c is empty.", hint="Name a runconfig, such as 'local'.", target="-c")
    if _is_file(attached_folder):
        return attached_folder, ()
    places = _list_candidates(attached_folder, name)
    found = [place for place in places if _is_file(place)]
    if not found:
        raise _build_not_found_error(attached_folder, name, places)
    first, *others = [*found, *filter(os.path.isfile, _list_hidden_candidates(attached_folder, name, places))]
    return first, tuple(
        f"{other} is not used: {_make_relative(first, attached_folder)} comes first." for other in others
    )


def list_runconfig_names(attached_folder: Path) -> list[str]:
    """Return the sorted names of the runconfigs that `-c` finds in an attached folder."""
    within = get_configuration_folder(attached_folder)
    found = [*_list_names(within), *_list_names(attached_folder)]
    # The samples that newer versions of Azure's CLI create have no suffix.
    found += [entry.name for entry in _list_files(within) if "." not in entry.name]
    return sorted(set(found))


def get_runconfig_name(attached_folder: Path, file: Path) -> str:
    """Return the shortest name with which `-c` finds a file in an attached folder, or else the file's path."""
    folders = [
        folder for folder in (get_configuration_folder(attached_folder), attached_folder) if file.is_relative_to(folder)
    ]
    relative = [str(file.relative_to(folder)) for folder in folders]
    names = [spelling for name in relative for spelling in (name.removesuffix(SUFFIX), name)]
    return next(
        (name for name in names if next(filter(os.path.isfile, _list_candidates(attached_folder, name)), None) == file),
        str(file),
    )


def get_project_folder(runconfig: Path) -> Path:
    """Return the absolute path of the attached folder that contains a runconfig."""
    folder = runconfig.absolute().parent
    return folder.parent if folder.name in CONFIGURATION_FOLDERS else folder


def _list_candidates(attached_folder: Path, name: str) -> list[Path]:
    in_folder, in_path = (
        _list_candidates_within(get_configuration_folder(attached_folder), name),
        _list_candidates_within(attached_folder, name),
    )
    return list(dict.fromkeys([*in_folder, *reversed(in_path)]))


def _list_hidden_candidates(attached_folder: Path, name: str, candidates: list[Path]) -> list[Path]:
    """Return the paths that a name could mean in the configuration folder that `-c` does not search."""
    return [
        place
        for within in CONFIGURATION_FOLDERS
        for place in _list_candidates_within(attached_folder / within, name)
        if place not in candidates
    ]


def _list_candidates_within(folder: Path, name: str) -> list[Path]:
    return [Path(os.path.normpath(folder / spelling)) for spelling in (name, f"{name}{SUFFIX}")]


def _build_not_found_error(attached_folder: Path, name: str, candidates: list[Path]) -> UsageError:
    names = list_runconfig_names(attached_folder)
    hidden = next(filter(os.path.isfile, _list_hidden_candidates(attached_folder, name, candidates)), None)
    above = next(
        (each for folder in attached_folder.parents for each in _list_candidates(folder, name) if os.path.isfile(each)),
        None,
    )
    nearest = difflib.get_close_matches(name[:100].removesuffix(SUFFIX), names, n=1)
    if hidden is not None:
        hint = (
            f"{_make_relative(hidden, attached_folder)} is not looked for beside "
            f"{get_configuration_folder(attached_folder).name}. "
            f"Name it as -c {shlex.quote(get_runconfig_name(attached_folder, hidden))}."
        )
    elif above is not None and not os.path.isabs(name):
        hint = f"There is {above}: submit from {get_project_folder(above)}, or add --path {get_project_folder(above)}."
    elif nearest:
        hint = f"Did you mean '{nearest[0]}'?"
    elif names:
        hint = f"There are: {', '.join(names)}."
    else:
        hint = "'mlrun folder attach' writes two to begin with, 'local' and 'sklearn'."
    tried = ", ".join(_format_location(place, attached_folder) for place in candidates)
    return RunconfigNotFound(
        f"There is no runconfig '{name}' in {attached_folder}: tried {tried}.", hint=hint, target=name
    )


def _format_location(candidate: Path, base_folder: Path) -> str:
    """Return a candidate path relative to a folder, followed by a note if something other than a file is there."""
    shown = _make_relative(candidate, base_folder)
    obstacle = _describe_obstacle(candidate)
    return str(shown) if obstacle is None else f"{shown} ({obstacle})"


def _make_relative(path_to_shorten: Path, base_folder: Path) -> Path:
    """Return a path relative to a folder if it is below that folder, or else unchanged."""
    return path_to_shorten.relative_to(base_folder) if path_to_shorten.is_relative_to(base_folder) else path_to_shorten


def _describe_obstacle(path: Path) -> str | None:
    """Return a description of what exists at a path instead of a file, or None if nothing exists there."""
    try:
        path.lstat()
    except (OSError, ValueError):
        return None
    try:
        path.stat()
    except OSError as error:
        return "a link that leads in a circle" if error.errno == errno.ELOOP else "a link that leads nowhere"
    return "a folder"


def _list_names(folder: Path) -> list[str]:
    return [entry.name.removesuffix(SUFFIX) for entry in _list_files(folder) if entry.suffix == SUFFIX]


def _list_files(folder: Path) -> list[Path]:
    """Return the files in a folder, or an empty list if the folder cannot be read."""
    try:
        return [entry for entry in folder.iterdir() if os.path.isfile(entry)]
    except OSError:
        return []


def _is_file(path: Path) -> bool:
    """Return whether a path exists and is not a folder.

    Raises:
        InvalidFile: a folder on the path cannot be searched.
    """
    try:
        return path.exists() and not path.is_dir()
    except PermissionError as error:
        hint = "Check the permissions of the folders that it is in ('ls -ld')."
        raise InvalidFile(path, f"cannot be looked for: {error.strerror}", hint=hint) from error
    except (OSError, ValueError):  # too long for a name, or with a NUL
        return False
