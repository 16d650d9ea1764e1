"""What a script on a real cluster is promised: its data, answers, and that others may die."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.engines.ray import PATIENCE_SECONDS
from tests.engines.slurm import Slurm
from tests.running import Mlrun, is_alive, kill, list_pids, service_error, until, words_of

SCRIPT = """
    import os, sys, time
    from azureml.core import Run, ScriptRunConfig

    run = Run.get_context()
    run.log("x", 7)
    print("here", flush=True)
    while not os.path.exists(sys.argv[1]):
        time.sleep(0.1)
    with open(os.path.join(sys.argv[2], "file")) as file:
        print(file.read(), flush=True)
    with open("child.py", "w") as file:
        file.write("from azureml.core import Run; assert Run.get_context().parent.get_metrics() == {'x': 7}")
    child = run.submit_child(ScriptRunConfig(source_directory=".", script="child.py"))
    child.wait_for_completion()
    assert child.get_status() == "Completed"
    run.log("y", 8)
"""
DATA = {"dataStoreName": "disk", "mode": "mount", "pathOnDataStore": "part"}


class Cluster(NamedTuple):
    """A command with a target.

    Attributes:
        mlrun: the command.
        target: the name of the target.
    """

    mlrun: Mlrun
    target: str

    def start(self, go: Path) -> str:
        """Submit a run that waits for a file, and then reads data and asks; return its id once it waits."""
        data = go.with_name("data")
        (data / "part").mkdir(parents=True)
        (data / "part" / "file").write_text("content", encoding="utf-8")
        self.mlrun("datastore", "attach-local", "disk", str(data))
        self.mlrun.script(SCRIPT)
        arguments = [str(go), "$AZUREML_DATAREFERENCE_in"]
        runconfig = {"script": "train.py", "arguments": arguments, "dataReferences": {"in": DATA}}
        self.mlrun.script(json.dumps(runconfig), ".azureml/d.runconfig")
        run_id = self.mlrun.submit("--ct", self.target, "-c", "d")
        self.wait_for_line(run_id, "here")
        return run_id

    def wait_for_line(self, run_id: str, line: str) -> None:
        """Wait for a line in the log of a run, without a command that would look at the workspace."""
        log = self.mlrun.folder.parent / "shared" / "runs" / run_id / "artifacts" / "user_logs" / "std_log.txt"
        until(lambda: log.exists() and line in log.read_text(encoding="utf-8"), PATIENCE_SECONDS)

    def wait(self, run_id: str) -> dict[str, Any]:
        """Wait for the end of a run, and return its record."""
        done = self.mlrun("run", "wait", "-r", run_id, check=False, timeout=3 * PATIENCE_SECONDS)
        record: dict[str, Any] = json.loads(done.stdout)[0]
        return record


@pytest.fixture
def slurm_target(slurm: Slurm, slurm_mlrun: Mlrun) -> Iterator[Cluster]:
    shared = str(slurm_mlrun.folder.parent / "shared")
    slurm_mlrun("computetarget", "attach", "slurm", "-n", "slurm", "--shared-folder", shared, "--no-check")
    yield Cluster(slurm_mlrun, "slurm")
    slurm.cancel_all()


@pytest.fixture(params=["slurm", pytest.param("ray", marks=pytest.mark.ray)])
def cluster(request: pytest.FixtureRequest) -> Cluster:
    """Return a command with a target on a Slurm or Ray cluster."""
    if request.param == "ray":
        return Cluster(request.getfixturevalue("ray_mlrun"), "ray")
    found: Cluster = request.getfixturevalue("slurm_target")
    return found


def find_programs(program: str, run_or_home: str) -> list[int]:
    """Return the pids of the processes of a program with an id or a path among their words."""
    commands = {pid: words_of(pid) for pid in list_pids()}
    return [
        pid
        for pid, words in commands.items()
        if any(word.endswith(program) for word in words) and any(run_or_home in word for word in words)
    ]


@pytest.mark.kill
@pytest.mark.promises("slurm", "data", "questions of a script", "the submitting machine dies")
@pytest.mark.promises("ray", "data", "questions of a script", "the submitting machine dies")
def test_a_run_whose_submitter_is_gone_has_its_data_and_is_answered_later(cluster: Cluster, tmp_path: Path) -> None:
    run_id = cluster.start(tmp_path / "go")
    kill(*find_programs("mlrun_cli/collector/__main__.py", str(cluster.mlrun.home)))
    (tmp_path / "go").touch()
    cluster.wait_for_line(run_id, "content")
    record = cluster.wait(run_id)
    assert record["status"] == "Completed", cluster.mlrun.log(run_id)
    assert cluster.mlrun.metrics(run_id) == {"x": 7, "y": 8}
    children = cluster.mlrun.json("run", "list", "--parent-run-id", run_id)
    assert [child["status"] for child in children] == ["Completed"]


@pytest.mark.kill
@pytest.mark.promises("slurm", "a supervisor that dies")
@pytest.mark.promises("ray", "a supervisor that dies")
def test_a_run_whose_supervisor_is_killed_fails_with_its_script(cluster: Cluster, tmp_path: Path) -> None:
    run_id = cluster.start(tmp_path / "go")
    (script,) = find_programs("train.py", str(tmp_path / "go"))
    kill(*find_programs("mlrun_cli/node/__main__.py", run_id))
    until(lambda: not is_alive(script))
    message = service_error(cluster.wait(run_id), "SupervisorDied")
    assert {"slurm": "Killed", "ray": "exit code -9"}[cluster.target] in message
    assert cluster.mlrun.metrics(run_id) == {"x": 7}
