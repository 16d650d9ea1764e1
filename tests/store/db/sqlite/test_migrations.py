from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mlrun_cli.core.redaction import Redactor
from mlrun_cli.errors import StoreError, StoreTooNew
from mlrun_cli.metrics.metric import VALUE
from mlrun_cli.runs.filter import RunFilter
from mlrun_cli.runs.order import RunOrder
from mlrun_cli.runs.run import SCRIPT_RUN
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.store.db.sqlite.connection import SqliteDatabase
from mlrun_cli.store.db.sqlite.migrations import SCHEMA_VERSION, list_migration_steps, migrate
from mlrun_cli.store.experiments import ExperimentStore
from mlrun_cli.store.journals import JournalStore
from mlrun_cli.store.metric_summaries import MetricSummaryStore
from mlrun_cli.store.runs.page_store import RunPageStore
from mlrun_cli.store.runs.run_store import RunStore


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqliteDatabase]:
    with closing(SqliteDatabase(tmp_path / "workspace.db")) as opened:
        migrate(opened, "it")
        yield opened


def version(database: SqliteDatabase) -> object:
    rows = database.rows("SELECT applied FROM schema_version")
    assert len(rows) == 1
    return rows[0]["applied"]


def test_a_new_store_gets_the_newest_schema_and_keeps_it(database: SqliteDatabase) -> None:
    migrate(database, "it")

    assert version(database) == SCHEMA_VERSION == len(list_migration_steps())


def test_a_newer_store_is_refused_in_words(database: SqliteDatabase) -> None:
    database.execute("UPDATE schema_version SET version = 99")

    with pytest.raises(StoreTooNew, match=rf" it .*\bschema 99\b.* {SCHEMA_VERSION}\b") as caught:
        migrate(database, "it")
    assert "Upgrade" in str(caught.value.hint) and " -w." in str(caught.value.hint)


def test_a_file_that_is_no_database_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "workspace.db"
    path.write_text("This is no database, and long enough to be seen as none.", encoding="utf-8")

    with pytest.raises(StoreError, match=rf"{re.escape(str(path))}\b.*: file is not a database"):
        SqliteDatabase(path)


def test_a_transaction_is_all_or_nothing(database: SqliteDatabase) -> None:

    def fail_half_way() -> None:
        with database.transaction(durable=True):
            JournalStore(database).advance(1, "j", 0, 5)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail_half_way()

    assert JournalStore(database).get_offsets(1) == {}


def test_an_offset_moves_only_from_where_it_was(database: SqliteDatabase) -> None:
    journals = JournalStore(database)

    assert journals.advance(1, "j", 0, 5)
    assert not journals.advance(1, "j", 0, 5)
    assert journals.advance(1, "j", 5, 9)
    assert journals.get_offsets(1) == {"j": 9}


BEFORE_PAGES, BEFORE_OWNER_LOCK = 4, 7
"""How many migrations there were before that of pages, and before that of `owner_lock`."""


def test_metrics_of_an_older_schema_end_in_what_was_logged(tmp_path: Path) -> None:
    with closing(SqliteDatabase(tmp_path / "workspace.db")) as old:
        migrate(old, "it", BEFORE_PAGES)
        for key, (name, last, values) in enumerate((("nan", 2.0, (2.0, None)), ("number", 3.0, (None, 3.0)))):
            old.insert_many(
                "metrics",
                ("metric_key", "run_key", "name", "shape", "value_count", "last_value"),
                [(key, 1, name, VALUE, 2, last)],  # older programs ignored NaN here
            )
            rows = [(key, place, 1, "n" if value is None else "f", value) for place, value in enumerate(values)]
            old.insert_many("metric_values", ("metric_key", "position", "logged_at", "kind", "number"), rows)

        migrate(old, "it")

        nan, number = MetricSummaryStore(old).list(1, limit=5)
        assert math.isnan(nan.last or 0)
        assert number.last == 3


