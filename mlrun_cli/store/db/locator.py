"""The interface of database locators, which find, open, copy and replace whole databases."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from mlrun_cli.store.db.database import Database, Row


class DamagedDatabase(Protocol):
    """A database of which only parts can be read."""

    def rows(self, table: str, key_columns: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Yield the readable rows of a table, sorted by its key columns."""

    def close(self) -> None:
        """Close the database."""


class NewDatabase(Protocol):
    """A new, open database that is to replace the database of a locator."""

    database: Database

    def replace_current(self, suffix: str) -> Path | None:
        """Replace the current database with this one, close this one, and return the new path of the old one, or None.

        The former database is kept under a name that contains the reason (`damaged`, `replaced`).
        """


class DatabaseLocator(Protocol):
    """The location of a database, whose string form is the database's name in messages.

    It is built from a path in the workspace's folder: that of the file by which `registry.LOCATORS` recognizes the
    dialect. The file need not exist.
    """

    @staticmethod
    def load_modules() -> None:
        """Import all modules of the dialect, including those that are otherwise imported on first use."""

    def exists(self) -> bool:
        """Return whether the database exists."""

    def create(self) -> None:
        """Create an empty database that only its owner can access, unless the database exists."""

    def open(self, *, starts_read_only: bool = False) -> Database:
        """Open the database and bring its schema up to date.

        Args:
            starts_read_only: take no lock until the first statement that writes. For a process that opens the database
                once and perhaps writes nothing.

        Raises:
            StoreError: it cannot be opened, or was created by a newer version of this program.
        """

    def query_without_waiting(self, sql: str, **parameters: object) -> list[Row]:
        """Return the rows of a query, without waiting for other processes or changing the database.

        Raises:
            StoreError: it cannot be read at the moment, does not exist, or lacks a table.
        """

    def get_identity(self, folder_fd: int | None = None) -> Hashable | None:
        """Return an identity that changes when the database is replaced, or None if there is no database.

        Args:
            folder_fd: the descriptor of the workspace's folder, to find the database even if the folder was moved.
        """

    def list_files(self) -> Sequence[Path]:
        """Return the paths of the local files that make up the database and grow with it."""

    def check_integrity(self, copy_path: Path | None = None) -> list[str]:
        """Return the problems found in the database, or in its copy at `copy_path`; empty if it is sound.

        Raises:
            StoreUnavailable: it cannot be checked at the moment.
        """

    def copy_to(self, file: Path, *, shown: Path | None = None) -> None:
        """Copy the database to a file, while other processes may write to the database.

        Args:
            file: an empty file, often a temporary one.
            shown: what errors call it instead.

        Raises:
            StoreError: it cannot be read, or the copy cannot be written.
        """

    def open_damaged_database(self) -> DamagedDatabase:
        """Open the database to read its undamaged rows."""

    def create_replacement(self, copy_path: Path | None = None) -> AbstractContextManager[NewDatabase]:
        """Return a context manager for a new database, empty or a copy, that is removed unless it replaced the old one.

        Raises:
            StoreError: it cannot be created.
        """
