"""Runs on nodes that see the shared folder through a network file system, whose clients cache what they have seen."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.endurance.engines import open_slurm
from tests.engines.network_home import find_obstacle, mount
from tests.engines.pool import PoolEngine
from tests.engines.slurm import NODES, why_not
from tests.running import Mlrun, until

_DISTRIBUTED = Path(__file__).parents[2] / "runconfigs" / "distributed"
_ENTER_NODE = 'hostname node1 && mount --bind "$1" "$2" && shift 2 && exec "$@"'
_WORK = """
    import os, sys, time
    from azureml.core import Run

    run = Run.get_context()
    run.log("x", 1)
    print("here", flush=True)
    while not os.path.exists(sys.argv[1]):
        time.sleep(0.01)
    assert [each.id for each in run.experiment.get_runs()] == [run.id]
    for number in range(5000):
        run.log("y", number)
    with open("outputs/model.txt", "w") as file:
        file.write("model")
    with open("note.txt", "w") as file:
        file.write("note")
    run.upload_file("kept/note.txt", "note.txt")
"""


@pytest.fixture
def far_pool(tmp_path: Path, pool_installation: Path) -> Iterator[PoolEngine]:
    """Return an engine whose node has a name and a client of the file system of its own."""
    # Names are cached for longer than this may last, but not the sizes of files, which each step waits for.
    with start_far_pool(tmp_path, pool_installation, size_seconds=1) as engine:
        yield engine


@contextmanager
def start_far_pool(tmp_path: Path, pool_installation: Path, *, size_seconds: int) -> Iterator[PoolEngine]:
    reason = find_obstacle()
    if reason is not None:
        pytest.skip(reason)
    exported, here, there = tmp_path / "exported", tmp_path / "shared", tmp_path / "there"
    exported.mkdir()
    with (
        mount(exported, here, size_seconds=size_seconds),
        mount(exported, there, size_seconds=size_seconds),
    ):
        engine = PoolEngine(tmp_path, pool_installation)
        words = ["unshare", "--mount", "--uts", "sh", "-c", _ENTER_NODE, "sh", str(there), str(here)]
        engine.set_option("prefix", json.dumps(words))
        yield engine
        engine.close()


def test_what_a_node_writes_is_seen_and_nothing_is_lost(far_pool: PoolEngine, tmp_path: Path) -> None:
    mlrun = far_pool.mlrun
    mlrun.script(_WORK)
    run_id = mlrun.submit("--ct", "pool", "train.py", str(tmp_path / "go"))
    mlrun.wait_for_status(run_id, "Running")
    until(lambda: "here" in mlrun.log(run_id))
    until(lambda: mlrun.metrics(run_id) == {"x": 1})
    (tmp_path / "go").touch()
    record = mlrun.wait(run_id)
    assert record["status"] == "Completed", mlrun.log(run_id)
    assert record["properties"]["node"] == "node1"
    assert mlrun.metrics(run_id) == {"x": 1, "y": list(range(5000))}
    mlrun("run", "download", "-r", run_id, "-d", str(tmp_path / "got"))
    assert (tmp_path / "got" / "outputs" / "model.txt").read_text(encoding="utf-8") == "model"
    assert (tmp_path / "got" / "kept" / "note.txt").read_text(encoding="utf-8") == "note"


def test_a_streamed_log_is_complete_whatever_sizes_a_client_has_cached(tmp_path: Path, pool_installation: Path) -> None:
    with start_far_pool(tmp_path, pool_installation, size_seconds=600) as far_pool:
        far_pool.mlrun.script("for number in range(3): print('line', number, flush=True)")
        done = far_pool.mlrun("run", "submit-script", "--ct", "pool", "train.py")
        assert [line for line in done.stderr.splitlines() if line.startswith("line")] == ["line 0", "line 1", "line 2"]
        far_pool.mlrun("run", "delete", "-r", json.loads(done.stdout)["run_id"], "--permanently", "-y")
        assert list((tmp_path / "exported" / "runs").iterdir()) == []


def test_a_cancel_reaches_the_node(far_pool: PoolEngine, tmp_path: Path) -> None:
    mlrun = far_pool.mlrun
    mlrun.script(_WORK)
    run_id = mlrun.submit("--ct", "pool", "train.py", str(tmp_path / "go"))
    mlrun.wait_for_status(run_id, "Running")
    mlrun("run", "cancel", "-r", run_id)
    assert mlrun.wait(run_id)["status"] == "Canceled"
    assert list((far_pool.shared / "started").iterdir()) == []


def has_first_value(mlrun: Mlrun, run_id: str) -> bool:
    return mlrun.metrics(run_id) == {"x": 1}


def test_runs_of_a_slurm_cluster_whose_nodes_have_clients_of_their_own(tmp_path: Path) -> None:
    reason = find_obstacle() or why_not()
    if reason is not None:
        pytest.skip(reason)
    with open_slurm(tmp_path) as cluster:
        mlrun = cluster.mlrun
        shutil.copytree(_DISTRIBUTED, mlrun.folder, dirs_exist_ok=True)
        record = json.loads(mlrun("run", "submit-script", "--ct", "slurm", "-c", "train").stdout)
        assert record["status"] == "Completed"
        assert sorted(mlrun.metrics(record["run_id"])["lines"]["rank"]) == [0, 1, 2, 3]

        mlrun.script(_WORK)
        go = cluster.marks
        run_id, other = (mlrun.submit("--ct", "slurm", "-e", name, "train.py", str(go)) for name in ("one", "two"))
        for each in (run_id, other):
            mlrun.wait_for_status(each, "Running")
            until(partial(has_first_value, mlrun, each))
        until(lambda: "here" in mlrun.log(run_id))
        mlrun("run", "cancel", "-r", other)
        go.touch()
        record = mlrun.wait(run_id)
        assert record["status"] == "Completed", mlrun.log(run_id)
        assert record["properties"]["node"] in NODES
        assert mlrun.metrics(run_id) == {"x": 1, "y": list(range(5000))}
        assert {"outputs/model.txt", "kept/note.txt"} <= set(mlrun.json("run", "files", "-r", run_id))
        assert mlrun.wait(other)["status"] == "Canceled"
