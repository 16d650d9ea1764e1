from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.running import Mlrun
from tests.sdk.driving import drive
from tests.sdk.sweeps import DEFINITION, SWEEP, VALUES, make_sweep

HISTORIES = [[0.1, 0.9, 0.5], [], [0.7], [0.2, 0.95], [0.3], [0.9]]
OTHER = "HD_00000000-0000-4000-8000-000000000002"


@pytest.fixture(scope="module")
def mlrun(tmp_path_factory: pytest.TempPathFactory) -> Mlrun:
    """Return a folder whose workspace has two sweeps; the second one has no values and resumes from the first."""
    mlrun = Mlrun(tmp_path_factory.mktemp("sweep"))
    make_sweep(mlrun, HISTORIES, failed=[3], terminated={4: "Ended early."})
    make_sweep(mlrun, [[]], sweep_id=OTHER, definition={**DEFINITION, "resume_from": [SWEEP]})
    return mlrun


def _ask(mlrun: Mlrun, code: str, sweep_id: str = SWEEP) -> Any:
    beginning = f"""
        import json
        from azureml.core import Run
        workspace = Workspace.from_config()
        sweep = Run.get(workspace, {sweep_id!r})
        """
    return json.loads(drive(mlrun, beginning + code).splitlines()[-1])


def test_a_sweep_is_found_as_one_and_its_runs_as_runs_of_scripts_would_be(mlrun: Mlrun) -> None:
    kinds = _ask(
        mlrun,
        """
        from azureml.core import get_run
        from azureml.train.hyperdrive import HyperDriveRun
        experiment = sweep.experiment
        found = [sweep, get_run(experiment, sweep.id), HyperDriveRun(experiment, sweep.id, hyperdrive_config=None)]
        found += [run for run in experiment.get_runs(type="hyperdrive") if run.id == sweep.id]
        children = [run.id for run in sweep.get_children()]
        print(json.dumps([[type(run).__name__ for run in found], children, sweep.type, HyperDriveRun.RUN_TYPE]))
        """,
    )
    children = [f"{SWEEP}_{number}" for number in range(6)]
    assert kinds == [["HyperDriveRun"] * 4, children[::-1], "hyperdrive", "hyperdrive"]


def test_the_configuration_of_a_sweep_is_found_again_but_for_its_script(mlrun: Mlrun) -> None:
    kind, definition, source, given = _ask(
        mlrun,
        """
        from azureml.train.hyperdrive import HyperDriveRun
        config = sweep.hyperdrive_config
        given = HyperDriveRun(sweep.experiment, sweep.id, config).hyperdrive_config is config
        print(json.dumps([type(config).__name__, config._to_definition(), config.source_directory, given]))
        """,
        OTHER,
    )
    assert (kind, source, given) == ("HyperDriveConfig", ".", True)
    assert definition == {**DEFINITION, "resume_from": [SWEEP]}


def test_runs_are_sorted_by_the_best_of_all_values_that_they_have_logged(mlrun: Mlrun) -> None:
    plain, backwards, top, measured = _ask(
        mlrun,
        """
        sort = sweep.get_children_sorted_by_primary_metric
        print(json.dumps([sort(), sort(reverse=True), sort(top=2), sort(0, False, True)]))
        """,
    )
    numbers = [int(each["run_id"].rpartition("_")[2]) for each in plain]
    assert numbers == [3, 0, 5, 2, 4, 1]  # of equal ones the first comes first
    assert list(plain[0]) == ["run_id", "hyperparameters", "best_primary_metric", "status"]
    assert [each["best_primary_metric"] for each in plain] == [0.95, 0.9, 0.9, 0.7, 0.3, None]
    assert [each["status"] for each in plain] == ["Failed", *["Completed"] * 3, "Canceled", "Completed"]
    assert json.loads(plain[0]["hyperparameters"]) == VALUES[3]
    assert backwards == [*plain[:5][::-1], plain[5]]
    assert top == plain[:2]
    assert measured == plain[:5]


def test_the_best_run_may_have_failed_or_been_canceled_unless_that_is_excluded(mlrun: Mlrun) -> None:
    code = """
        best = sweep.get_best_run_by_primary_metric
        found = [best(), best(include_failed=False), best(False, False), best(include_resume_from_runs=False)]
        print(json.dumps([run and run.id.rpartition("_")[2] for run in found]))
        """
    assert _ask(mlrun, code) == ["3", "0", "0", "3"]
    assert _ask(mlrun, code, OTHER) == ["3", "0", "0", None]


