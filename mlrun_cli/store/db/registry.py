"""The dialects of databases, by the file of a workspace's folder that says which one the workspace has."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from mlrun_cli.store.db.locator import DatabaseLocator

LOCATORS = {"workspace.db": "mlrun_cli.store.db.sqlite.file:SqliteFile"}
"""The `DatabaseLocator` of each dialect, by the name of the file that it is made of.

The file holds the database or says where it is, as the address of a server. A folder without any of them gets a
database of the first dialect.
"""


def locate_database(folder: Path) -> DatabaseLocator:
    """Return the locator of the database of a workspace's folder, whether or not it exists."""
    default, *others = LOCATORS
    name = next((name for name in others if (folder / name).exists()), default)
    module, _, class_name = LOCATORS[name].partition(":")
    return cast("DatabaseLocator", getattr(import_module(module), class_name)(folder / name))


def find_folders(parent: Path, pattern: str) -> Sequence[Path]:
    """Return the folders that have a database, sorted, out of those in `parent` that match the pattern."""
    return sorted({path.parent for name in LOCATORS for path in parent.glob(f"{pattern}/{name}")})
