"""Submissions while the line to another machine, which is reached by ssh, is cut."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mlrun_cli.core.redaction import Redactor
from mlrun_cli.targets.errors import EngineUnavailable
from mlrun_cli.targets.remote.target import RemoteTarget
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import parse_locator
from tests.engines.scripts import MARKING, age_runs, wait_for_end
from tests.engines.sshd import HOST_ALIAS, RemoteMachine
from tests.running import Mlrun, find_paths, until

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
SSH = """#!{python}
import os, subprocess, sys, threading, time

gate, words = {gate!r}, [{ssh!r}, "-F", os.path.expanduser("~/.ssh/config"), *sys.argv[1:]]
if not any(" serve " in word for word in words):
    os.execv(words[0], words)
ssh = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
submits = threading.Event()

def forward_requests():
    last = b""
    while data := os.read(0, 1 << 16):
        last = last[-100:] + data
        if b'"request": "submit"' in last:
            submits.set()
        ssh.stdin.write(data)
        ssh.stdin.flush()
    ssh.stdin.close()

threading.Thread(target=forward_requests, daemon=True).start()
while data := os.read(ssh.stdout.fileno(), 1 << 16):
    if submits.is_set() and os.path.exists(gate):
        open(gate + ".reached", "w").close()
        while os.path.exists(gate):
            time.sleep(0.05)
        os._exit(255)
    os.write(1, data)
os._exit(ssh.wait())
"""
"""An ssh that loses the answer to a submission if there is a file, as soon as that is gone."""


class Gate:
    """A gate at which a program of the box waits as long as it is closed, which is that a file exists."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.close()

    def close(self) -> None:
        """Close the gate, which no program has reached then."""
        self._reached.unlink(missing_ok=True)
        self.path.touch()

    def open(self) -> None:
        """Let the program go on."""
        self.path.unlink()

    def wait(self) -> None:
        """Wait until a program has reached the closed gate."""
        until(self._reached.exists)

    @property
    def _reached(self) -> Path:
        return self.path.with_name(f"{self.path.name}.reached")


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
    (log,) = find_paths(box.run_folder(sweep_id), "hyperdrive.txt")
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
    (log,) = find_paths(box.run_folder(run_id), "executionlogs.txt")
    assert log.read_text(encoding="utf-8").count("Submitting 1 runs") == 1


@pytest.fixture
def copying(box: Mlrun, tmp_path: Path) -> Gate:
    """Return a closed gate at which the box's rsync waits before it copies."""
    gate = Gate(tmp_path / "copying")
    install_program(box, "rsync", RSYNC.format(gate=gate.path, rsync=shutil.which("rsync")))
    return gate


@pytest.fixture
def answering(box: Mlrun, tmp_path: Path) -> Gate:
    """Return a closed gate at which the box's ssh has the answer to a submission, which it loses after that."""
    gate = Gate(tmp_path / "answering")
    install_program(box, "ssh", SSH.format(python=sys.executable, gate=str(gate.path), ssh=shutil.which("ssh")))
    return gate


def install_program(box: Mlrun, name: str, text: str) -> None:
    path = Path(box.environment["HOME"]) / "bin" / name
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


def start_submit(box: Mlrun, marks: Path, number: int) -> subprocess.Popen[str]:
    return box.start("run", "submit-script", "--async", "--ct", "box", "train.py", str(marks), str(number))


def submit_with_cut(box: Mlrun, machine: RemoteMachine, gate: Gate) -> str:
    """Submit a run whose submission waits at a gate while the line is cut, and return its id."""
    with start_submit(box, get_marks(machine), 1) as submit:
        gate.wait()
        with cut_line(machine):
            gate.open()
            _, errors = submit.communicate()
    assert (submit.returncode, "is kept: once the engine answers" in errors) == (1, True), errors
    ((run_id,),) = box.stored("SELECT run_id FROM runs")
    return str(run_id)


def check_end(box: Mlrun, machine: RemoteMachine, run_id: str) -> None:
    """Check that a run has ended, that its job has started once, and is known."""
    record = wait_for_end(box, run_id)
    assert (record["status"], record["properties"].get("remote_job_id")) == ("Completed", run_id), record
    assert read_numbers(machine) == ["1"]


