"""Two runs need one environment, and one of those that have a part in making it is killed in the middle."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import sys
from itertools import product
from pathlib import Path

import pytest

from mlrun_cli.targets.programs import BUILDER_PROGRAM
from tests.engine import Engine
from tests.faults.gates import GatedBuild
from tests.running import Mlrun, is_alive, kill, until, user_error, words_of

pytestmark = pytest.mark.kill

CONDA = """#!/bin/sh
while [ $# -gt 0 ]; do
    case $1 in -p) prefix=$2;; esac
    shift
done
: > {folder}/reached
read -r _ < {folder}/gate
mkdir -p "$prefix/bin" && ln -s {python} "$prefix/bin/python"
"""


class Making:
    """An environment whose making stands before a gate, whoever makes it; `words` ask for it."""

    def __init__(self, mlrun: Mlrun, folder: Path, builder: str) -> None:
        self.words = ["-d", "gated.yml", "train.py"]
        self._folder = folder
        if builder == "image":
            self.words = ["-c", "image"]
            self._folder = Engine(mlrun).folder
            os.mkfifo(self._folder / "gate")
            docker = {"enabled": True, "baseDockerfile": "FROM known\n"}
            python = {"userManagedDependencies": True}
            document = {"script": "train.py", "environment": {"docker": docker, "python": python}}
            mlrun.script(json.dumps(document), ".azureml/image.runconfig")
            return
        GatedBuild(mlrun, folder)
        if builder == "pip":  # the option is one that uv does not take
            mlrun.script(json.dumps({"dependencies": [{"pip": ["--prefer-binary", str(folder)]}]}), "gated.yml")
        if builder == "conda":
            program = folder / "programs" / "conda"
            program.parent.mkdir()
            program.write_text(CONDA.format(folder=folder, python=os.path.realpath(sys.executable)), "utf-8")
            program.chmod(0o755)
            mlrun.environment["PATH"] = f"{program.parent}{os.pathsep}{mlrun.environment['PATH']}"

    def wait(self) -> None:
        """Wait until somebody stands before the gate; the next wait is for the next."""
        until((self._folder / "reached").exists)
        (self._folder / "reached").unlink()

    def open(self) -> None:
        """Let who stands there go on."""
        (self._folder / "gate").write_bytes(b"\n")


@pytest.fixture(params=["uv", "conda", "image"])
def making(mlrun: Mlrun, tmp_path: Path, request: pytest.FixtureRequest) -> Making:
    if request.param == "uv" and shutil.which("uv") is None:
        pytest.skip("uv is not installed")
    mlrun.script("print('done')")
    return Making(mlrun, tmp_path / "package", request.param)


def pids_of(mlrun: Mlrun, victim: str, run_id: str) -> list[int]:
    """A run's supervisor, the builder of its environment, or what that has started."""
    if victim == "supervisor":
        return mlrun.supervisors(run_id)
    return [pid for pid in mlrun.processes(run_id) if (BUILDER_PROGRAM in words_of(pid)) == (victim == "builder")]


def two_runs(mlrun: Mlrun, making: Making, *target: str) -> tuple[str, str]:
    """One run that makes the environment and stands before the gate, and one that waits for it."""
    first = mlrun.submit(*target, *making.words)
    making.wait()
    second = mlrun.submit(*target, *making.words)
    log = mlrun.run_folder(second) / "artifacts" / "system_logs" / "environment.log"
    until(lambda: log.exists() and "waiting for it" in log.read_text("utf-8"))
    return first, second


# To supervisors and builders one installer is like another.
@pytest.mark.parametrize(
    ("victim", "making"),
    [
        *product(["supervisor", "builder"], ["conda", "image"]),
        *product(["installer"], ["uv", "pip", "conda", "image"]),
    ],
    indirect=["making"],
)
def test_who_waits_makes_the_environment_when_who_made_it_is_killed(mlrun: Mlrun, making: Making, victim: str) -> None:
    first, second = two_runs(mlrun, making)
    kill(*pids_of(mlrun, victim, first))

    assert mlrun.wait(first)["status"] == "Failed"
    until(lambda: not mlrun.processes(first))
    making.wait()
    making.open()

    assert mlrun.wait(second)["status"] == "Completed"
    assert mlrun.log(second) == "done\n"
    assert len(mlrun.json("environment", "list", "--built")) == 1


