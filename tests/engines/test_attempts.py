"""Attempts of runs on nodes, and runs that go on with the files of others."""

from __future__ import annotations

import pytest

from tests.engines.pool import PoolEngine
from tests.engines.scripts import ATTEMPTS
from tests.running import until


def test_a_run_is_started_again_within_its_job_and_resumed_by_another(pool: PoolEngine) -> None:
    pool.mlrun.script(ATTEMPTS)
    run = pool.mlrun.wait(pool.mlrun.submit("--ct", "pool", "--retry", "3", "train.py"))

    assert run["status"] == "Completed", pool.mlrun.log(run["run_id"])
    assert [(each["number"], each["exit_code"]) for each in run["attempts"]] == [(1, 75), (2, 75), (3, 0)]
    assert all(each["start_time_utc"] < each["end_time_utc"] for each in run["attempts"])
    values = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, -1.0]
    assert pool.mlrun.metrics(run["run_id"]) == {"attempt": 3, "loss": values}

    resumed = pool.mlrun.json("run", "resume", "-r", run["run_id"], "--async")
    again = pool.mlrun.wait(resumed["run_id"])
    assert again["status"] == "Completed"
    assert pool.mlrun.metrics(again["run_id"])["loss"][-2:] == [11.0, -1.0]
    assert pool.mlrun.fails("run", "rerun", "-r", run["run_id"], "--begin", "+1h").code == "Unsupported"


_RESTARTED = """
    import os, sys, time

    attempt = os.environ["MLRUN_ATTEMPT"]
    with open("outputs/starts", "a+") as file:
        file.write(attempt)
        file.seek(0)
        starts = file.read()
    print("starts", starts, flush=True)
    while starts == "12":
        time.sleep(0.01)
    sys.exit(75)
"""


@pytest.mark.kill
def test_a_requeued_job_goes_on_with_the_attempt_that_it_has_interrupted(pool: PoolEngine) -> None:
    pool.mlrun.script(_RESTARTED)
    run_id = pool.mlrun.submit("--ct", "pool", "--retry", "2", "train.py")
    until(lambda: "starts 12" in pool.mlrun.log(run_id))
    pool.requeue_job(run_id)
    run = pool.mlrun.wait(run_id)
    assert "starts 1223" in pool.mlrun.log(run_id)
    assert run["status"] == "Failed"
    assert [(each["number"], each["exit_code"]) for each in run["attempts"]] == [(1, 75), (2, 75), (3, 75)]
    assert all(each["start_time_utc"] < each["end_time_utc"] for each in run["attempts"])
