"""Runs that wait for a place on their target: in order, none twice, none lost, whoever dies."""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import re
import resource
import shutil
import signal
import socket
import struct
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from mlrun_cli.core.redaction import Redactor
from mlrun_cli.errors import StoreUnavailable
from mlrun_cli.runtime.queue import ensure_dispatchers
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import parse_locator
from tests.faults.gates import Fifo, away, locked
from tests.running import COMMAND, LIVE, Mlrun, is_alive, kill, make_nvidia_smi, service_error, until
from tests.sdk.driving import drive

# Of the kernel's inotify.
IN_MODIFY, IN_CLOSE_WRITE = 2, 8

# Runs until its file is there, and writes down when it starts.
WORK = """
    import os, sys, time
    with open(os.environ["ORDER"], "a") as order:
        order.write(f"{os.environ['MLRUN_RUN_NUMBER']}\\n")
    while not os.path.exists(f"{os.environ['ORDER']}.go"):
        time.sleep(0.01)
"""


@pytest.fixture
def order(mlrun: Mlrun) -> Path:
    """The file in which the runs write down that they have started."""
    make_target(mlrun, "cpu-cluster", 2)
    mlrun.script(WORK)
    path = mlrun.folder.parent / "order"
    path.touch()
    mlrun.environment["ORDER"] = str(path)
    return path


def make_target(mlrun: Mlrun, name: str, most: int) -> None:
    """Make a target with so many nodes."""
    mlrun("computetarget", "create", "amlcompute", "-n", name, "--max-nodes", str(most))


def submit(mlrun: Mlrun, *words: str) -> str:
    return mlrun.submit("--ct", "cpu-cluster", *(words or ("train.py",)))


def dispatchers(mlrun: Mlrun) -> list[int]:
    """The pids of the dispatchers of this home."""
    return mlrun.programs("dispatcher.py")


def fork_servers(mlrun: Mlrun) -> list[int]:
    """The pids of what the dispatchers of this home fork supervisors from."""
    return mlrun.programs("fork_server.py")


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


def kill_for_good(*pids: int) -> None:
    """Kill processes and wait until they are gone."""
    kill(*pids)
    until(lambda: not any(map(is_alive, pids)))


def started(order: Path) -> list[int]:
    return [int(line) for line in order.read_text().split()]


def go(order: Path) -> None:
    order.with_name("order.go").touch()


def give_gpus(mlrun: Mlrun, visible: str, *, there: int = 10) -> None:
    """Have the machine tell of so many GPUs, and the calls see some of them."""
    mlrun.environment["PATH"] = f"{make_nvidia_smi(mlrun.folder.parent, there)}:{mlrun.environment['PATH']}"
    mlrun.environment["CUDA_VISIBLE_DEVICES"] = visible


def ended(mlrun: Mlrun, run_ids: list[str]) -> list[str]:
    """Wait for their end; how each ended."""
    mlrun("run", "wait", *(word for run_id in run_ids for word in ("-r", run_id)), check=False)
    return [mlrun.stored_status(run_id) for run_id in run_ids]


def test_no_more_than_a_target_has_nodes_run_at_once_and_the_others_in_their_order(mlrun: Mlrun, order: Path) -> None:
    run_ids = [submit(mlrun) for _ in range(6)]
    until(lambda: len(started(order)) == 2)
    for run_id in run_ids[:2]:
        mlrun.wait_for_status(run_id, "Running")
    records = {record["run_id"]: record for record in mlrun.json("run", "list")}
    assert [records[run_id]["status"] for run_id in run_ids] == ["Running"] * 2 + ["Queued"] * 4
    assert records[run_ids[4]]["waiting_for"] == "2 runs before it, 2 of the 2 nodes of 'cpu-cluster' taken"
    assert mlrun.history(run_ids[4]) == ["NotStarted", "Queued"]
    go(order)
    assert ended(mlrun, run_ids) == ["Completed"] * 6
    assert sorted(started(order)) == [1, 2, 3, 4, 5, 6]
    assert set(started(order)[:2]) == {1, 2}
    assert set(started(order)[2:4]) <= {3, 4, 5}
    until(lambda: not dispatchers(mlrun))


