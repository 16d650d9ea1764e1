"""The `config.json` of an attached folder, which specifies the workspace and experiment of its runs."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlrun_cli.core.documents.json import build_json_error, parse_json
from mlrun_cli.core.documents.node import Node
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.names import (
    check_experiment_name,
    check_resource_group,
    check_subscription_id,
    check_workspace_name,
)
from mlrun_cli.core.text_files import read_text, replace_text
from mlrun_cli.errors import InvalidFile, InvalidPath, MissingFile, UsageError

CONFIGURATION_FOLDERS = ("aml_config", ".azureml")
CONFIG_NAMES = ("project.json", "config.json")

_SUFFIXES = frozenset({"", ".runconfig", ".yml", ".yaml", ".json"})
"""The suffixes of files that may be runconfigs."""

_NAMES = ("subscription_id", "resource_group", "workspace_name")
_SCOPE_KEYS = {
    "subscriptions": "subscription_id",
    "resourcegroups": "resource_group",
    "workspaces": "workspace_name",
    "projects": "experiment_name",
    "experiments": "experiment_name",
}
_REPAIR = "Correct it, or move it away and call 'mlrun folder attach', which writes a new one."


class ProjectConfig(NamedTuple):
    """The content of a `config.json`.

    Attributes:
        path: the file itself.
        folder: the attached folder, absolute.
    """

    path: Path
    folder: Path
    subscription_id: str
    resource_group: str
    workspace_name: str
    experiment_name: str | None = None


def make_absolute(path: Path) -> Path:
    """Return a path made absolute, resolving links only if the path contains `..`.

    Raises:
        UsageError: the current folder no longer exists.
    """
    try:
        return path.resolve() if ".." in path.parts else path.absolute()
    except (OSError, RuntimeError, ValueError) as error:
        raise MissingFile(
            f"The folder '{path}' cannot be found: {getattr(error, 'strerror', None) or error}.",
            hint="Change to a folder that exists ('cd').",
            target=path,
        ) from error


def get_configuration_folder(folder: Path) -> Path:
    """Return the folder for the runconfigs of an attached folder: `aml_config` if it exists, or else `.azureml`."""
    older, newer = (folder / name for name in CONFIGURATION_FOLDERS)
    return older if older.is_dir() else newer


def find_project_config(start: Path) -> ProjectConfig | None:
    """Return the config of a folder or of its nearest ancestor with one, or None if there is none.

    `start` may be a file: a `config.json` or `project.json` itself, or a runconfig of the folder. If no folder is
    attached, a file of these names beside the sources counts if it names a workspace, as Azure's portal offers it.

    Raises:
        InvalidFile: the nearest config cannot be read or is not valid.
        UsageError: `start` does not exist, or is a file that can be neither.
    """
    start = make_absolute(start)
    if not _file_exists(start):
        raise MissingFile(
            f"The folder '{start}' does not exist.",
            hint="Name the attached folder with --path, or leave it out for this one.",
            target=start,
        )
    if start.name in CONFIG_NAMES and start.is_file():
        return read_project_config(start)
    if start.suffix.lower() not in _SUFFIXES and start.is_file():
        raise InvalidPath(
            f"--path: '{start}' is a file, and not a runconfig.",
            hint="Name the folder that it is in, or leave --path out.",
            target=start,
        )
    folders = (start, *start.parents)
    places = [path for folder in folders for path in _list_config_candidates(folder)]
    paths = (
        *places,
        *filter(_is_workspace_config, (path for folder in folders for path in _list_download_paths(folder))),
    )
    return next((read_project_config(path) for path in paths if _file_exists(path)), None)


def find_own_project_config(folder: Path) -> ProjectConfig | None:
    """Return the config in a folder, without searching its ancestors, or None if there is none.

    Raises:
        InvalidFile: it cannot be read or is not valid.
    """
    paths = (*_list_config_candidates(folder), *filter(_is_workspace_config, _list_download_paths(folder)))
    return next((read_project_config(path) for path in paths if _file_exists(path)), None)


def read_project_config(path: Path) -> ProjectConfig:
    """Read a `config.json` in either format: `{"Id", "Scope"}` or `{"subscription_id", …}`.

    Raises:
        InvalidFile: unreadable, empty, not JSON, a key missing, or a value of a wrong type or form.
    """
    with _add_repair_hint(path):
        return _parse_project_config(path, parse_json(path, read_text(path)))


@contextmanager
def _add_repair_hint(path: Path) -> Iterator[None]:
    """Add a hint on how to recreate a `config.json` to the errors raised about it in the block."""
    try:
        yield
    except json.JSONDecodeError as error:
        invalid = build_json_error(path, error)
        invalid.hint = _REPAIR
        raise invalid from error
    except InvalidFile as error:
        error.hint = error.hint or _REPAIR
        raise


def _parse_project_config(path: Path, root: Node) -> ProjectConfig:
    keys = {key.casefold(): node for key, node in root.as_mapping().items() if not node.is_null}
    if "store" in keys:  # reserved: runs of a shared store must not be put on this machine
        reason = "names a store of several machines, which this version does not know"
        raise InvalidFile(path, reason, line=keys["store"].line, key_path="Store", hint="Install a later mlrun-cli.")
    names = _parse_scope(keys["scope"]) if "scope" in keys else {key: keys[key] for key in _NAMES if key in keys}
    if "scope" in keys and "id" in keys:
        names.setdefault("experiment_name", keys["id"])
    for key in _NAMES:
        if key not in names:
            raise InvalidFile(path, f"does not say the {key.replace('_', ' ')}")
    return ProjectConfig(
        path=path,
        folder=path.parent.parent if path.parent.name in CONFIGURATION_FOLDERS else path.parent,
        subscription_id=_parse_value(names["subscription_id"], check_subscription_id),
        resource_group=_parse_value(names["resource_group"], check_resource_group),
        workspace_name=_parse_value(names["workspace_name"], check_workspace_name),
        experiment_name=(
            _parse_value(names["experiment_name"], check_experiment_name) if "experiment_name" in names else None
        ),
    )


def write_project_config(
    folder: Path,
    *,
    subscription_id: str,
    resource_group: str,
    workspace_name: str,
    experiment_name: str,
) -> ProjectConfig:
    """Attach a folder by writing its config where `find_project_config` searches first, and return the config.

    That is `.azureml/config.json`, or the same file in `aml_config` if that exists, or an existing `project.json`. The
    configuration folder must exist. Other keys of an existing config are kept.

    Raises:
        InvalidFile: the existing config cannot be read; it is left unchanged.
        OSError: it cannot be written.
    """
    path = get_config_path_to_write(folder)
    rest = _read_other_entries(path)
    scope = (
        f"/subscriptions/{subscription_id}/resourceGroups/{resource_group}"
        f"/providers/Microsoft.MachineLearningServices/workspaces/{workspace_name}/projects/{experiment_name}"
    )
    document = {"Id": experiment_name, "Scope": scope, **rest}
    replace_text(path, json.dumps(document, ensure_ascii=False, indent=4) + "\n")
    return ProjectConfig(path, folder, subscription_id, resource_group, workspace_name, experiment_name)


def get_config_path_to_write(folder: Path) -> Path:
    """Return the path of the file that `write_project_config` would write."""
    within = get_configuration_folder(folder)
    return next((path for name in CONFIG_NAMES if (path := within / name).exists()), within / CONFIG_NAMES[-1])


def check_config_is_replaceable(path: Path) -> None:
    """Raise an error if a config cannot be read, since overwriting it would lose its content.

    Raises:
        InvalidFile: it is not valid, or it is of a store that this version does not know.
    """
    _read_other_entries(path)


def _read_other_entries(path: Path) -> dict[str, Any]:
    """Return a config's entries beside workspace and experiment; empty if it has none; raise if it is invalid."""
    with _add_repair_hint(path):
        if not os.path.lexists(path) or (path.is_file() and not path.stat().st_size):
            return {}
        text = read_text(path)
        keys = {key.casefold(): node for key, node in parse_json(path, text).as_mapping().items()}
        if "store" in keys:
            _parse_project_config(path, parse_json(path, text))
    known = {"id", "scope", *_NAMES}
    document: dict[str, Any] = json.loads(text)
    return {key: value for key, value in document.items() if key.casefold() not in known}


