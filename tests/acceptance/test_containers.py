"""Runs whose packages are in an image, with a stand-in for docker that starts processes of this machine."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.installed import refused
from tests.running import Mlrun, is_alive, kill, until

# Knows the image `known`, and can pull `pulled`. A container is a process in a session of its own and a file that is
# named for it; its variables are those it was told, its `python` is that of the tests.
ENGINE = """\
#!{python}
import json, os, pathlib, signal, subprocess, sys
here = pathlib.Path({here!r})
words = sys.argv[1:]
with open(here / "log", "a") as log:
    log.write(json.dumps(words) + "\\n")
containers = here / "containers"
containers.mkdir(exist_ok=True)
if words[:2] == ["image", "inspect"]:
    sys.exit(words[2] != "known" and not (here / words[2]).exists())
if words[0] == "pull":
    if words[1] != "pulled":
        sys.exit("Error: pull access denied for " + words[1])
    (here / "pulled").touch()
    sys.exit()
if words[0] == "ps":
    label = words[words.index("--filter") + 1].split("=")[-1]
    print(*[path.name for path in containers.iterdir() if label in path.name])
    sys.exit()
if words[0] in ("kill", "rm"):
    for name in words[1:]:
        if (containers / name).exists():
            pid = int((containers / name).read_text())
            (containers / name).unlink()
            os.killpg(pid, signal.SIGKILL)
    sys.exit()
given = {{}}
rest = words[1:]
while rest[0].startswith("--"):
    option = rest.pop(0)
    if option not in ("--rm", "--init"):
        given.setdefault(option, []).append(rest.pop(0))
variables = [text.partition("=") for text in given["--env"]]
environment = {{name: value if equals else os.environ[name] for name, equals, value in variables}}
program = given["--entrypoint"][0].replace("python", sys.executable)
process = subprocess.Popen(
    [program, *rest[1:]], env=environment, cwd=given["--workdir"][0], start_new_session=True
)
(containers / given["--name"][0]).write_text(str(process.pid))
signal.signal(signal.SIGTERM, lambda *_: process.send_signal(signal.SIGTERM))
code = process.wait()
(containers / given["--name"][0]).unlink(missing_ok=True)
sys.exit(code if code >= 0 else 128 - code)
"""


class Engine:
    """The stand-in, first on the PATH of a command."""

    def __init__(self, mlrun: Mlrun) -> None:
        self.folder = mlrun.folder.parent / "engine"
        self.program = self.folder / "docker"
        self.folder.mkdir()
        self.program.write_text(ENGINE.format(python=sys.executable, here=str(self.folder)), encoding="utf-8")
        self.program.chmod(0o755)
        mlrun.environment["PATH"] = f"{self.folder}{os.pathsep}{mlrun.environment['PATH']}"

    def calls(self, verb: str) -> list[list[str]]:
        """What it was told, with this verb in front."""
        lines = (self.folder / "log").read_text(encoding="utf-8").splitlines()
        return [words for words in map(json.loads, lines) if words[0] == verb]

    def container(self) -> int:
        """The pid of the only container's process, once there is one."""
        return until(lambda: next((int(text) for path in self._files() if (text := path.read_text("utf-8"))), None))

    def is_empty(self) -> bool:
        """Whether there is no container."""
        return not self._files()

    def _files(self) -> list[Path]:
        folder = self.folder / "containers"
        return list(folder.iterdir()) if folder.exists() else []


@pytest.fixture
def engine(mlrun: Mlrun) -> Engine:
    """A stand-in for docker."""
    return Engine(mlrun)


def write_runconfig(mlrun: Mlrun, image: str | None = "known", **more: object) -> None:
    docker = {"enabled": True, **({"baseImage": image} if image else {}), **more}
    document = {
        "script": "train.py",
        "environment": {"docker": docker, "python": {"userManagedDependencies": True}},
        "environmentVariables": {"MY_TOKEN": "s3cr3t-word", "PLAIN": "a\nb"},
    }
    mlrun.script(json.dumps(document), ".azureml/image.runconfig")


def test_a_script_runs_in_the_container_with_its_variables_and_logs(mlrun: Mlrun, engine: Engine) -> None:
    mlrun.script("""
        import os
        from azureml.core import Run
        run = Run.get_context()
        run.log("loss", 0.5)
        print(repr(os.environ["PLAIN"]), os.environ["MY_TOKEN"], "MINE" in os.environ, run.get_metrics())
        open("kept", "w").close()
    """)
    mlrun.environment["MINE"] = "of the submitter"
    write_runconfig(mlrun, shmSize="8g", arguments=["--cpus", "2"])

    done = mlrun("run", "submit-script", "-c", "image")

    record = json.loads(done.stdout)
    run_id = record["run_id"]
    assert mlrun.log(run_id) == "'a\\nb' s3cr3t-word False {'loss': 0.5}\n"
    assert mlrun.metrics(run_id) == {"loss": 0.5}
    (words,) = engine.calls("run")
    work = mlrun.run_folder(run_id) / "work"
    told = " ".join(words)
    assert told.startswith(f"run --rm --init --name mlrun-{run_id}-0 --label mlrun.run={run_id} --user ")
    assert f"--user {os.getuid()}:{os.getgid()} " in told
    assert f"--mount type=bind,source={mlrun.home},target={mlrun.home} --workdir {work} " in told
    assert told.endswith(" --shm-size 8g --cpus 2 --entrypoint python known train.py")
    assert "s3cr3t-word" not in told
    assert "WARNING" not in done.stderr
    assert (work / "kept").exists()
    assert engine.is_empty()


