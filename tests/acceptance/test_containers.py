"""Runs whose packages are in an image, with a stand-in for docker."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.engine import Engine
from tests.running import COMMAND, Mlrun, find_files_with, find_paths, is_alive, kill, until


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


@pytest.mark.promises("local", "environments")
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
    words = ("run", "submit-script", "-c", "image")
    page = mlrun(*words, "--dry-run", "-o", "table").stdout
    assert "             8g of shared memory\n             started with --cpus 2\nVariables    MY_TOKEN=***\n" in page
    assert "those of this shell" not in page
    planned = mlrun.json(*words, "--dry-run")["environment"]
    assert (planned["image"], planned["shm_size"], planned["arguments"]) == ("known", "8g", ["--cpus", "2"])

    done = mlrun(*words)

    record = json.loads(done.stdout)
    run_id = record["run_id"]
    assert record["run_definition"]["environment"]["docker"] == {
        "enabled": True,
        "baseImage": "known",
        "shmSize": "8g",
        "arguments": ["--cpus", "2"],
    }
    assert mlrun.log(run_id) == "'a\\nb' s3cr3t-word False {'loss': 0.5}\n"
    assert mlrun.metrics(run_id) == {"loss": 0.5}
    (started,) = engine.calls("run")
    work = mlrun.run_folder(run_id) / "work"
    told = " ".join(started)
    assert told.startswith(f"run --rm --init --name mlrun-{run_id}-0 --label mlrun.run={run_id} --user ")
    assert f"--user {os.getuid()}:{os.getgid()} " in told
    assert f"--mount type=bind,source={mlrun.home},target={mlrun.home} --workdir {work} " in told
    assert told.endswith(" --shm-size 8g --cpus 2 --entrypoint python known train.py")
    assert "s3cr3t-word" not in told
    assert "WARNING" not in done.stderr
    assert (work / "kept").exists()


def test_a_script_in_a_container_reads_standard_input(mlrun: Mlrun, engine: Engine) -> None:
    mlrun.script("import sys; print(sys.stdin.read())")
    write_runconfig(mlrun)
    line = "echo from the shell | mlrun run submit-script -c image --stdin"
    mlrun.environment["PATH"] = f"{COMMAND.parent}{os.pathsep}{mlrun.environment['PATH']}"
    assert "\nfrom the shell\n" in mlrun.run("sh", "-c", line).stderr
    (started,) = engine.calls("run")
    assert started[:4] == ["run", "--rm", "--init", "--interactive"]
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
    assert "'mine.example.org/private'" in message
    assert "pull access denied for mine.example.org/private" in message
    assert "'docker login mine.example.org'" in message
    assert engine.calls("run") == []
    log = find_paths(mlrun.home, "environment.log")[0].read_text("utf-8")
    assert "by https://***@proxy" in log
    assert "s3cr3t-word" not in log + done.stdout + done.stderr


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


def test_an_engine_that_hangs_holds_up_nothing_but_the_kill(mlrun: Mlrun, engine: Engine) -> None:
    mlrun.script("""
        import os, signal, time
        from azureml.core import Run
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        open("ready", "w").close()
        while not os.path.exists("hung"):
            time.sleep(0.01)
        Run.get_context().log("loss", 0.5)
        time.sleep(600)
    """)
    write_runconfig(mlrun)
    run_id = mlrun.submit("-c", "image")
    work = mlrun.run_folder(run_id) / "work"
    until((work / "ready").exists)
    os.mkfifo(engine.folder / "ps-gate")
    mlrun("run", "cancel", "-r", run_id, "--grace", "0s")
    until(lambda: engine.calls("ps"))
    (work / "hung").touch()
    assert until(lambda: mlrun.metrics(run_id)) == {"loss": 0.5}
    assert len(engine.calls("ps")) == 1
    os.close(os.open(engine.folder / "ps-gate", os.O_WRONLY | os.O_NONBLOCK))  # fails unless it hangs there still
    (engine.folder / "ps-gate").unlink()
    assert mlrun.wait(run_id)["status"] == "Canceled"
    assert engine.is_empty()


@pytest.mark.parametrize("host", [None, "of the submitter"])
def test_a_container_does_not_outlive_its_supervisor(mlrun: Mlrun, engine: Engine, host: str | None) -> None:
    mlrun.environment.update({} if host is None else {"DOCKER_HOST": host})
    mlrun.script("import time; open('ready', 'w').close(); time.sleep(600)")
    write_runconfig(mlrun)
    run_id = mlrun.submit("-c", "image")
    until((mlrun.run_folder(run_id) / "work" / "ready").exists)
    pid = engine.container()
    kill(mlrun.supervisor(run_id))
    mlrun.environment.pop("DOCKER_HOST", None)
    assert mlrun.wait(run_id)["status"] == "Failed"
    assert not is_alive(pid)
    assert engine.is_empty()
    assert ["kill", f"mlrun-{run_id}-0"] in engine.calls("kill")


DOCKERFILE = "FROM known\nENV A=1\n"


def test_a_dockerfile_is_made_into_an_image_once_and_pruned_with_it(mlrun: Mlrun, engine: Engine) -> None:
    mlrun.script("print('inside')")
    write_runconfig(mlrun, None, baseDockerfile=DOCKERFILE)
    planned = mlrun.json("run", "submit-script", "-c", "image", "--dry-run")["environment"]
    assert (planned["dockerfile"], planned["is_there"]) == (DOCKERFILE, False)

    run_ids = [json.loads(mlrun("run", "submit-script", "-c", "image").stdout)["run_id"] for _ in range(2)]

    assert [mlrun.log(run_id) for run_id in run_ids] == ["inside\n"] * 2
    assert engine.builds() == [(DOCKERFILE, [])]
    (record,) = mlrun.json("environment", "list", "--built")
    shown = mlrun.json("environment", "show", "--built", record["key"])
    assert (record["builder"], shown["dockerfile"]) == ("image", DOCKERFILE)
    assert engine.images() == [shown["image"]] == [planned["image"]]
    assert shown["image"] == f"localhost/mlrun-environment:{record['key']}"
    (words, _) = engine.calls("run")
    assert words[-2:] == [shown["image"], "train.py"]
    kept = mlrun.run_folder(run_ids[0]) / "artifacts" / "system_logs"
    assert "STEP 1: FROM known" in (kept / "environment.log").read_text("utf-8")
    assert json.loads((kept / "environment.json").read_text("utf-8"))["image"] == shown["image"]

    until(lambda: not any(map(mlrun.supervisors, run_ids)))  # until then they use it
    assert mlrun.json("environment", "prune", "--older-than", "0s")["environments"] == [record["key"]]
    assert engine.images() == []
    assert mlrun.json("environment", "list", "--built") == []


def test_an_image_that_was_removed_behind_its_back_is_made_again(mlrun: Mlrun, engine: Engine) -> None:
    mlrun.script("")
    write_runconfig(mlrun, None, baseDockerfile=DOCKERFILE)
    mlrun("run", "submit-script", "-c", "image")
    (image,) = engine.images()
    mlrun.run(str(engine.program), "rmi", image)
    mlrun("run", "submit-script", "-c", "image")
    assert len(engine.builds()) == 2


def test_an_image_that_the_engine_does_not_give_up_stays_listed(mlrun: Mlrun, engine: Engine) -> None:
    mlrun.script("")
    write_runconfig(mlrun, None, baseDockerfile=DOCKERFILE)
    run_id = mlrun.json("run", "submit-script", "-c", "image")["run_id"]
    until(lambda: not mlrun.supervisors(run_id))  # until then it uses it
    text = engine.program.read_text("utf-8")
    engine.program.write_text(text.replace('if words[0] == "rmi":', 'if words[0] == "rmi":\n    sys.exit(2)'), "utf-8")
    assert mlrun.json("environment", "prune", "--older-than", "0s")["environments"] == []
    assert len(mlrun.json("environment", "list", "--built")) == 1
    engine.program.unlink()
    assert len(mlrun.json("environment", "prune", "--older-than", "0s")["environments"]) == 1


SECRETS = """\
FROM known
RUN pip install -i https://bob:s3cr3t-word@h/simple tiktoken==0.5.1
ENV A=1 DB_PASSWORD=s3cr3t-word-2 B=2
ARG API_KEY=s3cr3t
ENV MY_SECRET="s3cr3t word 3"
RUN curl -u bob:s3cr3t https://h/s3cr3t-word-2
RUN export PIN=s3cr3t-word-4; curl -H 'x: Bearer s3cr3t-word-5' h
ENV MY_TOKEN s3cr3t
ARG LAST_TOKEN=
FROM known
"""


def test_secrets_of_a_dockerfile_reach_the_engine_and_no_record(mlrun: Mlrun, engine: Engine) -> None:
    mlrun.script("")
    mlrun.environment["MLRUN_SECRET_NAMES"] = "pin"
    mlrun.script(SECRETS, "Dockerfile.train")
    mlrun.script("Dockerfile.train\n", ".amlignore")
    write_runconfig(mlrun, None, baseDockerfile="Dockerfile.train")
    path = mlrun.folder / ".azureml" / "image.runconfig"
    path.write_text(path.read_text("utf-8").replace('"MY_TOKEN": "s3cr3t-word", ', ""), "utf-8")
    shown = [
        "FROM known",
        "RUN pip install -i https://***@h/simple tiktoken==0.5.1",
        "ENV A=1 DB_PASSWORD=*** B=2",
        "ARG API_KEY=***",
        "ENV MY_SECRET=***",
        "RUN curl -u bob:${MLRUN_INSTALL_SECRET_1} https://h/${MLRUN_INSTALL_SECRET_2}",
        "RUN export PIN=*** curl -H 'x: Bearer ${MLRUN_INSTALL_SECRET_6}' h",
        "ENV MY_TOKEN ***",
        "ARG LAST_TOKEN=",
        "FROM known",
    ]
    words = ("run", "submit-script", "-c", "image")
    assert mlrun.json(*words, "--dry-run")["environment"]["dockerfile"].splitlines() == shown

    said = [mlrun(*words, "--dry-run", "-o", "table").stdout]
    done = mlrun(*words)
    run_id = json.loads(done.stdout)["run_id"]
    said += [
        done.stdout,
        done.stderr,
        mlrun("environment", "show", "--built", mlrun.json("environment", "list", "--built")[0]["key"]).stdout,
    ]

    assert engine.builds() == [(SECRETS, [])]
    log = (mlrun.run_folder(run_id) / "artifacts/system_logs/environment.log").read_text("utf-8")
    assert "\n".join([*shown[1:4], 'ENV MY_SECRET="***"']) in log
    assert "RUN curl -u bob:*** https://h/***\n" in log
    assert "s3cr3t" not in "".join(said)
    assert not find_files_with("s3cr3t", mlrun.home)

    mlrun.script(SECRETS.replace("s3cr3t-word-2", "another-word"), "Dockerfile.train")
    mlrun(*words)
    assert len(engine.builds()) == 2


def test_a_folder_with_a_dockerfile_is_made_into_an_image_again_when_it_changes(mlrun: Mlrun, engine: Engine) -> None:
    mlrun.script("")
    mlrun.script("FROM known\nCOPY more /more\n", "image/sub/Dockerfile.train")
    mlrun.script("1", "image/more")
    section = {"location": "image", "dockerfilePath": "sub/Dockerfile.train"}
    write_runconfig(mlrun, None, buildContext=section)
    mlrun("run", "submit-script", "-c", "image")
    mlrun("run", "submit-script", "-c", "image")
    assert engine.builds() == [("FROM known\nCOPY more /more\n", ["more", "sub"])]
    mlrun.script("2", "image/more")
    mlrun("run", "submit-script", "-c", "image")
    assert len(engine.builds()) == len(engine.images()) == 2


def test_a_folder_that_changes_between_submit_and_build_fails_the_run(mlrun: Mlrun, engine: Engine) -> None:
    mlrun.script("import os, time\nwhile not os.path.exists('go'): time.sleep(0.01)")
    mlrun.script("FROM known\n", "image/Dockerfile")
    write_runconfig(mlrun, None, buildContext={"location": "image"})
    mlrun("computetarget", "create", "amlcompute", "-n", "one", "--max-nodes", "1")
    first = mlrun.submit("--ct", "one", "train.py")
    mlrun.wait_for_status(first, "Running")
    second = mlrun.submit("-c", "image", "--ct", "one")
    mlrun.script("FROM other\n", "image/Dockerfile")
    (mlrun.run_folder(first) / "work" / "go").touch()
    record = mlrun.wait(second)
    message = record["error"]["error"]["message"]
    assert str(mlrun.folder / "image") in message and "changed" in message
    assert engine.builds() == []


def test_a_dockerfile_whose_base_needs_a_login_names_it(mlrun: Mlrun, engine: Engine) -> None:
    mlrun.script("")
    write_runconfig(mlrun, None, baseDockerfile="FROM mine.example.org/private:1 AS a\nFROM a\n")
    done = mlrun("run", "submit-script", "-c", "image", check=False)
    message = json.loads(done.stdout)["error"]["error"]["message"]
    assert "(FROM mine.example.org/private:1)" in message
    assert "unauthorized" in message
    assert "'docker login mine.example.org'" in message
    assert engine.calls("run") == []
    assert mlrun.json("environment", "list", "--built") == []


def test_mpi_starts_its_processes_within_one_container(mlrun: Mlrun, engine: Engine) -> None:
    mlrun.script("import os; print(os.environ['OMPI_ALLOW_RUN_AS_ROOT'], os.environ['MASTER_ADDR'])")
    write_runconfig(mlrun)
    as_mpi(mlrun)
    run_id = json.loads(mlrun("run", "submit-script", "-c", "image").stdout)["run_id"]
    (look, words) = engine.calls("run")
    assert look[-4:] == ["--entrypoint", "mpirun", "known", "--version"]
    assert words[words.index("--entrypoint") :][:6] == ["--entrypoint", "mpirun", "known", "-np", "2", "sh"]
    assert words[-2:] == ["python", "train.py"]
    logs = mlrun.run_folder(run_id) / "artifacts" / "user_logs"
    assert {log.name: log.read_text("utf-8") for log in logs.iterdir()} == {
        "std_log.txt": "",
        "std_log_process_0.txt": "",
        "std_log_process_1.txt": "1 127.0.0.1\n",
    }


@pytest.mark.usefixtures("engine")
def test_an_image_without_mpirun_is_named(mlrun: Mlrun) -> None:
    mlrun.script("")
    write_runconfig(mlrun, "pulled")
    as_mpi(mlrun)
    done = mlrun("run", "submit-script", "-c", "image", check=False)
    message = json.loads(done.stdout)["error"]["error"]["message"]
    assert "'pulled'" in message and "mpirun" in message


def as_mpi(mlrun: Mlrun) -> None:
    path = mlrun.folder / ".azureml" / "image.runconfig"
    document = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**document, "communicator": "Mpi", "mpi": {"processCountPerNode": 2}}), "utf-8")


@pytest.mark.parametrize(
    ("docker", "words"),
    [
        ({"image": None}, "no image is named"),
        ({"baseDockerfile": DOCKERFILE}, "environment.docker.baseImage names another image"),
        (
            {"image": None, "baseDockerfile": "Dockerfile.gone"},
            "baseDockerfile cannot be used: it is neither a file",
        ),
        ({"image": None, "baseDockerfile": "D" * 300}, "baseDockerfile cannot be used: it is neither a file"),
        (
            {"image": None, "buildContext": {"dockerfilePath": "D"}},
            "buildContext cannot be used: it names no location",
        ),
        ({"image": None, "buildContext": {"location": "gone"}}, "my folder/gone"),
        ({"image": None, "buildContext": {"location": "."}}, "there is no Dockerfile"),
        ({"image": None, "buildContext": {"locationType": "git", "location": "x"}}, "'x' is an address"),
        (
            {
                "image": None,
                "buildContext": {"locationType": "storageAccount", "location": "https://a.blob/b?sig=s3cr3t"},
            },
            "write the folder as environment.docker.buildContext.location",
        ),
        ({"baseImageRegistry": {"password": "s3cr3t-word"}}, "environment.docker.baseImageRegistry cannot be used"),
        (
            {"image": None, "baseDockerfile": DOCKERFILE, "baseImageRegistry": {"password": "s3cr3t-word"}},
            "environment.docker.baseImageRegistry cannot be used",
        ),
        ({"arguments": ["--env", "MY_TOKEN=s3cr3t-word"]}, "docker.arguments cannot be used"),
    ],
)
def test_what_cannot_be_done_for_a_container_is_refused(
    mlrun: Mlrun, engine: Engine, docker: dict[str, Any], words: str
) -> None:
    mlrun.script("")
    write_runconfig(mlrun, **docker)
    said = mlrun.fails("run", "submit-script", "-c", "image")
    assert said.code == "Unsupported"
    assert words in said.text
    assert "s3cr3t" not in said.text
    assert not (engine.folder / "log").exists()


@pytest.mark.usefixtures("engine")
def test_conda_dependencies_are_made_without_the_image_and_that_is_all_that_is_said(mlrun: Mlrun) -> None:
    mlrun.script("")
    docker = {"enabled": True, "baseDockerfile": DOCKERFILE}
    python = {"condaDependencies": {"dependencies": [{"pip": ["--no-index"]}]}, "baseCondaEnvironment": None}
    document = {"script": "train.py", "environment": {"docker": docker, "python": python}}
    mlrun.script(json.dumps(document), ".azureml/image.runconfig")
    done = mlrun("run", "submit-script", "-c", "image", "--dry-run")
    (said,) = json.loads(done.stdout)["notes"]
    assert said.startswith("environment.docker.enabled: ") and "conda" in said


def test_current_does_without_the_container_and_says_so(mlrun: Mlrun, engine: Engine) -> None:
    mlrun.script("")
    write_runconfig(mlrun)
    done = mlrun("run", "submit-script", "--environment", "current", "-c", "image")
    assert re.search(r"environment\.docker\.enabled: .* PATH\b", done.stderr)
    assert not (engine.folder / "log").exists()


def test_without_an_engine_it_is_refused_with_what_to_do(mlrun: Mlrun) -> None:
    mlrun.script("")
    write_runconfig(mlrun)
    mlrun.environment["PATH"] = str(Path(mlrun.command[0]).parent)
    said = mlrun.fails("run", "submit-script", "-c", "image")
    assert said.code == "Unsupported"
    assert re.search(r"\bdocker\b.*\bpodman\b.* PATH\b", said.text)
    assert "--environment current" in said.text
