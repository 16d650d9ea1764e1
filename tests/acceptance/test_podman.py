"""Runs in containers of the real podman."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from tests.podman import Podman, write_runconfig
from tests.running import Mlrun, kill, until, user_error

DOCKERFILE = "FROM scratch\nENV FROM_THE_IMAGE=yes DB_PASSWORD=s3cr3t\nENV MY_TOKEN s3cr3t\n"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podman]:
    folder = tmp_path_factory.mktemp("podman")
    engine = Podman(folder)
    if reason := engine.why_not(folder):
        pytest.skip(reason)
    yield engine
    engine.close()


@pytest.fixture
def podman(mlrun: Mlrun, engine: Podman) -> Podman:
    """One that `mlrun` finds too."""
    mlrun.environment.update(engine.variables)
    return engine


def test_a_script_runs_in_the_image_of_a_folder_with_its_logs_and_outputs(mlrun: Mlrun, podman: Podman) -> None:
    mlrun.script("FROM scratch\nCOPY sub/marker /marker\n", "image/Dockerfile")
    mlrun.script("of the image", "image/sub/marker")
    mlrun.script("""
        import os, sys
        from azureml.core import Run
        run = Run.get_context()
        run.log("loss", 0.5)
        run.tag("where", open("/marker").read())
        open("outputs/model", "w").close()
        open(os.path.join(os.environ["AZUREML_OUTPUT_DIRECTORY"], "second"), "w").close()
        print(os.getuid(), os.getpid() == 1, os.environ["HOME"], run.get_metrics(), "MINE" in os.environ)
        sys.exit(3)
    """)
    mlrun.environment["MINE"] = "of the submitter"
    write_runconfig(mlrun, {"buildContext": {"location": "image"}})

    record = json.loads(mlrun("run", "submit-script", "-c", "image", check=False).stdout)

    run_id = record["run_id"]
    assert (record["status"], record["exit_code"], record["tags"]) == ("Failed", 3, {"where": "of the image"})
    owner = mlrun.home.stat().st_uid
    assert mlrun.log(run_id) == f"{owner} False /tmp {{'loss': 0.5}} False\n"
    assert "outputs/model" in mlrun.json("run", "files", "-r", run_id)
    (image,) = podman.images()
    assert record["run_definition"]["environment"]["docker"]["baseImage"] == image
    assert podman.containers() == []

    (listed,) = mlrun.json("environment", "list", "--built")
    assert mlrun.json("environment", "show", "--built", listed["key"])["image"] == image
    until(lambda: not mlrun.supervisors(run_id))  # until then it uses it
    assert mlrun.json("environment", "prune", "--older-than", "0s")["environments"] == [listed["key"]]
    assert podman.images() == []


def test_two_runs_at_once_make_one_image(mlrun: Mlrun, podman: Podman) -> None:
    mlrun.script("import os; print(os.environ['FROM_THE_IMAGE'], os.environ['DB_PASSWORD'] == os.environ['MY_TOKEN'])")
    write_runconfig(mlrun, {"baseDockerfile": DOCKERFILE})
    run_ids = [mlrun.submit("-c", "image") for _ in range(2)]
    assert [mlrun.wait(run_id)["status"] for run_id in run_ids] == ["Completed"] * 2
    assert [mlrun.log(run_id) for run_id in run_ids] == ["yes True\n"] * 2
    logs = [mlrun.run_folder(run_id) / "artifacts" / "system_logs" / "environment.log" for run_id in run_ids]
    assert sum("STEP 1/3: FROM scratch" in log.read_text("utf-8") for log in logs) >= 1
    assert not any("s3cr3t" in log.read_text("utf-8") for log in logs)
    assert sum(log.read_text("utf-8").startswith("Building environment") for log in logs) == 1
    assert len(podman.images()) == 1


def test_a_cancel_reaches_the_script_once(mlrun: Mlrun, podman: Podman) -> None:
    mlrun.script("""
        import signal, sys, time
        def end(*_):
            print("asked", flush=True)
            time.sleep(0.3)
            sys.exit(3)
        signal.signal(signal.SIGTERM, end)
        open("ready", "w").close()
        time.sleep(600)
    """)
    run_id = started(mlrun)
    mlrun("run", "cancel", "-r", run_id)
    record = mlrun.wait(run_id)
    assert (record["status"], record["exit_code"]) == ("Canceled", 3)
    assert mlrun.log(run_id) == "asked\n"
    assert podman.containers() == []


DEAF = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open("ready", "w").close()
time.sleep(600)
"""


