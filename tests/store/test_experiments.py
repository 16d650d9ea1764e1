from __future__ import annotations

from mlrun_cli.core.redaction import Redactor
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.store.db.database import Database
from mlrun_cli.store.experiments import ExperimentStore
from mlrun_cli.store.runs.run_store import RunStore
from tests.store.conftest import AddRun


def test_outcomes_follow_the_statuses_of_the_topmost_runs(database: Database, runs: RunStore, add_run: AddRun) -> None:
    experiments = ExperimentStore(database, Redactor())
    key = add_run("a_1", created_at=10)
    add_run("a_2", parent_key=key, created_at=50)
    gone = add_run("a_3", status=RunStatus.FAILED, created_at=20)
    add_run("b_1", experiment_name="second", status=RunStatus.CANCELED, created_at=90)
    experiments.ensure("empty")

    def outcomes() -> dict[str, tuple[int, ...]]:
        return {each.experiment.name: each[1:5] for each in experiments.list_outcomes()}

    assert outcomes() == {"second": (0, 0, 1, 0), "first": (0, 1, 0, 1), "empty": (0, 0, 0, 0)}

    with database.transaction():
        runs.change_status(key, {RunStatus.RUNNING}, RunStatus.FINALIZING)
        runs.change_status(key, {RunStatus.FINALIZING}, RunStatus.COMPLETED, ended_at=200)
        runs.delete(gone)
    assert outcomes()["first"] == (1, 0, 0, 0)


def test_the_experiment_with_the_newest_activity_comes_first(
    database: Database, runs: RunStore, add_run: AddRun
) -> None:
    key = add_run("a_1", created_at=10)
    add_run("b_1", experiment_name="second", created_at=90)
    experiments = ExperimentStore(database, Redactor())
    assert [(each.experiment.name, each.last_activity_at) for each in experiments.list_outcomes()] == [
        ("second", 90),
        ("first", 10),
    ]

    with database.transaction():
        runs.change_status(key, {RunStatus.RUNNING}, RunStatus.COMPLETED, ended_at=200)

    newest = experiments.list_outcomes()[0]
    assert (newest.experiment.name, newest.last_activity_at, newest.total_runs) == ("first", 200, 1)


def test_a_deleted_experiment_leaves_no_numbers(database: Database, runs: RunStore, add_run: AddRun) -> None:
    key = add_run("a_1", status=RunStatus.FAILED)
    experiments = ExperimentStore(database, Redactor())

    with database.transaction():
        runs.delete(key)
        assert experiments.delete(experiments.get("first").key)

    assert experiments.list_outcomes() == []
    assert database.rows("SELECT * FROM experiment_outcomes") == []
