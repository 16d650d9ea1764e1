"""What runs used: in `run show` and as curves, also of a run whose supervisor was killed; and a lack of memory."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlrun_cli.metrics.resource_metrics import MEMORY_MB, RESOURCE_METRICS
from mlrun_cli.processes.memory_limits import count_oom_kills
from tests.acceptance.terminal import Terminal
from tests.running import COMMAND, Mlrun, until

MEGABYTE = 1 << 20
USES = """
import os, pathlib, subprocess, sys, time
from azureml.core import Run

memory = bytearray(200 << 20)
if not os.fork():  # the copy shares its memory, and has ended when the run ends
    pathlib.Path("written").write_bytes(os.urandom(8 << 20))
    begun = time.process_time()
    while time.process_time() < begun + 0.3:
        pass
    os._exit(0)
os.wait()
Run.get_context().log("loss", 0.5)
while not list(pathlib.Path("../journal").glob("resources-*.jsonl")) or "wait" in sys.argv:
    time.sleep(0.05)
"""
LATE = """
import pathlib, time

while not pathlib.Path("../journal/resources.json").exists():
    time.sleep(0.01)
bytearray(100 << 20)
"""
LARGE_DRIVER = """
from azureml.core import Experiment, ScriptRunConfig, Workspace

memory = bytearray(300 << 20)
Experiment(Workspace.from_config(), "exp").submit(ScriptRunConfig(".", "train.py")).wait_for_completion()
"""


@pytest.fixture
def small_cgroup() -> Iterator[Path]:
    """A cgroup whose processes may use 100 MB together."""
    folder = Path("/sys/fs/cgroup/memory", f"mlrun-test-{uuid.uuid4().hex[:8]}")
    if not folder.parent.is_dir():
        folder = Path("/sys/fs/cgroup", folder.name)
    try:
        folder.mkdir()
        limit = next(path for name in ("limit_in_bytes", "max") if (path := folder / f"memory.{name}").exists())
        limit.write_text(str(100 * MEGABYTE))
    except (OSError, StopIteration):
        pytest.skip("needs a cgroup of its own")
    yield folder
    until(lambda: not (folder / "cgroup.procs").read_text())
    folder.rmdir()


def test_run_shows_what_it_used_and_keeps_it_apart_from_its_metrics(mlrun: Mlrun) -> None:
    mlrun.script(USES)
    run_id = mlrun.ended("train.py")["run_id"]
    used = mlrun.show(run_id)["resources"]
    assert 200 * MEGABYTE <= used["peak_memory_bytes"] <= 230 * MEGABYTE
    assert used["cpu_seconds"] >= 0.3
    assert {"read_bytes", "written_bytes"} <= used.keys()
    assert mlrun.metrics(run_id) == {"loss": 0.5}
    curve = mlrun.json("run", "metrics", "-r", run_id, "--name", MEMORY_MB)[MEMORY_MB]
    assert 200 <= max(curve if isinstance(curve, list) else [curve]) <= 230
    names = {name for (name,) in mlrun.stored("SELECT name FROM metrics")}
    assert names - {"loss"} <= set(RESOURCE_METRICS)


def test_the_last_moment_of_a_run_is_measured_though_a_large_process_has_submitted_it(mlrun: Mlrun) -> None:
    mlrun.script(LATE)
    mlrun.script(LARGE_DRIVER, "driver.py")
    mlrun.python("driver.py")
    used = mlrun.show("@latest")["resources"]
    assert 100 * MEGABYTE <= used["peak_memory_bytes"] <= 150 * MEGABYTE


def test_top_shows_a_live_run_and_its_resources_outlive_the_supervisor(mlrun: Mlrun) -> None:
    mlrun.script(USES)
    run_id = mlrun.submit("train.py", "wait")
    until(lambda: mlrun.show(run_id).get("resources", {}).get("peak_memory_bytes", 0) >= 200 * MEGABYTE)
    until(lambda: mlrun.metrics(run_id))
    # The last sample may be of the moment when two processes shared the memory.
    (live,) = until(lambda: [row for row in mlrun.json("top") if row["memory_bytes"] >= 200 * MEGABYTE])
    assert (live["run_id"], live["status"], live["metric"]) == (run_id, "Running", {"name": "loss", "value": 0.5})
    with Terminal(mlrun, [COMMAND, "top"], columns=120) as terminal:
        terminal.wait_for("loss 0.5")
        terminal.type("q")
        assert terminal.wait() == 0
        assert "1 live run" in terminal.output
        assert run_id[-20:] in terminal.output
    os.kill(mlrun.supervisor(run_id), signal.SIGKILL)
    assert mlrun.wait(run_id)["status"] == "Failed"
    assert mlrun.show(run_id)["resources"]["peak_memory_bytes"] >= 200 * MEGABYTE
    assert mlrun.json("top") == []


def test_a_script_that_the_kernel_kills_for_want_of_memory_says_so(mlrun: Mlrun, small_cgroup: Path) -> None:
    mlrun.script("print('begun', flush=True)\nlist(map(bytearray, [10 << 20] * 40))")
    mlrun.command = ["sh", "-c", f'echo $$ > {small_cgroup}/cgroup.procs && exec "$@"', "sh", *mlrun.command]
    before = count_oom_kills()
    run_id = mlrun.submit("train.py")
    mlrun.command = mlrun.command[4:]
    record = mlrun.wait(run_id)
    assert record["signal"] == "SIGKILL"
    assert record["error"]["error"]["innerError"]["code"] == "OutOfMemory"
    assert "100 MB" in record["error"]["error"]["message"]
    assert mlrun.show(run_id)["resources"]["memory_limit_bytes"] == 100 * MEGABYTE
    assert count_oom_kills() == before, "the count is that of the run's own cgroup"
