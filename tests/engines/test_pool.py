"""The engine of these tests does what an engine does."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mlrun_cli.targets.base import Demand
from mlrun_cli.targets.engine import Job, JobEnd, JobRequest, JobState
from tests.engines.pool import PoolEngine
from tests.engines.pool_target import Pool
from tests.running import until

WAIT = "import os, sys, time\nwhile not os.path.exists(sys.argv[1]): time.sleep(0.01)"


def submit(pool: Pool, go: Path) -> str:
    command = [sys.executable, "-c", WAIT, str(go)]
    return pool.submit(JobRequest("run", "workspace", command, Demand(), go.with_suffix(".log")))


def wait_for(pool: Pool, job_id: str, state: JobState) -> Job:
    def look() -> Job | None:
        row = pool.find(job_id)
        assert row is not None
        job = pool.describe(row)
        return job if job.state is state else None

    return until(look)


def test_jobs_wait_for_a_place_and_end(pool: PoolEngine, tmp_path: Path) -> None:
    pool.set_option("slots", "1")
    first, second = (submit(pool.pool, tmp_path / "go") for _ in range(2))
    wait_for(pool.pool, first, JobState.RUNNING)
    assert wait_for(pool.pool, second, JobState.QUEUED).reason == "Resources"
    (tmp_path / "go").touch()
    assert [wait_for(pool.pool, job, JobState.ENDED).end for job in (first, second)] == [JobEnd.EXITED] * 2


@pytest.mark.kill
def test_a_job_ends_as_the_engine_is_told(pool: PoolEngine, tmp_path: Path) -> None:
    job = submit(pool.pool, tmp_path / "go")
    wait_for(pool.pool, job, JobState.RUNNING)
    pool.pool.end(job, JobEnd.NODE_LOST)
    assert wait_for(pool.pool, job, JobState.ENDED).end is JobEnd.NODE_LOST
