"""Steps that work on batches on several nodes of this machine, some of which are killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.batch_pipeline import BatchPipeline
from tests.running import Mlrun


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    command = Mlrun(tmp_path)
    yield command
    command.close()


def test_a_killed_node_does_not_end_the_step_and_others_do_its_batches(mlrun: Mlrun, tmp_path: Path) -> None:
    pipeline = BatchPipeline(mlrun, tmp_path / "data", "local")
    run_id, step_id = pipeline.submit()
    node = os.getpgid(pipeline.read_stuck())
    assert node != os.getpgid(0)
    os.killpg(node, signal.SIGKILL)
    pipeline.let_go()
    assert mlrun.wait(run_id)["status"] == "Completed"
    assert pipeline.read_rows(step_id) == [[f"{number}.txt", "0"] for number in range(6)]


def test_a_killed_first_node_ends_the_step_and_all_its_processes(mlrun: Mlrun, tmp_path: Path) -> None:
    pipeline = BatchPipeline(mlrun, tmp_path / "data", "local")
    run_id, step_id = pipeline.submit()
    pipeline.read_stuck()
    os.kill(mlrun.script_pid(step_id), signal.SIGKILL)
    assert mlrun.wait(run_id)["status"] == "Failed"
    assert "SIGKILL" in str(mlrun.show(step_id)["error"])
    assert mlrun.processes(step_id) == []


def test_a_cancel_ends_the_processes_of_all_nodes(mlrun: Mlrun, tmp_path: Path) -> None:
    pipeline = BatchPipeline(mlrun, tmp_path / "data", "local")
    run_id, step_id = pipeline.submit()
    pipeline.read_stuck()
    mlrun("run", "cancel", "-r", run_id)
    assert mlrun.wait(run_id)["status"] == "Canceled"
    assert mlrun.processes(step_id) == []
