"""Supervisors that are started while their run is being submitted: whatever dies, nothing half done is left."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.faults.gates import stopped_at
from tests.running import COMMAND, Mlrun, children_of, is_alive, kill, service_error, until, words_of

pytestmark = pytest.mark.kill

SUBMIT = ("run", "submit-script", "train.py")


@contextmanager
def held_at(mlrun: Mlrun, call: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Submit a run and hold the command before its first call of a kind; yield strace and the supervisor's pid."""
    mlrun.script("print('here')")
    held = ("strace", "--output=/dev/null", f"--trace={call}", f"--inject={call}:delay_enter=60s:when=1")
    mlrun.command = [*held, str(COMMAND)]
    with mlrun.start(*SUBMIT) as submitting:
        mlrun.command = [str(COMMAND)]
        yield submitting, until(lambda: find_supervisor(command_below(submitting)))
        kill(submitting.pid)


def command_below(submitting: subprocess.Popen[str]) -> int:
    return until(lambda: next(iter(children_of(submitting.pid)), None))


def find_supervisor(command: int) -> int | None:
    programs = [pid for pid in children_of(command) if any(w.endswith("supervisor/__main__.py") for w in words_of(pid))]
    return next(iter(programs), None)


def folders(mlrun: Mlrun) -> list[str]:
    return os.listdir(mlrun.database.parent / "runs")


def test_a_submit_killed_before_its_run_is_recorded_leaves_nothing(mlrun: Mlrun) -> None:
    with held_at(mlrun, "flock") as (submitting, supervisor):
        kill(command_below(submitting), submitting.pid)
        until(lambda: not is_alive(supervisor))
    assert mlrun.stored("SELECT 1 FROM runs") == []
    assert folders(mlrun) == []


def test_a_submit_killed_before_it_hands_its_run_over_leaves_a_failed_run(mlrun: Mlrun) -> None:
    with held_at(mlrun, "sendmsg") as (submitting, supervisor):
        ((run_id,),) = until(lambda: mlrun.stored("SELECT run_id FROM runs"))
        assert mlrun.supervisors(run_id) == [supervisor]
        assert mlrun.is_owned(run_id)
        kill(command_below(submitting), submitting.pid)
        until(lambda: not is_alive(supervisor))
    assert not (mlrun.run_folder(run_id) / "artifacts" / "system_logs" / "supervisor.log").exists()
    service_error(mlrun.show(run_id), "SupervisorDied")
    assert not (mlrun.run_folder(run_id) / "secrets.json").exists()


def test_a_submit_killed_after_it_has_handed_its_run_over_leaves_the_run_going(mlrun: Mlrun) -> None:
    held = ("strace", "--output=/dev/null", "--trace=sendmsg", "--inject=sendmsg:delay_exit=60s:when=1")
    mlrun.script("print('here')")
    mlrun.command = [*held, str(COMMAND)]
    with mlrun.start(*SUBMIT) as submitting:
        supervisor = until(lambda: find_supervisor(command_below(submitting)))
        ((run_id,),) = until(lambda: mlrun.stored("SELECT run_id FROM runs"))
        until(lambda: mlrun.stored_status(run_id) != "NotStarted")
        kill(command_below(submitting), submitting.pid)
    mlrun.command = [str(COMMAND)]
    assert mlrun.wait(run_id)["status"] == "Completed"
    until(lambda: not is_alive(supervisor))


def test_a_run_whose_waiting_supervisor_is_killed_gets_another(mlrun: Mlrun) -> None:
    mlrun.script("print('here')")
    door = mlrun.database.parent / "snapshots" / "door"
    with stopped_at("flock", door, [str(COMMAND), *SUBMIT], mlrun.environment, mlrun.folder) as command:
        kill(until(lambda: find_supervisor(command)))
    ((run_id,),) = mlrun.stored("SELECT run_id FROM runs")
    assert mlrun.history(run_id)[-1] == "Completed"


def test_a_waiting_supervisor_is_in_no_terminals_process_group(mlrun: Mlrun) -> None:
    with held_at(mlrun, "flock") as (_, supervisor):
        assert os.getsid(supervisor) == supervisor


def test_a_submit_that_is_refused_late_leaves_no_supervisor(mlrun: Mlrun) -> None:
    mlrun.script("")
    (mlrun.folder / ".amlignore").write_text("train.py\n", encoding="utf-8")
    before = mlrun.programs("__main__.py")
    assert mlrun.fails(*SUBMIT).code == "ScriptNotInSnapshot"
    assert mlrun.programs("__main__.py") == before == []
    assert folders(mlrun) == []