def test_runs_of_an_older_schema_are_searched_sorted_and_counted(tmp_path: Path) -> None:
    with closing(SqliteDatabase(tmp_path / "workspace.db")) as old:
        migrate(old, "it", BEFORE_PAGES)
        experiment, number = ExperimentStore(old, Redactor()).reserve_run_numbers("first")
        columns = {"run_type": SCRIPT_RUN, "user_name": "someone", "description": "Words"}
        key = RunStore(old, Redactor()).insert(experiment, number, "a_1", status=RunStatus.RUNNING, **columns)
        RunStore(old, Redactor()).set_tags(key, {"model": "resnet"})

        migrate(old, "it")

        pages = RunPageStore(old, RunStore(old, Redactor()))
        for text in ("words", "resnet", "someone first", "a_1"):
            assert pages.count(RunFilter(text=text)) == 1, text
        for column in ("description", "tag:model"):
            assert [run.run_id for run in pages.list_page(RunFilter(), RunOrder(column), limit=5)] == ["a_1"]
        (outcomes,) = ExperimentStore(old, Redactor()).list_outcomes()
        assert (outcomes.active, outcomes.total_runs) == (1, 1)


def test_its_version_tells_of_the_writes_of_others(database: SqliteDatabase, tmp_path: Path) -> None:
    seen = database.get_data_version()
    JournalStore(database).advance(1, "own", 0, 5)
    assert database.get_data_version() == seen

    with closing(SqliteDatabase(tmp_path / "workspace.db")) as other:
        JournalStore(other).advance(1, "its", 0, 5)

    assert database.get_data_version() != seen


INSERT_BEFORE_OWNER_LOCK = (
    "INSERT INTO runs (run_id, run_uuid, experiment_key, run_number, created_at, run_type, status,"
    " user_name, minded_by) VALUES (:run_id, 'u', 1, 1, 1, 'interactive', 'Running', 'me', :minded_by)"
)


def test_a_store_with_owner_locks_serves_programs_of_before(tmp_path: Path) -> None:
    with (
        closing(SqliteDatabase(tmp_path / "workspace.db")) as older,
        closing(SqliteDatabase(tmp_path / "workspace.db")) as new,
    ):
        migrate(older, "it", BEFORE_OWNER_LOCK)
        ExperimentStore(older, Redactor()).ensure("first")
        older.execute(INSERT_BEFORE_OWNER_LOCK, run_id="a_1", minded_by="runs/a_0")
        older.execute(INSERT_BEFORE_OWNER_LOCK, run_id="a_2", minded_by=None)
        seen = older.rows("SELECT runs.* FROM runs WHERE minded_by = :minded_by", minded_by="runs/a_0")

        migrate(new, "it")

        migrate(older, "it", BEFORE_OWNER_LOCK)  # as one that opens it later
        older.execute(INSERT_BEFORE_OWNER_LOCK, run_id="a_3", minded_by="runs/a_0")
        runs = RunStore(new, Redactor())
        experiment, number = ExperimentStore(new, Redactor()).reserve_run_numbers("first")
        columns: dict[str, Any] = {"run_type": SCRIPT_RUN, "user_name": "someone", "status": RunStatus.RUNNING}
        runs.insert(experiment, number, "a_4", owner_lock="sessions/s", **columns)
        parent = runs.get("a_2")
        runs.insert_children(parent, number + 1, ["a_5", "a_6"], owner_lock="runs/a_2", **columns)

        locks = {run.run_id: run.owner_lock for run in runs.list(RunFilter(include_children=True))}
        assert locks == {
            "a_1": "runs/a_0",
            "a_2": None,
            "a_3": "runs/a_0",
            "a_4": "sessions/s",
            "a_5": "runs/a_2",
            "a_6": "runs/a_2",
        }
        rows = older.rows("SELECT runs.* FROM runs")
        assert {row["run_id"]: row["minded_by"] for row in rows} == locks
        assert len(seen) == 1
        ended = older.execute(
            "UPDATE runs SET status = 'Failed' WHERE minded_by = :minded_by"
            " AND runs.status NOT IN ('Canceled', 'Completed', 'Failed')",
            minded_by="runs/a_2",
        )
        assert ended == 2
        assert runs.end_runs_of_owner("runs/a_0", RunStatus.FAILED, 1, None) == 2
