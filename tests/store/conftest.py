"""A real database for every test of the stores; each dialect is a parameter of `database`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlrun_cli.runs.run import SCRIPT_RUN
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.store.db.database import Database
from mlrun_cli.store.db.sqlite.connection import SqliteDatabase
from mlrun_cli.store.db.sqlite.migrations import migrate
from mlrun_cli.store.experiments import ExperimentStore
from mlrun_cli.store.runs.run_store import RunStore

AddRun = Callable[..., int]


@pytest.fixture(params=["sqlite"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    assert request.param == "sqlite"
    opened = SqliteDatabase(tmp_path / "workspace.db")
    migrate(opened, "the test's store")
    yield opened
    opened.close()


@pytest.fixture
def runs(database: Database) -> RunStore:
    return RunStore(database)


@pytest.fixture
def add_run(database: Database, runs: RunStore) -> AddRun:
    def add(
        run_id: str, *, experiment_name: str = "first", status: RunStatus = RunStatus.RUNNING, **columns: object
    ) -> int:
        with database.transaction():
            experiment, number = ExperimentStore(database).take_run_number(experiment_name)
            values = {"run_type": SCRIPT_RUN, "user_name": "someone", "target": "local", **columns}
            return runs.insert(experiment, number, run_id, status=status, **values)

    return add
