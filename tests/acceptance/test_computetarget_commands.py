"""The subcommands of `computetarget`: names of this machine, as pipelines make clusters and send runs to them."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.acceptance.installed import bash, run_count, said
from tests.running import Mlrun, kill, until

CLUSTER = ("computetarget", "create", "amlcompute", "-n", "cpu-cluster")


def test_a_cluster_is_made_listed_used_changed_and_deleted(mlrun: Mlrun) -> None:
    mlrun.script("print('trained')")
    line = "az ml computetarget create amlcompute -n cpu-cluster --vm-size STANDARD_D2_V2 --max-nodes 4 -t made.json"
    done = bash(mlrun, f"{line} && jq -r .provisioningState made.json && jq -r .properties.computeType made.json")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == ["Succeeded", "AmlCompute"]
    (note,) = done.stderr.splitlines()
    assert " STANDARD_D2_V2 " in note and "'cpu-cluster'" in note

    made = mlrun.json("computetarget", "show", "-n", "cpu-cluster", "-v")
    assert set(made) == {"id", "location", "name", "properties", "provisioningErrors", "provisioningState", "tags"}
    assert made["id"].endswith("/providers/Microsoft.MachineLearningServices/workspaces/default/computes/cpu-cluster")
    assert made["properties"]["properties"] == {
        "vmSize": "STANDARD_D2_V2",
        "vmPriority": "Dedicated",
        "scaleSettings": {"minNodeCount": 0, "maxNodeCount": 4, "nodeIdleTimeBeforeScaleDown": "PT1800S"},
    }
    assert mlrun.json("computetarget", "list") == [made]
    assert mlrun.json("run", "submit-script", "--ct", "cpu-cluster", "train.py")["target"] == "cpu-cluster"

    changed = mlrun.json(*CLUSTER, "--max-nodes", "2", "--min-nodes", "1", "--tag", "team=vision")
    assert changed["properties"]["properties"]["scaleSettings"]["maxNodeCount"] == 2
    assert changed["tags"] == {"team": "vision"}
    assert mlrun.json("computetarget", "delete", "-n", "cpu-cluster") == changed
    assert mlrun.json("computetarget", "list") == []
    assert mlrun.json("run", "show", "-r", "@latest")["target"] == "cpu-cluster"


def test_what_only_azure_needs_is_skipped_with_one_line_that_has_no_secret(mlrun: Mlrun) -> None:
    line = (
        "az ml computetarget create amlcompute -n cpu-cluster --max-nodes 1 --admin-username lead"
        " --admin-user-password geheim --vnet-name net --subnet-name sub --assign-identity '[system]' --no-wait"
        " --vm-priority lowpriority --remote-login-port-public-access Enabled --idle-seconds-before-scaledown 300 -v"
    )
    done = bash(mlrun, line)
    (note,) = said(done)
    ignored = "--admin-username, --admin-user-password, --assign-identity, --remote-login-port-public-access"
    assert f"{ignored}, --subnet-name and --vnet-name " in note
    assert "geheim" not in done.stdout + done.stderr
    assert b"geheim" not in mlrun.database.read_bytes()
    assert '"LowPriority"' in done.stdout
    assert '"PT300S"' in done.stdout


def test_a_compute_instance_runs_one_at_a_time_and_is_made_once(mlrun: Mlrun) -> None:
    words = ("computetarget", "create", "computeinstance", "-n", "workstation")
    made = mlrun.json(*words, "-s", "STANDARD_D3_V2", "--ssh-public-access", "False", "-v")
    assert made["properties"]["computeType"] == "ComputeInstance"
    failure = mlrun.fails(*words)
    assert failure.code == "AlreadyExists"
    assert mlrun.json("computetarget", "detach", "-n", "workstation")["name"] == "workstation"


@pytest.mark.parametrize("verb", ["show", "delete", "detach"])
def test_a_target_that_is_not_there_is_refused_with_those_that_are(mlrun: Mlrun, verb: str) -> None:
    mlrun(*CLUSTER, "--max-nodes", "1")
    failure = mlrun.fails("computetarget", verb, "-n", "gpu", exit_code=3)
    assert (failure.code, failure.target) == ("ComputeTargetNotFound", "gpu")
    assert "local, cpu-cluster" in failure.message
    assert "'mlrun computetarget list'" in failure.hint
    assert mlrun.fails("computetarget", verb, "-n", "local").code == "ReservedName"


def test_who_sends_a_run_to_a_target_that_is_not_there_is_told_how_one_is_made(mlrun: Mlrun) -> None:
    mlrun.script("")
    for name, hint in (
        ("gpu", "mlrun computetarget create amlcompute -n gpu --max-nodes 1"),
        ("slurm", "mlrun computetarget attach slurm -n slurm --shared-folder FOLDER"),
        ("<put your target here>", "Write the name of a target, such as 'local', this machine."),
    ):
        said = mlrun.fails("run", "submit-script", "--ct", name, "train.py", exit_code=3)
        assert said.code == "ComputeTargetNotFound"
        assert said.target == name
        assert hint in said.text
        assert ("create amlcompute" in said.text) == (name == "gpu")


def test_what_cannot_be_made_is_refused_by_name(mlrun: Mlrun) -> None:
    for words, code, fact in (
        ("create amlcompute -n x", "MissingOption", "--max-nodes"),
        ("create amlcompute -n x --max-nodes 0", "InvalidValue", "--max-nodes"),
        ("create amlcompute -n x --max-nodes 2147483648", "InvalidValue", "--max-nodes"),
        ("create amlcompute -n x --max-nodes 99999999999999999999 --min-nodes 1", "InvalidValue", "--max-nodes"),
        ("create amlcompute -n x --max-nodes 1 --min-nodes 2147483648", "InvalidValue", "2147483647"),
        ("create amlcompute -n x --max-nodes many", "InvalidValue", "'many'"),
        ("create amlcompute -n x --max-nodes 1 --min-nodes 2", "ConflictingOptions", "--min-nodes"),
        ("create computeinstance -n local", "ReservedName", "amlcompute -n local --max-nodes"),
        ("create amlcompute -n a/b --max-nodes 1", "InvalidName", "'a/b'"),
        ("create computeinstance -n x --max-nodes 2", "ConflictingOptions", "--max-nodes"),
        ("create aks -n x", "UnsupportedCommand", "'computetarget create aks'"),
        ("create -n x aks", "Unsupported", "'aks'"),
        ("attach remote -n vm -a 10.0.0.1 -u me -p geheim", "Unsupported", "--password"),
        ("computeinstance start -n x", "UnsupportedCommand", "this machine"),
    ):
        failure = mlrun.fails("ml", "computetarget", *words.split())
        assert failure.code == code
        assert fact in failure.text
        assert "geheim" not in failure.text
    assert mlrun.json("computetarget", "list") == []


WAITS = "import os, time\nwhile not os.path.exists(os.environ['GO']): time.sleep(0.01)"
DELETE = ("computetarget", "delete", "-n", "cpu-cluster")


@pytest.fixture
def go(mlrun: Mlrun) -> Path:
    """The runs of the cluster, which has one node, wait until this file is there."""
    mlrun(*CLUSTER, "--max-nodes", "1")
    mlrun.script(WAITS)
    path = mlrun.folder.parent / "go"
    mlrun.environment["GO"] = str(path)
    return path


@pytest.mark.usefixtures("go")
def test_a_target_in_use_is_not_deleted_and_its_runs_go_on(mlrun: Mlrun) -> None:
    run_ids = [mlrun.submit("--ct", "cpu-cluster", "-e", name, "train.py") for name in ("exp", "exp", "other")]
    mlrun.wait_for_status(run_ids[0], "Running")
    said = mlrun.fails(*DELETE)
    assert said.code == "InUse"
    assert "2 runs" in said.message and "1 run " in said.message
    lines = re.findall("'mlrun (run cancel [^']*)'", said.text)
    assert len(lines) == 2
    for verb in ("detach", "delete"):
        mlrun.fails("computetarget", verb, "-n", "cpu-cluster")
    assert [mlrun.stored_status(run_id) for run_id in run_ids] == ["Running", "Queued", "Queued"]
    for line in lines:
        mlrun(*line.split())
    mlrun(*DELETE)
    assert mlrun.json("computetarget", "list") == []
    assert [mlrun.wait(run_id)["status"] for run_id in run_ids] == ["Canceled"] * 3


def test_local_has_a_limit_while_it_is_given_one(mlrun: Mlrun, go: Path) -> None:
    mlrun("computetarget", "create", "amlcompute", "-n", "local", "--max-nodes", "1")
    first, second, third = (mlrun.submit() for _ in range(3))
    mlrun.wait_for_status(first, "Running")
    assert "1 of the 1 node of 'local' taken" in mlrun.show(second)["waiting_for"]
    assert [mlrun.stored_status(run_id) for run_id in (second, third)] == ["Queued"] * 2
    failure = mlrun.fails("computetarget", "show", "-n", "x", exit_code=3)
    assert failure.code == "ComputeTargetNotFound"
    mlrun("computetarget", "delete", "-n", "local")
    for run_id in (second, third):
        mlrun.wait_for_status(run_id, "Running")
    go.touch()
    assert {mlrun.wait(run_id)["status"] for run_id in (first, second, third)} == {"Completed"}


@pytest.mark.usefixtures("go")
def test_a_child_run_keeps_its_target_too(mlrun: Mlrun) -> None:
    mlrun.script(
        """
        from azureml.core import Run, ScriptRunConfig
        from azureml.core.runconfig import RunConfiguration
        configuration = RunConfiguration()
        configuration.target = "cpu-cluster"
        configuration.environment.python.user_managed_dependencies = True
        Run.get_context().submit_child(ScriptRunConfig(".", "train.py", run_config=configuration))
    """,
        "parent.py",
    )
    parent = mlrun.ended("parent.py")["run_id"]
    (line,) = re.findall("'mlrun (run cancel [^']*)'", mlrun.fails(*DELETE).text)
    assert f"--parent-run-id {parent}" in line
    mlrun(*line.split())
    mlrun(*DELETE)


@pytest.mark.usefixtures("go")
def test_a_target_whose_last_run_was_lost_is_deleted(mlrun: Mlrun) -> None:
    run_id = mlrun.submit("--ct", "cpu-cluster", "train.py")
    mlrun.wait_for_status(run_id, "Running")
    kill(*mlrun.programs("dispatcher.py"), mlrun.supervisor(run_id))  # nobody but the delete notices it
    mlrun(*DELETE)
    assert mlrun.wait(run_id)["status"] == "Failed"


@pytest.mark.usefixtures("go")
def test_a_run_whose_target_is_deleted_while_it_is_submitted_is_refused_and_leaves_nothing(mlrun: Mlrun) -> None:
    with closing(sqlite3.connect(mlrun.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        submitting = mlrun.start("run", "submit-script", "--async", "--ct", "cpu-cluster", "train.py")
        until(lambda: list(mlrun.database.parent.glob("runs/*/environment.json")))  # all but the row is written
        other.execute("DELETE FROM compute_targets")
        other.execute("COMMIT")
    out, err = submitting.communicate(timeout=180)
    assert (submitting.returncode, out) == (3, "")
    assert "cpu-cluster" in err
    assert run_count(mlrun) == 0


def test_deleting_and_submitting_at_once_leave_no_run_without_its_target(mlrun: Mlrun, go: Path) -> None:
    submissions = [mlrun.start("run", "submit-script", "--async", "--ct", "cpu-cluster", "train.py") for _ in range(4)]
    deletes = [mlrun.start(*DELETE) for _ in range(2)]
    for process in (*submissions, *deletes):
        process.communicate(timeout=120)
    assert {process.returncode for process in submissions} <= {0, 3}
    assert {process.returncode for process in deletes} <= {0, 2, 3}
    taken = sum(process.returncode == 0 for process in submissions)
    is_deleted = any(process.returncode == 0 for process in deletes)
    assert is_deleted == (taken == 0)  # no run has ended meanwhile
    assert run_count(mlrun) == taken
    go.touch()
    for (run_id,) in mlrun.stored("SELECT run_id FROM runs"):
        assert mlrun.wait(run_id)["status"] == "Completed"
