"""Answers of an engine that were true when it was asked, and no longer are when the collector gets them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.engines.pool import PoolEngine
from tests.running import until

SCRIPT = """
    import os, signal, sys, time

    def wait():
        while not os.path.exists(sys.argv[1]):
            time.sleep(0.01)

    def stop(*_):
        print("asked to stop", flush=True)
        wait()
        sys.exit(0)

    signal.signal(signal.SIGTERM, stop)
    print("here", flush=True)
    wait()
"""


@contextmanager
def start_after_the_question(pool: PoolEngine, go: Path) -> Iterator[str]:
    """Have the collector ask for a run's queued job, start the script, and give the answer at the end of the block."""
    pool.set_option("slots", "0")
    pool.mlrun.script(SCRIPT)
    run_id = pool.mlrun.submit("--ct", "pool", "train.py", str(go))
    until(lambda: "Resources" in pool.mlrun.show(run_id).get("waiting_for", ""))
    pool.set_option("stall")
    until((pool.pool.folder / "stalled").exists)
    pool.set_option("slots", "1")
    until(lambda: "here" in pool.mlrun.log(run_id))
    try:
        yield run_id
    finally:
        pool.set_option("stall", None)


def wait_for_next_answer(pool: PoolEngine, run_id: str) -> None:
    """Wait until the collector knows that the job runs."""
    until(lambda: "waiting_for" not in pool.mlrun.show(run_id))


@pytest.mark.kill
def test_a_cancel_ends_no_job_that_has_started_since_the_engine_was_asked(pool: PoolEngine, tmp_path: Path) -> None:
    with start_after_the_question(pool, tmp_path / "go") as run_id:
        pool.mlrun("run", "cancel", "-r", run_id)
    until(lambda: "asked to stop" in pool.mlrun.log(run_id))
    wait_for_next_answer(pool, run_id)
    (tmp_path / "go").touch()
    record = pool.mlrun.wait(run_id)
    assert (record["status"], record["exit_code"]) == ("Canceled", 0)


def test_a_run_that_has_started_since_the_engine_was_asked_is_not_queued_again(
    pool: PoolEngine, tmp_path: Path
) -> None:
    with start_after_the_question(pool, tmp_path / "go") as run_id:
        pass
    until(lambda: pool.mlrun.stored_status(run_id) == "Running")
    pool.mlrun("run", "update", "-r", run_id, "--add-tag", "a=b")  # has the collector read the run
    wait_for_next_answer(pool, run_id)
    (tmp_path / "go").touch()
    assert pool.mlrun.wait(run_id)["status"] == "Completed"
    assert pool.mlrun.history(run_id).count("Queued") == 1