def test_who_streams_a_queued_run_is_told_what_it_waits_for_and_when_that_changes(mlrun: Mlrun, order: Path) -> None:
    run_ids = [submit(mlrun) for _ in range(3)]
    until(lambda: len(started(order)) == 2)
    told = mlrun.folder.parent / "told"
    streamed = ["sh", "-c", 'exec "$0" "$@" 2>"$TOLD"', *mlrun.command, "run"]
    mlrun.environment["TOLD"] = str(told)
    with ThreadPoolExecutor() as threads:
        submitted = threads.submit(mlrun.run, *streamed, "submit-script", "--ct", "cpu-cluster", "train.py")
        try:
            until(lambda: told.exists() and "\nQueued: 1 run before it, 2 of the 2 nodes of " in told.read_text())
            mlrun("run", "cancel", "-r", run_ids[2])
            until(lambda: "\nQueued: 2 of the 2 nodes of 'cpu-cluster' taken.\n" in told.read_text())
        finally:
            go(order)
    assert submitted.result().returncode == 0


def test_a_queued_run_is_canceled_at_once_and_leaves_no_secrets(mlrun: Mlrun, order: Path) -> None:
    run_ids = [submit(mlrun) for _ in range(3)]
    until(lambda: len(started(order)) == 2)
    secrets = mlrun.run_folder(run_ids[2]) / "secrets.json"
    assert secrets.exists()
    assert mlrun.json("run", "cancel", "-r", run_ids[2])["status"] == "Canceled"
    assert not secrets.exists()
    go(order)
    assert ended(mlrun, run_ids) == ["Completed", "Completed", "Canceled"]
    assert sorted(started(order)) == [1, 2]


@pytest.mark.kill
def test_a_queue_outlives_its_dispatcher(mlrun: Mlrun, order: Path) -> None:
    run_ids = [submit(mlrun) for _ in range(4)]
    until(lambda: len(started(order)) == 2)
    kill(*dispatchers(mlrun))  # a supervisor may start another at any time
    statuses = [record["status"] for record in mlrun.json("run", "list")]
    assert statuses[:2] == ["Queued", "Queued"]
    assert set(statuses[2:]) <= {"Starting", "Running"}
    until(lambda: len(dispatchers(mlrun)) == 1)  # this look has started another
    kill(*dispatchers(mlrun))
    go(order)  # whoever ends a run calls it as well
    until(lambda: all(mlrun.stored_status(run_id) == "Completed" for run_id in run_ids))
    assert sorted(started(order)) == [1, 2, 3, 4]


@pytest.mark.kill
def test_a_queue_whose_dispatcher_was_killed_moves_without_anybody_who_looks(mlrun: Mlrun, order: Path) -> None:
    run_ids = [submit(mlrun) for _ in range(3)]
    until(lambda: len(started(order)) == 2)
    supervisor = mlrun.supervisor(run_ids[0])
    kill_for_good(*dispatchers(mlrun))
    kill(supervisor)  # which ends no run, and calls nobody
    until(lambda: len(started(order)) == 3)  # the supervisor of the other has started another dispatcher
    go(order)
    assert ended(mlrun, run_ids) == ["Failed", "Completed", "Completed"]


@pytest.mark.kill
def test_a_place_becomes_free_when_a_supervisor_is_killed(mlrun: Mlrun, order: Path) -> None:
    run_ids = [submit(mlrun) for _ in range(3)]
    until(lambda: len(started(order)) == 2)
    kill(mlrun.supervisor(run_ids[0]))
    until(lambda: len(started(order)) == 3)  # without anybody who looks
    go(order)
    assert ended(mlrun, run_ids) == ["Failed", "Completed", "Completed"]


