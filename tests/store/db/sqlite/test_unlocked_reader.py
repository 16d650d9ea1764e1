from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

import mlrun_cli
from mlrun_cli.errors import StoreUnavailable
from mlrun_cli.store.db.sqlite.connection import SqliteDatabase
from tests.faults.gates import stopped_at
from tests.store.db.sqlite.interpreters import list_interpreters

_MAKE = """
import sys
from pathlib import Path
from mlrun_cli.store.db.sqlite.connection import SqliteDatabase
database = SqliteDatabase(Path(sys.argv[1]))
database.execute("CREATE TABLE a (b INTEGER)")
database.execute("INSERT INTO a VALUES (1)")
database.close()
"""
_INSERT = """
import sys
from pathlib import Path
from mlrun_cli.store.db.sqlite.connection import SqliteDatabase
database = SqliteDatabase(Path(sys.argv[1]))
database.execute("INSERT INTO a VALUES (2)")
database.checkpoint()
database.close()
"""
_READ = """
import sys
from pathlib import Path
from mlrun_cli.store.db.sqlite.connection import SqliteDatabase
database = SqliteDatabase(Path(sys.argv[1]), starts_read_only=True)
print([row["b"] for row in database.rows("SELECT b FROM a")])
database.close()
"""
_PACKAGE = Path(mlrun_cli.__file__).parents[1]


def stopped_opener(path: Path) -> AbstractContextManager[int]:
    """Make a database, unless there is one, and stop a process that opens it and is to insert a row; its pid."""
    environment = {"PYTHONPATH": str(_PACKAGE)}
    if not path.exists():
        subprocess.run([sys.executable, "-c", _MAKE, str(path)], env=environment, check=True)
    words = [sys.executable, "-c", _INSERT, str(path)]
    return stopped_at("ftruncate", Path(f"{path}-shm"), words, environment, path.parent)


def test_who_reads_past_the_locks_sees_what_is_written_later(tmp_path: Path) -> None:
    path = tmp_path / "workspace.db"
    with stopped_opener(path):
        database = SqliteDatabase(path, starts_read_only=True)
        assert [row["b"] for row in database.rows("SELECT b FROM a")] == [1]
        before = database.get_data_version()
        assert database.get_data_version() == before

    assert [row["b"] for row in database.rows("SELECT b FROM a")] == [1, 2]
    assert database.get_data_version() != before
    database.execute("INSERT INTO a VALUES (3)")
    assert [row["b"] for row in database.rows("SELECT b FROM a")] == [1, 2, 3]
    database.close()


@pytest.mark.parametrize("interpreter", list_interpreters())
@pytest.mark.parametrize("log", ["full", "empty"])
def test_reading_past_the_locks_leaves_file_and_log_alone(tmp_path: Path, interpreter: str, log: str) -> None:
    path = tmp_path / "workspace.db"
    if log == "empty":
        connection = sqlite3.connect(path, isolation_level=None)
        for sql in ("PRAGMA journal_mode = WAL", "CREATE TABLE a (b INTEGER)", "INSERT INTO a VALUES (1)"):
            connection.execute(sql)
        connection.close()
        Path(f"{path}-wal").touch()
    with stopped_opener(path):
        files = [path, Path(f"{path}-wal"), Path(f"{path}-shm")]
        before = [file.read_bytes() for file in files]
        words = [interpreter, "-c", _READ, str(path)]
        done = subprocess.run(words, env={"PYTHONPATH": str(_PACKAGE)}, stdout=subprocess.PIPE, text=True, check=True)
        assert done.stdout == "[1]\n"
        assert [file.read_bytes() for file in files] == before


def test_who_wants_to_write_is_told_who_is_stopped(tmp_path: Path) -> None:
    path = tmp_path / "workspace.db"
    with stopped_opener(path) as pid, pytest.raises(StoreUnavailable, match=f"process {pid} "):
        SqliteDatabase(path)