def test_an_image_that_is_not_here_is_pulled_before_the_script_starts(mlrun: Mlrun, engine: Engine) -> None:
    mlrun.script("")
    write_runconfig(mlrun, "pulled")
    for _ in range(2):
        mlrun("run", "submit-script", "-c", "image")
    assert engine.calls("pull") == [["pull", "pulled"]]


def test_an_image_that_cannot_be_had_fails_the_run_and_says_why(mlrun: Mlrun, engine: Engine) -> None:
    mlrun.script("")
    write_runconfig(mlrun, "private", baseImageRegistry={"address": "mine.example.org"})
    done = mlrun("run", "submit-script", "-c", "image", check=False)
    message = json.loads(done.stdout)["error"]["error"]["message"]
    assert "The image 'mine.example.org/private' cannot be had" in message
    assert "pull access denied for mine.example.org/private" in message
    assert engine.calls("run") == []


def test_cancel_lets_the_script_in_the_container_end_by_itself(mlrun: Mlrun, engine: Engine) -> None:
    mlrun.script("""
        import signal, sys, time
        signal.signal(signal.SIGTERM, lambda *_: (open("asked", "w").close(), sys.exit(3)))
        open("ready", "w").close()
        time.sleep(600)
    """)
    write_runconfig(mlrun)
    run_id = mlrun.submit("-c", "image")
    work = mlrun.run_folder(run_id) / "work"
    until((work / "ready").exists)
    mlrun("run", "cancel", "-r", run_id)
    assert mlrun.wait(run_id)["status"] == "Canceled"
    assert (work / "asked").exists()
    assert engine.is_empty()


def test_a_container_that_is_deaf_is_killed_after_the_grace(mlrun: Mlrun, engine: Engine) -> None:
    mlrun.script("""
        import signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        open("ready", "w").close()
        time.sleep(600)
    """)
    write_runconfig(mlrun)
    run_id = mlrun.submit("-c", "image")
    until((mlrun.run_folder(run_id) / "work" / "ready").exists)
    pid = engine.container()
    mlrun("run", "cancel", "-r", run_id, "--grace", "0s")
    assert mlrun.wait(run_id)["status"] == "Canceled"
    assert not is_alive(pid)
    assert engine.calls("kill")


def test_a_container_does_not_outlive_its_supervisor(mlrun: Mlrun, engine: Engine) -> None:
    mlrun.script("import time; open('ready', 'w').close(); time.sleep(600)")
    write_runconfig(mlrun)
    run_id = mlrun.submit("-c", "image")
    until((mlrun.run_folder(run_id) / "work" / "ready").exists)
    pid = engine.container()
    kill(mlrun.supervisor(run_id))
    assert mlrun.wait(run_id)["status"] == "Failed"
    assert not is_alive(pid)
    assert ["kill", f"mlrun-{run_id}-0"] in engine.calls("kill")


@pytest.mark.parametrize(
    ("docker", "words"),
    [
        ({"image": None}, "no image is named"),
        ({"baseDockerfile": "FROM scratch"}, "environment.docker.baseDockerfile cannot be honoured"),
        ({"baseImageRegistry": {"password": "s3cr3t-word"}}, "environment.docker.baseImageRegistry cannot be honoured"),
        ({"arguments": ["--env", "MY_TOKEN=s3cr3t-word"]}, "docker.arguments cannot be honoured"),
    ],
)
def test_what_cannot_be_done_for_a_container_is_refused(
    mlrun: Mlrun, engine: Engine, docker: dict[str, Any], words: str
) -> None:
    mlrun.script("")
    write_runconfig(mlrun, **docker)
    said = refused(mlrun("run", "submit-script", "-c", "image", check=False), 2)
    assert words in said
    assert "s3cr3t-word" not in said
    assert not (engine.folder / "log").exists()


def test_current_does_without_the_container_and_says_so(mlrun: Mlrun, engine: Engine) -> None:
    mlrun.script("")
    write_runconfig(mlrun)
    done = mlrun("run", "submit-script", "--environment", "current", "-c", "image")
    assert "the run gets the python on PATH, without the image" in done.stderr
    assert not (engine.folder / "log").exists()


def test_without_an_engine_it_is_refused_with_what_to_do(mlrun: Mlrun) -> None:
    mlrun.script("")
    write_runconfig(mlrun)
    mlrun.environment["PATH"] = str(Path(mlrun.command[0]).parent)
    said = refused(mlrun("run", "submit-script", "-c", "image", check=False), 2)
    assert "neither docker nor podman is on PATH" in said
    assert "--environment current" in said