@pytest.mark.kill
def test_many_at_once_and_dispatchers_that_die_lose_and_double_nothing(mlrun: Mlrun, order: Path) -> None:
    go(order)
    with ThreadPoolExecutor(8) as pool:
        submitting = [pool.submit(submit, mlrun) for _ in range(16)]
        for victims in (dispatchers, fork_servers) * 4:
            until(lambda: dispatchers(mlrun) or all(each.done() for each in submitting))
            kill(*victims(mlrun))
        run_ids = [each.result() for each in submitting]
    assert ended(mlrun, run_ids) == ["Completed"] * 16
    assert sorted(started(order)) == list(range(1, 17))


@pytest.mark.kill
def test_what_a_submitter_that_dies_has_put_into_the_queue_is_started_once(mlrun: Mlrun, order: Path) -> None:
    go(order)
    folders = mlrun.database.parent / "runs"
    for milliseconds in range(0, 64, 8):  # it dies while it fills its folder, writes its row or calls
        before = set(folders.iterdir())
        with mlrun.start("run", "submit-script", "--async", "--ct", "cpu-cluster", "train.py") as submitter:
            until(partial(lambda before: set(folders.iterdir()) - before, before))
            time.sleep(milliseconds / 1000)
            submitter.kill()
    rows = mlrun.stored("SELECT run_id, run_number FROM runs")
    assert ended(mlrun, [run_id for run_id, _ in rows]) == ["Completed"] * len(rows)
    assert sorted(started(order)) == sorted(number for _, number in rows)


@pytest.mark.kill
def test_a_queue_outlives_its_fork_server(mlrun: Mlrun, order: Path) -> None:
    run_ids = [submit(mlrun) for _ in range(5)]
    until(lambda: len(started(order)) == 2)
    kill(*fork_servers(mlrun))
    until(lambda: not fork_servers(mlrun))
    go(order)
    assert ended(mlrun, run_ids) == ["Completed"] * 5
    assert sorted(started(order)) == [1, 2, 3, 4, 5]
    log = (mlrun.database.parent / "queues" / "cpu-cluster" / "dispatcher.log").read_text()
    assert len(log.splitlines()) == 1, log


@pytest.mark.kill
def test_what_a_fork_server_was_told_and_does_not_do_is_done_once(mlrun: Mlrun, order: Path) -> None:
    run_ids = [submit(mlrun) for _ in range(5)]
    until(lambda: len(started(order)) == 2)
    kill(*fork_servers(mlrun), number=signal.SIGSTOP)
    go(order)
    assert ended(mlrun, run_ids) == ["Completed"] * 5
    assert sorted(started(order)) == [1, 2, 3, 4, 5]
    assert not fork_servers(mlrun)


@pytest.mark.kill
def test_a_run_whose_supervisors_all_die_before_they_begin_is_given_up_and_those_behind_it_go_on(
    mlrun: Mlrun, order: Path
) -> None:
    run_ids = [submit(mlrun) for _ in range(4)]
    until(lambda: len(started(order)) == 2)
    Fifo(mlrun.run_folder(run_ids[2]) / "submission.json")
    go(order)
    for _ in range(3):
        kill_for_good(mlrun.supervisor(run_ids[2]))
    assert ended(mlrun, run_ids) == ["Completed", "Completed", "Failed", "Completed"]
    assert service_error(mlrun.show(run_ids[2]), "SupervisorDied").startswith("3 supervisors ")
    assert not (mlrun.run_folder(run_ids[2]) / "secrets.json").exists()


def test_a_submitter_lets_go_of_the_lock_before_the_run_is_in_the_queue(mlrun: Mlrun, order: Path) -> None:
    with locked(mlrun.database):
        submitting = mlrun.start("run", "submit-script", "--async", "--ct", "cpu-cluster", "train.py")
        (folder,) = until(lambda: [path.parent for path in mlrun.database.parent.glob("runs/*/environment.json")])
        changes = Changes()
        lock = changes.watch(folder / "lock", IN_CLOSE_WRITE)
        changes.watch(mlrun.database.with_name("workspace.db-wal"), IN_MODIFY)
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


