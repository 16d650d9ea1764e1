"""Files beside a store that belong to root for a moment, because root's process has created them."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be others")

_USER = 61_003
_BESIDES = ("-wal", "-shm")

# A user may not be able to read where the tests' own Python lies: all is imported before.
_BECOME_USER = f"""
import os, sys
from pathlib import Path
import mlrun_cli.processes.lock_holders
from mlrun_cli.store.db.sqlite.file import SqliteFile
from mlrun_cli.store.db.sqlite.connection import SqliteDatabase
from mlrun_cli.store.db.watched_table import WatchedTable

SqliteFile.load_modules()
os.setgid({_USER})
os.setuid({_USER})
path = Path(sys.argv[1])
"""
_WRITE = """
database, reported = SqliteDatabase(path), []
database.watch(lambda: [WatchedTable("a", "a", ("b",))], lambda *change: reported.append(change))
database.execute("PRAGMA synchronous = FULL")
print("open", flush=True)
input()
for value in (1, 2):
    with database.transaction(durable=True):
        database.execute("INSERT INTO a VALUES (:value)", value=value)
print(len(reported), database.get_data_version() > 0, flush=True)
"""
_WRITE_AGAIN = """
from mlrun_cli.errors import StoreError
database, reported = SqliteDatabase(path), []
database.watch(lambda: [WatchedTable("a", "a", ("b",))], lambda *change: reported.append(change))
print("open", flush=True)
input()
try:
    database.execute("INSERT INTO a VALUES (1)")
except StoreError:
    print("refused", flush=True)
database.set_busy_timeout(1)
input()
with database.transaction(durable=True):
    database.execute("INSERT INTO a VALUES (2)")
print(len(reported), flush=True)
"""
_OPEN_OFTEN = """
for number in range(400):
    database = SqliteDatabase(path, starts_read_only=number % 2 == 0)
    with database.transaction():
        database.execute("INSERT INTO a VALUES (:value)", value=number)
    database._connection.close()
"""


@pytest.fixture
def path() -> Iterator[Path]:
    """The path of a user's database with a table `a`, in a folder that is open to every user."""
    folder = Path(tempfile.mkdtemp(prefix="files-of-others-"))
    path = folder / "workspace.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE a (b INTEGER)")
    for one in (folder, path):
        os.chown(one, _USER, _USER)
    path.chmod(0o600)
    yield path
    shutil.rmtree(folder)


def start(program: str, path: Path) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", _BECOME_USER + program, str(path)]
    return subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")


@contextmanager
def start_with_file_of_root(program: str, path: Path, besides: str) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Start a user's program with a store whose file beside it is root's; once it is open, yield it and the file."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("SELECT * FROM a").fetchall()
        file = Path(f"{path}{besides}")
        os.chown(file, 0, 0)
        file.chmod(0o644)
        with start(program, path) as user:
            assert user.stdout is not None
            assert user.stdout.readline() == "open\n"
            yield user, file


def list_values(path: Path) -> list[int]:
    with closing(sqlite3.connect(path)) as connection:
        return [value for (value,) in connection.execute("SELECT b FROM a")]


@pytest.mark.parametrize("besides", _BESIDES)
def test_a_connection_that_could_only_read_the_log_writes_once_the_user_may(path: Path, besides: str) -> None:
    with start_with_file_of_root(_WRITE, path, besides) as (user, file):
        os.chown(file, _USER, _USER)
        assert user.communicate("\n")[0].split() == ["2", "True"]
        assert user.returncode == 0
    assert list_values(path) == [1, 2]


def test_a_store_that_could_not_be_opened_again_for_long_is_opened_by_a_later_statement(path: Path) -> None:
    with start_with_file_of_root(_WRITE_AGAIN, path, "-shm") as (user, index):
        assert user.stdin is not None
        assert user.stdout is not None
        index.chmod(0o600)
        user.stdin.write("\n")
        user.stdin.flush()
        assert user.stdout.readline() == "refused\n"
        os.chown(index, _USER, _USER)
        assert user.communicate("\n")[0] == "1\n"
    assert list_values(path) == [2]


def test_a_user_always_writes_while_root_opens_and_closes_the_store(path: Path) -> None:
    with start(_OPEN_OFTEN, path) as user:
        while user.poll() is None:
            with closing(sqlite3.connect(path, timeout=30)) as connection:
                connection.execute("SELECT 1 FROM a").fetchone()
    assert user.returncode == 0
    assert list_values(path) == list(range(400))
