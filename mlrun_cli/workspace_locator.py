"""The location of a workspace: a folder on this machine, and the database that it contains or refers to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.store.db.registry import list_database_folders, locate_database

if TYPE_CHECKING:
    from mlrun_cli.store.db.locator import DatabaseLocator


class WorkspaceIdentity(NamedTuple):
    """The three names that identify a workspace in Azure."""

    subscription_id: str
    resource_group: str
    name: str


class WorkspaceLocator(NamedTuple):
    """The location of a workspace, which need not exist yet.

    Its string form is read by `parse_locator`, as after `--workspace` of a supervisor.

    Attributes:
        identity: the names of the workspace.
        home: the folder of all workspaces of this machine.
        folder: the folder of its runs and snapshots.
        database: the location of its database.
    """

    identity: WorkspaceIdentity
    home: Path
    folder: Path
    database: DatabaseLocator

    @property
    def snapshots_folder(self) -> Path:
        """The folder of the workspace's snapshots."""
        return self.folder / "snapshots"

    def __str__(self) -> str:
        return os.fspath(self.folder)


def locate_workspace(home: Path, identity: WorkspaceIdentity) -> WorkspaceLocator:
    """Return the locator of the workspace with this identity in a home folder."""
    folder = home / "workspaces" / identity.subscription_id / identity.resource_group / identity.name
    return WorkspaceLocator(identity, home, folder, locate_database(folder))


def parse_locator(text: str | Path) -> WorkspaceLocator:
    """Parse and return a locator from its text, the path of the workspace's folder."""
    folder = Path(text)
    return locate_workspace(folder.parents[3], WorkspaceIdentity(*folder.parts[-3:]))


def iterate_identities(home: Path) -> Iterator[WorkspaceIdentity]:
    """Yield the identities of all workspaces in a home folder, sorted by folder."""
    for folder in list_database_folders(home / "workspaces", "*/*/*"):
        yield WorkspaceIdentity(*folder.parts[-3:])