@pytest.mark.kill
def test_a_queue_outlives_the_absence_of_its_workspace(mlrun: Mlrun, order: Path) -> None:
    run_ids = [submit(mlrun) for _ in range(3)]
    until(lambda: len(started(order)) == 2)
    supervisor, folder = mlrun.supervisor(run_ids[0]), mlrun.database.parent
    with Workspace.connect(parse_locator(folder), redactor=Redactor()) as workspace, away(folder):
        kill(supervisor)  # has the dispatcher look
        until(lambda: not dispatchers(mlrun))
        with pytest.raises(StoreUnavailable):
            ensure_dispatchers(workspace)
        assert not folder.exists()
    go(order)
    assert ended(mlrun, run_ids) == ["Failed", "Completed", "Completed"]


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


@pytest.mark.kill
@pytest.mark.parametrize("victims", ["supervisor", "dispatcher", "fork server", "all"])
def test_a_run_whose_supervisor_has_not_yet_begun_is_started_once_whoever_is_killed(
    mlrun: Mlrun, order: Path, victims: str
) -> None:
    run_ids = [submit(mlrun) for _ in range(4)]
    until(lambda: len(started(order)) == 2)
    gate = Fifo(mlrun.run_folder(run_ids[2]) / "submission.json")
    mlrun("run", "cancel", "-r", run_ids[0])
    supervisor = mlrun.supervisor(run_ids[2])
    if victims in {"dispatcher", "all"}:
        kill(*dispatchers(mlrun))
    if victims in {"fork server", "all"}:
        kill(*fork_servers(mlrun))
    if victims in {"supervisor", "all"}:
        kill_for_good(supervisor)
    if victims == "supervisor":
        mlrun.supervisor(run_ids[2])  # the next one, which the dispatcher has started at once
    if victims != "all":
        gate.let_through()
    gate.restore()
    assert mlrun.show(run_ids[2])["status"] in LIVE  # this look starts another dispatcher where there is none
    go(order)
    assert ended(mlrun, run_ids) == ["Canceled", "Completed", "Completed", "Completed"]
    assert sorted(started(order)) == [1, 2, 3, 4]


def test_a_run_that_can_never_have_its_place_is_refused(mlrun: Mlrun, order: Path) -> None:
    runconfig = {"script": "train.py", "target": "cpu-cluster", "nodeCount": 3}
    (mlrun.folder / "large.runconfig").write_text(json.dumps(runconfig), encoding="utf-8")
    refused = mlrun.fails("run", "submit-script", "-c", "large")
    assert (refused.code, refused.target) == ("NotEnoughNodes", "cpu-cluster")
    assert re.search(r"nodeCount: 3 .*'cpu-cluster' .* 2\b", refused.message)
    assert started(order) == []


def test_a_target_with_more_nodes_than_can_be_counted_runs_all_that_is_sent_to_it(mlrun: Mlrun, order: Path) -> None:
    mlrun.execute("UPDATE compute_targets SET definition = replace(definition, ?, ?)", '": 2', f'": {10**20}')
    assert str(10**20) in mlrun("computetarget", "show", "-n", "cpu-cluster").stdout
    run_ids = [submit(mlrun) for _ in range(3)]
    until(lambda: len(started(order)) == 3)
    go(order)
    assert ended(mlrun, run_ids) == ["Completed"] * 3
    make_target(mlrun, "cpu-cluster", 1)


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
        until(lambda: not dispatchers(mlrun))
        return waiting_for, log.read_text().count("Traceback")

    assert tried()[0] == "0 of the 2 nodes of 'cpu-cluster' taken"
    told, failed = until(lambda: seen if "fail" in (seen := tried())[0] else None)
    assert str(log) in told and told.endswith(", 0 of the 2 nodes of 'cpu-cluster' taken")
    just_now = time.time() + 8  # which leaves this test more time
    os.utime(lock, (just_now, just_now))
    assert (tried()[1], submit(mlrun) != run_id, tried()[1]) == (failed, True, failed)
    os.utime(lock, (2**32, 2**32))  # the clock has been set back
    assert tried()[1] == failed + 1
    in_the_way.rmdir()
    os.utime(lock, (0, 0))
    go(order)
    assert ended(mlrun, [run_id]) == ["Completed"]
    assert lock.stat().st_size == 0


