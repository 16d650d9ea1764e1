"""Controllers that are killed, that cannot work, or whose files are gone."""

from __future__ import annotations

import os
import shutil
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from mlrun_cli.actions.forced_ends import force_end_runs
from mlrun_cli.actions.run_ends import cancel_run
from mlrun_cli.core.json_files import read_json, write_json
from mlrun_cli.runs.error import EndReason
from mlrun_cli.runs.outcome import Outcome
from mlrun_cli.runs.retry_policy import find_inner_error_code
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runtime.controllers import ControllerFolder
from mlrun_cli.submit.template import get_secrets_file
from tests.controller.sweep_world import SweepWorld
from tests.running import ENDED, LIVE, find_paths, find_processes, kill, until


def reason(run: Run) -> str | None:
    return find_inner_error_code(Outcome(run.status, 0, error=dict(run.error or {})))


def stored_end(world: SweepWorld, run_id: str) -> Run:
    """Wait for the end of a run without a look that would start anything."""

    def look() -> Run | None:
        run = world.workspace.runs.get(run_id)
        return run if run.status.is_terminal else None

    return until(look)


def test_a_sweep_ends_as_if_its_controller_had_not_been_killed(world: SweepWorld) -> None:
    arguments = ("--epochs", "2", "--fail", "0.8")
    undisturbed = world.submit(*arguments, max_total_jobs=10, max_concurrent_jobs=2)
    whole = world.ended(undisturbed)
    sweep = world.submit(*arguments, max_total_jobs=10, max_concurrent_jobs=2)
    for count in range(1, 10):
        world.wait_for_children(sweep, count, *LIVE, *ENDED)
        world.kill(world.controllers(sweep))
        world.get(sweep)
    run = world.ended(sweep)
    assert world.children(sweep) == world.children(undisturbed)
    assert run.status is whole.status
    ends = ["score", "best_child_run_id"]
    assert [run.properties[name].replace(sweep, "") for name in ends] == [
        whole.properties[name].replace(undisturbed, "") for name in ends
    ]
    assert not get_secrets_file(world.workspace.get_run_folder(sweep).template).exists()


def test_a_dispatcher_starts_a_controller_again_while_nobody_looks(world: SweepWorld) -> None:
    sweep = world.submit("--until", str(world.gate), max_total_jobs=6)
    world.wait_for_children(sweep, 4, "Running")
    world.kill(world.controllers(sweep))
    world.open_gate()
    assert stored_end(world, sweep).status is RunStatus.COMPLETED
    assert world.statuses(sweep) == ["Completed"] * 6


def test_a_controller_starts_a_dispatcher_again_while_nobody_looks(world: SweepWorld) -> None:
    world.add_target("small", 1)
    sweep = world.submit("--until", str(world.gate), request={"target": "small"})
    world.wait_for_children(sweep, 1, "Running")
    world.kill(world.dispatchers())
    world.open_gate()
    assert stored_end(world, sweep).status is RunStatus.COMPLETED
    assert world.statuses(sweep) == ["Completed"] * 4


def test_a_controller_that_fails_again_and_again_ends_its_run_with_the_reason(world: SweepWorld) -> None:
    sweep = world.submit("--until", str(world.gate))
    world.wait_for_children(sweep, 4, "Running")
    plan = world.workspace.get_run_folder(sweep).path / "sweep.json"
    document = read_json(plan)
    assert document is not None
    with world.without_controller(sweep):
        write_json(plan, document | {"definition": {**document["definition"], "max_total_jobs": "many"}})
    run = world.ended(sweep)
    assert (run.status, reason(run)) == (RunStatus.FAILED, EndReason.CONTROLLER_FAILED)
    assert "max_total_jobs" in str(run.error)
    world.open_gate()
    for number in range(4):
        assert world.ended(f"{sweep}_{number}").status is RunStatus.COMPLETED


def test_a_sweep_whose_files_are_gone_cancels_its_runs_and_fails(world: SweepWorld) -> None:
    sweep = world.submit("--until", str(world.gate), max_total_jobs=6)
    world.wait_for_children(sweep, 4, "Running")
    with world.without_controller(sweep):
        get_secrets_file(world.workspace.get_run_folder(sweep).template).unlink()
    # The first of the four that ends leaves a place for a fifth, which needs the file.
    cancel_run(world.workspace, world.workspace.runs.get(f"{sweep}_0"), 0.0)
    run = world.ended(sweep)
    assert (run.status, reason(run)) == (RunStatus.FAILED, "StoredFilesLost")
    assert world.statuses(sweep) == ["Canceled"] * 4


def test_a_sweep_whose_folder_is_removed_fails(world: SweepWorld) -> None:
    sweep = world.submit("--until", str(world.gate), max_total_jobs=1)
    world.wait_for_children(sweep, 1, "Running")
    with world.without_controller(sweep):
        shutil.rmtree(world.workspace.get_run_folder(sweep).path)
    run = world.ended(sweep)
    assert (run.status, reason(run)) == (RunStatus.FAILED, EndReason.RUN_FOLDER_REMOVED)