def test_a_container_that_is_deaf_is_killed_after_the_grace(mlrun: Mlrun, podman: Podman) -> None:
    mlrun.script(DEAF)
    run_id = started(mlrun)
    mlrun("run", "cancel", "-r", run_id, "--grace", "0s")
    assert mlrun.wait(run_id)["status"] == "Canceled"
    assert podman.containers() == []
    assert mlrun.processes(run_id) == []


def test_a_container_does_not_outlive_its_supervisor(mlrun: Mlrun, podman: Podman) -> None:
    mlrun.script(DEAF)
    run_id = started(mlrun)
    assert podman.containers() == [f"mlrun-{run_id}-0"]
    kill(mlrun.supervisor(run_id))
    assert mlrun.wait(run_id)["status"] == "Failed"
    assert podman.containers() == []
    assert mlrun.processes(run_id) == []


def started(mlrun: Mlrun) -> str:
    """A run in a container whose script says that it is ready."""
    write_runconfig(mlrun, {"baseDockerfile": DOCKERFILE})
    run_id = mlrun.submit("-c", "image")
    until((mlrun.run_folder(run_id) / "work" / "ready").exists)
    return run_id


def test_mpi_starts_its_processes_within_one_container(mlrun: Mlrun, podman: Podman) -> None:
    if podman.inside("mpirun", "--version").returncode:
        pytest.skip("mpirun is not installed")
    mlrun.script("""
        import os
        rank, size = os.environ["OMPI_COMM_WORLD_RANK"], os.environ["OMPI_COMM_WORLD_SIZE"]
        print(rank, size)
    """)
    mpi = {"communicator": "Mpi", "mpi": {"processCountPerNode": 2}}
    write_runconfig(mlrun, {"baseDockerfile": DOCKERFILE}, ("--tmpfs", "/tmp"), **mpi)
    record = json.loads(mlrun("run", "submit-script", "-c", "image").stdout)
    logs = mlrun.run_folder(record["run_id"]) / "artifacts" / "user_logs"
    assert [(logs / f"std_log_process_{rank}.txt").read_text("utf-8") for rank in range(2)] == ["0 2\n", "1 2\n"]


class LockedRegistry(BaseHTTPRequestHandler):
    """Asks everybody to log in."""

    def do_GET(self) -> None:
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="images"')
        self.end_headers()
        self.wfile.write(b'{"errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]}')

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize("key", ["baseImage", "baseDockerfile"])
def test_an_image_that_needs_a_login_fails_the_run_and_says_how(mlrun: Mlrun, podman: Podman, key: str) -> None:
    mlrun.script("")
    with HTTPServer(("127.0.0.1", 0), LockedRegistry) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        registry = f"127.0.0.1:{server.server_port}"
        podman.trust(registry)
        image = f"{registry}/private:1"
        write_runconfig(mlrun, {key: f"FROM {image}\n" if key == "baseDockerfile" else image})
        done = mlrun("run", "submit-script", "-c", "image", check=False)
        server.shutdown()
    message = user_error(json.loads(done.stdout), "EnvironmentNotBuilt")
    assert "unauthorized" in message
    assert f"'podman login {registry}'" in message


@pytest.mark.usefixtures("podman")
def test_a_short_name_that_podman_does_not_resolve_fails_the_run_with_a_whole_one(mlrun: Mlrun) -> None:
    mlrun.script("")
    write_runconfig(mlrun, {"baseImage": "nobody/nothing:1"})
    done = mlrun("run", "submit-script", "-c", "image", check=False)
    message = user_error(json.loads(done.stdout), "EnvironmentNotBuilt")
    assert "'docker.io/nobody/nothing:1'" in message and "'--environment current'" in message
