"""Runs in a shared folder whose clock, a file there, cannot be written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engines.pool import PoolEngine
from tests.running import until

_WAITING = """
    import os, sys, time

    print("here", flush=True)
    while not os.path.exists(sys.argv[1]):
        time.sleep(0.01)
"""


def _start_without_clock(pool: PoolEngine, go: Path) -> str:
    """Submit a script that runs until a file exists, and return the run's id once it runs."""
    (pool.shared / "clock").unlink(missing_ok=True)
    (pool.shared / "clock").mkdir()  # root may write any file
    pool.mlrun.script(_WAITING)
    run_id = pool.mlrun.submit("--ct", "pool", "train.py", str(go))
    until(lambda: "here" in pool.mlrun.log(run_id))
    pool.mlrun.wait_for_status(run_id, "Running")
    return run_id


def test_a_run_whose_supervisor_outlives_its_job_is_not_lost(pool: PoolEngine, tmp_path: Path) -> None:
    run_id = _start_without_clock(pool, tmp_path / "go")
    log = pool.mlrun.database.parent / "queues" / "pool" / "dispatcher.log"
    pool.set_option("missing")

    until(lambda: f"{pool.shared}/clock" in log.read_text("utf-8") or pool.mlrun.show(run_id)["status"] == "Failed")
    (tmp_path / "go").touch()

    record = pool.mlrun.wait(run_id)
    assert record["status"] == "Completed", record
    assert log.read_text("utf-8").count(f"{pool.shared}/clock") == 1


@pytest.mark.kill
def test_a_run_that_is_started_again_does_not_wait_without_end(pool: PoolEngine, tmp_path: Path) -> None:
    run_id = _start_without_clock(pool, tmp_path / "go")
    pool.requeue_job(run_id)
    (tmp_path / "go").touch()

    record = pool.mlrun.wait(run_id)
    assert record["status"] == "Completed"
    supervisor_log = pool.run_folder(run_id) / "artifacts" / "system_logs" / "supervisor.log"
    assert f"{pool.shared}/clock" in supervisor_log.read_text("utf-8")
