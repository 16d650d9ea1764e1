"""GPUs of one machine, allocated by the dispatchers of several workspaces and users."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.running import Mlrun, make_nvidia_smi, until

_USERS = (61001, 61002)
needs_users = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be others")

WORK = """
    import os, time
    print(os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
    while not os.path.exists(os.environ["GO"]):
        time.sleep(0.01)
"""
TAKE = """
import sys
from mlrun_cli.processes.gpu_locks import ensure_lock_folder
from mlrun_cli.processes.gpu_allocator import GpuAllocator

allocator = GpuAllocator()
for line in sys.stdin:
    if line == "back\\n":
        lease.close()
        print("back", flush=True)
    else:
        allocated = allocator.allocate(1, None)
        lease = allocated or lease
        print("none" if allocated is None else ",".join(allocated.gpus), flush=True)
"""


@pytest.fixture
def root() -> Iterator[Path]:
    """A folder that is open to every user, as that of pytest is not."""
    folder = Path(tempfile.mkdtemp(prefix="gpus-"))
    folder.chmod(0o1777)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def machine(root: Path) -> Path:
    """The folder of an `nvidia-smi` that tells of two GPUs."""
    return make_nvidia_smi(root, 2)


@pytest.fixture
def shared(root: Path) -> Path:
    """The folder of the machine's locks, which is not there yet."""
    return root / "machine"


@pytest.fixture
def mlruns(root: Path, machine: Path, shared: Path) -> Iterator[list[Mlrun]]:
    """Two homes on one machine."""
    made = []
    for name in ("one", "two"):
        (root / name).mkdir()
        mlrun = Mlrun(root / name)
        path = f"{machine}:{mlrun.environment['PATH']}"
        mlrun.environment.update(PATH=path, MLRUN_MACHINE=str(shared), GO=str(root / "go"))
        mlrun.environment.pop("CUDA_VISIBLE_DEVICES", None)
        mlrun.script(WORK)
        made.append(mlrun)
    yield made
    for mlrun in made:
        mlrun.close()


def gpus(mlrun: Mlrun, run_id: str) -> str:
    """Those that a run has, by its own account."""
    return until(lambda: mlrun.log(run_id).strip())


def wait_until_running(mlrun: Mlrun, run_id: str) -> None:
    """Wait by the user's own command: files that root makes beside a store are for a moment not the user's."""
    until(lambda: mlrun.show(run_id)["status"] == "Running")


def submit(mlrun: Mlrun, count: int) -> str:
    return mlrun.submit("--gpus", str(count), "train.py")


@pytest.mark.promises("local", "GPUs")
def test_workspaces_lend_each_gpu_of_the_machine_once_and_a_run_tells_which_it_had(mlruns: list[Mlrun]) -> None:
    one, two = mlruns
    first, second = submit(one, 1), submit(two, 1)
    for mlrun, run_id in ((one, first), (two, second)):
        mlrun.wait_for_status(run_id, "Running")
    assert {gpus(one, first), gpus(two, second)} == {"0", "1"}
    waiting = submit(two, 1)
    assert two.show(waiting)["waiting_for"] == "1 free GPU needed"
    assert "gpus" not in two.show(waiting)
    assert one.show(first)["gpus"] == [gpus(one, first)]
    one("run", "cancel", "-r", first)
    until(lambda: two.stored_status(waiting) == "Running")  # without anybody who looks
    assert gpus(two, waiting) == gpus(one, first)
    Path(one.environment["GO"]).touch()
    assert [two.wait(run_id)["status"] for run_id in (second, waiting)] == ["Completed"] * 2
    assert two.show(waiting)["gpus"] == one.show(first)["gpus"]


def test_a_gpu_that_a_process_uses_which_was_lent_none_is_left_to_it(mlruns: list[Mlrun], machine: Path) -> None:
    mlrun = mlruns[0]
    (machine / "compute-apps").write_text("GPU-0, python\n", encoding="utf-8")
    run_ids = [submit(mlrun, 1), submit(mlrun, 1)]
    mlrun.wait_for_status(run_ids[0], "Running")
    assert gpus(mlrun, run_ids[0]) == "1"
    assert mlrun.show(run_ids[1])["status"] == "Queued"
    (machine / "compute-apps").write_text("", encoding="utf-8")
    mlrun.wait_for_status(run_ids[1], "Running")
    assert gpus(mlrun, run_ids[1]) == "0"


def test_a_smaller_request_passes_a_larger_one_as_often_as_that_needs_gpus_and_no_more(mlruns: list[Mlrun]) -> None:
    mlrun = mlruns[0]
    holder = submit(mlrun, 1)
    mlrun.wait_for_status(holder, "Running")
    large = submit(mlrun, 2)
    small = [submit(mlrun, 1) for _ in range(4)]
    for number in range(2):
        mlrun.wait_for_status(small[number], "Running")
        assert [mlrun.stored_status(run_id) for run_id in (large, *small[number + 1 :])] == ["Queued"] * (4 - number)
        mlrun("run", "cancel", "-r", small[number])
    # What is free now is left for the larger one: whoever submits has the queue looked at.
    small.append(submit(mlrun, 1))
    mlrun("run", "list")
    assert [mlrun.stored_status(run_id) for run_id in (large, *small[2:])] == ["Queued"] * 4
    mlrun("run", "cancel", "-r", holder)
    mlrun.wait_for_status(large, "Running")
    Path(mlrun.environment["GO"]).touch()
    assert {mlrun.wait(run_id)["status"] for run_id in (large, *small[2:])} == {"Completed"}


def as_user(user: int) -> list[str]:
    """The words in front of a command that another user calls, who can read where the tests' own Python lies."""
    reading = [f"--{kind}-caps=+dac_read_search" for kind in ("inh", "ambient")]
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *reading]


