"""Runs on several nodes of a real Slurm cluster."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.engines import slurm as engine
from tests.engines.network_mount import Node
from tests.engines.slurm import Slurm
from tests.running import LIVE, Mlrun, until

WORK = """
import os, signal, sys, time
from azureml.core import Run
def stop(*_):
    sys.exit(7)
signal.signal(signal.SIGTERM, stop)
names = ("RANK", "LOCAL_RANK", "NODE_RANK", "WORLD_SIZE", "OMPI_COMM_WORLD_RANK")
print(*(f"{name}={os.environ[name]}" for name in names if name in os.environ), flush=True)
print("node", os.environ["SLURMD_NODENAME"], flush=True)
Run.get_context().log("started", 1)
if sys.argv[1] == os.environ.get("RANK"):
    time.sleep(0.5)  # the others have begun
    sys.exit(5)
if sys.argv[1] != "-" or '"type": "ps"' in os.environ.get("TF_CONFIG", ""):
    time.sleep(600)
"""


@pytest.fixture
def cluster(slurm: Slurm, slurm_mlrun: Mlrun) -> Iterator[Mlrun]:
    """Return a command with a target `slurm` and a script."""
    shared = slurm_mlrun.folder.parent / "shared"
    slurm_mlrun("computetarget", "attach", "slurm", "-n", "slurm", "--shared-folder", str(shared), "--no-check")
    slurm_mlrun.script(WORK)
    yield slurm_mlrun
    slurm.cancel_all()


def submit(mlrun: Mlrun, name: str, argument: str, *options: str, **keys: object) -> str:
    python = {"userManagedDependencies": True, "interpreterPath": sys.executable}
    document = {"script": "train.py", "target": "slurm", "nodeCount": 2, "environment": {"python": python}, **keys}
    mlrun.script(json.dumps(document), f".azureml/{name}.runconfig")
    return mlrun.submit("-c", name, *options, "train.py", argument)


def wait_for_end(mlrun: Mlrun, run_id: str) -> dict[str, Any]:
    return until(lambda: record if (record := mlrun.show(run_id))["status"] not in LIVE else None)


def read_logs(mlrun: Mlrun, run_id: str) -> list[list[str]]:
    """Return the lines of each process's log."""
    logs = Path(mlrun.run_folder(run_id), "artifacts", "user_logs").glob("std_log_process_*.txt")
    return [path.read_text(encoding="utf-8").splitlines() for path in sorted(logs)]


def test_processes_are_started_on_all_nodes_with_their_ranks(cluster: Mlrun) -> None:
    torch = submit(cluster, "torch", "-", communicator="PyTorch", pytorch={"processCount": 4})
    plain = submit(cluster, "plain", "-")
    counts = {"workerCount": 2, "parameterServerCount": 1}
    tensorflow = submit(cluster, "tensorflow", "-", communicator="ParameterServer", tensorflow=counts)
    for run_id in (torch, plain, tensorflow):
        record = wait_for_end(cluster, run_id)
        assert (record["status"], record["properties"]["node"]) == ("Completed", "n[1-2]")
    assert cluster.metrics(torch) == {"started": [1] * 4}
    assert read_logs(cluster, torch) == [
        [f"RANK={rank} LOCAL_RANK={rank % 2} NODE_RANK={rank // 2} WORLD_SIZE=4", f"node n{rank // 2 + 1}"]
        for rank in range(4)
    ]
    assert read_logs(cluster, plain) == [["NODE_RANK=0", "node n1"], ["NODE_RANK=1", "node n2"]]
    # The server may have been ended before it has written anything.
    assert [lines[-1] for lines in read_logs(cluster, tensorflow)[:2]] == ["node n1", "node n2"]


def test_a_failed_process_ends_the_others_and_a_cancel_all(cluster: Mlrun) -> None:
    keys = {"communicator": "PyTorch", "pytorch": {"processCount": 2}}
    failing, waiting = submit(cluster, "torch", "1", **keys), submit(cluster, "torch", "none", **keys)
    record = wait_for_end(cluster, failing)
    assert (record["status"], record["exit_code"]) == ("Failed", 5)
    until(lambda: len(cluster.metrics(waiting).get("started", [])) == 2)
    cluster("run", "cancel", "-r", waiting)
    record = wait_for_end(cluster, waiting)
    assert (record["status"], record["exit_code"]) == ("Canceled", 7)


