from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mlrun_cli.actions.compute_targets import create_compute_target
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.core.time import MICROSECONDS, now
from mlrun_cli.processes.gpu_allocator import GpuAllocator
from mlrun_cli.runconfigs.run_configuration import RunConfiguration
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.runs.run import SCRIPT_RUN, Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runtime.queue import QueueFolder, QueueReport, get_node_limit
from mlrun_cli.runtime.wake_socket import WakeSocket
from mlrun_cli.scheduler.backfill import Backfill
from mlrun_cli.submit.admission import GpuRequest, determine_admission
from mlrun_cli.submit.request import SubmitRequest
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, locate_workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(
        locate_workspace(tmp_path / "home", WorkspaceIdentity("s", "g", "w")), create=True, redactor=Redactor()
    ) as opened:
        create_compute_target(opened, "free", "AmlCompute", properties={})
        create_compute_target(opened, "single", "ComputeInstance", properties={})
        yield opened


def add_run(workspace: Workspace, target: str, **columns: object) -> Run:
    with workspace.transaction():
        experiment, number = workspace.experiments.reserve_run_numbers("exp")
        key = workspace.runs.insert(
            experiment,
            number,
            f"exp_{number}",
            run_type=SCRIPT_RUN,
            user_name="someone",
            target=target,
            **{"status": RunStatus.QUEUED, **columns},
        )
    return workspace.runs.get_by_key(key)


def test_a_target_that_is_gone_has_no_nodes_and_local_has_no_limit(workspace: Workspace) -> None:
    assert [get_node_limit(workspace, name) for name in ("single", "free", "local", "gone")] == [1, None, None, 0]


def test_what_a_run_waits_for_is_said_in_one_line(workspace: Workspace) -> None:
    runs = [
        add_run(workspace, "single"),
        add_run(workspace, "single", node_count=2, gpu_count=1),
        add_run(workspace, "gone"),
        add_run(workspace, "local", gpu_count=2),
        add_run(workspace, "free"),
    ]
    report = QueueReport(workspace)
    assert [report.describe_wait(run) for run in runs] == [
        "0 of the 1 node of 'single' taken",
        "1 run before it, 2 nodes needed, 0 of the 1 node of 'single' taken, 1 free GPU needed",
        "the compute target 'gone' no longer exists",
        "2 free GPUs needed",
        "a place on 'free'",
    ]


def test_a_run_that_a_shutdown_has_queued_again_waits_for_its_time(workspace: Workspace) -> None:
    first = add_run(workspace, "single", status=RunStatus.FAILED)
    later = add_run(workspace, "single", predecessor_key=first.key, started_at=1, begin_at=now() + 60 * MICROSECONDS)
    assert QueueReport(workspace).describe_wait(later).startswith("its next attempt at ")
    assert list(workspace.queues.list_ready_keys("single", now())) == []
    assert list(workspace.queues.list_ready_keys("single", now() + 60 * MICROSECONDS)) == [later.key]


def test_a_dispatcher_that_does_not_say_that_it_knows_start_conditions_is_an_old_one(workspace: Workspace) -> None:
    folder = QueueFolder(workspace, "single")
    assert not folder.has_old_dispatcher()
    folder.create()
    with closing(OwnerLock.open(folder.lock)) as lock:
        assert lock.try_acquire()
        assert folder.has_old_dispatcher()
        folder.record_dispatcher()
        with WakeSocket(folder.socket):
            assert not folder.has_old_dispatcher()


def test_a_priority_that_an_old_dispatcher_ignores_is_told(workspace: Workspace) -> None:
    folder = QueueFolder(workspace, "single")
    folder.create()
    configuration = RunConfiguration(script="train.py", target="single")
    with closing(OwnerLock.open(folder.lock)) as lock:
        assert lock.try_acquire()
        notes = []
        for priority in (0, 1):
            request = SubmitRequest(Path("/"), "exp", {}, priority=priority)
            notes.append(determine_admission(workspace, configuration, request, GpuRequest()).notes)
    assert notes[0] == ()
    assert [note.partition(":")[0] for note in notes[1]] == ["--priority"]


def test_a_run_is_overtaken_by_those_behind_it_since_it_is_ready(workspace: Workspace) -> None:
    started = now()
    for priority, started_at in ((0, started + 10), (0, started + 30), (1, started + 30), (0, None)):
        status = RunStatus.RUNNING if started_at else RunStatus.PREPARING
        add_run(workspace, "single", status=status, priority=priority, started_at=started_at, node_count=1)
    for begin_at, attempts, may in (
        (started + 20, (), [False, False, True]),
        (started + 40, (), [False, True, True]),
        (None, [{"number": 1, "ended_at": started + 40}], [False, True, True]),
    ):
        for nodes, expected in zip((1, 2, 3), may, strict=True):
            waiting = add_run(
                workspace, "single", priority=1, node_count=nodes, begin_at=begin_at, attempts=attempts, created_at=1
            )
            backfill = Backfill(workspace, GpuAllocator(), ())
            backfill.record_node_shortage(waiting)
            assert backfill.can_overtake(waiting) is expected


def test_one_look_asks_the_store_once_about_each_queue(workspace: Workspace) -> None:
    first, second, third = (add_run(workspace, "single") for _ in range(3))
    report = QueueReport(workspace)
    assert report.describe_wait(second).startswith("1 run before it")
    with workspace.transaction():
        workspace.runs.change_status(first.key, {RunStatus.QUEUED}, RunStatus.CANCELED)
    assert report.describe_wait(third).startswith("2 runs before it")
    assert QueueReport(workspace).describe_wait(third).startswith("1 run before it")
