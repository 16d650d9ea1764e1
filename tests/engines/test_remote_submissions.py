"""Submissions while the line to another machine, which is reached by ssh, is cut."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.engines.scripts import MARKING, age_runs, wait_for_end
from tests.engines.sshd import HOST_ALIAS, RemoteMachine
from tests.running import Mlrun, until

PIPELINE = """
pipeline:
  name: there
  default_compute: box
  steps:
    Step: {type: PythonScriptStep, script_name: train.py, arguments: [MARKS, '1']}
"""
RSYNC = """#!/bin/sh
while [ -e '{gate}' ]; do
    touch '{gate}.reached'
    sleep 0.05
done
exec {rsync} "$@"
"""
"""An rsync that waits as long as there is a file, but first makes another one."""


@pytest.fixture
def box(ssh_mlrun: Mlrun, remote_machine: RemoteMachine) -> Iterator[Mlrun]:
    """Return a command with a target `box` for three nodes, and a script."""
    attach = ("computetarget", "attach", "remote", "-n", "box", "--address", HOST_ALIAS)
    ssh_mlrun(*attach, "--python", remote_machine.python, "--max-nodes", "3")
    ssh_mlrun.script(MARKING)
    yield ssh_mlrun
    remote_machine.ensure_sshd()


@contextmanager
def cut_line(machine: RemoteMachine) -> Iterator[None]:
    machine.stop_sshd(cut=True)
    try:
        yield
    finally:
        machine.start_sshd()


def get_marks(machine: RemoteMachine) -> Path:
    return machine.marks / "marks"


def open_gate(machine: RemoteMachine) -> None:
    (machine.marks / "marks.go").touch()


def read_numbers(machine: RemoteMachine) -> list[str]:
    return sorted(get_marks(machine).read_text(encoding="utf-8").split())


def start_sweep(box: Mlrun, machine: RemoteMachine) -> str:
    grid = ("--concurrent", "3", "--maximize", "acc", "--async", "--grid", "number=1,2,3")
    return str(box.json("run", "sweep", "--ct", "box", *grid, "train.py", str(get_marks(machine)))["run_id"])


def wait_for_problem(box: Mlrun, run_id: str) -> None:
    until(lambda: "Connection refused" in box.show(run_id).get("waiting_for", ""))


def test_runs_of_a_sweep_are_submitted_once_there_is_a_line(box: Mlrun, remote_machine: RemoteMachine) -> None:
    open_gate(remote_machine)
    with cut_line(remote_machine):
        sweep_id = start_sweep(box, remote_machine)
        wait_for_problem(box, sweep_id)
    record = box.wait(sweep_id)
    assert record["status"] == "Completed", record
    runs = box.json("run", "list", "--parent-run-id", sweep_id)
    assert [run["status"] for run in runs] == ["Completed"] * 3
    assert read_numbers(remote_machine) == ["1", "2", "3"]
    (log,) = box.run_folder(sweep_id).rglob("hyperdrive.txt")
    assert log.read_text(encoding="utf-8").count(f"Scheduling job, id='{sweep_id}_0'") == 1


def test_a_sweep_that_waits_for_a_line_is_canceled(box: Mlrun, remote_machine: RemoteMachine) -> None:
    with cut_line(remote_machine):
        sweep_id = start_sweep(box, remote_machine)
        wait_for_problem(box, sweep_id)
        box("run", "cancel", "-r", sweep_id)
        assert box.wait(sweep_id)["status"] == "Canceled"
    assert not get_marks(remote_machine).exists()


def test_a_step_of_a_pipeline_is_submitted_once_there_is_a_line(box: Mlrun, remote_machine: RemoteMachine) -> None:
    open_gate(remote_machine)
    box.script(PIPELINE.replace("MARKS", str(get_marks(remote_machine))), "p.yml")
    with cut_line(remote_machine):
        run_id = box.json("run", "submit-pipeline", "-y", "p.yml")["run_id"]
        wait_for_problem(box, run_id)
    record = box.wait(run_id)
    assert record["status"] == "Completed", record
    assert read_numbers(remote_machine) == ["1"]
    (log,) = box.run_folder(run_id).rglob("executionlogs.txt")
    assert log.read_text(encoding="utf-8").count("Submitting 1 runs") == 1


@pytest.fixture
def copying(box: Mlrun, tmp_path: Path) -> Path:
    """Return a file that the box's rsync makes when it waits for the file `gate` to go, which there is."""
    gate = tmp_path / "gate"
    gate.touch()
    program = Path(box.environment["HOME"]) / "bin" / "rsync"
    program.write_text(RSYNC.format(gate=gate, rsync=shutil.which("rsync")), encoding="utf-8")
    program.chmod(0o755)
    return gate.with_name("gate.reached")


def test_a_submission_whose_line_is_cut_midway_is_repeated(
    box: Mlrun, remote_machine: RemoteMachine, copying: Path
) -> None:
    open_gate(remote_machine)
    words = ("run", "submit-script", "--async", "--ct", "box", "train.py", str(get_marks(remote_machine)), "1")
    with box.start(*words) as submit:
        until(copying.exists)
        with cut_line(remote_machine):
            copying.with_name("gate").unlink()
            _, errors = submit.communicate()
    assert (submit.returncode, "is kept: once the engine answers" in errors) == (1, True), errors
    ((run_id,),) = box.stored("SELECT run_id FROM runs")
    age_runs(box)
    record = wait_for_end(box, run_id)
    assert record["status"] == "Completed", record
    assert read_numbers(remote_machine) == ["1"]


def test_runs_of_a_sweep_whose_line_is_cut_midway_start_once(
    box: Mlrun, remote_machine: RemoteMachine, copying: Path
) -> None:
    open_gate(remote_machine)
    sweep_id = start_sweep(box, remote_machine)
    until(copying.exists)
    with cut_line(remote_machine):
        copying.with_name("gate").unlink()
        until(lambda: list(box.database.parent.glob("runs/*/job_problems.json")))
    age_runs(box)
    record = box.wait(sweep_id)
    assert record["status"] == "Completed", record
    assert read_numbers(remote_machine) == ["1", "2", "3"]
