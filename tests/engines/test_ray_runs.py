"""Runs on a real Ray cluster, from submit to end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.engines.ray import GPUS, HEAD, NODE, PATIENCE_SECONDS, PROGRAMS, Ray
from tests.running import LIVE, Mlrun, until

pytestmark = pytest.mark.ray

WORK = """
import os, sys, time
from azureml.core import Run
run = Run.get_context()
run.log("loss", 0.5)
print("job", os.environ["RAY_JOB_CONFIG_JSON_ENV_VAR"], "token", os.environ.get("RAY_AUTH_TOKEN"), flush=True)
sys.exit(int(sys.argv[1]))
"""
WAIT = """
import signal, sys, time
def stop(*_):
    print("asked to stop", flush=True)
    sys.exit(7)
signal.signal(signal.SIGTERM, stop)
print("waits", flush=True)
time.sleep(600)
"""
UNTIL_FILE = """
import os, sys, time
print("waits", flush=True)
while not os.path.exists(sys.argv[1]):
    time.sleep(0.1)
"""
CLUSTER = """
import ray
from azureml.core import Run
ray.init("auto", log_to_driver=False)
Run.get_context().log("nodes", len([node for node in ray.nodes() if node["Alive"]]))
"""
RUNCONFIG = f"""
script: cluster.py
target: ray
environment:
  python: {{userManagedDependencies: true, interpreterPath: {PROGRAMS / "python"}}}