@needs_users
def test_two_users_are_lent_different_gpus_fifty_times_in_a_row(shared: Path, machine: Path) -> None:
    environment = {**os.environ, "PATH": f"{machine}:{os.environ['PATH']}", "MLRUN_MACHINE": str(shared)}
    with ExitStack() as stack:
        users = []
        for user in _USERS:
            words = [*as_user(user), sys.executable, "-c", TAKE]
            program = subprocess.Popen(
                words, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
            )
            users.append(stack.enter_context(program))
        threads = stack.enter_context(ThreadPoolExecutor())

        def told(word: str) -> list[str]:
            return list(threads.map(lambda user: tell(user, word), users))

        for _ in range(50):
            assert sorted(told("lend")) == ["0", "1"]
            assert tell(users[0], "lend more") == "none"
            assert told("back") == ["back"] * 2
    assert stat.S_IMODE(shared.stat().st_mode) == 0o1777
    assert {stat.S_IMODE(path.stat().st_mode) for path in shared.iterdir()} == {0o644}
    assert shared.stat().st_uid in _USERS


def tell(program: subprocess.Popen[str], word: str) -> str:
    assert program.stdin is not None
    assert program.stdout is not None
    program.stdin.write(f"{word}\n")
    program.stdin.flush()
    return program.stdout.readline().strip()


@needs_users
def test_the_runs_of_two_users_have_different_gpus(mlruns: list[Mlrun]) -> None:
    run_ids = []
    for user, mlrun in zip(_USERS, mlruns, strict=True):
        for path in (mlrun.folder.parent, *mlrun.folder.parent.rglob("*")):
            os.chown(path, user, user, follow_symlinks=False)
        mlrun.command = [*as_user(user), *mlrun.command]
        run_ids.append(submit(mlrun, 1))
        wait_until_running(mlrun, run_ids[-1])
    waiting = submit(mlruns[1], 1)
    assert sorted(map(gpus, mlruns, run_ids)) == ["0", "1"]
    assert mlruns[1].show(waiting)["status"] == "Queued"
    for mlrun, run_id in zip(mlruns, run_ids, strict=True):
        assert os.stat(f"/proc/{mlrun.supervisor(run_id)}").st_uid == mlrun.folder.stat().st_uid
