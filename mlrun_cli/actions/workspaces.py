"""Find, list, show and update the workspaces of this machine."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlrun_cli.core.home import HOME_VARIABLE, get_home_folder
from mlrun_cli.core.redaction import get_process_redactor
from mlrun_cli.errors import FileNotReadable, InvalidPath
from mlrun_cli.folders.project_config import CONFIG_NAMES, CONFIGURATION_FOLDERS, make_absolute, read_project_config
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, iterate_identities, locate_workspace

_DESCRIPTION, _FRIENDLY_NAME, _TAGS = "workspace.description", "workspace.friendly_name", "workspace.tags"


def open_workspace(
    identity: WorkspaceIdentity, *, create: bool, starts_read_only: bool = False, only_reads: bool = False
) -> Workspace:
    """Open and return a workspace below `MLRUN_HOME`; see `Workspace.open` for the options.

    Raises:
        WorkspaceNotFound: it does not exist, and `create` is not set.
        StoreError: its store cannot be used.
    """
    locator = locate_workspace(get_home(), identity)
    return Workspace.open(
        locator,
        redactor=get_process_redactor(),
        create=create,
        starts_read_only=starts_read_only,
        only_reads=only_reads,
    )


def list_workspaces(resource_group: str | None = None) -> Sequence[dict[str, Any]]:
    """Return the records of all workspaces, or only of those in a resource group.

    Raises:
        StoreError: a folder that may contain workspaces cannot be read.
    """
    _check_folders_readable(get_home() / "workspaces")
    return [
        build_workspace_record(identity, get_home())
        for identity in iterate_identities(get_home())
        if resource_group is None or identity.resource_group == resource_group
    ]


def list_matching_workspaces(
    root: Path, *, name: str | None = None, resource_group: str | None = None, subscription_id: str | None = None
) -> Sequence[WorkspaceIdentity]:
    """Return the identities of the workspaces that match all of the given names, sorted.

    Raises:
        StoreError: a folder that may contain workspaces cannot be read.
    """
    _check_folders_readable(root / "workspaces")
    wanted = (subscription_id, resource_group, name)
    return [
        identity
        for identity in iterate_identities(root)
        if all(want in {None, have} for want, have in zip(wanted, identity, strict=True))
    ]


def find_configured_workspace(start_folder: Path, root: Path, file_name: str | None = None) -> WorkspaceIdentity | None:
    """Return the workspace named by the nearest `config.json` of a folder or its parents, or None if there is none.

    `start_folder` may be a config file of any name. Otherwise the order is that of Azure's SDK: each place, such as
    `.azureml/config.json`, is looked for in the folder and all above it before the next place is. From within
    `root`, where scripts run, nothing above it is looked at: that is not the script's.

    Args:
        start_folder: a file or folder, which need not exist when a folder above it does.
        root: the folder of all workspaces.
        file_name: looked for instead of `config.json` and `project.json`.

    Raises:
        InvalidFile: the config that was found cannot be read, or is none.
        UsageError: the current folder no longer exists.
    """
    start_folder = make_absolute(start_folder)
    if os.path.isfile(start_folder):
        return _read_identity(start_folder)
    places = [
        Path(within) / name
        for within in (*reversed(CONFIGURATION_FOLDERS), ".")
        for name in (reversed(CONFIG_NAMES) if file_name is None else (file_name,))
    ]
    found = (
        folder / place
        for place in places
        for folder in _list_search_folders(start_folder, root)
        if os.path.isfile(folder / place)
    )
    path = next(found, None)
    return None if path is None else _read_identity(path)


def _list_search_folders(start_folder: Path, root: Path) -> list[Path]:
    within, top = start_folder.resolve(), root.resolve()
    if within.is_relative_to(top):
        return [folder for folder in (within, *within.parents) if folder.is_relative_to(top)]
    return [start_folder, *start_folder.parents]


def _read_identity(path: Path) -> WorkspaceIdentity:
    config = read_project_config(path)
    return WorkspaceIdentity(config.subscription_id, config.resource_group, config.workspace_name)


def describe_workspace(workspace: Workspace) -> dict[str, Any]:
    """Return the record of a workspace with its description, friendly name and tags."""
    return {
        **build_workspace_record(workspace.identity, workspace.home),
        "description": workspace.settings.get(_DESCRIPTION) or "",
        "friendlyName": workspace.settings.get(_FRIENDLY_NAME) or workspace.identity.name,
        "tags": json.loads(workspace.settings.get(_TAGS) or "{}"),
    }


def update_workspace(
    workspace: Workspace,
    *,
    description: str | None = None,
    friendly_name: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Update the description, friendly name and tags of a workspace; None leaves a value unchanged."""
    redactor = workspace.redactor
    tags_text = None if tags is None else json.dumps(redactor.redact_document(tags))
    texts = {
        _DESCRIPTION: redactor.redact_optional(description),
        _FRIENDLY_NAME: redactor.redact_optional(friendly_name),
        _TAGS: tags_text,
    }
    with workspace.transaction():
        for key, text in texts.items():
            if text is not None:
                workspace.settings.set(key, text)


def _check_folders_readable(top_folder: Path) -> None:
    """Raise if a folder up to two levels below the top cannot be read: searches would silently skip it."""
    try:
        for folder in (top_folder, *top_folder.glob("*"), *top_folder.glob("*/*")):
            if folder == top_folder or folder.is_dir():
                os.scandir(folder).close()
    except FileNotFoundError:
        return
    except OSError as error:
        raise FileNotReadable(
            f"The workspaces cannot be listed: {error.filename}: {error.strerror}.",
            hint=f"Check its permissions ('ls -ld'), or set {HOME_VARIABLE} to the folder that was meant.",
            target=error.filename,
        ) from error


def build_workspace_record(identity: WorkspaceIdentity, root: Path) -> dict[str, Any]:
    """Return the record of a workspace for `workspace show`, in Azure's camelCase, with its `folder` added."""
    scope = f"/subscriptions/{identity.subscription_id}/resourceGroups/{identity.resource_group}"
    return {
        "folder": str(locate_workspace(root, identity).folder),
        "id": f"{scope}/providers/Microsoft.MachineLearningServices/workspaces/{identity.name}",
        "location": "local",
        "name": identity.name,
        "resourceGroup": identity.resource_group,
        "subscriptionId": identity.subscription_id,
        "workspaceName": identity.name,
    }


def get_home() -> Path:
    """Return the folder given by `MLRUN_HOME`, or the platform's default folder.

    Raises:
        InvalidPath: it is a file.
    """
    home = get_home_folder(os.environ)
    if os.path.isfile(home):  # Path.is_file raises what a folder without permission causes
        raise InvalidPath(
            f"{home} is a file, not the folder of all workspaces.",
            hint=f"Set {HOME_VARIABLE} to a folder, or unset it.",
            target=home,
        )
    return home
