"""Integrity checks, copies and partial reading of an SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mlrun_cli.core.disk_space import describe_full_disk
from mlrun_cli.errors import StoreError, StoreUnavailable
from mlrun_cli.processes.host_lease import find_lease
from mlrun_cli.store.db.sqlite.local_lock import LocalLock

_MAX_PROBLEMS = 10
_BUSY_SECONDS = 30.0


class DamagedFile:
    """A damaged file whose tables are read from both ends up to the damaged part."""

    def __init__(self, path: Path) -> None:
        self._stack = ExitStack()
        self._connection = self._stack.enter_context(_open_read_only(path))

    def close(self) -> None:
        """Close the file."""
        self._stack.close()

    def rows(self, table: str, key_columns: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Yield the readable rows of a table: the rows before its first damaged part and after its last."""
        last: tuple[Any, ...] | None = None
        for row in self._read_until_damage(f"SELECT * FROM {table} ORDER BY {', '.join(key_columns)}"):  # noqa: S608 — our own names
            last = tuple(row[key] for key in key_columns)
            yield row
        descending = ", ".join(f"{key} DESC" for key in key_columns)
        rest = []
        for row in self._read_until_damage(f"SELECT * FROM {table} ORDER BY {descending}"):  # noqa: S608
            if last is not None and tuple(row[key] for key in key_columns) <= last:
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


def check_integrity(path: Path) -> list[str]:
    """Return the problems that SQLite's integrity check finds in a file; empty if it is sound.

    Raises:
        StoreUnavailable: it cannot be checked at the moment.
    """
    try:
        with _open_read_only(path) as connection:
            found = [row[0] for row in connection.execute(f"PRAGMA integrity_check({_MAX_PROBLEMS})")]
    except sqlite3.OperationalError as error:
        raise StoreUnavailable(f"The store {path} cannot be checked: {error}.", hint="Try again later.") from error
    except sqlite3.DatabaseError as error:
        return [str(error)]
    return [] if found == ["ok"] else [" ".join(str(line).split()) for line in found]


def copy_database(source: Path, destination: Path, shown: Path) -> None:
    """Copy a database, to which others may write, with SQLite's backup API to a single file without a log.

    Errors call the destination as `shown` says.

    Raises:
        StoreError: it cannot be read or written, or is not a database of this program.
    """
    try:
        with closing(_open_new(destination)) as writing:
            lease = find_lease(source)
            if lease is not None and lease.refusal is not None:
                from mlrun_cli.store.db.sqlite.foreign_reader import ForeignDatabase  # noqa: PLC0415 - few come here

                with closing(ForeignDatabase(source, lease)) as foreign:
                    foreign.copy_to(writing)
            else:
                with _open_read_only(source) as reading:
                    reading.execute("SELECT max(version) FROM schema_version").fetchone()
                    reading.backup(writing)
            writing.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        full = describe_full_disk(destination) or ("the disk is full" if "full" in str(error) else None)
        raise StoreError(
            f"The store {source} cannot be copied to {shown}: {full or error}.",
            hint="Make room there, or name a file on another disk." if full else None,
        ) from error


@contextmanager
def _open_read_only(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a file read-only during a block; on a network file system, hold its local lock, too."""
    lease = find_lease(path)
    uri = f"file:{quote(str(path.absolute()))}?mode=ro"
    lock: AbstractContextManager[None] = nullcontext()
    if lease is not None:
        from mlrun_cli.store.db.sqlite.network_connection import NetworkDatabase, build_uri  # noqa: PLC0415 - few come

        with suppress(StoreError):  # takes back what a killed process was writing
            NetworkDatabase(path, lease).close()
        uri, lock = build_uri(path, "&mode=ro"), LocalLock(path).hold(_BUSY_SECONDS, exclusive=False)
    with lock, closing(sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        yield connection


def _open_new(path: Path) -> sqlite3.Connection:
    """Open a file that no other process uses; on a network file system, without locks or shared memory."""
    if find_lease(path) is None:
        return sqlite3.connect(path)
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?vfs=unix-none", uri=True)
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    return connection
