"""The log of a run on an engine, as the command that submitted it shows it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.engines.pool import PoolEngine
from tests.running import until, words_of

SCRIPT = """
    import os, sys, time

    print("here", flush=True)
    while not os.path.exists(sys.argv[1]):
        time.sleep(0.01)
"""


@pytest.mark.kill
def test_lines_are_shown_before_the_collector_has_stored_that_the_script_runs(pool: PoolEngine, tmp_path: Path) -> None:
    pool.set_option("slots", "0")
    pool.mlrun.script(SCRIPT)
    process = pool.mlrun.start("run", "submit-script", "--ct", "pool", "train.py", str(tmp_path / "go"))
    collector = until(lambda: find_collector(pool))
    ((run_id,),) = until(lambda: pool.mlrun.stored("SELECT run_id FROM runs WHERE status = 'Queued'"))
    os.kill(collector, signal.SIGSTOP)
    pool.set_option("slots", "1")
    assert process.stderr is not None
    while "here" not in process.stderr.readline():
        assert process.poll() is None
    assert pool.mlrun.stored_status(run_id) == "Queued"
    os.kill(collector, signal.SIGCONT)
    (tmp_path / "go").touch()
    process.communicate()
    assert (process.returncode, pool.mlrun.stored_status(run_id)) == (0, "Completed")


def find_collector(pool: PoolEngine) -> int | None:
    found = pool.mlrun.programs("__main__.py")
    return next((pid for pid in found if any("/collector/" in word for word in words_of(pid))), None)