def test_what_an_installer_has_started_without_the_runs_variables_ends_with_the_supervisor(
    mlrun: Mlrun, tmp_path: Path
) -> None:
    mlrun.script("")
    making = Making(mlrun, tmp_path / "package", "conda")
    deaf = "env -i sh -c 'trap \"\" TERM; while :; do sleep 0.1; done'"
    program = tmp_path / "package" / "programs" / "conda"
    first, _, rest = program.read_text("utf-8").partition("\n")
    program.write_text(f"{first}\n{deaf} & echo $! > {tmp_path}/step\n{rest}", "utf-8")
    run_id = mlrun.submit(*making.words)
    making.wait()
    kill(mlrun.supervisor(run_id))
    assert mlrun.wait(run_id)["status"] == "Failed"
    assert not is_alive(int((tmp_path / "step").read_text("utf-8")))


# They wait in the same way for what virtual environments and conda make.
@pytest.mark.parametrize("making", ["conda", "image"], indirect=True)
@pytest.mark.parametrize("victim", ["supervisor", "builder"])
def test_who_makes_the_environment_goes_on_when_who_waits_is_killed(mlrun: Mlrun, making: Making, victim: str) -> None:
    first, second = two_runs(mlrun, making)
    kill(*pids_of(mlrun, victim, second))

    assert mlrun.wait(second)["status"] == "Failed"
    assert mlrun.processes(second) == []
    making.open()

    assert mlrun.wait(first)["status"] == "Completed"
    assert len(mlrun.json("environment", "list", "--built")) == 1


@pytest.mark.parametrize("how", ["canceled", "shut down"])
def test_a_build_that_is_interrupted_leaves_nothing_and_the_next_run_makes_it(
    mlrun: Mlrun, making: Making, how: str
) -> None:
    first = mlrun.submit(*making.words)
    making.wait()
    if how == "canceled":
        mlrun("run", "cancel", "-r", first)
    else:
        os.kill(mlrun.supervisor(first), signal.SIGTERM)

    assert mlrun.wait(first)["status"] == ("Canceled" if how == "canceled" else "Failed")
    assert mlrun.processes(first) == []
    assert mlrun.json("environment", "list", "--built") == []
    made_by_the_next(mlrun, making)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can mount a disk that is too small")
def test_a_full_disk_fails_the_run_and_the_next_makes_the_environment(mlrun: Mlrun, making: Making) -> None:
    (mlrun.home / "environments").mkdir()
    command = mlrun.command
    mount = 'mount -t tmpfs -o size=4k tmpfs "$0" && exec "$@"'
    mlrun.command = ["unshare", "--mount", "sh", "-c", mount, str(mlrun.home / "environments"), *command]
    record = json.loads(mlrun("run", "submit-script", *making.words, check=False).stdout)
    mlrun.command = command

    assert os.strerror(errno.ENOSPC) in user_error(record, "EnvironmentNotBuilt")
    made_by_the_next(mlrun, making)


def made_by_the_next(mlrun: Mlrun, making: Making) -> None:
    """Whatever has become of the run before."""
    run_id = mlrun.submit(*making.words)
    making.wait()
    making.open()
    assert mlrun.wait(run_id)["status"] == "Completed"
    assert mlrun.log(run_id) == "done\n"


@pytest.mark.parametrize("making", ["uv", "image"], indirect=True)
def test_environments_are_made_though_their_dispatcher_is_killed(mlrun: Mlrun, making: Making) -> None:
    mlrun("computetarget", "create", "amlcompute", "-n", "two", "--max-nodes", "2")
    first, second = two_runs(mlrun, making, "--ct", "two")
    third = mlrun.submit("--ct", "two", *making.words)
    dispatchers = mlrun.programs("dispatcher.py")
    assert dispatchers
    kill(*dispatchers)
    until(lambda: not any(map(is_alive, dispatchers)))
    making.open()
    assert [mlrun.wait(run_id)["status"] for run_id in (first, second, third)] == ["Completed"] * 3
    assert len(mlrun.json("environment", "list", "--built")) == 1


@pytest.mark.parametrize("victims", [("builder",), ("supervisor", "builder"), ("supervisor", "builder", "installer")])
def test_a_build_that_is_killed_leaves_no_password_behind(
    mlrun: Mlrun, tmp_path: Path, victims: tuple[str, ...]
) -> None:
    mlrun.script("")
    making = Making(mlrun, tmp_path / "package", "conda")
    mlrun.script(json.dumps({"channels": ["https://bob:hunter2@h/own"], "dependencies": ["numpy"]}), "gated.yml")
    run_id = mlrun.submit(*making.words)
    making.wait()
    (file,) = mlrun.home.glob("environments/*/environment.yml")
    assert "bob:hunter2" in file.read_text("utf-8")
    kill(*(pid for victim in victims for pid in pids_of(mlrun, victim, run_id)))

    assert mlrun.wait(run_id)["status"] == "Failed"
    assert not file.exists()
