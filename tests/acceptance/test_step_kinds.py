"""Steps of MPI, estimators and R, as pipelines run them."""

from __future__ import annotations

import shutil
import sys
from typing import Any

import pytest

from tests.running import Mlrun

MPI = """
import os
from azureml.core import Run
Run.get_context().log("rank", int(os.environ["OMPI_COMM_WORLD_RANK"]))
"""
PIPELINE = """
pipeline:
  default_compute: local
  parameters: {processes: {type: int, default: 3}}
  steps:
    Only:
      type: KIND
      script_name: SCRIPT
      source_directory: src
      MORE
"""


def run_step(mlrun: Mlrun, kind: str, script: str, more: str = "allow_reuse: false") -> dict[str, Any]:
    """Run a pipeline of one step; return the step's record."""
    text = PIPELINE.replace("KIND", kind).replace("SCRIPT", script).replace("MORE", more)
    mlrun.script(text, "p.yml")
    run = mlrun.json("run", "submit-pipeline", "-y", "p.yml", "-n", "exp", "--stream")
    assert run["status"] == "Completed", run
    (step,) = mlrun.json("pipeline", "list-steps", "-r", run["run_id"])
    assert step["properties"]["StepType"] == kind
    found: dict[str, Any] = step
    return found


@pytest.mark.skipif(shutil.which("mpirun") is None, reason="there is no MPI")
@pytest.mark.parametrize(
    ("more", "ranks"),
    [
        ("process_count_per_node: 2", [0, 1]),
        ("runconfig_parameters: {MpiProcessCountPerNode: {source: processes}}", [0, 1, 2]),
        ("node_count: 2\n      process_count_per_node: 2", [0, 1, 2, 3]),
    ],
)
def test_an_mpi_step_has_as_many_processes_as_it_asks_for(mlrun: Mlrun, more: str, ranks: list[int]) -> None:
    mlrun.script(MPI, "src/train.py")
    step = run_step(mlrun, "MpiStep", "train.py", more)
    assert sorted(mlrun.metrics(step["run_id"])["rank"]) == ranks


def test_an_estimator_step_runs_its_script_with_its_arguments(mlrun: Mlrun) -> None:
    mlrun.script("import sys; print(*sys.argv[1:])", "src/train.py")
    more = "parameters: {N: {source: processes}}\n      arguments: [--n, 'parameter:N']"
    step = run_step(mlrun, "EstimatorStep", "train.py", more)
    assert mlrun.log(step["run_id"]).split() == ["--n", "3"]


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="there is no R")
def test_an_r_step_runs_its_script(mlrun: Mlrun) -> None:
    mlrun.script('cat(commandArgs(TRUE), "\\n")', "src/train.R")
    step = run_step(mlrun, "RScriptStep", "train.R", "arguments: [--n, '3']")
    assert mlrun.log(step["run_id"]).split() == ["--n", "3"]


def test_an_r_step_is_refused_where_there_is_no_r(mlrun: Mlrun) -> None:
    mlrun.script("", "src/train.R")
    mlrun.script(PIPELINE.replace("KIND", "RScriptStep").replace("SCRIPT", "train.R").replace("MORE", ""), "p.yml")
    folder = mlrun.folder / "bin"
    folder.mkdir()
    (folder / "python").symlink_to(sys.executable)
    mlrun.environment["PATH"] = str(folder)
    failure = mlrun.fails("run", "submit-pipeline", "-y", "p.yml", "-n", "exp")
    assert failure.code == "Unsupported"
    assert "Rscript" in failure.text
    assert "train.R" in failure.text
    assert "Install R" in failure.text and "set it to Python" not in failure.text
    assert mlrun.json("run", "list", "--all-experiments") == []