def test_a_submission_whose_line_is_cut_midway_is_repeated(
    box: Mlrun, remote_machine: RemoteMachine, copying: Gate
) -> None:
    open_gate(remote_machine)
    run_id = submit_with_cut(box, remote_machine, copying)
    age_runs(box)
    check_end(box, remote_machine, run_id)


def test_a_job_whose_submission_was_not_answered_is_found(
    box: Mlrun, remote_machine: RemoteMachine, answering: Gate
) -> None:
    run_id = submit_with_cut(box, remote_machine, answering)
    until(lambda: box.show(run_id)["status"] == "Running")
    open_gate(remote_machine)
    check_end(box, remote_machine, run_id)


def test_a_run_that_ends_before_its_submission_is_answered_has_the_id_of_its_job(
    box: Mlrun, remote_machine: RemoteMachine, answering: Gate
) -> None:
    answering.open()
    held = remote_machine.marks / "held"
    box("run", "submit-script", "--async", "--ct", "box", "train.py", str(held), "0")  # its collector polls the machine
    until(held.exists)
    open_gate(remote_machine)
    answering.close()
    with start_submit(box, get_marks(remote_machine), 1) as submit:
        answering.wait()
        (first,), (run_id,) = box.stored("SELECT run_id FROM runs ORDER BY run_key")
        check_end(box, remote_machine, run_id)
        with cut_line(remote_machine):
            answering.open()
            _, errors = submit.communicate()
    assert submit.returncode == 0, errors  # what the collector knows is an answer, too
    held.with_name("held.go").touch()
    assert wait_for_end(box, first)["status"] == "Completed"
    check_end(box, remote_machine, run_id)
    assert held.read_text(encoding="utf-8").split() == ["0"]


@pytest.mark.parametrize("moment", ["copying", "answering"])
def test_a_repetition_whose_line_is_cut_midway_is_repeated_or_found(
    box: Mlrun, remote_machine: RemoteMachine, copying: Gate, answering: Gate, moment: str
) -> None:
    open_gate(remote_machine)
    run_id = submit_with_cut(box, remote_machine, copying)
    if moment == "copying":
        copying.close()
    age_runs(box)
    gate = {"copying": copying, "answering": answering}[moment]
    gate.wait()
    log = box.database.parent / "queues" / "box" / "dispatcher.log"
    with cut_line(remote_machine):
        gate.open()
        until(lambda: f"{run_id} cannot be submitted again now" in log.read_text(encoding="utf-8"))
        problems = json.loads((box.run_folder(run_id) / "job_problems.json").read_text(encoding="utf-8"))
    assert problems["unanswered"] == (1 if moment == "copying" else 2)  # those after which there may be a job
    check_end(box, remote_machine, run_id)


def test_a_submission_that_arrives_after_the_end_of_its_run_starts_nothing(
    box: Mlrun, remote_machine: RemoteMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that was closed may still deliver it, after it was repeated."""
    open_gate(remote_machine)
    run_id = box.submit("--ct", "box", "train.py", str(get_marks(remote_machine)), "1")
    check_end(box, remote_machine, run_id)
    (jobs,) = remote_machine.home.rglob("queue/jobs")
    until(lambda: not list(jobs.iterdir()))
    for name in ("HOME", "PATH"):
        monkeypatch.setenv(name, box.environment[name])
    with Workspace.open(parse_locator(box.database.parent), redactor=Redactor(), create=False) as workspace:
        target = RemoteTarget(workspace, "box")
        with pytest.raises(EngineUnavailable, match="has ended"):
            target.submit_job(target.build_job_request(run_id))
    assert not list(jobs.iterdir())


def test_runs_of_a_sweep_whose_line_is_cut_midway_start_once(
    box: Mlrun, remote_machine: RemoteMachine, copying: Gate
) -> None:
    open_gate(remote_machine)
    sweep_id = start_sweep(box, remote_machine)
    copying.wait()
    with cut_line(remote_machine):
        copying.open()
        until(lambda: list(box.database.parent.glob("runs/*/job_problems.json")))
    age_runs(box)
    record = box.wait(sweep_id)
    assert record["status"] == "Completed", record
    assert read_numbers(remote_machine) == ["1", "2", "3"]
