"""The runs of sweeps on a real Slurm cluster, which are submitted as job arrays."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from mlrun_cli.targets.engine import Job, JobEnd, JobState
from mlrun_cli.targets.slurm import jobs
from tests.engines.slurm import CPUS, NODES, Slurm
from tests.running import LIVE, Mlrun, find_paths, find_processes, kill, until, words_of

SCRIPT = """
import os, signal, sys, time
from azureml.core import Run
values = dict(zip(sys.argv[1::2], sys.argv[2::2]))
lr = int(values["--lr"])
restarts = os.environ.get("SLURM_RESTART_COUNT", "0")
def stop(*_):
    print("asked to stop", flush=True)
    sys.exit(7)
signal.signal(signal.SIGTERM, stop)
Run.get_context().log("acc", lr)
print("restart", restarts, "on", os.environ["SLURMD_NODENAME"], flush=True)
while not os.path.exists(values["--gate"]) and restarts == "0":
    time.sleep(0.05)
"""
SLEEP = "#!/bin/sh\nexec sleep 600\n"


@pytest.fixture
def cluster(slurm: Slurm, slurm_mlrun: Mlrun) -> Iterator[Mlrun]:
    """Return a command with a target `slurm` and a script."""
    yield attach(slurm_mlrun)
    slurm.cancel_all()


def attach(mlrun: Mlrun) -> Mlrun:
    shared = mlrun.folder.parent / "shared"
    place = ("-n", "slurm", "--shared-folder", str(shared), "--no-check")
    mlrun("computetarget", "attach", "slurm", *place, "--cpus-per-task", "1", "--sbatch-option=--requeue")
    mlrun.script(SCRIPT)
    return mlrun


def sweep(mlrun: Mlrun, count: int, *, concurrent: int, options: Sequence[str] = ("--ct", "slurm")) -> str:
    grid = "lr=" + ",".join(map(str, range(count)))
    words = ("run", "sweep", *options, "--concurrent", str(concurrent), "--maximize", "acc", "--async", "--grid", grid)
    run_id: str = mlrun.json(*words, "train.py", "--gate", str(mlrun.folder / "gate"))["run_id"]
    return run_id


def open_gate(mlrun: Mlrun) -> None:
    (mlrun.folder / "gate").touch()


def children(mlrun: Mlrun, sweep_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = mlrun.json("run", "list", "--parent-run-id", sweep_id, "--last", "100")
    return sorted(found, key=lambda run: int(run["run_id"].rpartition("_")[2]))


def wait_for_jobs(mlrun: Mlrun, sweep_id: str, count: int) -> list[str]:
    """Wait until so many runs of a sweep have jobs, and return the ids of these."""

    def look() -> list[str] | None:
        found = [run["properties"].get("slurm_job_id", "") for run in children(mlrun, sweep_id)]
        return found if len(found) == count and all(found) else None

    return until(look)


def wait_for_end(mlrun: Mlrun, run_id: str) -> dict[str, Any]:
    return until(lambda: record if (record := mlrun.show(run_id))["status"] not in LIVE else None)


def wait_for_line(mlrun: Mlrun, run_id: str, line: str) -> None:
    log = mlrun.run_folder(run_id) / "artifacts" / "user_logs" / "std_log.txt"
    until(lambda: log.exists() and line in log.read_text(encoding="utf-8"))


def occupy(slurm: Slurm) -> list[str]:
    """Have jobs take all processors, and return their ids."""
    held = [slurm.submit("sleep 3600", f"--nodelist={node}", f"--cpus-per-task={CPUS}") for node in NODES]
    for job_id in held:
        slurm.wait_for_state(job_id, "RUNNING")
    return held


def list_tasks(slurm: Slurm, sweep_id: str) -> list[str]:
    """Return the ids of all jobs of a sweep in Slurm, those of arrays first."""
    lines = slurm("squeue", "-h", "-r", "-t", "all", "-o", "%i %j").splitlines()
    return sorted(line.split()[0] for line in lines if line.split()[1].startswith(sweep_id))


def submit_array(tasks: str, *options: str) -> str:
    return jobs.submit_job(SLEEP, ["--output=/dev/null", f"--array={tasks}", *options])


@pytest.mark.usefixtures("slurm")
def test_tasks_are_jobs_with_ids_and_names_of_their_own() -> None:
    name = f"sweep_{time.time_ns()}"
    submit_array("0-3", "--hold")
    tasks = (0, 3, 5, *range(100, 250), *range(300, 600, 7))
    array = submit_array(",".join(map(str, tasks)), f"--job-name={name}", "--hold")
    ids = {f"{name}_{number}": f"{array}_{number}" for number in tasks}
    assert jobs.find_job_ids([*ids, f"{name}_1"]) == ids
    found = jobs.find_jobs(ids.values())
    assert set(found.values()) == {Job(JobState.QUEUED, "JobHeldUser")}
    assert found.keys() == set(ids.values())


def test_a_task_that_is_cancelled_before_it_starts_was_removed(slurm: Slurm) -> None:
    array = submit_array("0-3", "--hold")
    ids = [f"{array}_{number}" for number in range(4)]
    jobs.cancel_jobs([ids[1], "999999", "999999_3"])
    removed = Job(JobState.ENDED, end=JobEnd.REMOVED, words="CANCELLED")
    found = jobs.find_jobs([*ids, "999999_3"])
    assert found == {ids[1]: removed, **{ids[number]: Job(JobState.QUEUED, "JobHeldUser") for number in (0, 2, 3)}}
    for job_id in ids:
        jobs.cancel_jobs([job_id])
    assert set(jobs.find_jobs(ids).values()) == {removed}
    whole = submit_array("0-3", "--hold")
    slurm("scancel", whole)
    ends = {job.end for job in jobs.find_jobs([f"{whole}_{number}" for number in range(4)]).values()}
    assert ends == {JobEnd.CANCELED}


def test_tasks_that_the_controller_has_forgotten_are_in_the_accounting_database(accounting: Slurm) -> None:
    name = f"sweep_{time.time_ns()}"
    options = ["--output=/dev/null", f"--job-name={name}"]
    array = jobs.submit_job("#!/bin/sh\nexit 3\n", [*options, "--array=0-2"])
    waiting = jobs.submit_job(SLEEP, [*options, "--array=5-6", "--hold"])
    jobs.cancel_jobs([f"{waiting}_5", f"{waiting}_6"])
    until(lambda: not accounting("squeue", "-h", "-t", "all"))
    ids = {f"{name}_{number}": f"{array}_{number}" for number in range(3)}
    assert jobs.find_job_ids([*ids, f"{name}_5"]) == ids
    wanted = [*ids.values(), f"{waiting}_5"]
    until(lambda: jobs.find_jobs(wanted).keys() == set(wanted))
    found = jobs.find_jobs(wanted)
    assert {found[job_id].end for job_id in ids.values()} == {JobEnd.EXITED}
    assert all("ExitCode=3:0" in found[job_id].words for job_id in ids.values())
    assert found[f"{waiting}_5"].end is JobEnd.REMOVED


def test_runs_of_a_sweep_that_start_together_are_one_job_array(slurm: Slurm, cluster: Mlrun) -> None:
    open_gate(cluster)
    sweep_id = sweep(cluster, 12, concurrent=4)
    record = cluster.wait(sweep_id)
    assert record["status"] == "Completed", record
    assert record["properties"]["best_child_run_id"] == f"{sweep_id}_11"
    runs = children(cluster, sweep_id)
    assert [run["status"] for run in runs] == ["Completed"] * 12
    ids = [run["properties"]["slurm_job_id"] for run in runs]
    array = ids[0].partition("_")[0]
    assert ids[:4] == [f"{array}_{number}" for number in range(4)]
    assert list_tasks(slurm, sweep_id) == sorted(ids)
    assert [cluster.metrics(run["run_id"]) for run in runs] == [{"acc": number} for number in range(12)]


def test_runs_of_a_sweep_with_accounting(accounting: Slurm, tmp_path_factory: pytest.TempPathFactory) -> None:
    mlrun = Mlrun(tmp_path_factory.mktemp("accounted"))
    try:
        mlrun.environment.update(accounting.environment)
        attach(mlrun)
        open_gate(mlrun)
        sweep_id = sweep(mlrun, 4, concurrent=4)
        assert mlrun.wait(sweep_id)["status"] == "Completed"
        assert [run["status"] for run in children(mlrun, sweep_id)] == ["Completed"] * 4
    finally:
        mlrun.close()


def test_tasks_that_wait_say_why_and_are_canceled_alone(slurm: Slurm, cluster: Mlrun) -> None:
    held = occupy(slurm)
    sweep_id = sweep(cluster, 4, concurrent=4)
    ids = wait_for_jobs(cluster, sweep_id, 4)
    first, second, third, fourth = (f"{sweep_id}_{number}" for number in range(4))
    until(lambda: cluster.show(second).get("waiting_for", "").startswith(f"Slurm {ids[1]}: "))
    cluster("run", "cancel", "-r", first)
    assert wait_for_end(cluster, first)["status"] == "Canceled"
    slurm("scancel", ids[1])
    record = wait_for_end(cluster, second)
    assert (record["status"], record["error"]["error"]["innerError"]["code"]) == ("Canceled", "JobCanceled")
    cluster("run", "cancel", "-r", third, "--force")
    assert cluster.show(third)["status"] == "Canceled"
    assert list_tasks(slurm, sweep_id) == [ids[3]]
    open_gate(cluster)
    for job_id in held:
        slurm("scancel", job_id)
    assert cluster.wait(sweep_id)["status"] == "Completed"
    assert cluster.show(fourth)["status"] == "Completed"
    logs = [cluster.run_folder(run_id) / "artifacts" / "user_logs" / "std_log.txt" for run_id in (first, second, third)]
    assert not any(log.exists() and log.read_text(encoding="utf-8") for log in logs)


def test_tasks_that_run_are_canceled_ended_and_requeued_alone(slurm: Slurm, cluster: Mlrun) -> None:
    sweep_id = sweep(cluster, 4, concurrent=4)
    ids = wait_for_jobs(cluster, sweep_id, 4)
    canceled, ended, requeued, last = (f"{sweep_id}_{number}" for number in range(4))
    for run_id in (canceled, ended, requeued, last):
        wait_for_line(cluster, run_id, "restart 0")
    cluster("run", "cancel", "-r", canceled)
    slurm("scancel", ids[1])
    slurm("scontrol", "requeue", ids[2])
    until(lambda: "JobState=PENDING" in slurm("scontrol", "show", "job", ids[2]))
    slurm("scontrol", "update", f"jobid={ids[2]}", "starttime=now+3")
    assert wait_for_end(cluster, canceled)["status"] == "Canceled"
    wait_for_line(cluster, canceled, "asked to stop")
    assert wait_for_end(cluster, ended)["status"] == "Canceled"
    record = wait_for_end(cluster, requeued)
    assert record["status"] == "Completed", record
    assert cluster.metrics(requeued) == {"acc": [2, 2]}
    assert cluster.show(last)["status"] == "Running"
    open_gate(cluster)
    assert cluster.wait(sweep_id)["status"] == "Completed"
    assert cluster.show(last)["status"] == "Completed"


def test_a_cancel_on_several_nodes_ends_no_other_task(cluster: Mlrun) -> None:
    python = {"userManagedDependencies": True, "interpreterPath": sys.executable}
    document = {"script": "train.py", "target": "slurm", "nodeCount": 2, "environment": {"python": python}}
    cluster.script(json.dumps(document), ".azureml/nodes.runconfig")
    sweep_id = sweep(cluster, 3, concurrent=3, options=("-c", "nodes"))
    wait_for_jobs(cluster, sweep_id, 3)
    runs = [f"{sweep_id}_{number}" for number in range(3)]
    expected = [{"acc": [number] * len(NODES)} for number in range(3)]
    until(lambda: [cluster.metrics(run_id) for run_id in runs] == expected)
    for run_id in (runs[2], runs[0]):  # the last one has the number of the array
        cluster("run", "cancel", "-r", run_id)
        assert wait_for_end(cluster, run_id)["status"] == "Canceled"
    assert cluster.show(runs[1])["status"] == "Running"
    open_gate(cluster)
    assert cluster.wait(sweep_id)["status"] == "Completed"
    assert cluster.show(runs[1])["status"] == "Completed"


def test_runs_whose_array_slurm_refuses_have_jobs_of_their_own_or_fail_in_its_words(
    slurm: Slurm, cluster: Mlrun
) -> None:
    write_sbatch(cluster, 'case "$*" in *--array=*) echo "sbatch: error: no arrays here" >&2; exit 1;; esac')
    open_gate(cluster)
    sweep_id = sweep(cluster, 3, concurrent=3)
    assert cluster.wait(sweep_id)["status"] == "Completed"
    ids = [run["properties"]["slurm_job_id"] for run in children(cluster, sweep_id)]
    assert [len(ids), list_tasks(slurm, sweep_id)] == [3, sorted(ids)]
    write_sbatch(cluster, 'echo "sbatch: error: no jobs here" >&2; exit 1')
    refused = sweep(cluster, 3, concurrent=3)
    record = cluster.wait(refused)
    assert record["status"] == "Failed"
    assert "no jobs here" in record["error"]["error"]["message"]
    assert [run["status"] for run in children(cluster, refused)] == ["Failed"] * 3
    assert not find_paths(cluster.folder.parent / "shared", "secrets.json")


@pytest.mark.kill
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_controller_that_is_killed_while_slurm_takes_an_array_makes_no_second_job(
    slurm: Slurm, cluster: Mlrun, moment: str
) -> None:
    hanging = cluster.folder.parent / "hanging"
    submit = 'real "$@"; ' if moment == "after" else ""
    write_sbatch(cluster, f"{submit}touch '{hanging}'; exec sleep 3600")
    sweep_id = sweep(cluster, 4, concurrent=4)
    until(hanging.exists)
    assert len(list_tasks(slurm, sweep_id)) == (4 if moment == "after" else 0)
    found = find_processes("MLRUN_HOME", str(cluster.home))
    controllers = [pid for pid in found if any(word.endswith("controller/__main__.py") for word in words_of(pid))]
    assert controllers
    write_sbatch(cluster, "")
    kill(*controllers)
    open_gate(cluster)  # runs may end before their jobs are looked for
    record = cluster.wait(sweep_id)
    assert record["status"] == "Completed", record
    runs = children(cluster, sweep_id)
    assert [run["status"] for run in runs] == ["Completed"] * 4
    assert list_tasks(slurm, sweep_id) == sorted(run["properties"]["slurm_job_id"] for run in runs)
    assert [cluster.metrics(run["run_id"]) for run in runs] == [{"acc": number} for number in range(4)]


def write_sbatch(mlrun: Mlrun, text: str) -> None:
    """Put a program in front of sbatch that executes lines of the shell, where `real` is sbatch, and then sbatch."""
    folder = mlrun.folder.parent / "programs"
    folder.mkdir(exist_ok=True)
    program = shutil.which("sbatch")
    path = folder / "sbatch.new"
    path.write_text(f'#!/bin/bash\nreal() {{ {program} "$@"; }}\n{text}\nexec {program} "$@"\n', encoding="utf-8")
    path.chmod(0o755)
    path.replace(folder / "sbatch")
    if str(folder) not in mlrun.environment["PATH"]:
        mlrun.environment["PATH"] = f"{folder}:{mlrun.environment['PATH']}"