def test_what_would_take_a_place_from_those_that_wait_for_it_is_refused(mlrun: Mlrun, order: Path) -> None:
    runconfig = {"script": "train.py", "target": "cpu-cluster", "nodeCount": 2}
    (mlrun.folder / "both.runconfig").write_text(json.dumps(runconfig), encoding="utf-8")
    run_ids = [submit(mlrun), submit(mlrun, "-c", "both"), submit(mlrun, "-c", "both")]
    until(lambda: len(started(order)) == 1)
    assert [mlrun.show(run_id)["waiting_for"] for run_id in run_ids[1:]] == [
        "2 nodes needed, 1 of the 2 nodes of 'cpu-cluster' taken",
        "1 run before it, 2 nodes needed, 1 of the 2 nodes of 'cpu-cluster' taken",
    ]
    smaller = ("computetarget", "create", "amlcompute", "-n", "cpu-cluster", "--max-nodes", "1")
    refused = mlrun.fails(*smaller)
    assert (refused.code, refused.target) == ("InUse", "cpu-cluster")
    assert " 1 node," in refused.message and f": {run_ids[1]}, {run_ids[2]}." in refused.message
    assert f"'mlrun run cancel -r {run_ids[1]}'" in refused.hint
    mlrun("run", "cancel", "-r", run_ids[1], "-r", run_ids[2])
    mlrun(*smaller)
    go(order)
    assert ended(mlrun, run_ids) == ["Completed", "Canceled", "Canceled"]


def test_smaller_runs_pass_one_that_waits_for_more_nodes_as_often_as_it_needs_nodes(mlrun: Mlrun, order: Path) -> None:
    runconfig = {"script": "train.py", "target": "cpu-cluster", "nodeCount": 2}
    (mlrun.folder / "both.runconfig").write_text(json.dumps(runconfig), encoding="utf-8")
    holder, large = submit(mlrun), submit(mlrun, "-c", "both")
    small = [submit(mlrun) for _ in range(3)]
    for run_id in small[:2]:
        mlrun.wait_for_status(run_id, "Running")
        assert mlrun.stored_status(large) == "Queued"
        mlrun("run", "cancel", "-r", run_id)
    small.append(submit(mlrun))  # whoever submits has the queue looked at
    mlrun("run", "list")
    assert [mlrun.stored_status(run_id) for run_id in (holder, large, *small[2:])] == ["Running", *["Queued"] * 3]
    go(order)
    assert ended(mlrun, [holder, large, *small]) == ["Completed"] * 2 + ["Canceled"] * 2 + ["Completed"] * 2


def test_a_target_that_is_gone_has_no_places(mlrun: Mlrun, order: Path) -> None:
    run_ids = [submit(mlrun) for _ in range(3)]
    until(lambda: len(started(order)) == 2)
    mlrun.execute("DELETE FROM compute_targets")
    go(order)
    assert ended(mlrun, run_ids[:2]) == ["Completed"] * 2
    until(lambda: not mlrun.supervisors(run_ids[0]) and not mlrun.supervisors(run_ids[1]))  # they have called
    record = mlrun.show(run_ids[2])
    assert record["status"] == "Queued"
    assert "'cpu-cluster'" in record["waiting_for"] and " of the 2 nodes" not in record["waiting_for"]
    make_target(mlrun, "cpu-cluster", 1)
    assert ended(mlrun, run_ids[2:]) == ["Completed"]


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