def test_hyperparameters_and_metrics_are_keyed_by_run(mlrun: Mlrun) -> None:
    hyperparameters, metrics, named = _ask(
        mlrun,
        """
        print(json.dumps([sweep.get_hyperparameters(), sweep.get_metrics(), sweep.get_metrics("acc")]))
        """,
    )
    ids = [f"{SWEEP}_{number}" for number in range(6)]
    assert list(hyperparameters) == ids
    assert [json.loads(text) for text in hyperparameters.values()] == [VALUES[number] for number in range(6)]
    assert set(metrics) == set(ids)
    assert metrics[ids[0]] == {"other": 0, "acc": [0.1, 0.9, 0.5]}
    assert set(named) == {ids[number] for number in (0, 2, 3, 4, 5)}
    assert named[ids[2]] == {"acc": 0.7}


def test_the_run_of_an_ended_sweep_has_a_table_of_its_best_runs_as_in_azure(mlrun: Mlrun) -> None:
    code = """
        own, named = Run(sweep.experiment, sweep.id), {"name": "best_child_by_primary_metric"}
        tree = own.get_metrics(recursive=True)[sweep.id]
        print(json.dumps([own.get_metrics(), own.get_metrics(**named), own.get_metrics("acc"), tree]))
        """
    whole, named, other, in_tree = _ask(mlrun, code)
    table = whole["best_child_by_primary_metric"]
    assert whole == named == in_tree
    assert other == {}
    assert list(table) == ["metric_name", "timestamp", "run_id", "metric_value", "final"]
    assert table["metric_name"] == ["acc"] * 3
    assert table["run_id"] == [f"{SWEEP}_{number}" for number in (0, 3, 3)]
    assert table["metric_value"] == [0.9, 0.95, 0.95]
    assert table["final"] == [False, False, True]
    assert all(datetime.fromisoformat(text).utcoffset() == timedelta(0) for text in table["timestamp"])
    assert _ask(mlrun, code, OTHER) == [{}] * 4


def test_what_a_sweep_does_not_have_is_refused_as_in_azure(mlrun: Mlrun) -> None:
    messages = _ask(
        mlrun,
        """
        from azureml.train.hyperdrive import HyperDriveRun
        from azureml.train.hyperdrive.exceptions import *
        child = next(sweep.get_children())
        refused(HyperDriveNotImplementedException, "cancel()", sweep.fail)
        refused(HyperDriveNotImplementedException, "azureml-logs/hyperdrive.txt", sweep.get_diagnostics)
        refused(HyperDriveConfigException, "top", sweep.get_children_sorted_by_primary_metric, -1)
        refused(HyperDriveRehydrateException, "not a sweep", HyperDriveRun, sweep.experiment, child.id)
        print(json.dumps([sweep.cancel(), sweep.get_status()]))
        """,
    )
    assert messages == [True, "Completed"]


def test_a_sweep_to_resume_from_has_ended(mlrun: Mlrun) -> None:
    definition = _ask(
        mlrun,
        """
        from azureml.core import ScriptRunConfig
        from azureml.train.hyperdrive import *
        from azureml.train.hyperdrive.exceptions import *
        def configure(**changes):
            return HyperDriveConfig(
                RandomParameterSampling({"--lr": uniform(0, 1)}), "acc", PrimaryMetricGoal.MAXIMIZE, 4,
                run_config=ScriptRunConfig(".", script="train.py"), **changes
            )
        child = next(sweep.get_children())
        live = sweep.experiment.start_logging(outputs=None, snapshot_directory=None)
        wrong = HyperDriveScenarioNotSupportedException
        refused(HyperDriveConfigException, "HyperDriveRun as resume_from", configure, resume_from=child)
        refused(wrong, "is Running", configure, resume_child_runs=[live])
        refused(HyperDriveConfigException, "twice", configure, resume_child_runs=[child, child])
        live.complete()
        print(json.dumps(configure(resume_from=sweep, resume_child_runs=[child])._to_definition()))
        """,
    )
    assert definition["resume_from"] == [SWEEP]
    assert definition["resume_child_runs"] == [f"{SWEEP}_5"]
