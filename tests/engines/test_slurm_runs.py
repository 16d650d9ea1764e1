"""Runs on a real Slurm cluster, from submit to end."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.engines.slurm import CPUS, Slurm, why_not
from tests.running import LIVE, Mlrun, find_paths, until

WORK = """
import os, signal, sys, time
from azureml.core import Run
run = Run.get_context()
run.log("visible", len(os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")))
print("job", os.environ["SLURM_JOB_ID"], "with", os.environ.get("LOADED"), flush=True)
sys.exit(int(sys.argv[1]))
"""
WAIT = """
import signal, sys, time
def stop(*_):
    print("asked to stop", flush=True)
    sys.exit(7)
signal.signal(signal.SIGTERM, stop)
print("waits", flush=True)
time.sleep(600)
"""
ONCE = """
import os, time
from azureml.core import Run
attempt = int(os.environ.get("SLURM_RESTART_COUNT", 0))
Run.get_context().log("attempt", attempt)
print("attempt", attempt, flush=True)
if not attempt:
    time.sleep(600)
"""

LOSES_ITS_SUPERVISOR = """
import os, signal, time
print("attempt", os.environ.get("SLURM_RESTART_COUNT", 0), flush=True)
if "SLURM_RESTART_COUNT" in os.environ:
    os.kill(os.getppid(), signal.SIGKILL)
time.sleep(600)
"""

YIELDING = """
import os, signal, time
attempt = int(os.environ.get("SLURM_RESTART_COUNT", 0))
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
print("attempt", attempt, flush=True)
if not attempt:
    time.sleep(600)
"""

GREEDY = """
import time
print("begins", flush=True)
filler = b"x" * 300_000_000
time.sleep(600)
"""
MEMORY_LIMITS = """\
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
"""


@pytest.fixture
def cluster(slurm: Slurm, slurm_mlrun: Mlrun) -> Iterator[Mlrun]:
    """Return a command with a target `slurm`."""
    shared = slurm_mlrun.folder.parent / "shared"
    attach = ("computetarget", "attach", "slurm", "-n", "slurm", "--shared-folder", str(shared), "--no-check")
    slurm_mlrun(*attach, "--setup", "export LOADED=cuda", "--cpus-per-task", "1")
    yield slurm_mlrun
    slurm.cancel_all()


def submit(mlrun: Mlrun, *words: str) -> str:
    return mlrun.submit("--ct", "slurm", *words)


def wait_for_line(mlrun: Mlrun, run_id: str, line: str) -> None:
    log = mlrun.run_folder(run_id) / "artifacts" / "user_logs" / "std_log.txt"
    until(lambda: log.exists() and line in log.read_text(encoding="utf-8"))


def wait_for_end(mlrun: Mlrun, run_id: str) -> dict[str, Any]:
    return until(lambda: record if (record := mlrun.show(run_id))["status"] not in LIVE else None)


def job_id(mlrun: Mlrun, run_id: str) -> str:
    text: str = mlrun.show(run_id)["properties"]["slurm_job_id"]
    return text


@pytest.mark.promises("slurm", "status", "logs, values", "GPUs")
def test_a_run_is_a_job_with_its_gpus_setup_and_values(slurm: Slurm, cluster: Mlrun) -> None:
    cluster.script(WORK)
    good = submit(cluster, "--gpus", "2", "train.py", "0")
    bad = submit(cluster, "train.py", "3")
    record = wait_for_end(cluster, good)
    assert record["status"] == "Completed", record["error"]
    assert cluster.metrics(good) == {"visible": 2}
    number = record["properties"]["slurm_job_id"]
    assert f"job {number} with cuda" in cluster("run", "monitor-logs", "-r", good).stdout
    assert slurm("squeue", "-h", "-t", "all", "-j", number, "-o", "%j %k") == f"{good} default"
    failed = wait_for_end(cluster, bad)
    assert (failed["status"], failed["exit_code"]) == ("Failed", 3)


@pytest.mark.usefixtures("slurm")
def test_what_slurm_refuses_is_the_error_of_the_submission(cluster: Mlrun) -> None:
    cluster.script(WORK)
    refused = cluster.fails("run", "submit-script", "--ct", "slurm", "--gpus", "99", "train.py", "0", exit_code=1)
    assert refused.code == "EngineRefused"
    assert "Requested node configuration is not available" in refused.message


@pytest.mark.promises("slurm", "status", "cancel")
def test_a_queued_run_says_why_it_waits_and_can_be_canceled(slurm: Slurm, cluster: Mlrun) -> None:
    cluster.script(WAIT)
    for node in ("n1", "n2"):
        slurm.wait_for_state(slurm.submit("sleep 600", f"--nodelist={node}", f"--cpus-per-task={CPUS}"), "RUNNING")
    run_id = submit(cluster, "train.py")
    number = job_id(cluster, run_id)
    record = until(lambda: seen if "Resources" in (seen := cluster.show(run_id)).get("waiting_for", "") else None)
    assert (record["status"], record["waiting_for"]) == ("Queued", f"Slurm {number}: Resources")
    assert cluster.fails("computetarget", "detach", "-n", "slurm").code == "InUse"
    cluster("run", "cancel", "-r", run_id)
    assert wait_for_end(cluster, run_id)["status"] == "Canceled"
    until(lambda: slurm.job_state(number) == "CANCELLED")


@pytest.mark.promises("slurm", "status", "cancel")
def test_ends_that_others_bring_about(slurm: Slurm, cluster: Mlrun) -> None:
    cluster.script(WAIT)
    canceled, ended, lost = (submit(cluster, "train.py") for _ in range(3))
    for run_id in (canceled, ended, lost):
        wait_for_line(cluster, run_id, "waits")
    cluster("run", "cancel", "-r", canceled)
    slurm("scancel", job_id(cluster, ended))
    record = wait_for_end(cluster, canceled)
    assert record["status"] == "Canceled"
    wait_for_line(cluster, canceled, "asked to stop")
    assert wait_for_end(cluster, ended)["status"] == "Canceled"
    slurm("scontrol", "update", f"jobid={job_id(cluster, lost)}", "requeue=0")
    node = slurm("squeue", "-h", "-j", job_id(cluster, lost), "-o", "%N")
    slurm.kill_node(node)
    slurm.mark_node_down(node)
    record = wait_for_end(cluster, lost)
    assert record["status"] == "Failed"
    assert "NODE_FAIL" in record["error"]["error"]["message"]


def attach_spare(cluster: Mlrun) -> None:
    """Attach a target `spare` whose jobs others preempt."""
    place = ("--shared-folder", str(cluster.folder.parent / "spare"), "--partition", "spare", "--no-check")
    cluster("computetarget", "attach", "slurm", "-n", "spare", *place, "--sbatch-option=--nodelist=n2")


def requeue(slurm: Slurm, number: str) -> None:
    """Requeue a job, and have it start again soon.

    Slurm lets a requeued job wait for two minutes, and does not start it in the second in which it was stopped.
    """
    slurm("scontrol", "requeue", number)
    until(lambda: "JobState=PENDING" in slurm("scontrol", "show", "job", number))
    slurm("scontrol", "update", f"jobid={number}", "starttime=now+3")


@pytest.mark.kill
def test_a_script_that_ends_well_when_its_job_is_requeued_is_started_again(slurm: Slurm, cluster: Mlrun) -> None:
    cluster.script(YIELDING)
    run_id = submit(cluster, "train.py")
    wait_for_line(cluster, run_id, "attempt 0")
    requeue(slurm, job_id(cluster, run_id))
    record = wait_for_end(cluster, run_id)
    assert record["status"] == "Completed", record["error"]
    wait_for_line(cluster, run_id, "attempt 1")


@pytest.mark.kill
def test_a_job_that_uses_more_memory_than_it_has_says_so(tmp_path: Path) -> None:
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)
    (tmp_path / "slurm").mkdir()
    with ExitStack() as stack:
        slurm = Slurm(tmp_path / "slurm", settings=MEMORY_LIMITS)
        stack.callback(slurm.close)
        mlrun = Mlrun(tmp_path)
        stack.callback(mlrun.close)
        mlrun.environment.update(slurm.environment)
        attach = ("computetarget", "attach", "slurm", "-n", "slurm", "--shared-folder", str(tmp_path / "shared"))
        mlrun(*attach, "--no-check", "--memory", "150M")
        mlrun.script(GREEDY)
        record = wait_for_end(mlrun, submit(mlrun, "train.py"))
    error = record["error"]["error"]
    assert (record["status"], error["innerError"]["code"]) == ("Failed", "OutOfMemory"), record
    assert "memory limit" in error["message"]


@pytest.mark.kill
def test_what_slurm_says_of_an_earlier_start_does_not_explain_the_end_of_a_later_one(
    slurm: Slurm, cluster: Mlrun
) -> None:
    cluster.script(LOSES_ITS_SUPERVISOR)
    run_id = submit(cluster, "train.py")
    wait_for_line(cluster, run_id, "attempt 0")
    shared = cluster.folder.parent / "shared"
    (log,) = find_paths(shared, f"{run_id}/artifacts/system_logs/supervisor.log")
    with log.open("a", encoding="utf-8") as file:
        file.write("slurmstepd: error: Detected 1 oom_kill event in StepId=7.batch.\n")
    requeue(slurm, job_id(cluster, run_id))
    record = wait_for_end(cluster, run_id)
    wait_for_line(cluster, run_id, "attempt 1")
    error = record["error"]["error"]
    assert (record["status"], error["innerError"]["code"]) == ("Failed", "SupervisorDied"), record


@pytest.mark.kill
@pytest.mark.parametrize("script", [WAIT, YIELDING], ids=["late", "at once"])
def test_a_job_that_another_preempts_is_told_so(slurm: Slurm, cluster: Mlrun, script: str) -> None:
    attach_spare(cluster)
    cluster.script(script)
    run_id = cluster.submit("--ct", "spare", "train.py")
    until(lambda: cluster.log(run_id))
    slurm.submit("sleep 600", "--nodelist=n2", f"--cpus-per-task={CPUS}")
    record = wait_for_end(cluster, run_id)
    assert record["status"] == "Failed"
    assert "PREEMPTED" in record["error"]["error"]["message"]


@pytest.mark.promises("slurm", "a supervisor that dies")
def test_a_requeued_job_goes_on_as_the_same_run(slurm: Slurm, cluster: Mlrun) -> None:
    cluster.script(ONCE)
    run_id = submit(cluster, "train.py")
    wait_for_line(cluster, run_id, "attempt 0")
    requeue(slurm, job_id(cluster, run_id))
    record = wait_for_end(cluster, run_id)
    assert record["status"] == "Completed", record["error"]
    assert cluster.metrics(run_id) == {"attempt": [0, 1]}
    wait_for_line(cluster, run_id, "attempt 1")


def test_the_time_limit_that_the_sdk_sets_by_itself_is_not_that_of_the_job(cluster: Mlrun) -> None:
    cluster.script("print('here')")
    cluster.script(
        """
        from azureml.core import Experiment, ScriptRunConfig, Workspace

        config = ScriptRunConfig(source_directory=".", script="train.py", compute_target="slurm")
        run = Experiment(Workspace.from_config(), "exp").submit(config)
        run.wait_for_completion()
        print(run.get_status())
    """,
        "driver.py",
    )
    assert cluster.python("driver.py").splitlines()[-1] == "Completed"


def test_without_an_answer_a_submit_ends_with_an_error(slurm: Slurm, cluster: Mlrun) -> None:
    cluster.script(WORK)
    cluster.environment.update(slurm.write_client_configuration(1))
    slurm.signal_controller(signal.SIGSTOP)
    try:
        failure = cluster.fails("run", "submit-script", "--ct", "slurm", "train.py", "0", exit_code=1)
        assert failure.code == "SubmitUnanswered"
    finally:
        slurm.signal_controller(signal.SIGCONT)


def test_a_run_starts_at_its_time_and_behind_others_as_it_was_submitted(slurm: Slurm, cluster: Mlrun) -> None:
    cluster.script(WORK)
    later = submit(cluster, "--begin", "+1h", "--priority", "low", "train.py", "0")
    number = job_id(cluster, later)
    assert slurm("squeue", "-h", "-j", number, "-O", "Nice").strip() == "10000"
    until(lambda: slurm("squeue", "-h", "-j", number, "-o", "%r") == "BeginTime")
    assert "begin" in cluster.show(later)["waiting_for"]
    assert cluster.show(later)["status"] == "Queued"
    slurm("scontrol", "update", f"jobid={number}", "starttime=now")
    record = wait_for_end(cluster, later)
    assert record["status"] == "Completed", record["error"]
    soon = submit(cluster, "--begin", "+2s", "train.py", "0")
    assert wait_for_end(cluster, soon)["status"] == "Completed"
    failed, soon = (submit(cluster, "--begin", "+4s", "train.py", code) for code in "30")
    after = submit(cluster, "--after", soon, "--begin", "+1s", "train.py", "0")
    never = submit(cluster, "--after", failed, "train.py", "0")
    assert wait_for_end(cluster, after)["status"] == "Completed"
    assert wait_for_end(cluster, never)["status"] == "Canceled"
    assert job_id(cluster, after) and "slurm_job_id" not in cluster.show(never)["properties"]


@pytest.mark.kill
def test_a_requeued_job_goes_on_with_its_attempts(slurm: Slurm, cluster: Mlrun) -> None:
    cluster.script(
        """
        import os, sys, time

        attempt, restarts = os.environ["MLRUN_ATTEMPT"], os.environ.get("SLURM_RESTART_COUNT", "0")
        print("attempt", attempt, "restart", restarts, flush=True)
        if (attempt, restarts) == ("2", "0"):
            time.sleep(600)
        sys.exit(0 if attempt == "3" else 75)
        """
    )
    run_id = submit(cluster, "--retry", "2", "train.py")
    wait_for_line(cluster, run_id, "attempt 2 restart 0")
    requeue(slurm, job_id(cluster, run_id))
    record = wait_for_end(cluster, run_id)
    assert record["status"] == "Completed", record["error"]
    assert [(each["number"], each["exit_code"]) for each in record["attempts"]] == [(1, 75), (2, 75), (3, 0)]
    wait_for_line(cluster, run_id, "attempt 2 restart 1")
    wait_for_line(cluster, run_id, "attempt 3 restart 1")