"""


def submit(mlrun: Mlrun, *words: str) -> str:
    return mlrun.submit("--ct", "ray", *words)


def wait_for_line(mlrun: Mlrun, run_id: str, line: str) -> None:
    log = mlrun.run_folder(run_id) / "artifacts" / "user_logs" / "std_log.txt"
    until(lambda: log.exists() and line in log.read_text(encoding="utf-8"), PATIENCE_SECONDS)


def wait_for_end(mlrun: Mlrun, run_id: str) -> dict[str, Any]:
    return until(lambda: record if (record := mlrun.show(run_id))["status"] not in LIVE else None, PATIENCE_SECONDS)


@pytest.mark.promises("ray", "status", "logs, values")
def test_runs_are_jobs_of_the_cluster(ray: Ray, ray_mlrun: Mlrun) -> None:
    ray_mlrun.script(WORK)
    ray_mlrun.script(CLUSTER, "cluster.py")
    ray_mlrun.script(RUNCONFIG, ".azureml/cluster.runconfig")
    ray_mlrun.environment["RAY_AUTH_TOKEN"] = (ray.folder / "token").read_text(encoding="ascii")
    good, bad = submit(ray_mlrun, "train.py", "0"), submit(ray_mlrun, "train.py", "3")
    connected = submit(ray_mlrun, "-c", "cluster")
    record = wait_for_end(ray_mlrun, good)
    assert record["status"] == "Completed", record["error"]
    assert record["properties"]["ray_submission_id"] == good
    events = ray_mlrun.folder.parent / "shared" / "runs" / good / "events"
    assert f'"{good}"' in next(events.glob("000001-*")).read_text(encoding="utf-8").splitlines()[0]
    assert ray_mlrun.metrics(good) == {"loss": 0.5}
    log = ray_mlrun("run", "monitor-logs", "-r", good).stdout
    assert good in log
    assert "token None" in log
    ray.wait_for_state(good, "SUCCEEDED")
    failed = wait_for_end(ray_mlrun, bad)
    assert (failed["status"], failed["exit_code"]) == ("Failed", 3)
    record = wait_for_end(ray_mlrun, connected)
    assert record["status"] == "Completed", record["error"]
    assert ray_mlrun.metrics(connected) == {"nodes": 2}


@pytest.mark.promises("ray", "GPUs")
def test_what_no_node_has_is_refused(ray_mlrun: Mlrun) -> None:
    ray_mlrun.script(WORK)
    many = ("--gpus", str(GPUS + 1))
    refused = ray_mlrun.fails("run", "submit-script", "--ct", "ray", *many, "train.py", "0", exit_code=1)
    assert refused.code == "EngineRefused"
    assert f"{NODE} has CPU 2, GPU {GPUS}" in refused.message
    assert ray_mlrun.json("run", "list") == []


def test_a_run_reserves_what_its_target_says(ray: Ray, ray_mlrun: Mlrun, tmp_path: Path) -> None:
    place = ("--address", ray.address, "--shared-folder", str(tmp_path / "picky"))
    attach = ("computetarget", "attach", "ray", "-n", "picky", *place, "--num-cpus", "2", "--num-gpus", "1")
    refused = ray_mlrun.fails(*attach, "--resources", '{"unicorn": 1}', exit_code=1)
    assert refused.code == "EngineRefused"
    assert "unicorn" in refused.message
    ray_mlrun(*attach, "--resources", '{"node_only": 1}', "--no-check")
    ray_mlrun.script(WAIT)
    run_id = ray_mlrun.submit("--ct", "picky", "train.py")
    wait_for_line(ray_mlrun, run_id, "waits")
    free = ("computetarget", "show", "-n", "picky", "--query", "nodes[].[name, free_cpus, free_gpus]")
    # Ray says some time later what is free.
    until(lambda: sorted(ray_mlrun.json(*free)) == [[HEAD, 2, 0], [NODE, 0, 1]], PATIENCE_SECONDS)
    ray_mlrun("run", "cancel", "-r", run_id)
    assert wait_for_end(ray_mlrun, run_id)["status"] == "Canceled"


def test_a_head_without_other_nodes_has_the_runs_for_which_it_has_enough(ray: Ray, ray_mlrun: Mlrun) -> None:
    ray.kill_node()
    until(lambda: ray.node_states()[NODE] == "DEAD", PATIENCE_SECONDS)
    ray_mlrun.script(WORK)
    refused = ray_mlrun.fails("run", "submit-script", "--ct", "ray", "--gpus", "1", "train.py", "0", exit_code=1)
    assert refused.code == "EngineRefused"
    assert (f"{HEAD} has CPU 2, GPU 0" in refused.message, NODE in refused.message) == (True, False)
    record = wait_for_end(ray_mlrun, submit(ray_mlrun, "train.py", "0"))
    assert record["status"] == "Completed", record["error"]


@pytest.mark.promises("ray", "cancel", "GPUs")
def test_a_canceled_run_stops_and_one_that_waits_is_never_started(ray: Ray, ray_mlrun: Mlrun) -> None:
    ray_mlrun.script(WAIT)
    running = submit(ray_mlrun, "--gpus", str(GPUS), "train.py")
    wait_for_line(ray_mlrun, running, "waits")
    waiting = submit(ray_mlrun, "--gpus", "1", "train.py")
    record = until(lambda: seen if "waiting_for" in (seen := ray_mlrun.show(waiting)) else None, PATIENCE_SECONDS)
    assert record["status"] == "Queued"
    until(lambda: "Job has not started yet" in ray_mlrun.show(waiting).get("waiting_for", ""), PATIENCE_SECONDS)
    ray_mlrun("run", "cancel", "-r", waiting)
    assert wait_for_end(ray_mlrun, waiting)["status"] == "Canceled"
    assert ray.job(waiting)["status"] == "PENDING"
    ray_mlrun("run", "cancel", "-r", running)
    assert wait_for_end(ray_mlrun, running)["status"] == "Canceled"
    wait_for_line(ray_mlrun, running, "asked to stop")
    ray.wait_for_state(waiting, "STOPPED", "SUCCEEDED", "FAILED")  # the last if it has waited too long for Ray
    assert ray_mlrun.log(waiting) == ""


def test_a_job_that_has_waited_too_long_for_ray_is_submitted_again(ray: Ray, ray_mlrun: Mlrun) -> None:
    ray_mlrun.script(UNTIL_FILE)
    go = ray_mlrun.folder.parent / "go"
    running = submit(ray_mlrun, "--gpus", str(GPUS), "train.py", str(go))
    wait_for_line(ray_mlrun, running, "waits")
    waiting = submit(ray_mlrun, "--gpus", "1", "train.py", str(go))
    ray.wait_for_state(waiting, "FAILED")
    assert ray_mlrun.show(waiting)["status"] == "Queued"
    go.touch()
    assert wait_for_end(ray_mlrun, running)["status"] == "Completed"
    record = wait_for_end(ray_mlrun, waiting)
    assert record["status"] == "Completed", record["error"]
    assert ray.job(f"{waiting}.2")["entrypoint"] == ray.job(waiting)["entrypoint"]


def test_a_cluster_is_checked_when_attached_and_detached_by_force_without_its_head(
    ray: Ray, ray_mlrun: Mlrun, tmp_path: Path
) -> None:
    place = ("-n", "other", "--address", ray.address, "--shared-folder", str(tmp_path / "other"))
    attach = ("computetarget", "attach", "ray", *place)
    path = ray_mlrun.environment.pop("RAY_AUTH_TOKEN_PATH")
    ray_mlrun.environment["RAY_AUTH_TOKEN"] = "0" * 64
    refused = ray_mlrun.fails(*attach, exit_code=1)
    assert refused.code == "EngineUnavailable"
    assert "RAY_AUTH_TOKEN" in refused.hint
    del ray_mlrun.environment["RAY_AUTH_TOKEN"]
    ray_mlrun.environment["RAY_AUTH_TOKEN_PATH"] = path
    assert ray_mlrun(*attach).stderr == ""
    shown = ray_mlrun.json("computetarget", "show", "-n", "other")
    assert {node["name"] for node in shown["nodes"]} == {HEAD, NODE}

    ray_mlrun.script(WAIT)
    run_id = ray_mlrun.submit("--ct", "other", "train.py")
    wait_for_line(ray_mlrun, run_id, "waits")
    assert ray_mlrun.fails("computetarget", "detach", "-n", "other").code == "InUse"
    with ray.away():
        detached = ray_mlrun("computetarget", "detach", "-n", "other", "--force")
        assert run_id in detached.stderr
        assert ray_mlrun.show(run_id)["status"] == "Canceled"
    wait_for_line(ray_mlrun, run_id, "asked to stop")  # by the shared folder, which its supervisor has
    assert [each["name"] for each in ray_mlrun.json("computetarget", "list")] == ["ray"]


def test_without_the_head_nothing_is_lost(ray: Ray, ray_mlrun: Mlrun) -> None:
    ray_mlrun.script(
        WAIT.replace("time.sleep(600)", "import os\nwhile not os.path.exists(sys.argv[1]): time.sleep(0.1)")
    )
    go = ray_mlrun.folder.parent / "go"
    run_id = submit(ray_mlrun, "train.py", str(go))
    wait_for_line(ray_mlrun, run_id, "waits")
    with ray.away():
        failure = ray_mlrun.fails("run", "submit-script", "--ct", "ray", "train.py", str(go), exit_code=1)
        assert failure.code == "EngineUnavailable"
        go.touch()
        assert wait_for_end(ray_mlrun, run_id)["status"] == "Completed"
        shown = ray_mlrun("computetarget", "show", "-n", "ray")
        assert '"nodes"' not in shown.stdout
        assert "Ray" in shown.stderr


@pytest.mark.promises("ray", "status")
def test_a_lost_node_is_told_in_the_words_of_ray(ray: Ray, ray_mlrun: Mlrun) -> None:
    ray_mlrun.script(WAIT)
    run_id = submit(ray_mlrun, "--gpus", "1", "train.py")
    wait_for_line(ray_mlrun, run_id, "waits")
    ray.kill_node()
    record = wait_for_end(ray_mlrun, run_id)
    assert record["status"] == "Failed"
    assert "node has died" in record["error"]["error"]["message"], record["error"]
