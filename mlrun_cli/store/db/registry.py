"""The registry of database dialects, keyed by the file in a workspace's folder that identifies the dialect."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from mlrun_cli.store.db.locator import DatabaseLocator

LOCATORS = {"workspace.db": "mlrun_cli.store.db.sqlite.file:SqliteFile"}
"""The `DatabaseLocator` of each dialect, keyed by the name of the file that it is built from.

The file contains the database or its location, such as the URL of a server. A folder without any of these files gets
a database of the first dialect.
"""


def locate_database(folder: Path) -> DatabaseLocator:
    """Return the locator of the database in a workspace's folder; the database need not exist."""
    default, *others = LOCATORS
    name = next((name for name in others if (folder / name).exists()), default)
    module, _, class_name = LOCATORS[name].partition(":")
    return cast("DatabaseLocator", getattr(import_module(module), class_name)(folder / name))


def list_database_folders(parent: Path, pattern: str) -> Sequence[Path]:
    """Return the folders in `parent` that match a pattern and contain a database, sorted."""
    return sorted({path.parent for name in LOCATORS for path in parent.glob(f"{pattern}/{name}")})
