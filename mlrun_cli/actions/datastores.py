"""Datastores: the two folders that every workspace has, and those that users attach."""

from __future__ import annotations

from pathlib import Path

from mlrun_cli.domain.datastore import BLOB_DATASTORE, FILE_DATASTORE, Datastore, check_datastore_name
from mlrun_cli.errors import DataNotFound, UsageError
from mlrun_cli.files.home import make_private_folder
from mlrun_cli.workspace import Workspace

_DEFAULT = "default_datastore"
_OWN = (BLOB_DATASTORE, FILE_DATASTORE)


def list_datastores(workspace: Workspace) -> list[Datastore]:
    """All datastores, by name."""
    own = [_own(workspace, name) for name in _OWN]
    return sorted([*own, *workspace.datastores.list()])


def get_datastore(workspace: Workspace, name: str | None = None) -> Datastore:
    """The datastore of this name, or the default one; the workspace's own ones are made when they are not there.

    Raises:
        DataNotFound: there is none of this name, or its folder is gone.
        StoreError: its folder cannot be made.
    """
    name = default_name(workspace) if name is None else name
    if name in _OWN:
        own = _own(workspace, name)
        make_private_folder(own.folder)
        return own
    found = workspace.datastores.find(name)
    if found is None:
        known = ", ".join(datastore.name for datastore in list_datastores(workspace))
        raise DataNotFound(
            f"There is no datastore '{name}'. There are: {known}.",
            hint=f"Datastore.register_local(workspace, '{name}', folder) attaches a folder of this machine.",
        )
    if not found.folder.is_dir():
        raise DataNotFound(
            f"The folder of datastore '{name}' is gone: {found.folder}.",
            hint="Put it back, or register the datastore again with another folder.",
        )
    return found


def default_name(workspace: Workspace) -> str:
    """The name of the default datastore."""
    return workspace.settings.get(_DEFAULT) or BLOB_DATASTORE


def set_default(workspace: Workspace, name: str) -> None:
    """Have this datastore be the default one.

    Raises:
        DataNotFound: there is none of this name.
    """
    workspace.settings.set(_DEFAULT, get_datastore(workspace, name).name)


def register_local(workspace: Workspace, name: str, folder: Path, *, overwrite: bool = False) -> Datastore:
    """Attach a folder of this machine as a datastore.

    Raises:
        UsageError: the name cannot be one, is one of the workspace's own, or belongs to another folder and
            `overwrite` was not said; or the folder is not there.
    """
    check_datastore_name(name)
    if name in _OWN:
        raise UsageError(f"Datastore '{name}' is the workspace's own.", hint="Choose another name.")
    if not folder.is_dir():
        raise UsageError(
            f"{folder} is {'not a folder' if folder.exists() else 'not there'}.", hint="Name a folder that is there."
        )
    with workspace.transaction():
        before = workspace.datastores.find(name)
        if before is not None and before.folder != folder and not overwrite:
            raise UsageError(
                f"There is a datastore '{name}' already, with folder {before.folder}.",
                hint="Say overwrite=True to have it be the new folder, or choose another name.",
            )
        workspace.datastores.put(name, folder)
    return Datastore(name, folder, is_own=False)


def unregister(workspace: Workspace, name: str) -> None:
    """Forget a datastore; its folder stays as it is.

    Raises:
        DataNotFound: there is none of this name.
        UsageError: it is one of the workspace's own, or the default one.
    """
    if name in _OWN:
        raise UsageError(f"Datastore '{name}' is the workspace's own and stays.")
    if name == default_name(workspace):
        raise UsageError(f"Datastore '{name}' is the default one.", hint="Set another one as default first.")
    if not workspace.datastores.remove(name):
        get_datastore(workspace, name)


def _own(workspace: Workspace, name: str) -> Datastore:
    return Datastore(name, workspace.folder / "datastores" / name, is_own=True)
