"""Says where a workspace is: today a folder of this machine with its database in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.store.db.sqlite.file import SqliteFile

if TYPE_CHECKING:
    from mlrun_cli.store.db.locator import DatabaseLocator

_DATABASE_NAME = "workspace.db"


class WorkspaceIdentity(NamedTuple):
    """The three names by which Azure knows a workspace."""

    subscription_id: str
    resource_group: str
    name: str


class WorkspaceLocator(NamedTuple):
    """Where a workspace is, whether or not it exists.

    Its text is what `parse_locator` reads, as after `--workspace` of a supervisor.

    Attributes:
        identity: of the workspace.
        home: the folder of all workspaces of this machine.
        folder: of its runs and snapshots.
        database: where its database is.
    """

    identity: WorkspaceIdentity
    home: Path
    folder: Path
    database: DatabaseLocator

    def __str__(self) -> str:
        return os.fspath(self.folder)


def locate_workspace(home: Path, identity: WorkspaceIdentity) -> WorkspaceLocator:
    """Return the locator of a workspace of this machine."""
    folder = home / "workspaces" / identity.subscription_id / identity.resource_group / identity.name
    return WorkspaceLocator(identity, home, folder, SqliteFile(folder / _DATABASE_NAME))


def parse_locator(text: str | Path) -> WorkspaceLocator:
    """Parse a locator from a text: the folder of a workspace."""
    folder = Path(text)
    return locate_workspace(folder.parents[3], WorkspaceIdentity(*folder.parts[-3:]))


def load_database_modules() -> None:
    """Load all modules of the databases, also those that commands load when they first need them."""
    SqliteFile.load_modules()


def find_identities(home: Path) -> Iterator[WorkspaceIdentity]:
    """Return the identities of all workspaces of this machine, in the order of their names."""
    for path in sorted((home / "workspaces").glob(f"*/*/*/{_DATABASE_NAME}")):
        subscription_id, resource_group, name = path.parts[-4:-1]
        yield WorkspaceIdentity(subscription_id, resource_group, name)
