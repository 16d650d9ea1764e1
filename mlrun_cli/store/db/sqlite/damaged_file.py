"""Integrity checks, copies and partial reading of an SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mlrun_cli.errors import StoreError, StoreUnavailable

_MOST_PROBLEMS = 10


class DamagedFile:
    """A damaged file whose tables are read from both ends up to the damage."""

    def __init__(self, path: Path) -> None:
        self._connection = _open_read_only(path)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def rows(self, table: str, keys: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Yield the rows of a table before its first damage, then those after the last."""
        last: tuple[Any, ...] | None = None
        for row in self._read_until_damage(f"SELECT * FROM {table} ORDER BY {', '.join(keys)}"):  # noqa: S608 — our own names
            last = tuple(row[key] for key in keys)
            yield row
        descending = ", ".join(f"{key} DESC" for key in keys)
        rest = []
        for row in self._read_until_damage(f"SELECT * FROM {table} ORDER BY {descending}"):  # noqa: S608
            if last is not None and tuple(row[key] for key in keys) <= last:
                break
            rest.append(row)
        yield from reversed(rest)

    def _read_until_damage(self, sql: str) -> Iterator[dict[str, Any]]:
        try:
            cursor = self._connection.execute(sql)
            while (row := cursor.fetchone()) is not None:
                yield dict(row)
        except sqlite3.Error:
            return


def find_problems(path: Path) -> list[str]:
    """Return the problems that SQLite's integrity check finds in a file; empty if it is sound.

    Raises:
        StoreUnavailable: it cannot be checked at the moment.
    """
    try:
        connection = _open_read_only(path)
        try:
            found = [row[0] for row in connection.execute(f"PRAGMA integrity_check({_MOST_PROBLEMS})")]
        finally:
            connection.close()
    except sqlite3.OperationalError as error:
        raise StoreUnavailable(f"The store {path} cannot be checked: {error}.", hint="Try again later.") from error
    except sqlite3.DatabaseError as error:
        return [str(error)]
    return [] if found == ["ok"] else [" ".join(str(line).split()) for line in found]


def copy_database(source: Path, destination: Path) -> None:
    """Copy a database with SQLite's backup API into a single file without a log, while others may write to it.

    Raises:
        StoreError: it cannot be read or written, or is not a database of this program.
    """
    try:
        reading, writing = sqlite3.connect(_build_read_only_uri(source), uri=True), sqlite3.connect(destination)
        try:
            reading.execute("SELECT max(version) FROM schema_version").fetchone()
            reading.backup(writing)
            writing.execute("PRAGMA journal_mode = DELETE")
        finally:
            writing.close()
            reading.close()
    except sqlite3.Error as error:
        raise StoreError(f"The store {source} cannot be copied to {destination}: {error}.") from error


def _open_read_only(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(_build_read_only_uri(path), uri=True, timeout=30.0, isolation_level=None)
    connection.row_factory = sqlite3.Row
    return connection


def _build_read_only_uri(path: Path) -> str:
    return f"file:{quote(str(path.absolute()))}?mode=ro"
