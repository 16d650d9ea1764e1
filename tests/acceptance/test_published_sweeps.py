"""Sweep configuration files as people have published them: they run to the best run, or are refused with what to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import Mlrun
from tests.sweeps.conftest import SAMPLE

TRAIN = """
import argparse
from azureml.core import Run
parser = argparse.ArgumentParser()
parser.add_argument("--data-path")
parser.add_argument("--c", type=float)
options = parser.parse_args()
run = Run.get_context()
for step in range(2):
    run.log("Test accuracy", 0.5 + step / 10 - abs(options.c - 1) / 10)
"""
RUNCONFIG = """\
script: train.py
arguments: [--data-path, data]
environment:
  python:
    userManagedDependencies: true
"""
V2_JOB = """\
$schema: https://azuremlschemas.azureedge.net/latest/sweepJob.schema.json
type: sweep
sampling_algorithm: random
trial:
  code: ./train
  command: python train.py --c ${{search_space.c}}
search_space:
  c: {type: choice, values: [0.5, 1, 1.5]}
objective: {goal: maximize, primary_metric: Test accuracy}
limits: {max_total_trials: 5, max_concurrent_trials: 3, timeout: 7200}
"""


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    command = Mlrun(tmp_path)
    command.script(TRAIN)
    (command.folder / "sweep").mkdir()
    command.script(RUNCONFIG, "sweep.runconfig")
    yield command
    command.close()


def test_the_sample_of_the_documents_ends_with_the_right_best_run(mlrun: Mlrun) -> None:
    (mlrun.folder / "sweep" / "hyperdrive.yml").write_text(SAMPLE, encoding="utf-8")
    words = ("-c", "sweep", "--hyperdrive-configuration-name", "hyperdrive.yml")
    record = json.loads(mlrun("run", "submit-hyperdrive", *words).stdout)
    sweep = record["run_id"]
    assert (record["status"], record["properties"]["space_size"]) == ("Completed", "3")
    drawn = {f"{sweep}_{number}": json.loads(record["tags"][f"{sweep}_{number}"])["--c"] for number in range(3)}
    assert sorted(drawn.values()) == [0.5, 1, 1.5]
    best = record["properties"]["best_child_run_id"]
    assert drawn[best] == 1
    assert record["properties"]["score"] == "0.6"
    assert mlrun.show(best)["run_definition"]["arguments"] == ["--data-path", "data", "--c", "1"]


def test_a_sweep_job_of_version_2_is_refused_with_what_to_write(mlrun: Mlrun) -> None:
    (mlrun.folder / "job.yml").write_text(V2_JOB, encoding="utf-8")
    words = ("-c", "sweep", "--hyperdrive-configuration-name", "job.yml")
    failure = mlrun.fails("run", "submit-hyperdrive", *words)
    assert failure.codes == ["InvalidFile"]
    assert "Azure ML v2" in failure.text
    assert "primary_metric_goal" in failure.text
    assert mlrun.json("run", "list") == []
