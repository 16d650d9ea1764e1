"""Pipelines of GitHub Actions and Azure Pipelines, as they were written for Azure, run on this machine."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.acceptance.pipelines import Job, run_azure, run_github
from tests.running import Mlrun

PIPELINES = Path(__file__).parents[1] / "data" / "pipelines"
WORKSPACE = ("-w", "digits-workspace", "-g", "digits-group")


@pytest.fixture
def machine(mlrun: Mlrun) -> Mlrun:
    """The command on a machine without an `az`."""
    folders = mlrun.environment["PATH"].split(os.pathsep)
    mlrun.environment["PATH"] = os.pathsep.join(folder for folder in folders if not (Path(folder) / "az").exists())
    return mlrun


def read(job: Job, name: str) -> dict[str, object]:
    """A JSON file that a job's step has written."""
    found: dict[str, object] = json.loads((job.checkout / "models" / "digits" / name).read_text(encoding="utf-8"))
    return found


def alphas(mlrun: Mlrun, experiment: str) -> list[float]:
    """What the experiment's runs have logged, of which each has to be complete."""
    runs = mlrun.json("run", "list", "-e", experiment, "--last", "20", *WORKSPACE)
    assert {run["status"] for run in runs} == {"Completed"}
    assert sorted(run["run_number"] for run in runs) == list(range(1, len(runs) + 1))
    found = [mlrun.json("run", "metrics", "-r", run["run_id"], *WORKSPACE)["alpha"] for run in runs]
    return sorted(found)


def test_a_workflow_of_github_actions_trains_registers_and_sweeps(machine: Mlrun) -> None:
    train, *sweep = run_github(machine, PIPELINES / "github.yml", PIPELINES / "project")
    assert "geheim" not in train.output
    run, model = read(train, "run.json"), read(train, "model.json")
    assert (run["status"], run["target"], run["_experiment_name"]) == ("Completed", "cpu-cluster", "digits")
    assert (model["modelId"], model["runId"]) == ("digits:1", run["run_id"])
    served = json.loads((train.checkout / "served" / "model.json").read_text(encoding="utf-8"))
    assert served == {"alpha": 0.25}
    assert (train.checkout / "subscription.txt").read_text(encoding="utf-8").count("-") == 4

    assert len({read(job, "run.json")["run_id"] for job in sweep}) == 5
    assert alphas(machine, "sweep") == [0.1, 0.2, 0.3, 0.4, 0.5]


def test_a_pipeline_of_azure_pipelines_trains_registers_and_sweeps(machine: Mlrun) -> None:
    train, *_ = run_azure(machine, PIPELINES / "azure-pipelines.yml", PIPELINES / "project")
    assert read(train, "model.json")["runId"] == read(train, "run.json")["run_id"]
    assert train.variables["status"] == "Completed"
    assert alphas(machine, "digits") == [0.1]  # the script alone keeps the runconfig's arguments
    assert alphas(machine, "sweep") == [0.5, 2.0, 4.0]
