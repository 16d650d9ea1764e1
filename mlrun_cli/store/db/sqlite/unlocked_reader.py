"""A reader of databases that a stopped process has locked."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from mlrun_cli.processes.lock_holders import is_stopped, list_exclusive_holders

_State: TypeAlias = "list[tuple[int, int, int, int] | None]"
_kept: list[sqlite3.Connection] = []


class UnlockedReader:
    """A connection that acquires and respects no locks, and reads the log by itself.

    Its results are valid as long as nobody writes to the files, which `is_valid` checks afterwards. It is never closed:
    SQLite would copy the log into the file and remove it, ignoring the locks of other processes.
    """

    def __init__(self, path: Path, holder_pid: int, state: _State, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._path = path
        self._holder = holder_pid
        self._state = state

    def is_valid(self) -> bool:
        """Return whether no process has written to the files, so that all data read so far is valid."""
        return is_stopped(self._holder) and _read_file_states(self._path) == self._state


def open_without_locking(
    path: Path, holder_pid: int | None, preserve_log: Callable[[sqlite3.Connection], None]
) -> UnlockedReader | None:
    """Open a database while a suspended process locks it; return None if no such process blocks readers.

    Args:
        path: the database.
        holder_pid: the process that blocks others, or None if it is not known yet.
        preserve_log: makes a connection leave the log alone when it closes or its process ends.
    """
    holders = [holder_pid] if holder_pid is not None else _list_lock_holder_pids(path)
    stopped = next(filter(is_stopped, holders), None)
    state = _read_file_states(path)
    if stopped is None or state[0] is None or state[0][2] == 0:
        return None
    with suppress(sqlite3.Error):
        uri = f"{path.absolute().as_uri()}?mode=ro&vfs=unix-none"
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        _kept.append(connection)
        preserve_log(connection)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # the index of the log is in memory
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
        return UnlockedReader(path, stopped, state, connection)
    return None


def _list_lock_holder_pids(path: Path) -> list[int]:
    return [holder.pid for holder in list_exclusive_holders([path, Path(f"{path}-shm")])]


def _read_file_states(path: Path) -> _State:
    """Return the identity, size and time of the database file and of its write-ahead log; None for a missing file."""
    state: _State = []
    for file in (str(path), f"{path}-wal"):
        try:
            found = os.stat(file)
        except OSError:
            state.append(None)
        else:
            state.append((found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns))
    return state
