"""Runs on engines that start when other runs have completed (`--after`)."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.engines.pool import PoolEngine
from tests.running import Mlrun, service_error, until, words_of

WAIT = "import os, sys, time\nwhile not os.path.exists(sys.argv[1]): time.sleep(0.02)\nsys.exit(int(sys.argv[2]))"


def get_reason(mlrun: Mlrun, run_id: str) -> tuple[str, str]:
    record = mlrun.wait(run_id)
    error = record.get("error", {}).get("error", {})
    return record["status"], error.get("innerError", {}).get("code", "")


def find_collectors(mlrun: Mlrun) -> list[int]:
    return [pid for pid in mlrun.programs("__main__.py") if "/collector/" in " ".join(words_of(pid))]


def kill_collector(mlrun: Mlrun) -> None:
    for pid in until(lambda: find_collectors(mlrun)):
        os.kill(pid, signal.SIGKILL)


def test_a_run_gets_its_job_when_the_one_before_it_has_completed(pool: PoolEngine, tmp_path: Path) -> None:
    mlrun, gate = pool.mlrun, tmp_path / "gate"
    mlrun.script(WAIT, "wait.py")
    first = mlrun.submit("wait.py", str(gate), "0")  # on this machine
    second = mlrun.submit("--ct", "pool", "--after", first, "wait.py", str(gate), "0")
    third = mlrun.submit("--ct", "pool", "--after", second, "wait.py", str(gate), "0")
    mlrun.wait_for_status(first, "Running")
    for run_id, before in ((second, first), (third, second)):
        record = mlrun.show(run_id)
        assert record["status"] == "Queued"
        assert f"'{before}'" in record["waiting_for"]
    kill_collector(mlrun)
    mlrun("run", "list")  # it starts another one
    until(lambda: find_collectors(mlrun))
    assert [pool.job(run_id) for run_id in (second, third)] == [None, None]
    gate.touch()
    ended = [mlrun.wait(run_id) for run_id in (first, second, third)]
    assert [record["status"] for record in ended] == ["Completed"] * 3
    assert ended[1]["end_time_utc"] <= ended[2]["start_time_utc"]
    assert [len([row for row in pool.pool.list() if row["run_id"] == run_id]) for run_id in (second, third)] == [1, 1]


def test_a_run_is_canceled_without_a_job_when_the_one_before_it_fails(pool: PoolEngine, tmp_path: Path) -> None:
    mlrun, gate = pool.mlrun, tmp_path / "gate"
    mlrun.script(WAIT, "wait.py")
    first = mlrun.submit("--ct", "pool", "wait.py", str(gate), "3")
    second = mlrun.submit("--ct", "pool", "--after", first, "wait.py", str(gate), "0")
    third = mlrun.submit("--after", second, "wait.py", str(gate), "0")
    kill_collector(mlrun)
    gate.touch()
    assert mlrun.wait(first)["status"] == "Failed"
    ends = [get_reason(mlrun, run_id) for run_id in (second, third)]
    assert ends == [("Canceled", "PredecessorNotCompleted")] * 2
    assert pool.job(second) is None
    assert not (pool.run_folder(second) / "secrets.json").exists()


def test_a_run_that_waits_for_another_is_canceled_and_deleted_at_once(pool: PoolEngine, tmp_path: Path) -> None:
    mlrun, gate = pool.mlrun, tmp_path / "gate"
    mlrun.script(WAIT, "wait.py")
    first = mlrun.submit("--ct", "pool", "wait.py", str(gate), "0")
    second = mlrun.submit("--ct", "pool", "--after", first, "wait.py", str(gate), "0")
    third = mlrun.submit("--ct", "pool", "--after", second, "wait.py", str(gate), "0")
    fourth = mlrun.submit("--ct", "pool", "--after", first, "wait.py", str(gate), "0")
    mlrun("run", "cancel", "-r", second)
    assert get_reason(mlrun, second) == ("Canceled", "")
    assert get_reason(mlrun, third) == ("Canceled", "PredecessorNotCompleted")
    assert mlrun.show(first)["status"] in {"Queued", "Starting", "Preparing", "Running"}
    mlrun("run", "delete", "-r", first, "--force", "--yes")
    assert get_reason(mlrun, fourth) == ("Canceled", "PredecessorNotCompleted")
    assert [pool.job(run_id) for run_id in (second, third, fourth)] == [None] * 3


@pytest.mark.kill
def test_a_run_has_one_job_though_the_collector_was_killed_while_it_submitted_it(
    pool: PoolEngine, tmp_path: Path
) -> None:
    mlrun, gate = pool.mlrun, tmp_path / "gate"
    mlrun.script(WAIT, "wait.py")
    first = mlrun.submit("wait.py", str(gate), "0")
    second = mlrun.submit("--ct", "pool", "--after", first, "wait.py", str(gate), "0")
    mlrun.wait_for_status(first, "Running")
    pool.set_option("hang", "after")
    gate.touch()
    mlrun.wait(first)
    until(lambda: pool.job(second))
    assert mlrun.stored("SELECT 1 FROM run_properties WHERE key = 'pool_job_id'") == []
    kill_collector(mlrun)
    pool.set_option("hang", None)
    assert mlrun.wait(second)["status"] == "Completed"
    assert len([row for row in pool.pool.list() if row["run_id"] == second]) == 1


def test_a_run_whose_job_is_refused_in_the_end_fails(pool: PoolEngine, tmp_path: Path) -> None:
    mlrun, gate = pool.mlrun, tmp_path / "gate"
    mlrun.script(WAIT, "wait.py")
    first = mlrun.submit("wait.py", str(gate), "0")
    second = mlrun.submit("--ct", "pool", "--after", first, "wait.py", str(gate), "0")
    pool.set_option("refuse", "no such partition")
    gate.touch()
    record = mlrun.wait(second)
    assert "no such partition" in service_error(record, "EngineRefused")
