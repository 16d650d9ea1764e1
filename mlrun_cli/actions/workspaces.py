"""List and show the workspaces of this machine."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlrun_cli.errors import StoreError
from mlrun_cli.files.home import HOME_VARIABLE, home_folder
from mlrun_cli.workspace import Workspace, WorkspaceIdentity, workspace_folder, workspaces


def open_workspace(identity: WorkspaceIdentity, *, create: bool) -> Workspace:
    """Open a workspace of this machine, under `MLRUN_HOME`; `create` makes it when there is none.

    Raises:
        WorkspaceNotFound: there is none, and none was to be made.
        StoreError: it cannot be used.
    """
    return Workspace.open(identity, home(), create=create)


def list_workspaces(resource_group: str | None = None) -> Sequence[dict[str, Any]]:
    """A record for each workspace, of one resource group if it is named.

    Raises:
        StoreError: a folder that workspaces may be in cannot be read.
    """
    _check_that_all_can_be_seen(home() / "workspaces")
    return [
        workspace_record(identity, home())
        for identity in workspaces(home())
        if resource_group is None or identity.resource_group == resource_group
    ]


def _check_that_all_can_be_seen(top: Path) -> None:
    """Looking for files passes over folders that cannot be read, as if they were empty."""
    try:
        for folder in (top, *top.glob("*"), *top.glob("*/*")):
            if folder == top or folder.is_dir():
                os.scandir(folder).close()
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(
            f"The workspaces cannot be listed: {error.filename}: {error.strerror}.",
            hint=f"Check its permissions ('ls -ld'), or set {HOME_VARIABLE} to the folder that was meant.",
        ) from error


def workspace_record(identity: WorkspaceIdentity, root: Path) -> dict[str, Any]:
    """The workspace as `workspace show` prints it: camelCase, as Azure's; `folder` is ours."""
    scope = f"/subscriptions/{identity.subscription_id}/resourceGroups/{identity.resource_group}"
    return {
        "folder": str(workspace_folder(root, identity)),
        "id": f"{scope}/providers/Microsoft.MachineLearningServices/workspaces/{identity.name}",
        "name": identity.name,
        "resourceGroup": identity.resource_group,
        "subscriptionId": identity.subscription_id,
        "workspaceName": identity.name,
    }


def home() -> Path:
    """`MLRUN_HOME`, or the platform's folder for it."""
    return home_folder(os.environ)
