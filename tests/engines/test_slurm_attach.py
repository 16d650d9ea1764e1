"""`computetarget attach slurm`: what is checked, what is stored, and what `show` tells of the cluster."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests.engines.slurm import CPUS, Slurm
from tests.running import Mlrun

ATTACH = ("computetarget", "attach", "slurm", "-n", "cluster")


def test_an_attached_cluster_is_checked_shown_and_detached(slurm: Slurm, slurm_mlrun: Mlrun, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    options = ("--partition", "short", "--time", "5", "--setup", "export A=1", "--sbatch-option=--exclusive")
    done = slurm_mlrun(*ATTACH, "--shared-folder", str(shared), *options)
    assert done.stderr == ""
    assert shared.stat().st_mode & 0o777 == 0o700
    assert not list(shared.glob("check-*"))
    shown = slurm_mlrun.json("computetarget", "show", "-n", "cluster")
    assert shown["properties"]["isAttachedCompute"] is True
    assert shown["properties"]["computeType"] == "Slurm"
    assert shown["properties"]["properties"] == {
        "sharedFolder": str(shared),
        "partition": "short",
        "time": "5",
        "setup": ["export A=1"],
        "sbatchOptions": ["--exclusive"],
    }
    assert [(node["name"], node["free_cpus"], node["gpus"]) for node in shown["nodes"]] == [("n2", CPUS, 2)]
    assert [each["name"] for each in shown["partitions"]] == ["main", "short", "spare"]
    assert slurm_mlrun.fails(*ATTACH, "--shared-folder", str(shared)).code == "AlreadyExists"
    slurm.stop_controller()
    try:
        slurm_mlrun.environment.update(slurm.write_client_configuration(1))
        unknown = slurm_mlrun("computetarget", "show", "-n", "cluster")
        assert '"nodes"' not in unknown.stdout
        assert "Slurm" in unknown.stderr
    finally:
        slurm.start_controller()
    slurm_mlrun("computetarget", "detach", "-n", "cluster")
    assert slurm_mlrun.json("computetarget", "list") == []
    assert shared.is_dir()


def test_jobs_have_the_options_of_their_target(accounting: Slurm, tmp_path: Path) -> None:
    for words in (("account", "lab"), ("qos", "high"), ("user", "root", "account=lab", "qos=normal,high")):
        accounting("sacctmgr", "--immediate", "add", *words, check=False)  # they may be there
    mlrun = Mlrun(tmp_path)
    try:
        mlrun.environment.update(accounting.environment)
        place = ("--shared-folder", str(tmp_path / "shared"), "--no-check")
        resources = ("--gpus-per-node", "1", "--cpus-per-task", "3", "--memory", "100M", "--time", "1-00:00:00")
        mlrun(*ATTACH, *place, "--partition", "main", "--account", "lab", "--qos", "high", *resources)
        mlrun.script("")
        run_id = mlrun.submit("--ct", "cluster", "train.py")
        number = mlrun.show(run_id)["properties"]["slurm_job_id"]
        job = dict(part.split("=", 1) for part in accounting("scontrol", "show", "job", number).split() if "=" in part)
        assert (job["Account"], job["QOS"], job["Partition"]) == ("lab", "high", "main")
        assert (job["CPUs/Task"], job["MinMemoryNode"], job["TimeLimit"]) == ("3", "100M", "1-00:00:00")
        assert "gpu:1" in job["TresPerNode"]
        assert mlrun.wait(run_id)["status"] == "Completed"
    finally:
        mlrun.close()


def test_nodes_that_cannot_be_tested_are_named(slurm: Slurm, slurm_mlrun: Mlrun, tmp_path: Path) -> None:
    slurm("scontrol", "update", "nodename=n1", "state=drain", "reason=test")
    done = slurm_mlrun(*ATTACH, "--shared-folder", str(tmp_path / "shared"))
    assert "n1 " in done.stderr
    assert "n2" not in done.stderr


@pytest.mark.usefixtures("slurm")
def test_what_slurm_would_refuse_is_refused_at_once(slurm_mlrun: Mlrun, tmp_path: Path) -> None:
    place = ("--shared-folder", str(tmp_path / "shared"))
    refused = slurm_mlrun.fails(*ATTACH, *place, "--partition", "none", exit_code=1)
    assert refused.code == "EngineRefused"
    assert "invalid partition specified: none" in refused.message
    for options in (("--time", "soon"), ("--gpus-per-node", "many"), ("--sbatch-option=--wrap=ls",)):
        assert slurm_mlrun.fails(*ATTACH, *place, *options).code == "InvalidValue"
    assert slurm_mlrun.fails(*ATTACH, "--shared-folder", "shared").code == "InvalidPath"
    assert slurm_mlrun.fails(*ATTACH, "--shared-folder", "/").code == "InvalidPath"
    assert slurm_mlrun.fails("computetarget", "create", "Slurm", "-n", "cluster").code == "MissingOption"
    assert slurm_mlrun.json("computetarget", "list") == []


@pytest.mark.usefixtures("slurm")
def test_a_node_that_does_not_see_the_folder_or_has_no_python_is_refused(slurm_mlrun: Mlrun, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    # The node's job sees another folder at this path, as it would on another machine.
    hidden = f"unshare --mount sh -c 'mount -t tmpfs none {tmp_path} && exec \"$@\"' sh {sys.executable}"
    wrapper = tmp_path.parent / f"{tmp_path.name}-python"
    wrapper.write_text(f'#!/bin/sh\nexec {hidden} "$@"\n', encoding="utf-8")
    wrapper.chmod(0o755)
    place = (*ATTACH, "--shared-folder", str(shared), "--partition", "short")
    try:
        for python, words in ((str(wrapper), "No such file or directory"), ("/no/python3", "/no/python3")):
            failure = slurm_mlrun.fails(*place, "--python", python, exit_code=1)
            assert (failure.code, failure.target) == ("NodeNotUsable", "n2")
            assert words in failure.message
    finally:
        wrapper.unlink()
    assert "--no-check" in slurm_mlrun(*place, "--python", "/no/python3", "--no-check").stderr


def test_without_slurm_there_is_nothing_to_attach(tmp_path: Path) -> None:
    mlrun = Mlrun(tmp_path)
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("python3", "sh"):
        (programs / name).symlink_to(shutil.which(name) or "")
    mlrun.environment["PATH"] = str(programs)
    failure = mlrun.fails(*ATTACH, "--shared-folder", str(tmp_path / "shared"), exit_code=1)
    assert (failure.code, failure.target) == ("ProgramNotFound", "sbatch")
    mlrun.close()


def test_a_machine_without_a_configured_cluster_is_said_to_have_none(tmp_path: Path) -> None:
    if shutil.which("sbatch") is None or Path("/etc/slurm/slurm.conf").exists():
        pytest.skip("Slurm is not installed, or configured for this machine")
    mlrun = Mlrun(tmp_path)
    failure = mlrun.fails(*ATTACH, "--shared-folder", str(tmp_path / "shared"), exit_code=1)
    assert (failure.code, failure.target) == ("EngineUnavailable", "sbatch")
    assert "SLURM_CONF" in failure.hint
    mlrun.close()
