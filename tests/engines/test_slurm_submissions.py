"""Submissions that a real Slurm controller does not answer, and runs with two jobs."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.engines.scripts import MARKING, age_runs, wait_for_end
from tests.engines.slurm import Slurm
from tests.running import LIVE, Mlrun, until


@pytest.fixture
def cluster(slurm: Slurm, slurm_mlrun: Mlrun) -> Iterator[Mlrun]:
    """Return a command with a target `slurm` and a script, to which Slurm's commands soon say that nobody answers."""
    shared = slurm_mlrun.folder.parent / "shared"
    attach = ("computetarget", "attach", "slurm", "-n", "slurm", "--shared-folder", str(shared), "--no-check")
    slurm_mlrun(*attach, "--cpus-per-task", "1")
    slurm_mlrun.script(MARKING)
    slurm_mlrun.environment.update(slurm.write_client_configuration(1))
    yield slurm_mlrun
    slurm.cancel_all()


@contextmanager
def kill_controller(slurm: Slurm) -> Iterator[None]:
    slurm.kill_controller()
    try:
        yield
    finally:
        slurm.start_controller()


@contextmanager
def stop_controller(slurm: Slurm) -> Iterator[None]:
    """Stop the controller; once it goes on, it may accept what clients have sent and given up meanwhile."""
    slurm.signal_controller(signal.SIGSTOP)
    try:
        yield
    finally:
        slurm.signal_controller(signal.SIGCONT)


AWAY = pytest.mark.parametrize("away", [kill_controller, stop_controller], ids=["killed", "stopped"])
Away = Callable[[Slurm], Any]


def get_marks(mlrun: Mlrun) -> Path:
    return mlrun.folder / "marks"


def open_gate(mlrun: Mlrun) -> None:
    (mlrun.folder / "marks.go").touch()


def list_problem_files(mlrun: Mlrun) -> list[Path]:
    return list(mlrun.database.parent.glob("runs/*/job_problems.json"))


@pytest.mark.kill
@AWAY
def test_runs_of_a_sweep_that_are_submitted_while_the_controller_is_away_start_once(
    slurm: Slurm, cluster: Mlrun, away: Away
) -> None:
    open_gate(cluster)
    grid = ("--concurrent", "3", "--maximize", "acc", "--async", "--grid", "number=1,2,3")
    with away(slurm):
        words = ("run", "sweep", "--ct", "slurm", *grid, "train.py", str(get_marks(cluster)))
        sweep_id = cluster.json(*words)["run_id"]
        until(lambda: len(list_problem_files(cluster)) == 3)
    age_runs(cluster)
    record = cluster.wait(sweep_id)
    assert record["status"] == "Completed", record
    runs = cluster.json("run", "list", "--parent-run-id", sweep_id)
    assert [run["status"] for run in runs] == ["Completed"] * 3
    assert all(run["properties"]["slurm_job_id"] for run in runs)
    assert sorted(get_marks(cluster).read_text(encoding="utf-8").split()) == ["1", "2", "3"]


@pytest.mark.kill
@AWAY
def test_a_run_that_is_submitted_while_the_controller_is_away_starts_once(
    slurm: Slurm, cluster: Mlrun, away: Away
) -> None:
    open_gate(cluster)
    with away(slurm):
        words = ("run", "submit-script", "--async", "--ct", "slurm", "train.py", str(get_marks(cluster)), "1")
        failure = cluster.fails(*words, exit_code=1)
    assert failure.code == "SubmitUnanswered"
    assert failure.target is not None
    age_runs(cluster)
    record = wait_for_end(cluster, failure.target)
    assert record["status"] == "Completed", record
    assert get_marks(cluster).read_text(encoding="utf-8").split() == ["1"]


def test_of_two_jobs_of_a_run_the_second_that_starts_does_nothing(slurm: Slurm, cluster: Mlrun) -> None:
    marks = get_marks(cluster)
    slurm("scontrol", "update", "partitionname=main", "state=down")
    try:
        run_id = cluster.submit("--ct", "slurm", "train.py", str(marks), "1")
        known = cluster.show(run_id)["properties"]["slurm_job_id"]
        slurm("scontrol", "hold", known)
        script = slurm("scontrol", "write", "batch_script", known, "-")
        folder = cluster.folder.parent / "shared" / "runs" / run_id
        options = (f"--job-name={run_id}", "--cpus-per-task=1", f"--chdir={folder}", f"--output={folder}/other.log")
        other = slurm("sbatch", "--parsable", *options, stdin=f"{script}\n")
    finally:
        slurm("scontrol", "update", "partitionname=main", "state=up")
    until(lambda: cluster.show(run_id)["properties"]["slurm_job_id"] == other)
    until(marks.exists)
    slurm("scontrol", "release", known)
    slurm.wait_for_state(known, "COMPLETED")
    assert cluster.show(run_id)["status"] in LIVE
    open_gate(cluster)
    record = wait_for_end(cluster, run_id)
    assert (record["status"], record["properties"]["slurm_job_id"]) == ("Completed", other)
    assert marks.read_text(encoding="utf-8") == "1\n"
    logs = folder.glob("artifacts/**/*")
    assert any(f"job {other} has started the run" in log.read_text() for log in logs if log.is_file())