def test_a_parent_that_holds_the_last_place_is_told_so(mlrun: Mlrun) -> None:
    make_target(mlrun, "single", 1)
    mlrun.script("import sys; print('child')", "child.py")
    mlrun.script("""
        from azureml.core import Run, ScriptRunConfig
        run = Run.get_context()
        child = run.submit_child(ScriptRunConfig(".", script="child.py", compute_target="single"))
        print(child.get_status())
    """)
    run_id = mlrun.submit("--ct", "single", "train.py")
    assert mlrun.wait(run_id)["status"] == "Completed"
    note, status = mlrun.log(run_id).splitlines()
    assert re.search(rf" {run_id} .* 1 of the 1 nodes of 'single'", note)
    assert status == "Queued"
    (child,) = mlrun.json("run", "list", "--parent-run-id", run_id)
    assert mlrun.wait(child["run_id"])["status"] == "Completed"


def test_a_parent_that_is_canceled_tells_of_its_children_that_go_on_and_how_to_cancel_them(mlrun: Mlrun) -> None:
    make_target(mlrun, "single", 1)
    mlrun.script("import time; time.sleep(600)", "child.py")
    mlrun.script("""
        import time
        from azureml.core import Run, ScriptRunConfig
        run = Run.get_context()
        ends_with_the_script = run.child_run()
        for parent in (run, run, ends_with_the_script):
            print(parent.submit_child(ScriptRunConfig(".", script="child.py", compute_target="single")).id, flush=True)
        time.sleep(600)
    """)
    parent = mlrun.submit()
    children = until(lambda: ids if len(ids := mlrun.log(parent).split()) == 3 else None)
    mlrun.wait_for_status(children[0], "Running")
    ((inner,),) = mlrun.stored("SELECT run_id FROM runs WHERE owner_lock = ?", f"runs/{parent}")

    told = mlrun("run", "cancel", "-r", parent).stderr

    ways = [f"mlrun run cancel --all --parent-run-id {run_id}" for run_id in (parent, inner)]
    (line,) = told.splitlines()
    assert re.fullmatch(rf"3 child runs .*: {ways[0]}; {ways[1]}", line), line
    assert ended(mlrun, [parent, inner]) == ["Canceled"] * 2
    assert [mlrun.stored_status(run_id) for run_id in children] == ["Running", "Queued", "Queued"]
    _, line = mlrun("run", "cancel", "-r", parent, "-r", children[0], "-r", children[1]).stderr.splitlines()
    assert re.fullmatch(rf"1 child run .*: {ways[1]}", line), line
    assert mlrun(*ways[1].split()[1:]).stderr == ""
    assert ended(mlrun, children) == ["Canceled"] * 3


def test_a_run_has_the_umask_and_the_niceness_of_its_submitter_whoever_started_the_dispatcher(
    mlrun: Mlrun, order: Path
) -> None:
    make_target(mlrun, "single", 1)
    mlrun.script(f"{WORK}    open('outputs/a', 'w').close()\n    print(os.nice(0))\n")
    run_ids = []
    for surroundings in ("umask 022", "umask 077", "umask 002; renice -n 5 -p $$ >/dev/null"):
        mlrun.command = ["sh", "-c", f'{surroundings}; exec "$0" "$@"', str(COMMAND)]
        run_ids += [mlrun.submit("--ct", target, "train.py") for target in ("single", "local")]
        until(lambda: started(order))  # the dispatcher is that of the first
    go(order)
    assert ended(mlrun, run_ids) == ["Completed"] * 6
    modes = [(mlrun.run_folder(run_id) / "work/outputs/a").stat().st_mode & 0o777 for run_id in run_ids]
    assert list(map(oct, modes)) == ["0o644", "0o644", "0o600", "0o600", "0o664", "0o664"]
    niceness = os.nice(0)
    assert [int(mlrun.log(run_id)) - niceness for run_id in run_ids] == [0, 0, 0, 0, 5, 5]


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
