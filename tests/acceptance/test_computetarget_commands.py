"""The verbs of `computetarget`: names of this machine, as pipelines make clusters and send runs to them."""

from __future__ import annotations

import pytest

from tests.acceptance.installed import bash, refused, said
from tests.running import Mlrun

CLUSTER = ("computetarget", "create", "amlcompute", "-n", "cpu-cluster")


def test_a_cluster_is_made_listed_used_changed_and_deleted(mlrun: Mlrun) -> None:
    mlrun.script("print('trained')")
    line = "az ml computetarget create amlcompute -n cpu-cluster --vm-size STANDARD_D2_V2 --max-nodes 4 -t made.json"
    done = bash(mlrun, f"{line} && jq -r .provisioningState made.json && jq -r .properties.computeType made.json")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == ["Succeeded", "AmlCompute"]
    assert done.stderr == ""

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
        "az ml computetarget create amlcompute -n cpu-cluster --max-nodes 1 -s any --admin-username lead"
        " --admin-user-password geheim --vnet-name net --subnet-name sub --assign-identity '[system]' --no-wait"
        " --vm-priority lowpriority --remote-login-port-public-access Enabled --idle-seconds-before-scaledown 300 -v"
    )
    done = bash(mlrun, line)
    assert len(said(done)) == 1
    assert "were skipped" in done.stderr
    assert "geheim" not in done.stdout + done.stderr
    assert b"geheim" not in mlrun.database.read_bytes()
    assert '"LowPriority"' in done.stdout
    assert '"PT300S"' in done.stdout


def test_a_compute_instance_runs_one_at_a_time_and_is_made_once(mlrun: Mlrun) -> None:
    words = ("computetarget", "create", "computeinstance", "-n", "workstation")
    made = mlrun.json(*words, "-s", "STANDARD_D3_V2", "--ssh-public-access", "False", "-v")
    assert made["properties"]["computeType"] == "ComputeInstance"
    assert "mlrun computetarget delete -n workstation" in refused(mlrun(*words, check=False), 2)
    assert mlrun.json("computetarget", "detach", "-n", "workstation")["name"] == "workstation"


@pytest.mark.parametrize("verb", ["show", "delete", "detach"])
def test_a_target_that_is_not_there_is_refused_with_those_that_are_and_how_one_is_made(mlrun: Mlrun, verb: str) -> None:
    mlrun(*CLUSTER, "--max-nodes", "1")
    for words in (("computetarget", verb, "-n", "gpu"), ("run", "submit-script", "--ct", "gpu", "train.py")):
        mlrun.script("")
        words_said = refused(mlrun(*words, check=False), 3)
        assert "There are: local, cpu-cluster." in words_said
        assert "mlrun computetarget create amlcompute -n gpu --max-nodes 1 --vm-size any" in words_said
    assert "is this machine" in refused(mlrun("computetarget", verb, "-n", "local", check=False), 2)


def test_what_cannot_be_made_is_refused_by_name(mlrun: Mlrun) -> None:
    for words, code, words_said in (
        ("create amlcompute -n x", 2, "needs --max-nodes"),
        ("create amlcompute -n x --max-nodes 0", 2, "--max-nodes"),
        ("create amlcompute -n x --max-nodes many", 2, "not a whole number"),
        ("create amlcompute -n x --max-nodes 1 --min-nodes 2", 2, "--min-nodes is 2"),
        ("create amlcompute -n local --max-nodes 1", 2, "always there"),
        ("create amlcompute -n a/b --max-nodes 1", 2, "cannot be the name"),
        ("create computeinstance -n x --max-nodes 2", 2, "has one node"),
        ("create aks -n x", 2, "no compute targets of the kind 'aks'"),
        ("attach remote -n vm -a 10.0.0.1 -u me --password geheim", 2, "Other machines"),
        ("computeinstance start -n x", 2, "runs already"),
    ):
        told = refused(mlrun("ml", "computetarget", *words.split(), check=False), code)
        assert words_said in told
        assert "geheim" not in told
    assert mlrun.json("computetarget", "list") == []