def _list_config_candidates(folder: Path) -> list[Path]:
    """Return the possible paths of a folder's config, in the order in which they are tried."""
    return [folder / within / name for within in CONFIGURATION_FOLDERS for name in CONFIG_NAMES]


def _list_download_paths(folder: Path) -> list[Path]:
    """Return the paths at which a folder may contain a config downloaded from Azure, in the order of Azure's SDK."""
    return [folder / name for name in reversed(CONFIG_NAMES)]


def _is_workspace_config(path: Path) -> bool:
    """Return whether a file is a workspace config, and not another program's file of the same name."""
    try:
        keys = parse_json(path, read_text(path)).as_mapping() if path.is_file() else {}
    except (InvalidFile, json.JSONDecodeError, OSError):
        return False
    return "workspace_name" in {key.casefold() for key in keys}


def _parse_scope(node: Node) -> dict[str, Node]:
    """Parse `/subscriptions/S/resourceGroups/G/…/workspaces/W/projects/E` into the keys of the other config format."""
    words = node.as_text().strip("/").split("/")
    return {
        _SCOPE_KEYS[kind.casefold()]: Node(node.path, node.key_path, node.line, name, name)
        for kind, name in zip(words[::2], words[1::2], strict=False)
        if kind.casefold() in _SCOPE_KEYS and name
    }


def _parse_value(node: Node, validate: Callable[[str], str]) -> str:
    text = node.as_text()
    try:
        return validate(text)
    except UsageError as error:
        raise node.build_error(error.message, hint=error.hint) from error


def _file_exists(path: Path) -> bool:
    """Return whether a file exists; raise InvalidFile if its folder cannot be accessed."""
    try:
        return path.exists()
    except OSError as error:  # a folder above it may be inaccessible
        hint = f"Check the permissions of the folder ('ls -ld {path.parent}')."
        raise InvalidFile(path, f"cannot be looked for: {error.strerror}", hint=hint) from error
