"""Queues whose dispatchers, fork servers, supervisors or submitters are killed: no run is lost, and none runs twice."""

from __future__ import annotations

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from mlrun_cli.core.redaction import Redactor
from mlrun_cli.errors import StoreUnavailable
from mlrun_cli.runtime.queue import ensure_dispatchers
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import parse_locator
from tests.faults.gates import Fifo, away
from tests.faults.queues import dispatchers, ended, fork_servers, go, started, submit
from tests.running import LIVE, Mlrun, is_alive, kill, service_error, until


def kill_for_good(*pids: int) -> None:
    """Kill processes and wait until they are gone."""
    kill(*pids)
    until(lambda: not any(map(is_alive, pids)))


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
