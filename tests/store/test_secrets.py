"""What users write of runs, models and data is stored without the secrets in it, whichever way it comes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlrun_cli.core.redaction import Redactor
from mlrun_cli.models.model import NewModel
from mlrun_cli.runs.error import build_run_error
from mlrun_cli.runs.status import ALIVE_STATUSES, RunStatus
from mlrun_cli.store.datasets import DatasetStore
from mlrun_cli.store.db.database import Database
from mlrun_cli.store.experiments import ExperimentStore
from mlrun_cli.store.models import ModelStore
from mlrun_cli.store.runs.run_store import RunStore
from tests.store.conftest import AddRun

SECRET = "hunterEzz"
TAGS = {
    "api_key": SECRET,
    "conn": f"Server=x;Password={SECRET};",
    "my_own": SECRET,
    "lr": "1",
    f"http://u:{SECRET}@h": "",
}
HIDDEN = {"api_key": "***", "conn": "Server=x;Password=***", "my_own": "***", "lr": "1", "http://***@h": ""}
TEXT, SHOWN = f"from https://u:{SECRET}@h/", "from https://***@h/"


@pytest.fixture(autouse=True)
def looks_at_the_files(tmp_path: Path) -> Iterator[None]:
    yield
    assert not [path for path in tmp_path.iterdir() if SECRET.encode() in path.read_bytes()]


@pytest.fixture
def redactor() -> Redactor:
    return Redactor.from_environment({"MLRUN_SECRET_NAMES": "own", "A_TOKEN": SECRET})


def test_of_a_run(database: Database, runs: RunStore, add_run: AddRun) -> None:
    key = add_run("a_1", display_name=TEXT)
    runs.update(key, description=TEXT)
    runs.set_tags(key, TAGS)
    runs.set_tags(key, {"bare": None})
    with database.transaction():
        assert runs.add_properties(key, TAGS) == {}
        assert runs.add_properties(key, TAGS) == {}
        columns: dict[str, Any] = {"run_type": "r", "user_name": "u", "status": RunStatus.RUNNING}
        runs.insert_children(runs.get("a_1"), 2, ["a_2"], ("api_key", [SECRET]), **columns)

    run = runs.get("a_1")
    assert (run.display_name, run.description) == (SHOWN, SHOWN)
    assert (run.tags, run.properties) == ({**HIDDEN, "bare": None}, HIDDEN)
    assert runs.get("a_2").tags == {"api_key": "***"}


def test_of_an_error(database: Database, runs: RunStore, add_run: AddRun) -> None:
    key, other = add_run("a_1"), add_run("a_2", owner_lock="sessions/x")
    error = build_run_error(f"bad {SECRET}, --password x", kind=f"E {SECRET}")
    with database.transaction():
        runs.request_end(key, RunStatus.FAILED, error)
        runs.update(key, failed_with=error)
        runs.change_status(key, ALIVE_STATUSES, RunStatus.FAILED, error=error)
        runs.end_runs_of_owner("sessions/x", RunStatus.FAILED, 1, error)

    run, hidden = runs.get("a_1"), build_run_error("bad ***, --password ***", kind="E ***")
    assert run.error == run.wanted_error == run.failed_with == runs.get_by_key(other).error == hidden


def test_of_an_experiment_a_model_and_a_dataset(database: Database, redactor: Redactor) -> None:
    experiments, models, datasets = (
        ExperimentStore(database, redactor),
        ModelStore(database, redactor),
        DatasetStore(database, redactor),
    )
    experiments.ensure("e")
    experiments.set_tags(experiments.get("e").key, TAGS)
    assert experiments.get_tags(experiments.get("e").key) == HIDDEN

    models.insert(NewModel(name="m", description=TEXT, tags=TAGS, properties=TAGS), 1, "someone")
    model = models.get("m")
    assert (model.tags, model.properties, model.description) == (HIDDEN, HIDDEN, SHOWN)
    models.update(model, tags=TAGS, properties=TAGS, description=TEXT, details=model.details)
    assert models.get("m")[:2] + models.get("m")[5:] == model[:2] + model[5:]

    definition = {"kind": "file", "paths": [{"path": "/a"}], "options": {}, "steps": []}
    dataset = datasets.insert(definition, name="d", version=1, description=TEXT, tags=TAGS)
    assert (dataset.tags, dataset.description) == (HIDDEN, SHOWN)
    datasets.update(dataset, TEXT, TAGS)
    assert datasets.find("d") == dataset