def test_a_controller_that_ends_before_it_does_anything_is_started_with_pauses(world: SweepWorld) -> None:
    sweep = world.submit("--until", str(world.gate))
    world.wait_for_children(sweep, 4, "Running")
    folder = ControllerFolder(world.workspace.get_run_folder(sweep))
    with world.without_controller(sweep):
        for _ in range(3):
            folder.record_start()
    assert folder.is_backing_off()
    world.get(sweep)
    assert not world.controllers(sweep)
    folder.reset_start_count()
    world.open_gate()
    assert world.ended(sweep).status is RunStatus.COMPLETED


def test_bayesian_samples_that_are_recorded_are_not_sampled_again(world: SweepWorld) -> None:
    space = {"name": "BayesianOptimization", "parameter_space": {"lr": ["uniform", [0, 1]]}, "properties": {"seed": 1}}
    sweep = world.submit("--until", str(world.gate), generator_config=space, max_concurrent_jobs=2, max_total_jobs=5)
    world.wait_for_children(sweep, 2, "Running")
    sampled = [child.sampled for child in world.children(sweep).values()]
    world.kill(world.controllers(sweep))
    world.open_gate()
    assert world.ended(sweep).status is RunStatus.COMPLETED
    children = list(world.children(sweep).values())
    assert [child.sampled for child in children[:2]] == sampled
    assert len({child.sampled for child in children}) == 5
    assert all(str(child.sampled)[7:-1] in str(child.argv) for child in children)


def find_secrets(world: SweepWorld, run_id: str) -> list[Path]:
    return find_paths(world.workspace.get_run_folder(run_id).path, "secrets.json")


@pytest.mark.parametrize("name", [None, "long" * 50])
def test_a_sweep_with_a_stopped_controller_ends_by_force_with_all_that_it_has_started(
    world: SweepWorld, name: str | None
) -> None:
    # The command line of a supervisor has no room for a long name.
    sweep = world.submit("--until", str(world.gate), max_total_jobs=8, run_id=name)
    world.wait_for_children(sweep, 4, "Running")
    assert find_secrets(world, sweep)
    kill(*world.controllers(sweep), number=signal.SIGSTOP)
    (ended,) = force_end_runs(world.workspace, [world.workspace.runs.get(sweep)])
    assert ended.status is RunStatus.CANCELED
    assert set(world.statuses(sweep)) == {"Canceled"}
    assert not find_secrets(world, sweep)
    children = [f"{sweep}_{number}" for number in range(len(world.statuses(sweep)))]
    assert not [pid for child in children for pid in find_processes("MLRUN_RUN_ID", child)]
    assert not [child for child in children if world.workspace.get_run_folder(child).secrets.exists()]
    until(lambda: not world.controllers(sweep))


def test_a_controller_that_is_killed_in_each_step_is_given_up(world: SweepWorld) -> None:
    sweep = world.submit("--until", str(world.gate), max_total_jobs=6)
    world.wait_for_children(sweep, 4, "Running")
    secrets = get_secrets_file(world.workspace.get_run_folder(sweep).template)
    with world.without_controller(sweep):
        secrets.unlink()
        os.mkfifo(secrets)
    # The one that ends leaves a place for a fifth, whose secrets the controller waits for in the middle of its step.
    cancel_run(world.workspace, world.workspace.runs.get(f"{sweep}_0"), 0.0)

    def open_for_reader() -> int | None:
        world.get(sweep)
        with suppress(OSError):
            return os.open(secrets, os.O_WRONLY | os.O_NONBLOCK)
        return None

    descriptor = until(open_for_reader)
    folder = ControllerFolder(world.workspace.get_run_folder(sweep))
    for _ in range(19):
        folder.record_start()
    world.kill(world.controllers(sweep))
    os.close(descriptor)
    run = world.ended(sweep)
    assert (run.status, reason(run)) == (RunStatus.FAILED, EndReason.CONTROLLER_FAILED)


def test_secrets_that_cannot_be_removed_are_named_by_the_ended_sweep(world: SweepWorld) -> None:
    sweep = world.submit("--until", str(world.gate))
    world.wait_for_children(sweep, 4, "Running")
    secrets = get_secrets_file(world.workspace.get_run_folder(sweep).template)
    secrets.unlink()
    secrets.mkdir()
    world.open_gate()
    run = world.ended(sweep)
    assert run.status is RunStatus.COMPLETED
    assert str(secrets) in str(run.warnings)


def test_a_child_run_that_cannot_be_canceled_does_not_keep_the_others_from_it(world: SweepWorld) -> None:
    world.add_target("small", 1)
    other = world.submit("--until", str(world.gate), max_total_jobs=1, request={"target": "small"})
    world.wait_for_children(other, 1, "Running")
    sweep = world.submit(request={"target": "small"})
    world.wait_for_children(sweep, 4, "Queued")
    secrets = world.workspace.get_run_folder(f"{sweep}_0").secrets
    secrets.unlink()
    secrets.mkdir()
    cancel_run(world.workspace, world.workspace.runs.get(sweep), 0.0)
    until(lambda: world.statuses(sweep) == ["Queued", *["Canceled"] * 3])
    secrets.rmdir()
    assert world.ended(sweep).status is RunStatus.CANCELED
    assert world.statuses(sweep) == ["Canceled"] * 4
