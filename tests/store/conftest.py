"""A real database for every test of the stores; each dialect is a parameter of `locator`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from mlrun_cli.core.redaction import Redactor
from mlrun_cli.runs.run import SCRIPT_RUN
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.store.db.database import Database
from mlrun_cli.store.db.locator import DatabaseLocator
from mlrun_cli.store.db.sqlite.file import SqliteFile
from mlrun_cli.store.experiments import ExperimentStore
from mlrun_cli.store.runs import conditions, page_store
from mlrun_cli.store.runs.run_store import RunStore

AddRun = Callable[..., int]


LOCATORS: Mapping[str, Callable[[Path], DatabaseLocator]] = {
    "sqlite": lambda folder: SqliteFile(folder / "workspace.db"),
}
"""Returns the place of a database in a test's folder, for each dialect."""


@pytest.fixture(params=LOCATORS)
def locator(request: pytest.FixtureRequest, tmp_path: Path) -> DatabaseLocator:
    return LOCATORS[request.param](tmp_path)


@pytest.fixture
def database(locator: DatabaseLocator) -> Iterator[Database]:
    locator.create()
    opened = locator.open()
    yield opened
    opened.close()


@pytest.fixture
def redactor() -> Redactor:
    return Redactor()


@pytest.fixture
def runs(database: Database, redactor: Redactor) -> RunStore:
    return RunStore(database, redactor)


@pytest.fixture
def add_run(database: Database, runs: RunStore) -> AddRun:
    def add(
        run_id: str, *, experiment_name: str = "first", status: RunStatus = RunStatus.RUNNING, **columns: object
    ) -> int:
        with database.transaction():
            experiment, number = ExperimentStore(database, Redactor()).reserve_run_numbers(experiment_name)
            values = {"run_type": SCRIPT_RUN, "user_name": "someone", "target": "local", **columns}
            return runs.insert(experiment, number, run_id, status=status, **values)

    return add


@pytest.fixture(params=["few", "many"])
def _size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is done with few runs, and what with many."""
    if request.param == "many":
        monkeypatch.setattr(page_store, "_FEW", 0)
        monkeypatch.setattr(page_store, "_FEW_TO_COUNT", 0)
        monkeypatch.setattr(conditions, "RARE", 0)
