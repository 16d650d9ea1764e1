"""Dispatchers of queues: who calls them, the files that they may open, and what they pass on to runs."""

from __future__ import annotations

import ctypes
import fcntl
import os
import resource
import shutil
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.faults.gates import locked
from tests.faults.queues import WORK, dispatchers, ended, fork_servers, go, make_target, started, submit
from tests.running import COMMAND, Mlrun, kill, until
from tests.sdk.driving import drive

# Of the kernel's inotify.
IN_MODIFY, IN_CLOSE_WRITE = 2, 8


class Changes:
    """What the kernel tells of changes of files, in their order."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None)
        self._descriptor = self._libc.inotify_init1(os.O_CLOEXEC)

    def watch(self, path: Path, mask: int) -> int:
        """From now on; the number of the file."""
        return int(self._libc.inotify_add_watch(self._descriptor, os.fsencode(path), mask))

    def first(self) -> int:
        """The number of the file that was changed first."""
        number, *_ = struct.unpack_from("iIII", os.read(self._descriptor, 4096))
        os.close(self._descriptor)
        return int(number)


def has_open_for_writing(pid: int, path: Path) -> bool:
    """Whether a process has a file open for writing."""
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed since
            if descriptor.readlink() == path:
                words = Path(f"/proc/{pid}/fdinfo/{descriptor.name}").read_text("ascii").split()
                if int(words[words.index("flags:") + 1], 8) & os.O_ACCMODE:
                    return True
    return False


@contextmanager
def taken_queue(mlrun: Mlrun, target: str) -> Iterator[socket.socket]:
    """Be the dispatcher of a target in place of whoever is; the socket it is called by."""
    folder = mlrun.database.parent / "queues" / target
    before = Path.cwd()
    with (folder / "lock").open("r+b") as lock, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:

        def take_over() -> bool:
            kill(*dispatchers(mlrun))
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:  # a supervisor has started another one meanwhile
                return False
            return True

        until(take_over)
        (folder / "socket").unlink(missing_ok=True)
        os.chdir(folder)  # its path may be too long for an address
        listener.bind("socket")
        os.chdir(before)
        listener.setblocking(False)
        yield listener
        (folder / "socket").unlink()


def test_a_submitter_lets_go_of_the_lock_before_the_run_is_in_the_queue(mlrun: Mlrun, order: Path) -> None:
    with locked(mlrun.database):
        submitting = mlrun.start("run", "submit-script", "--async", "--ct", "cpu-cluster", "train.py")
        (folder,) = until(lambda: [path.parent for path in mlrun.database.parent.glob("runs/*/environment.json")])
        log = mlrun.database.with_name("workspace.db-wal")
        # Until then, the process that locks the store may be the last to close it, which removes the log.
        until(lambda: has_open_for_writing(submitting.pid, log))
        changes = Changes()
        lock = changes.watch(folder / "lock", IN_CLOSE_WRITE)
        changes.watch(log, IN_MODIFY)
    submitting.communicate()
    assert changes.first() == lock
    go(order)
    assert ended(mlrun, [folder.name]) == ["Completed"]


@pytest.mark.parametrize("is_gone", [False, True])
def test_a_run_whose_lock_somebody_holds_is_started_when_it_is_free_and_one_without_a_folder_fails(
    mlrun: Mlrun, order: Path, is_gone: bool
) -> None:
    run_ids = [submit(mlrun) for _ in range(3)]
    until(lambda: len(started(order)) == 2)
    with (mlrun.run_folder(run_ids[2]) / "lock").open("r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        go(order)
        assert ended(mlrun, [*run_ids[:2], submit(mlrun)]) == ["Completed"] * 3  # so it has had its turn
        assert mlrun.stored_status(run_ids[2]) == "Queued"
        if is_gone:
            shutil.rmtree(mlrun.run_folder(run_ids[2]))
    last = submit(mlrun)  # a call
    assert ended(mlrun, [run_ids[2], last]) == ["Failed" if is_gone else "Completed", "Completed"]


def test_a_dispatcher_without_files_to_open_gives_no_run_up(mlrun: Mlrun, order: Path) -> None:
    run_ids = [submit(mlrun) for _ in range(3)]
    until(lambda: len(started(order)) == 2)
    (dispatcher,) = dispatchers(mlrun)
    limits = resource.prlimit(dispatcher, resource.RLIMIT_NOFILE)
    resource.prlimit(dispatcher, resource.RLIMIT_NOFILE, (4, limits[1]))
    log = mlrun.database.parent / "queues" / "cpu-cluster" / "dispatcher.log"
    go(order)
    until(lambda: f"{run_ids[2]} waits" in log.read_text())
    assert ended(mlrun, run_ids[:2]) == ["Completed"] * 2
    assert mlrun.stored_status(run_ids[2]) == "Queued"
    resource.prlimit(dispatcher, resource.RLIMIT_NOFILE, limits)
    assert ended(mlrun, [*run_ids, submit(mlrun)]) == ["Completed"] * 4


def test_a_dispatcher_has_as_many_files_as_it_may_and_its_scripts_as_many_as_their_submitter(
    mlrun: Mlrun, order: Path
) -> None:
    mlrun.script(f"{WORK}    import resource; print(resource.getrlimit(resource.RLIMIT_NOFILE))\n")
    mlrun.command = ["prlimit", "--nofile=300:2000", *mlrun.command]
    run_ids = [submit(mlrun) for _ in range(4)]
    until(lambda: len(started(order)) == 2)
    (dispatcher,) = dispatchers(mlrun)
    assert resource.prlimit(dispatcher, resource.RLIMIT_NOFILE) == (2000, 2000)
    kill(*fork_servers(mlrun))
    until(lambda: not fork_servers(mlrun))
    go(order)
    assert ended(mlrun, run_ids) == ["Completed"] * 4
    assert {mlrun.log(run_id) for run_id in run_ids} == {"(300, 2000)\n"}


def test_dispatchers_that_fail_at_once_are_started_now_and_then_and_what_waits_says_so(
    mlrun: Mlrun, order: Path
) -> None:
    folder = mlrun.database.parent / "queues" / "cpu-cluster"
    in_the_way, lock, log = folder / "socket", folder / "lock", folder / "dispatcher.log"
    in_the_way.mkdir(parents=True)
    run_id = submit(mlrun)

    def tried() -> tuple[str, int]:
        """What the run waits for by a look at it, and how many dispatchers have failed by now."""
        waiting_for = mlrun.show(run_id)["waiting_for"]
        return waiting_for, until_all_failed()

    def until_all_failed() -> int:
        """How many dispatchers have failed, once all that were started have: the lock has a byte for each."""
        return until(lambda: failed if (failed := log.read_text().count("Traceback")) == lock.stat().st_size else 0)

    def delay_the_next() -> None:
        just_now = time.time() + 8  # which leaves this test more time
        os.utime(lock, (just_now, just_now))

    assert tried()[0] == "0 of the 2 nodes of 'cpu-cluster' taken"
    told, failed = until(lambda: seen if "fail" in (seen := tried())[0] else None)
    assert str(log) in told and told.endswith(", 0 of the 2 nodes of 'cpu-cluster' taken")
    delay_the_next()
    assert tried()[1] == failed
    delay_the_next()
    assert submit(mlrun) != run_id
    delay_the_next()
    assert tried()[1] == failed
    os.utime(lock, (2**32, 2**32))  # the clock has been set back
    assert tried()[1] == failed + 1
    in_the_way.rmdir()
    os.utime(lock, (0, 0))
    go(order)
    assert ended(mlrun, [run_id]) == ["Completed"]
    assert lock.stat().st_size == 0


@pytest.mark.parametrize("who", ["cancel", "create", "update"])
def test_whoever_makes_room_calls_the_dispatcher(mlrun: Mlrun, order: Path, who: str) -> None:
    run_ids = [submit(mlrun) for _ in range(4)]
    until(lambda: len(started(order)) == 2)
    with taken_queue(mlrun, "cpu-cluster") as calls:
        if who == "cancel":
            mlrun("run", "cancel", "-r", run_ids[2])
        else:
            more = {
                "create": "ComputeTarget.create(workspace, 'cpu-cluster', three)",
                "update": "ComputeTarget(workspace, 'cpu-cluster').update(max_nodes=3)",
            }
            drive(
                mlrun,
                f"""
                from azureml.core.compute import AmlCompute, ComputeTarget
                three = AmlCompute.provisioning_configuration("any", max_nodes=3)
                workspace = Workspace.from_config()
                {more[who]}
                """,
            )
        assert calls.recv(64)
    go(order)
    third = "Canceled" if who == "cancel" else "Completed"
    assert ended(mlrun, run_ids) == ["Completed", "Completed", third, "Completed"]  # this look starts a dispatcher
    assert len(started(order)) == (3 if who == "cancel" else 4)


def test_a_run_has_the_umask_and_the_niceness_of_its_submitter_whoever_started_the_dispatcher(
    mlrun: Mlrun, order: Path
) -> None:
    make_target(mlrun, "single", 1)
    mlrun.script(f"{WORK}    open('outputs/a', 'w').close()\n    print(os.nice(0))\n")
    run_ids = []
    for start in ("umask 022; exec", "umask 077; exec", "umask 002; exec nice -n 5"):
        mlrun.command = ["sh", "-c", f'{start} "$0" "$@"', str(COMMAND)]
        run_ids += [mlrun.submit("--ct", target, "train.py") for target in ("single", "local")]
        until(lambda: started(order))  # the dispatcher is that of the first
    go(order)
    assert ended(mlrun, run_ids) == ["Completed"] * 6
    modes = [(mlrun.run_folder(run_id) / "work/outputs/a").stat().st_mode & 0o777 for run_id in run_ids]
    assert list(map(oct, modes)) == ["0o644", "0o644", "0o600", "0o600", "0o664", "0o664"]
    niceness = os.nice(0)
    assert [int(mlrun.log(run_id)) - niceness for run_id in run_ids] == [0, 0, 0, 0, 5, 5]