@pytest.mark.skipif(shutil.which("mpirun") is None, reason="mpirun is not installed")
def test_mpirun_starts_its_processes_on_all_nodes(cluster: Mlrun) -> None:
    run_id = submit(cluster, "mpi", "-", communicator="OpenMpi", mpi={"processCountPerNode": 2})
    assert wait_for_end(cluster, run_id)["status"] == "Completed"
    assert read_logs(cluster, run_id) == [
        [f"OMPI_COMM_WORLD_RANK={rank}", f"node n{rank // 2 + 1}"] for rank in range(4)
    ]


ASK = """
import os
from azureml.core import Run, ScriptRunConfig
run = Run.get_context()
rank = int(os.environ.get("RANK") or os.environ["OMPI_COMM_WORLD_RANK"])
run.log("x", rank)
assert set(run.get_metrics()) == {"x"}
assert run.get_tags() == {"color": "red"}
assert run.parent is None
assert run.get_secret("SECRET_WORD") == "swordfish"
earlier = next(each for each in run.experiment.get_runs() if each.id != run.id)
assert earlier.get_metrics() == {"y": 7}
child = run.child_run(f"part {rank}")
child.log("z", rank)
child.complete()
assert child.get_metrics() == {"z": rank}
submitted = run.submit_child(ScriptRunConfig(source_directory=".", script="child.py", compute_target="local"))
submitted.wait_for_completion()
assert submitted.get_status() == "Completed"
print("socket in", os.environ["MLRUN_SOCKET_FOLDER"], flush=True)
"""


@pytest.fixture
def separate(tmp_path: Path) -> Iterator[Mlrun]:
    """Return a command with a target `slurm`, whose nodes do not see each other's local folders."""
    reason = engine.why_not(accounting=False)
    if reason is not None:
        pytest.skip(reason)
    local = Path(tempfile.gettempdir(), f"mlrun-node-{os.getuid()}")
    local.mkdir(mode=0o700, exist_ok=True)
    (tmp_path / "slurm").mkdir()
    with ExitStack() as stack:
        nodes = {}
        for name in engine.NODES:
            nodes[name] = Node(name)
            stack.callback(nodes[name].close)
            hide = ("mount", "-t", "tmpfs", "-o", "mode=0700", "tmpfs", str(local))
            subprocess.run([*nodes[name].enter, *hide], check=True)
        slurm = Slurm(tmp_path / "slurm", enter={name: node.enter for name, node in nodes.items()})
        stack.callback(slurm.close)
        mlrun = Mlrun(tmp_path)
        stack.callback(mlrun.close)
        mlrun.environment.update(slurm.environment)
        shared = ("--shared-folder", str(tmp_path / "shared"))
        mlrun("computetarget", "attach", "slurm", "-n", "slurm", *shared, "--no-check")
        yield mlrun


@pytest.mark.promises("slurm", "questions of a script")
@pytest.mark.parametrize("communicator", ["PyTorch", "OpenMpi"])
def test_processes_on_all_nodes_ask_the_workspace(separate: Mlrun, communicator: str) -> None:
    if communicator == "OpenMpi" and shutil.which("mpirun") is None:
        pytest.skip("mpirun is not installed")
    separate.environment["SECRET_WORD"] = "swordfish"
    separate.script("from azureml.core import Run\nRun.get_context().log('y', 7)\n", "earlier.py")
    separate("run", "submit-script", "-e", "exp", "earlier.py")
    separate.script("print('child')", "child.py")
    separate.script(ASK)
    keys: dict[str, object] = {"pytorch": {"processCount": 2}, "mpi": {"processCountPerNode": 1}}
    run_id = submit(separate, "two", "-", "-e", "exp", "--tag", "color=red", communicator=communicator, **keys)
    record = wait_for_end(separate, run_id)
    assert record["status"] == "Completed", read_logs(separate, run_id)
    first, second = (lines[-1] for lines in read_logs(separate, run_id))
    assert first.startswith("socket in")
    assert first != second
    sql = "SELECT status FROM runs WHERE parent_key = (SELECT run_key FROM runs WHERE run_id = ?)"
    assert separate.stored(sql, run_id) == [("Completed",)] * 4
