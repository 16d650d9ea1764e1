"""GPUs that are lent to queued runs, one run at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults.queues import WORK, dispatchers, ended, fork_servers, go, started
from tests.running import COMMAND, Mlrun, kill, make_nvidia_smi, until


def give_gpus(mlrun: Mlrun, visible: str, *, there: int = 10) -> None:
    """Have the machine tell of so many GPUs, and the calls see some of them."""
    mlrun.environment["PATH"] = f"{make_nvidia_smi(mlrun.folder.parent, there)}:{mlrun.environment['PATH']}"
    mlrun.environment["CUDA_VISIBLE_DEVICES"] = visible


def test_gpus_are_lent_to_one_run_at_a_time(mlrun: Mlrun, order: Path) -> None:
    give_gpus(mlrun, "0,1,7")
    mlrun.script(f"{WORK}    print(os.environ['CUDA_VISIBLE_DEVICES'])\n")
    run_ids = [mlrun.submit("--gpus", number, "train.py") for number in ("2", "1", "1", "3")]
    until(lambda: len(started(order)) == 2)
    (waiting,) = mlrun.json("run", "list", "--last", "1", "--query", "[?run_number==`4`]")
    assert (waiting["status"], waiting["waiting_for"]) == ("Queued", "1 run before it, 3 free GPUs needed")
    go(order)
    assert ended(mlrun, run_ids) == ["Completed"] * 4
    lent = [mlrun.log(run_id).strip() for run_id in run_ids]
    assert (lent[:2], lent[3]) == (["0,1", "7"], "0,1,7")
    assert lent[2] in {"0", "7"}


def test_gpus_are_lent_of_those_that_the_submitter_may_use_whoever_calls_the_dispatcher(
    mlrun: Mlrun, order: Path
) -> None:
    mlrun.environment["PATH"] = f"{make_nvidia_smi(mlrun.folder.parent, 4)}:{mlrun.environment['PATH']}"
    mlrun.script(f"{WORK}    print(os.environ['CUDA_VISIBLE_DEVICES'])\n")
    run_ids = []
    for visible in ("3", "GPU-3,1", "3", None):
        if visible is None:
            del mlrun.environment["CUDA_VISIBLE_DEVICES"]
        else:
            mlrun.environment["CUDA_VISIBLE_DEVICES"] = visible
        run_ids.append(mlrun.submit("--gpus", "1", "train.py"))
    until(lambda: len(started(order)) == 3)
    assert mlrun.show(run_ids[2])["status"] == "Queued"  # the last may have others
    go(order)
    assert ended(mlrun, run_ids) == ["Completed"] * 4
    assert [mlrun.log(run_id).strip() for run_id in run_ids] == ["3", "1", "3", "0"]


def test_a_parent_that_holds_the_gpus_is_told_so_and_others_are_lent_to_its_child(mlrun: Mlrun) -> None:
    give_gpus(mlrun, "0,1")
    mlrun.script("import os; print(os.environ['CUDA_VISIBLE_DEVICES'])", "child.py")
    mlrun.script(f"""
        import subprocess, sys
        command = [{str(COMMAND)!r}, "run", "submit-script", "-w", "default", "-g", "default", "-e", "exp", "--async"]
        command += ["--gpus", sys.argv[1], "child.py"]
        print(subprocess.run(command, capture_output=True, text=True).stderr)
    """)
    for wanted in ("1", "2"):
        parent = mlrun.submit("--gpus", "1", "train.py", wanted)
        assert mlrun.wait(parent)["status"] == "Completed"
        is_told = f"The run {parent} itself holds 1 of the 2 GPUs that this one may have" in mlrun.log(parent)
        assert is_told == (wanted == "2")
        child = mlrun.json("run", "list", "--last", "1")[0]["run_id"]
        assert mlrun.wait(child)["status"] == "Completed"
        assert mlrun.log(child).strip() == ("1" if wanted == "1" else "0,1")


@pytest.mark.kill
@pytest.mark.usefixtures("order")
def test_no_gpu_is_lent_twice_at_once_whoever_is_killed(mlrun: Mlrun) -> None:
    give_gpus(mlrun, "0,1,2")
    mlrun.script("""
        import fcntl, os, time
        held = [open(f"{os.environ['ORDER']}.{name}", "w") for name in os.environ["CUDA_VISIBLE_DEVICES"].split(",")]
        for file in held:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        time.sleep(0.05)
        print(len(held))
    """)
    words = [("--gpus", "1", "train.py"), ("--gpus", "2", "--ct", "cpu-cluster", "train.py")] * 6
    with ThreadPoolExecutor(4) as pool:
        submitting = [pool.submit(mlrun.submit, *each) for each in words]
        for victims in (dispatchers, fork_servers) * 3:
            until(lambda: dispatchers(mlrun) or all(each.done() for each in submitting))
            kill(*victims(mlrun))
        run_ids = [each.result() for each in submitting]
    assert ended(mlrun, run_ids) == ["Completed"] * 12
    assert [mlrun.log(run_id).strip() for run_id in run_ids] == ["1", "2"] * 6


@pytest.mark.kill
@pytest.mark.parametrize("victim", ["supervisor", "dispatcher", "both"])
def test_gpus_come_back_when_who_holds_or_lends_them_is_killed(mlrun: Mlrun, order: Path, victim: str) -> None:
    give_gpus(mlrun, "3")
    mlrun.script(f"{WORK}    print(os.environ['CUDA_VISIBLE_DEVICES'])\n")
    holder, waiting = (mlrun.submit("--gpus", "1", "train.py") for _ in range(2))
    until(lambda: started(order) == [1])
    mlrun.wait_for_status(holder, "Running")
    if victim != "dispatcher":
        kill(mlrun.supervisor(holder))
    if victim != "supervisor":
        kill(*dispatchers(mlrun))
    if victim == "dispatcher":
        assert [mlrun.show(run_id)["status"] for run_id in (holder, waiting)] == ["Running", "Queued"]
    go(order)
    assert ended(mlrun, [holder, waiting]) == ["Completed" if victim == "dispatcher" else "Failed", "Completed"]
    assert mlrun.log(waiting) == "3\n"


@pytest.mark.skipif(Path("/proc/driver/nvidia/gpus").exists(), reason="they are there")
@pytest.mark.parametrize("visible", ["", "0,1"])
def test_gpus_that_are_not_there_are_refused(mlrun: Mlrun, visible: str) -> None:
    give_gpus(mlrun, visible, there=0)
    mlrun.script("")
    refused = mlrun.fails("run", "submit-script", "--gpus", "1", "train.py")
    assert refused.code == "NotEnoughGpus"
    assert refused.message.startswith("1 GPU ") and "--gpus" in refused.hint
