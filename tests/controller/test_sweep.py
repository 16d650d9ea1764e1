"""Sweeps by real controllers: what is sampled, started, ended early and recorded."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mlrun_cli.actions.run_ends import cancel_run, fail_run
from mlrun_cli.errors import ConflictingOptions, RunNotEnded, RunNotFound
from mlrun_cli.runconfigs.run_configuration import RunConfiguration
from mlrun_cli.runs.error import build_run_error
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.submit.sweep import read_sweep_plan
from mlrun_cli.submit.template import get_secrets_file
from mlrun_cli.sweeps.records import TERMINATION_PROPERTY
from tests.controller.sweep_world import SweepWorld

BANDIT = {"name": "Bandit", "properties": {"evaluation_interval": 1, "slack_factor": 0.1}}


def grid(*values: float) -> dict[str, Any]:
    return {"name": "GRID", "parameter_space": {"lr": ["choice", [list(values)]]}}


def error_message(run: Run) -> str:
    return str((run.error or {}).get("error", {}).get("message"))


def test_a_sweep_runs_a_script_with_each_sample_and_names_the_best_run(world: SweepWorld) -> None:
    sweep = world.submit("--epochs", "2", generator_config=grid(0.1, 0.4, 0.2), max_concurrent_jobs=2)
    run = world.ended(sweep)
    assert run.status is RunStatus.COMPLETED, run.error
    assert run.run_type == "hyperdrive"
    assert sweep.startswith("HD_")
    children = world.children(sweep)
    assert {number: child.argv for number, child in children.items()} == {
        "0": "--epochs 2 --lr 0.1",
        "1": "--epochs 2 --lr 0.4",
        "2": "--epochs 2 --lr 0.2",
    }
    assert [json.loads(child.sampled or "") for child in children.values()] == [{"lr": 0.1}, {"lr": 0.4}, {"lr": 0.2}]
    assert {child.status for child in children.values()} == {"Completed"}
    assert {**run.properties, "ContentSnapshotId": ""} == {
        "ContentSnapshotId": "",
        "azureml.runsource": "hyperdrive",
        "best_child_run_id": f"{sweep}_1",
        "best_data_container_id": f"dcid.{sweep}_1",
        "best_metric_status": "Succeeded",
        "platform": "AML",
        "primary_metric_config": '{"name": "acc", "goal": "maximize"}',
        "resume_from": "null",
        "runTemplate": "HyperDrive",
        "score": "0.8",
        "space_size": "3",
    }
    assert json.loads(run.tags["max_concurrent_jobs"] or "") == 2
    assert json.loads(run.tags["generator_config"] or "") == grid(0.1, 0.4, 0.2) | {
        "properties": json.loads(run.tags["generator_config"] or "").get("properties")
    }
    first = world.workspace.runs.get(f"{sweep}_0")
    assert (first.parent_run_id, first.root_run_id, first.run_type) == (sweep, sweep, "azureml.scriptrun")
    log = world.log(sweep)
    assert all(f"][SCHEDULER][INFO]Successfully scheduled a job. Id='{sweep}_{n}'\n" in log for n in range(3))
    assert "][GENERATOR][INFO]All jobs generated.\n" in log


def test_no_more_runs_are_live_than_were_asked_for(world: SweepWorld) -> None:
    sweep = world.submit("--until", str(world.gate), max_concurrent_jobs=2, max_total_jobs=5)
    world.wait_for_children(sweep, 2, "Running")
    assert len(world.statuses(sweep)) == 2
    world.open_gate()
    world.ended(sweep)
    assert world.statuses(sweep) == ["Completed"] * 5


def test_samples_are_those_of_the_seed_and_secrets_go_with_the_end(world: SweepWorld) -> None:
    sweeps = [world.submit("--password", "eiThoh4sai", max_total_jobs=3) for _ in range(2)]
    for sweep in sweeps:
        assert world.ended(sweep).status is RunStatus.COMPLETED
        folder = world.workspace.get_run_folder(sweep)
        assert not get_secrets_file(folder.template).exists()
        assert "eiThoh4sai" not in str(world.workspace.runs.get(sweep))
    sampled = [[child.sampled for child in world.children(sweep).values()] for sweep in sweeps]
    assert sampled[0] == sampled[1]
    assert len(set(sampled[0])) == 3


def test_a_sweep_without_a_seed_records_one(world: SweepWorld) -> None:
    sweep = world.submit(generator_config={"name": "RANDOM", "parameter_space": {"lr": ["uniform", [0, 1]]}})
    seed = read_sweep_plan(world.workspace.get_run_folder(sweep)).definition.sampling.seed
    assert seed is not None
    assert json.loads(world.get(sweep).tags["generator_config"] or "")["properties"] == {"seed": seed}


def test_a_policy_cancels_what_does_worse_than_others(world: SweepWorld) -> None:
    arguments = ("--until", str(world.gate), "--below", "0.3")
    sweep = world.submit(*arguments, generator_config=grid(0.5, 0.1), policy_config=BANDIT, max_concurrent_jobs=1)
    assert world.ended(sweep).status is RunStatus.COMPLETED
    assert world.statuses(sweep) == ["Completed", "Canceled"]
    stopped = world.workspace.runs.get(f"{sweep}_1")
    assert "after 1 value the best acc was 0.1" in stopped.properties[TERMINATION_PROPERTY]
    assert stopped.error is None
    assert f"'{sweep}_1': {stopped.properties[TERMINATION_PROPERTY]}" in world.log(sweep)
    assert world.get(sweep).properties["best_child_run_id"] == f"{sweep}_0"


@pytest.mark.parametrize("policy", ["Bandit", "MedianStopping", "TruncationSelection"])
def test_values_that_are_no_numbers_or_too_large_end_no_sweep(world: SweepWorld, policy: str) -> None:
    world.write_script(
        "import sys\nfrom azureml.core import Run\nrun = Run.get_context()\n"
        "values = [10 ** 400, -10 ** 400, float('nan'), float('inf'), '0.4', None, True, 0.5]\n"
        "run.log('acc', values[int(sys.argv[2])])\nrun.log('acc', -float('inf'))\n"
    )
    settings = {"Bandit": {"slack_factor": 0.1}, "TruncationSelection": {"truncation_percentage": 50}}
    config = {"name": policy, "properties": settings.get(policy, {})}
    sweep = world.submit(generator_config=grid(*range(8)), policy_config=config, max_total_jobs=8)
    run = world.ended(sweep)
    assert (run.status, run.error) == (RunStatus.COMPLETED, None)
    assert run.properties["best_child_run_id"] == f"{sweep}_3"


def test_decisions_are_those_of_the_values_in_the_order_in_which_they_were_logged(world: SweepWorld) -> None:
    world.write_script(
        "import sys, time\nfrom azureml.core import Run\nrun = Run.get_context()\nlr = float(sys.argv[2])\n"
        "for value in {1: [0.5, 0.9], 2: [0.4, 0.8], 3: [0.1]}[int(lr)]:\n    run.log('acc', value)\n"
    )
    policy = {"name": "TruncationSelection", "properties": {"truncation_percentage": 34, "delay_evaluation": 2}}
    sweep = world.submit(generator_config=grid(1, 2, 3), policy_config=policy, max_concurrent_jobs=1)
    world.ended(sweep)
    assert world.statuses(sweep) == ["Completed"] * 3  # the third has logged too few values to be judged


def test_cancel_ends_live_and_waiting_runs_and_starts_no_more(world: SweepWorld) -> None:
    world.add_target("small", 1)
    sweep = world.submit("--until", str(world.gate), request={"target": "small"}, max_total_jobs=9)
    world.wait_for_children(sweep, 1, "Running")
    world.wait_for_children(sweep, 3, "Queued")
    canceled = cancel_run(world.workspace, world.get(sweep), 5.0)
    assert canceled.status is RunStatus.CANCEL_REQUESTED
    run = world.ended(sweep)
    assert (run.status, run.error) == (RunStatus.CANCELED, None)
    assert world.statuses(sweep) == ["Canceled"] * 4
    assert not list(world.workspace.folder.glob("runs/*/secrets.json"))
    assert not list(world.workspace.folder.glob("runs/*/template/secrets.json"))


def test_a_sweep_that_is_made_to_fail_ends_its_runs_and_fails(world: SweepWorld) -> None:
    sweep = world.submit("--until", str(world.gate))
    world.wait_for_children(sweep, 4, "Running")
    run = fail_run(world.workspace, world.get(sweep), build_run_error("on purpose"))
    assert (run.status, error_message(run)) == (RunStatus.FAILED, "on purpose")
    assert world.statuses(sweep) == ["Canceled"] * 4


def test_the_time_limit_of_a_sweep_cancels_live_runs_and_completes_it(world: SweepWorld) -> None:
    sweep = world.submit("--until", str(world.gate), max_duration_minutes=10, max_concurrent_jobs=2)
    world.wait_for_children(sweep, 2, "Running")
    run = world.get(sweep)
    with world.workspace.transaction():
        world.workspace.runs.update(run.key, started_at=(run.started_at or 0) - 11 * 60_000_000)
    run = world.ended(sweep)
    assert (run.status, run.error) == (RunStatus.COMPLETED, None)
    assert world.statuses(sweep) == ["Canceled"] * 2
    assert "max_duration_minutes" in world.log(sweep)


def test_a_sweep_fails_only_if_all_of_its_runs_do(world: SweepWorld) -> None:
    some = world.submit("--fail", "0.3", generator_config=grid(0.1, 0.5))
    every = world.submit("--fail", "0.05", generator_config=grid(0.1, 0.5))
    assert world.ended(some).status is RunStatus.COMPLETED
    assert world.statuses(some) == ["Completed", "Failed"]
    run = world.ended(every)
    assert run.status is RunStatus.FAILED
    assert f"'{every}_0': The script ended with exit code 1" in error_message(run)
    assert run.properties["best_child_run_id"] == f"{every}_1"


def test_a_sweep_whose_runs_log_another_metric_says_so(world: SweepWorld) -> None:
    run = world.ended(world.submit(primary_metric_config={"name": "Accuracy", "goal": "maximize"}))
    assert run.status is RunStatus.COMPLETED
    assert "best_child_run_id" not in run.properties
    (warning,) = run.warnings
    assert "None of the 4 runs has logged a number as 'Accuracy'" in warning
    assert "'acc'" in warning


def test_a_sweep_of_one_run_does_not_speak_of_several(world: SweepWorld) -> None:
    other = world.submit(primary_metric_config={"name": "Accuracy", "goal": "maximize"}, max_total_jobs=1)
    failing = world.submit("--fail", "0.05", generator_config=grid(0.1))
    assert any("The only run has not logged a number as" in warning for warning in world.ended(other).warnings)
    assert error_message(world.ended(failing)).startswith(f"The only child run failed, '{failing}_0': The script")


def test_a_sweep_whose_runs_all_failed_does_not_blame_the_name_of_the_metric(world: SweepWorld) -> None:
    world.write_script("raise SystemExit(1)")
    run = world.ended(world.submit())
    assert (run.status, list(run.warnings)) == (RunStatus.FAILED, [])
    assert error_message(run).startswith("All 4 child runs failed. The first one, ")


def test_a_sweep_resumes_from_another_and_compares_with_its_runs(world: SweepWorld) -> None:
    before = world.submit("--epochs", "3", generator_config=grid(0.9))
    world.ended(before)
    sweep = world.submit(
        "--epochs",
        "9",
        "--until",
        str(world.gate),
        generator_config=grid(0.1),
        policy_config=BANDIT,
        resume_from=[before],
    )
    assert world.ended(sweep).status is RunStatus.COMPLETED
    assert world.statuses(sweep) == ["Canceled"]
    assert json.loads(world.get(sweep).properties["resume_from"]) == [before]
    with pytest.raises(ConflictingOptions):
        world.submit(resume_from=[f"{before}_0"])
    with pytest.raises(RunNotFound):
        world.submit(resume_from=["HD_missing"])


def test_runs_that_are_resumed_come_first_and_find_their_outputs(world: SweepWorld) -> None:
    world.write_script(
        "import os, sys\nfrom azureml.core import Run\nvalues = dict(zip(sys.argv[1::2], sys.argv[2::2]))\n"
        "folder = values.get('--resume-from')\n"
        "text = open(os.path.join(folder, 'state')).read() if folder else ''\n"
        "open('outputs/state', 'w').write(text + values['--lr'] + ';')\n"
        "Run.get_context().tag('argv', text)\n"
    )
    before = world.submit(generator_config=grid(0.25, 0.5))
    world.ended(before)
    sweep = world.submit(generator_config=grid(0.75), resume_child_runs=[f"{before}_1"])
    assert world.ended(sweep).status is RunStatus.COMPLETED
    assert {number: (child.sampled, child.argv) for number, child in world.children(sweep).items()} == {
        "0": ('{"lr": 0.5}', "0.5;"),
        "1": ('{"lr": 0.75}', ""),
    }
    live = world.submit("--until", str(world.gate))
    with pytest.raises(RunNotEnded):
        world.submit(resume_from=[live])


def test_a_run_that_cannot_be_started_has_failed_and_the_others_go_on(world: SweepWorld) -> None:
    before = world.submit(generator_config=grid(0.5, 0.25))
    world.ended(before)
    sweep = world.submit(
        "--until",
        str(world.gate),
        generator_config=grid(0.75),
        resume_child_runs=[f"{before}_0", f"{before}_1"],
        max_concurrent_jobs=1,
    )
    world.wait_for_children(sweep, 1, "Running")
    with world.workspace.transaction():
        world.workspace.runs.delete(world.workspace.runs.get(f"{before}_1").key)
    world.open_gate()
    assert world.ended(sweep).status is RunStatus.COMPLETED
    assert world.statuses(sweep) == ["Completed", "Failed", "Completed"]
    failed = world.workspace.runs.get(f"{sweep}_1")
    assert f"{before}_1" in error_message(failed)
    assert failed.started_at is None
    assert not world.workspace.get_run_folder(failed.run_id).secrets.exists()


def test_a_sweep_is_submitted_once_for_an_id(world: SweepWorld) -> None:
    world.submit(run_id="HD_step")
    world.submit(run_id="HD_step")
    assert world.ended("HD_step").status is RunStatus.COMPLETED
    assert world.statuses("HD_step") == ["Completed"] * 4


def test_text_for_a_shell_cannot_be_swept(world: SweepWorld) -> None:
    with pytest.raises(ConflictingOptions):
        world.submit(request={"script": None, "configuration": RunConfiguration(command="python train.py")})
    command = ("python", "train.py", "--epochs", "2")
    sweep = world.submit(
        request={"script": None, "configuration": RunConfiguration(command=command)}, generator_config=grid(0.5)
    )
    assert world.ended(sweep).status is RunStatus.COMPLETED
    assert world.children(sweep)["0"].argv == "--epochs 2 --lr 0.5"
