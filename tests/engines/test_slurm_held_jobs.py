"""Jobs that a real Slurm could not start, and holds until they are released."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.engines.scripts import wait_for_end
from tests.engines.slurm import NODES, Slurm
from tests.running import Mlrun, find_paths, until

SCRIPT = """
from azureml.core import Run
Run.get_context().log("acc", 1)
"""


@pytest.fixture
def broken(slurm: Slurm, tmp_path: Path) -> Iterator[Path]:
    """Return a file; as long as it exists, nodes kill the daemon of each job at its start."""
    path, daemon = tmp_path / "broken", tmp_path / "stepd"
    program = shutil.which("slurmstepd", path="/usr/sbin:/sbin:/usr/lib/slurm")
    daemon.write_text(f"#!/bin/sh\n[ -e '{path}' ] && kill -KILL $$\nexec {program} \"$@\"\n", encoding="utf-8")
    daemon.chmod(0o755)
    for node in NODES:
        slurm.kill_node(node)
        slurm.start_node(node, daemon)
    path.touch()
    yield path
    slurm.cancel_all()
    for node in NODES:
        slurm.kill_node(node)
        slurm.start_node(node)


@pytest.fixture
def cluster(slurm_mlrun: Mlrun) -> Mlrun:
    """Return a command with a target `slurm` and a script."""
    shared = slurm_mlrun.folder.parent / "shared"
    attach = ("computetarget", "attach", "slurm", "-n", "slurm", "--shared-folder", str(shared), "--no-check")
    slurm_mlrun(*attach, "--cpus-per-task", "1", "--sbatch-option=--requeue")
    slurm_mlrun.script(SCRIPT)
    return slurm_mlrun


def has_log_line(mlrun: Mlrun, run_id: str, number: int) -> bool:
    line = f"--- Slurm could not start the job (launch failed requeued held): released, {number} of 3 ---\n"
    return line in mlrun.log(run_id)


def is_waiting_for_its_time(slurm: Slurm, job_id: str) -> bool:
    return "Reason=BeginTime" in slurm("scontrol", "show", "job", job_id)


def hurry(slurm: Slurm, job_id: str) -> None:
    """Have Slurm start a released job soon, which it lets wait for two minutes."""
    until(partial(is_waiting_for_its_time, slurm, job_id))
    slurm("scontrol", "update", f"jobid={job_id}", "starttime=now+1")


@pytest.mark.kill
@pytest.mark.usefixtures("broken")
def test_a_job_that_slurm_can_never_start_is_released_some_times_and_ends_its_run(slurm: Slurm, cluster: Mlrun) -> None:
    run_id = cluster.submit("--ct", "slurm", "train.py")
    job_id = cluster.show(run_id)["properties"]["slurm_job_id"]
    for number in (1, 2, 3):
        until(partial(has_log_line, cluster, run_id, number))
        hurry(slurm, job_id)
    record = wait_for_end(cluster, run_id)
    error = record["error"]["error"]
    assert (record["status"], error["innerError"]["code"]) == ("Failed", "JobNotStarted")
    words = "launch failed requeued held, after 3 attempts to release it"
    assert error["message"] == f"The engine could not start the job ({words})."
    slurm.wait_for_state(job_id, "CANCELLED")
    assert not find_paths(cluster.folder.parent / "shared", "secrets.json")


@pytest.mark.kill
def test_tasks_of_an_array_that_slurm_could_not_start_are_released(slurm: Slurm, cluster: Mlrun, broken: Path) -> None:
    words = ("--grid", "lr=1,2", "--concurrent", "2", "--maximize", "acc")
    sweep_id = cluster.json("run", "sweep", "--ct", "slurm", "--async", *words, "train.py")["run_id"]
    runs = [f"{sweep_id}_0", f"{sweep_id}_1"]
    for run_id in runs:
        until(partial(cluster.stored, "SELECT 1 FROM runs WHERE run_id = ?", run_id))
        until(partial(has_log_line, cluster, run_id, 1))
    broken.unlink()
    ids = [cluster.show(run_id)["properties"]["slurm_job_id"] for run_id in runs]
    assert [job_id.partition("_")[2] for job_id in ids] == ["0", "1"]
    for job_id in ids:
        hurry(slurm, job_id)
    assert cluster.wait(sweep_id)["status"] == "Completed"
    assert [cluster.show(run_id)["status"] for run_id in runs] == ["Completed"] * 2
