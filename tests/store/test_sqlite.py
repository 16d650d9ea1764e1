from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mlrun_cli.errors import StoreError, StoreUnavailable
from mlrun_cli.store.database import in_lists
from mlrun_cli.store.sqlite import SqliteDatabase


def test_a_store_that_another_process_holds_is_worth_waiting_for(tmp_path: Path) -> None:
    path = tmp_path / "workspace.db"
    with closing(SqliteDatabase(path)) as database, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        database.wait_at_most(0.0)
        with pytest.raises(StoreUnavailable, match="is locked"):
            database.execute("CREATE TABLE a (b INTEGER)")


def test_a_store_whose_folder_is_away_is_worth_waiting_for(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="its folder is not there"):
        SqliteDatabase(tmp_path / "away" / "workspace.db")


def test_a_file_that_is_no_database_is_not_worth_waiting_for(tmp_path: Path) -> None:
    path = tmp_path / "workspace.db"
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError, match="not a database") as caught:
        SqliteDatabase(path)
    assert not isinstance(caught.value, StoreUnavailable)


def test_more_values_than_a_statement_takes_are_asked_for_in_several(tmp_path: Path) -> None:
    with closing(SqliteDatabase(tmp_path / "store.db")) as database:
        found = [
            row["value"]
            for places, parameters in in_lists("key", range(1001))
            for row in database.rows(
                f"SELECT value FROM json_each('[0, 499, 500, 1000]') WHERE value IN {places}", **parameters
            )
        ]
    assert found == [0, 499, 500, 1000]
