"""The contract of what says where a database is, and does what concerns a database as a whole."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from mlrun_cli.store.db.database import Database


class DamagedDatabase(Protocol):
    """A database of which only a part can be read."""

    def rows(self, table: str, keys: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Return the rows of a table that can be read, in the order of their keys."""

    def close(self) -> None:
        """Close it."""


class NewDatabase(Protocol):
    """A database that is to take the place of the one that a locator names, and is open."""

    database: Database

    def put_in_place(self, reason: str) -> Path | None:
        """Close the database and move it into place; return the new name of the former one, or None.

        The former database is kept under a name with the reason (`damaged`, `replaced`), which is returned; None when
        there was none.
        """


class DatabaseLocator(Protocol):
    """Says where a database is. Its text is what messages call the database.

    It is made of a path in the workspace's folder, that of the file by which `registry.LOCATORS` knows the dialect.
    The file need not exist.
    """

    @staticmethod
    def load_modules() -> None:
        """Load all modules of the dialect, also those that commands load when they first need them."""

    def exists(self) -> bool:
        """Return whether there is a database."""

    def create(self) -> None:
        """Create an empty database, private to its user, unless there is one."""

    def open(self, *, starts_read_only: bool = False) -> Database:
        """Open the database and bring its schema up to date.

        Args:
            starts_read_only: take no lock until the first statement that writes. For a process that opens the database
                once and perhaps writes nothing.

        Raises:
            StoreError: it cannot be opened, or a newer program has made it.
        """

    def get_identity(self, folder: int | None = None) -> Hashable | None:
        """Return an identity that changes when the database is replaced by another; None when there is none.

        Args:
            folder: the descriptor of the workspace's folder, to look in that one wherever it is by now.
        """

    def list_files(self) -> Sequence[Path]:
        """Return the files of this machine that the database grows in."""

    def find_problems(self, copy: Path | None = None) -> list[str]:
        """Return the problems of the database, or of a copy of one; empty if it is sound.

        Raises:
            StoreUnavailable: it cannot be checked now.
        """

    def copy_to(self, file: Path) -> None:
        """Copy the database to a file while others write to it.

        Raises:
            StoreError: it cannot be read, or the copy cannot be written.
        """

    def open_damaged(self) -> DamagedDatabase:
        """Open what can still be read of the database."""

    def new_database(self, copy: Path | None = None) -> AbstractContextManager[NewDatabase]:
        """Create a database, empty or from a copy, which is removed at the end unless it was put in place.

        Raises:
            StoreError: it cannot be made.
        """
