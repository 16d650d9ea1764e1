"""Sweeps that drivers and scripts submit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import Mlrun
from tests.sdk.driving import drive, run_inside

SCRIPT = """
import argparse
from azureml.core import Run
parser = argparse.ArgumentParser()
parser.add_argument("--fixed")
parser.add_argument("--x", type=float)
parser.add_argument("--kind")
parser.add_argument("--resume-from")  # as runs get it that are started again
options = parser.parse_args()
run = Run.get_context()
for step in range(3):
    run.log("height", options.x * (3 - step))
"""
CONFIG = """
import json
from azureml.core import Experiment, ScriptRunConfig, Workspace
from azureml.train.hyperdrive import *

def configure(sampling=None, **changes):
    words = dict(
        run_config=ScriptRunConfig(".", script="swept.py", arguments=["--fixed", "1"]),
        hyperparameter_sampling=sampling or GridParameterSampling({"--x": choice(2, 3, 1), "kind": choice("a", "b")}),
        primary_metric_name="height", primary_metric_goal=PrimaryMetricGoal.MAXIMIZE, max_total_runs=9,
        max_concurrent_runs=3,
    )
    return HyperDriveConfig(**dict(words, **changes))

"""


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    command = Mlrun(tmp_path)
    command.script(SCRIPT, "swept.py")
    yield command
    command.close()


def test_a_notebook_submits_a_sweep_waits_and_finds_the_best_run(mlrun: Mlrun) -> None:
    output = drive(
        mlrun,
        CONFIG
        + """
experiment = Experiment(Workspace.from_config(), "exp")
config = configure()
sweep = experiment.submit(config, tags={"team": "a"}, show_output=True)
assert isinstance(sweep, HyperDriveRun), sweep
assert sweep.hyperdrive_config is config
details = sweep.wait_for_completion(show_output=True)
best = sweep.get_best_run_by_primary_metric()
print(json.dumps([
    details["status"],
    sweep.id,
    best.get_details()["runDefinition"]["arguments"],
    best.get_metrics(),
    sweep.get_children_sorted_by_primary_metric(),
    list(sweep.get_hyperparameters().values()),
    sorted(sweep.get_metrics()),
    sweep.tags["team"],
    sweep.properties["best_child_run_id"] == best.id,
    [type(child).__name__ for child in sweep.get_children()],
]))
""",
    )
    streamed, _, last = output.strip().rpartition("\n")
    status, sweep_id, arguments, metrics, ordered, drawn, measured, team, is_best, kinds = json.loads(last)
    assert status == "Completed"
    assert sweep_id.startswith("HD_")
    assert f"RunId: {sweep_id}" in streamed
    assert f"Scheduling job, id='{sweep_id}_5'" in streamed
    assert "Execution Summary" in streamed
    assert arguments == ["--fixed", "1", "--x", "3", "--kind", "a"]
    assert metrics == {"height": [9.0, 6.0, 3.0]}
    ids = [f"{sweep_id}_{number}" for number in range(6)]
    assert [each["run_id"] for each in ordered] == [ids[number] for number in (2, 3, 0, 1, 4, 5)]
    assert [each["best_primary_metric"] for each in ordered] == [9.0, 9.0, 6.0, 6.0, 3.0, 3.0]
    assert [json.loads(text) for text in drawn] == [{"--x": x, "kind": kind} for x in (2, 3, 1) for kind in "ab"]
    assert (measured, team, is_best) == (ids, "a", True)
    assert kinds == ["ScriptRun"] * 6


def test_the_values_of_a_child_run_are_in_a_tag_that_lists_and_reruns_leave_out(mlrun: Mlrun) -> None:
    output = drive(
        mlrun,
        CONFIG
        + """
sweep = Experiment(Workspace.from_config(), "exp").submit(configure())
sweep.wait_for_completion()
print(json.dumps([[child.id, child.tags] for child in sweep.get_children()]))
""",
    )
    tags = dict(json.loads(output.splitlines()[-1]))
    values = [json.loads(tags[key]["hyperparameters"]) for key in sorted(tags)]
    assert values == [{"--x": x, "kind": kind} for x in (2, 3, 1) for kind in "ab"]
    child = min(tags)
    table = mlrun("run", "list", "--parent-run-id", child.rpartition("_")[0], "-o", "table").stdout
    assert child in table and "hyperparameters" not in table
    again = json.loads(mlrun("run", "rerun", "-r", child, "--set", "x=5").stdout)
    assert again["tags"] == {"rerun_of": child}


def test_a_sweep_has_the_id_that_it_is_given_and_resumes_from_another(mlrun: Mlrun) -> None:
    first, second, refusal, best = json.loads(
        drive(
            mlrun,
            CONFIG
            + """
from azureml.exceptions import UserErrorException
experiment = Experiment(Workspace.from_config(), "exp")
first = experiment.submit(configure(custom_run_id="HD_first", max_total_runs=3))
first.wait_for_completion()
try:
    refusal = experiment.submit(configure(custom_run_id="HD_first")).id
except UserErrorException as error:
    refusal = str(error)
worse = RandomParameterSampling({"--x": choice(0)}, properties={"seed": 1})
second = experiment.submit(configure(worse, resume_from=[first], resume_child_runs=list(first.get_children())[1]))
second.wait_for_completion()
print(json.dumps([
    first.id,
    list(second.get_hyperparameters().values()),
    refusal,
    [second.get_best_run_by_primary_metric().id, second.get_best_run_by_primary_metric(True, True, False).id],
]))
""",
        ).splitlines()[-1]
    )
    assert first == "HD_first"
    assert [json.loads(text) for text in second] == [{"--x": 2, "kind": "b"}, {"--x": 0}]
    assert "HD_first" in refusal
    assert best[0] == "HD_first_2"
    assert best[1].endswith("_0")


def test_a_script_submits_a_sweep_as_its_child(mlrun: Mlrun) -> None:
    record = run_inside(
        mlrun,
        CONFIG
        + """
sweep = run.submit_child(configure(max_total_runs=2))
sweep.wait_for_completion()
assert sweep.parent.id == run.id, sweep.parent
run.log("best", max(sweep.get_metrics()[sweep.get_best_run_by_primary_metric().id]["height"]))
""",
    )
    assert mlrun.metrics(record["run_id"]) == {"best": 6.0}
