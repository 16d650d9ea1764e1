from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

import mlrun_cli
from mlrun_cli.errors import StoreError, StoreUnavailable
from mlrun_cli.store.db.database import build_in_lists
from mlrun_cli.store.db.sqlite.connection import SqliteDatabase
from tests.store.db.sqlite.interpreters import list_interpreters

SQLITE_NOTADB = "file is not a database"
"""What SQLite itself says."""


def test_a_store_that_another_process_holds_is_worth_waiting_for(tmp_path: Path) -> None:
    path = tmp_path / "workspace.db"
    with closing(SqliteDatabase(path)) as database, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        database.set_busy_timeout(0.0)
        with pytest.raises(StoreUnavailable, match=f" {re.escape(str(path))} .*locked"):
            database.execute("CREATE TABLE a (b INTEGER)")


def test_a_store_whose_folder_is_away_is_worth_waiting_for(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match=str(tmp_path / "away")):
        SqliteDatabase(tmp_path / "away" / "workspace.db")


def test_a_file_that_is_no_database_is_not_worth_waiting_for(tmp_path: Path) -> None:
    path = tmp_path / "workspace.db"
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError, match=rf"{re.escape(str(path))}\b.*: {SQLITE_NOTADB}") as caught:
        SqliteDatabase(path)
    assert not isinstance(caught.value, StoreUnavailable)


def test_more_values_than_a_statement_takes_are_asked_for_in_several(tmp_path: Path) -> None:
    with closing(SqliteDatabase(tmp_path / "store.db")) as database:
        found = [
            row["value"]
            for places, parameters in build_in_lists("key", range(1001))
            for row in database.rows(
                f"SELECT value FROM json_each('[0, 499, 500, 1000]') WHERE value IN {places}", **parameters
            )
        ]
    assert found == [0, 499, 500, 1000]


@pytest.mark.parametrize("interpreter", list_interpreters())
def test_the_log_outlives_the_last_connection_and_its_process(tmp_path: Path, interpreter: str) -> None:
    path = tmp_path / "workspace.db"
    program = f"""
from pathlib import Path
from mlrun_cli.store.db.sqlite.connection import SqliteDatabase
for number in range(2):
    database = SqliteDatabase(Path({str(path)!r}))
    database.execute("CREATE TABLE IF NOT EXISTS a (b INTEGER)")
    database.execute(f"INSERT INTO a VALUES ({{number}})")
    database.close()
database = SqliteDatabase(Path({str(path)!r}))
"""
    environment = {"PYTHONPATH": str(Path(mlrun_cli.__file__).parents[1])}
    subprocess.run([interpreter, "-c", program], check=True, env=environment)

    assert path.with_name("workspace.db-wal").stat().st_size > 0
    with closing(SqliteDatabase(path, starts_read_only=True)) as database:
        assert [row["b"] for row in database.rows("SELECT b FROM a ORDER BY b")] == [0, 1]


def test_who_looks_sees_what_is_written_meanwhile_and_can_write(tmp_path: Path) -> None:
    path = tmp_path / "workspace.db"
    program = f"""
import sqlite3
connection = sqlite3.connect({str(path)!r}, isolation_level=None)
connection.execute("INSERT INTO a VALUES (2)")
"""
    database = SqliteDatabase(path)
    database.execute("CREATE TABLE a (b INTEGER)")
    database.close()
    looking = SqliteDatabase(path, starts_read_only=True)
    assert looking.rows("SELECT b FROM a") == []
    before = looking.get_data_version()
    subprocess.run([sys.executable, "-c", program], check=True)

    assert looking.get_data_version() != before
    assert [row["b"] for row in looking.rows("SELECT b FROM a")] == [2]
    before = looking.get_data_version()
    looking.execute("INSERT INTO a VALUES (3)")
    assert looking.get_data_version() != before
    assert [row["b"] for row in looking.rows("SELECT b FROM a")] == [2, 3]
    looking.close()


def test_who_goes_on_with_another_connection_waits_as_long_as_before(tmp_path: Path) -> None:
    path = tmp_path / "workspace.db"
    with closing(SqliteDatabase(path)) as database:
        database.set_busy_timeout(0.5)
        database.replace_connection(SqliteDatabase(path))
        row = database.row("PRAGMA busy_timeout")
        assert row is not None and row["timeout"] == 500
