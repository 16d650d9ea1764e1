"""Ends that Slurm brings about for a task of a job array: time-out, preemption, and the loss of its node."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from tests.engines.scripts import wait_for_end
from tests.engines.slurm import CPUS, Slurm
from tests.running import Mlrun, until

SCRIPT = """
import os, signal, sys, time
from azureml.core import Run

def stop(*_):
    print("asked to stop", flush=True)
    sys.exit(7)

signal.signal(signal.SIGTERM, stop)
Run.get_context().log("acc", 1)
print("here", flush=True)
while not os.path.exists(sys.argv[1]):
    time.sleep(0.05)
"""


@pytest.fixture
def cluster(slurm: Slurm, slurm_mlrun: Mlrun) -> Iterator[Mlrun]:
    """Return a command with a script and a target `main` whose nodes each have room for one job of it."""
    attach(slurm_mlrun, "main", "--cpus-per-task", str(CPUS // 2 + 1))
    slurm_mlrun.script(SCRIPT)
    yield slurm_mlrun
    slurm.cancel_all()


def attach(mlrun: Mlrun, name: str, *options: str) -> None:
    place = ("-n", name, "--shared-folder", str(mlrun.folder.parent / name), "--no-check")
    mlrun("computetarget", "attach", "slurm", *place, "--sbatch-option=--no-requeue", *options)


def start_tasks(mlrun: Mlrun, target: str) -> tuple[str, Sequence[str], Sequence[str]]:
    """Start a sweep of two runs; once both run, return its id, theirs and those of their jobs, tasks of one array."""
    gate = str(mlrun.folder / "gate")
    words = ("--grid", "lr=1,2", "--concurrent", "2", "--maximize", "acc", "--async", "train.py", gate)
    sweep_id = mlrun.json("run", "sweep", "--ct", target, *words)["run_id"]
    runs = [f"{sweep_id}_{number}" for number in range(2)]
    until(lambda: [mlrun.stored("SELECT status FROM runs WHERE run_id = ?", each) for each in runs].count([]) == 0)
    until(lambda: all("here" in mlrun.log(run_id) for run_id in runs))
    job_ids = until(lambda: ids if all(ids := [find_job_id(mlrun, run_id) for run_id in runs]) else None)
    assert job_ids[0].partition("_")[::2] == (job_ids[1].partition("_")[0], "0")
    return sweep_id, runs, job_ids


def find_job_id(mlrun: Mlrun, run_id: str) -> str:
    return str(mlrun.show(run_id)["properties"].get("slurm_job_id", ""))


def get_end(mlrun: Mlrun, run_id: str) -> tuple[str, str, str]:
    """Wait for the end of a run, and return its status, and the code and message of its error."""
    record = wait_for_end(mlrun, run_id)
    error = record["error"]["error"]
    return record["status"], error["innerError"]["code"], error["message"]


def complete(mlrun: Mlrun, sweep_id: str, run_id: str) -> None:
    """Let the other run of a sweep go on to its end."""
    assert mlrun.show(run_id)["status"] == "Running"
    (mlrun.folder / "gate").touch()
    assert mlrun.wait(sweep_id)["status"] == "Completed"
    assert mlrun.show(run_id)["status"] == "Completed"


@pytest.mark.kill
def test_a_task_that_reaches_the_time_limit_of_slurm_is_canceled_alone(slurm: Slurm, cluster: Mlrun) -> None:
    sweep_id, runs, job_ids = start_tasks(cluster, "main")
    slurm("scontrol", "update", f"jobid={job_ids[0]}", "endtime=now+1")  # Slurm looks twice a minute
    status, code, message = get_end(cluster, runs[0])
    assert (status, code) == ("Canceled", "TimeLimitReached")
    assert message == "The job was stopped at the time limit of its engine (TIMEOUT, TimeLimit)."
    until(lambda: "asked to stop" in cluster.log(runs[0]))
    complete(cluster, sweep_id, runs[1])


@pytest.mark.kill
def test_a_task_that_has_lost_its_node_fails_alone(slurm: Slurm, cluster: Mlrun) -> None:
    sweep_id, runs, job_ids = start_tasks(cluster, "main")
    node = slurm("squeue", "-h", "-j", job_ids[1], "-o", "%N")
    slurm.kill_node(node)
    slurm.mark_node_down(node)
    status, code, message = get_end(cluster, runs[1])
    assert (status, code) == ("Failed", "NodeLost")
    assert message.startswith("The node of the job failed (NODE_FAIL")
    complete(cluster, sweep_id, runs[0])


@pytest.mark.kill
def test_tasks_that_another_job_preempts_fail(slurm: Slurm, cluster: Mlrun) -> None:
    attach(cluster, "spare", "--partition", "spare", "--sbatch-option=--nodelist=n2", "--cpus-per-task", "1")
    sweep_id, runs, _ = start_tasks(cluster, "spare")
    slurm.submit("sleep 600", "--nodelist=n2", f"--cpus-per-task={CPUS}")
    for run_id in runs:
        status, code, message = get_end(cluster, run_id)
        assert (status, code) == ("Failed", "JobPreempted")
        assert message.startswith("The job was preempted by another job (PREEMPTED")
    assert cluster.wait(sweep_id)["status"] == "Failed"
