"""Runs on nodes: how they end, what the workspace sees of them, and what survives the death of each party."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mlrun_cli.node import node_run
from mlrun_cli.runs.events import OutcomeEvent, parse_event
from mlrun_cli.runs.outcome import Outcome
from mlrun_cli.runs.shared_folder import SharedRunFolder
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runtime.finish import write_outcome
from mlrun_cli.serving.studio_folder import StudioFolder
from mlrun_cli.targets.engine import JobEnd
from tests.engines.pool import PoolEngine
from tests.running import Mlrun, find_files_with, find_processes, is_alive, kill, processes, until, words_of

WAITING = """
    import os, sys, time
    from azureml.core import Run

    run = Run.get_context()
    run.log("x", 1)
    print("here", os.environ.get("POOL_JOB_ID"), flush=True)
    while not os.path.exists(sys.argv[1]):
        time.sleep(0.01)
    run.log("x", 2)
"""


def start(pool: PoolEngine, go: Path, script: str = WAITING) -> str:
    """Submit a script that runs until a file exists, wait until it runs, and return the run's id."""
    pool.mlrun.script(script)
    run_id = pool.mlrun.submit("--ct", "pool", "train.py", str(go))
    until(lambda: "here" in pool.mlrun.log(run_id))
    pool.mlrun.wait_for_status(run_id, "Running")
    return run_id


def collectors(mlrun: Mlrun) -> list[int]:
    mine = find_processes("MLRUN_HOME", str(mlrun.home))
    return [pid for pid in mine if any(word.endswith("mlrun_cli/collector/__main__.py") for word in words_of(pid))]


def node_programs(pool: PoolEngine, run_id: str) -> list[int]:
    folder = str(pool.run_folder(run_id))
    return [pid for pid, _ in processes() if words_of(pid)[-1:] == [folder] and "python" in words_of(pid)[0]]


def let_heartbeat_grow_old(pool: PoolEngine, run_id: str) -> None:
    os.utime(pool.run_folder(run_id) / "heartbeat", (1, 1))


def count(pool: PoolEngine) -> tuple[int, int]:
    """Return the number and the sum of the stored values of x."""
    sql = "SELECT count(*), sum(number) FROM metric_values JOIN metrics USING (metric_key) WHERE name = 'x'"
    ((number, total),) = pool.mlrun.stored(sql)
    return number, total


def has_more_values(pool: PoolEngine, number: int) -> bool:
    return count(pool)[0] > number


def get_reason(record: dict[str, Any]) -> str:
    return str(record["error"]["error"]["innerError"]["code"])


def test_a_run_completes_with_all_that_it_has_written(pool: PoolEngine, tmp_path: Path) -> None:
    script = """
        import os
        from azureml.core import Run

        run = Run.get_context()
        run.log("x", 1)
        run.tag("a", "b")
        run.add_properties({"p": "q"})
        assert run.get_metrics() == {"x": 1}
        assert run.get_tags() == {"a": "b"}
        assert run.get_properties()["p"] == "q"
        assert run.get_parameters() == {"lr": 0.1, "optimizer": "adam"}
        assert [each.id for each in run.experiment.get_runs()] == [run.id]
        assert os.path.samefile(os.getcwd(), os.environ["PWD"])
        with open("outputs/model.txt", "w") as file:
            file.write("model")
        with open("note.txt", "w") as file:
            file.write("note")
        run.upload_file("kept/note.txt", "note.txt")
        print("said")
    """
    pool.mlrun.script(script)
    run_id = pool.mlrun.submit("--ct", "pool", "train.py", "--lr", "0.1", "optimizer=adam")
    record = pool.mlrun.wait(run_id)
    assert record["status"] == "Completed", pool.mlrun.log(run_id)
    assert (record["tags"], record["properties"]["p"]) == ({"a": "b"}, "q")
    assert pool.mlrun.history(run_id) == [
        *("NotStarted", "Queued", "Preparing", "Starting", "Running", "Finalizing", "Completed")
    ]
    assert pool.mlrun.metrics(run_id) == {"x": 1}
    assert pool.mlrun.show(run_id)["resources"]["peak_memory_bytes"] > 1 << 20
    assert pool.mlrun.log(run_id) == "said\n"
    names = pool.mlrun.json("run", "files", "-r", run_id)
    assert {"outputs/model.txt", "kept/note.txt", "user_logs/std_log.txt"} <= set(names)
    pool.mlrun("run", "download", "-r", run_id, "-d", str(tmp_path / "got"))
    assert (tmp_path / "got" / "outputs" / "model.txt").read_text(encoding="utf-8") == "model"
    assert not (pool.run_folder(run_id) / "secrets.json").exists()
    assert list((pool.shared / "started").iterdir()) == []
    until(lambda: not collectors(pool.mlrun))


def test_how_a_script_ends_is_told(pool: PoolEngine) -> None:
    pool.mlrun.script("raise ValueError('nothing left')")
    run_id = pool.mlrun.submit("--ct", "pool", "train.py")
    pool.mlrun.wait_for_status(run_id, "Failed")
    record = pool.mlrun.show(run_id)
    assert (record["status"], record["exit_code"]) == ("Failed", 1)
    assert record["error"]["error"]["debugInfo"]["type"] == "ValueError"


def test_what_a_script_repeats_of_its_secrets_is_stored_without_them(pool: PoolEngine) -> None:
    secret = "Correct-Horse+battery.staple"
    pool.mlrun.script(
        """
        import os, sys
        from azureml.core import Run

        run = Run.get_context()
        run.tag("note", f"for {sys.argv[-1]}")
        run.add_properties({"why": os.environ["MY_TOKEN"]})
        run.child_run("inner").tag("note", sys.argv[-1])
        run.log("word", sys.argv[-1])
        print(run.get_tags()["note"])
        float(sys.argv[-1])
        """
    )
    words = ["--env", "MY_TOKEN=Of-the+variable", "--ct", "pool", "train.py", "--password", secret]
    run_id = pool.mlrun.submit(*words)
    pool.mlrun.wait_for_status(run_id, "Failed")
    record = pool.mlrun.show(run_id)
    assert record["error"]["error"]["message"] == "could not convert string to float: '***'"
    assert (record["tags"]["note"], record["properties"]["why"]) == ("for ***", "***")
    assert pool.mlrun.metrics(run_id) == {"word": "***"}
    until(lambda: not collectors(pool.mlrun))
    for text in (secret, "Of-the+variable"):
        found = [path for path in find_files_with(text, pool.mlrun.home.parent) if path.name != "train.py"]
        assert {path.parts[path.parts.index(run_id) + 1] for path in found} <= {"artifacts", "journal", "questions"}


def test_a_queued_run_says_why_it_waits(pool: PoolEngine) -> None:
    pool.set_option("slots", "0")
    pool.mlrun.script("")
    run_id = pool.mlrun.submit("--ct", "pool", "train.py")
    until(lambda: "Resources" in pool.mlrun.show(run_id).get("waiting_for", ""))


def test_a_held_job_that_is_not_released_says_so_and_ends_its_run(pool: PoolEngine) -> None:
    pool.set_option("slots", "0")
    pool.set_option("hold", "Access denied")
    pool.mlrun.script("")
    record = pool.mlrun.wait(pool.mlrun.submit("--ct", "pool", "train.py"))
    error = record["error"]["error"]
    assert (record["status"], error["innerError"]["code"]) == ("Failed", "JobNotStarted")
    assert "(Resources, after 3 attempts to release it)" in error["message"]
    lines = [line for line in pool.mlrun.log(record["run_id"]).splitlines() if "released" in line]
    words = "--- Pool could not start the job (Resources): not released (Access denied)"
    assert lines == [f"{words}, {number} of 3 ---" for number in (1, 2, 3)]


def test_a_running_run_is_canceled_within_its_grace(pool: PoolEngine, tmp_path: Path) -> None:
    run_id = start(pool, tmp_path / "go")
    (program,) = node_programs(pool, run_id)
    pool.mlrun("run", "cancel", "-r", run_id)
    assert pool.mlrun.wait(run_id)["status"] == "Canceled"
    assert pool.mlrun.metrics(run_id) == {"x": 1}
    until(lambda: not is_alive(program))


@pytest.mark.kill
@pytest.mark.parametrize(
    ("end", "status", "reason"),
    [
        (JobEnd.TIMED_OUT, "Canceled", "TimeLimitReached"),
        (JobEnd.NODE_LOST, "Failed", "NodeLost"),
    ],
)
def test_the_end_of_a_job_is_that_of_its_run(
    pool: PoolEngine, tmp_path: Path, end: JobEnd, status: str, reason: str
) -> None:
    run_id = start(pool, tmp_path / "go")
    pool.end_job(run_id, end)
    let_heartbeat_grow_old(pool, run_id)
    record = pool.mlrun.wait(run_id)
    assert (record["status"], get_reason(record)) == (status, reason)
    assert pool.mlrun.metrics(run_id) == {"x": 1}


@pytest.mark.kill
@pytest.mark.promises("slurm", "a supervisor that dies")
@pytest.mark.promises("ray", "a supervisor that dies")
def test_a_killed_supervisor_takes_its_script_along(pool: PoolEngine, tmp_path: Path) -> None:
    run_id = start(pool, tmp_path / "go")
    script = pool.mlrun.processes(run_id)
    kill(*node_programs(pool, run_id))
    until(lambda: not any(map(is_alive, script)))
    let_heartbeat_grow_old(pool, run_id)
    record = pool.mlrun.wait(run_id)
    assert (record["status"], get_reason(record)) == ("Failed", "SupervisorDied")


@pytest.mark.kill
def test_a_signal_of_the_engine_that_reaches_the_script_first_cancels_a_run_that_is_to_end(
    pool: PoolEngine, tmp_path: Path
) -> None:
    run_id = start(pool, tmp_path / "go")
    (script,) = pool.mlrun.processes(run_id)
    supervisors = node_programs(pool, run_id)
    kill(*supervisors, number=signal.SIGSTOP)
    kill(script, number=signal.SIGTERM)
    pool.mlrun("run", "cancel", "-r", run_id)
    kill(*supervisors, number=signal.SIGTERM)
    kill(*supervisors, number=signal.SIGCONT)
    record = pool.mlrun.wait(run_id)
    assert (record["status"], record["signal"]) == ("Canceled", "SIGTERM")


@pytest.mark.kill
def test_a_script_that_ends_well_just_before_its_supervisor_is_told_to_stop_is_not_over(
    pool: PoolEngine, tmp_path: Path
) -> None:
    is_in_time = False
    while not is_in_time:  # once more where this process stood still for so long that the run has completed
        run_id = start(pool, tmp_path / "go")
        (script,) = pool.mlrun.processes(run_id)
        supervisors = node_programs(pool, run_id)
        alive_at = time.monotonic()
        (tmp_path / "go").touch()
        while is_alive(script):
            alive_at = time.monotonic()
            time.sleep(0.001)
        time.sleep(0.03)  # the supervisor has noticed it by now
        kill(*supervisors, number=signal.SIGTERM)
        is_in_time = time.monotonic() - alive_at < node_run._COMPLETED_SECONDS
        pool.mlrun.wait(run_id)
        (tmp_path / "go").unlink()
    (path,) = (pool.run_folder(run_id) / "events").iterdir()
    events = map(parse_event, map(json.loads, path.read_text(encoding="utf-8").splitlines()))
    ((outcome, is_final),) = [(each.outcome, each.is_final) for each in events if isinstance(each, OutcomeEvent)]
    assert (outcome.status, is_final) == (RunStatus.FAILED, False)  # the engine says what has become of the job


@pytest.mark.kill
def test_nothing_is_lost_or_doubled_while_collectors_are_killed(pool: PoolEngine) -> None:
    script = """
        from azureml.core import Run

        run = Run.get_context()
        for number in range(200_000):
            run.log("x", number)
    """
    pool.mlrun.script(script)
    run_id = pool.mlrun.submit("--ct", "pool", "train.py")
    for deaths in range(3):
        until(partial(has_more_values, pool, deaths * 5000))
        kill(*collectors(pool.mlrun))
        pool.mlrun("run", "list")
    assert pool.mlrun.wait(run_id)["status"] == "Completed"
    assert count(pool) == (200_000, sum(range(200_000)))


@pytest.mark.kill
def test_a_run_goes_on_though_the_submitting_machine_was_started_again(pool: PoolEngine, tmp_path: Path) -> None:
    pool.set_option("slots", "1")
    running = start(pool, tmp_path / "go")
    waiting = pool.mlrun.submit("--ct", "pool", "train.py", str(tmp_path / "go"))
    kill(*collectors(pool.mlrun))
    pool.mlrun.execute("UPDATE runs SET boot_id = 'of another boot'")
    path = pool.mlrun.database.parent / "queues" / "pool" / "dispatcher.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    record["origin"][1] = "of another boot"
    path.write_text(json.dumps(record), encoding="utf-8")
    assert [pool.mlrun.show(run_id)["status"] for run_id in (running, waiting)] == ["Running", "Queued"]
    (tmp_path / "go").touch()
    assert [pool.mlrun.wait(run_id)["status"] for run_id in (running, waiting)] == ["Completed", "Completed"]


@pytest.mark.kill
@pytest.mark.promises("slurm", "the submitting machine dies")
@pytest.mark.promises("ray", "the submitting machine dies")
def test_an_outcome_that_no_collector_has_seen_is_found_later(pool: PoolEngine, tmp_path: Path) -> None:
    run_id = start(pool, tmp_path / "go")
    kill(*collectors(pool.mlrun))
    (tmp_path / "go").touch()
    until((pool.run_folder(run_id) / "outcome.json").exists)
    assert pool.mlrun.wait(run_id)["status"] == "Completed"
    assert pool.mlrun.metrics(run_id) == {"x": [1, 2]}


@pytest.mark.kill
def test_what_a_dead_collector_has_left_of_an_ended_run_is_removed(pool: PoolEngine, tmp_path: Path) -> None:
    pool.mlrun.script("")
    ended = pool.mlrun.ended("--ct", "pool", "train.py")["run_id"]
    until(lambda: not collectors(pool.mlrun))
    secrets, mark = pool.run_folder(ended) / "secrets.json", pool.shared / "started" / ended
    for path in (secrets, mark):
        path.write_text("{}", encoding="utf-8")
    run_id = start(pool, tmp_path / "go")
    until(lambda: not secrets.exists() and not mark.exists())
    (tmp_path / "go").touch()
    assert pool.mlrun.wait(run_id)["status"] == "Completed"


def test_an_engine_that_does_not_answer_ends_nothing(pool: PoolEngine, tmp_path: Path) -> None:
    run_id = start(pool, tmp_path / "go")
    pool.set_option("away")
    let_heartbeat_grow_old(pool, run_id)
    (tmp_path / "go").touch()
    assert pool.mlrun.wait(run_id)["status"] == "Completed"


def test_a_run_is_not_lost_while_its_submit_lives(pool: PoolEngine) -> None:
    pool.mlrun.script("")
    pool.set_option("hang", "before")
    submitting = pool.mlrun.start("run", "submit-script", "--async", "--ct", "pool", "train.py")
    until((pool.pool.folder / "hanging").exists)
    submitting.send_signal(signal.SIGSTOP)
    pool.mlrun.execute("UPDATE runs SET created_at = 1")
    pool.set_option("hang", None)
    # Until this one has ended, the collector has looked at the other.
    assert pool.mlrun.wait(pool.mlrun.submit("--ct", "pool", "train.py"))["status"] == "Completed"
    submitting.send_signal(signal.SIGCONT)
    run_id = json.loads(submitting.communicate()[0])["run_id"]
    assert pool.mlrun.wait(run_id)["status"] == "Completed"


def test_a_run_goes_on_while_the_shared_folder_is_away(pool: PoolEngine, tmp_path: Path) -> None:
    run_id = start(pool, tmp_path / "go")
    away = pool.shared.with_name("away")
    pool.shared.rename(away)
    assert pool.mlrun.show(run_id)["status"] == "Running"
    (tmp_path / "go").touch()
    away.rename(pool.shared)
    assert pool.mlrun.wait(run_id)["status"] == "Completed"
    assert pool.mlrun.metrics(run_id) == {"x": [1, 2]}


def test_a_script_without_its_folder_does_not_take_itself_for_one_outside_of_a_run(
    pool: PoolEngine, tmp_path: Path
) -> None:
    script = """
        import os, sys, time
        from azureml.core import Run
        from azureml.exceptions import ServiceException

        print("here", flush=True)
        while not os.path.exists(sys.argv[1]):
            time.sleep(0.01)
        try:
            Run.get_context().log("x", 1)
        except ServiceException:
            sys.exit(7)
    """
    run_id = start(pool, tmp_path / "go", script)
    process = pool.mlrun.processes(run_id)
    away = pool.shared.with_name("away")
    pool.shared.rename(away)
    (tmp_path / "go").touch()
    until(lambda: not any(map(is_alive, process)))
    away.rename(pool.shared)
    record = pool.mlrun.wait(run_id)
    assert (record["status"], record["exit_code"]) == ("Failed", 7)


@pytest.mark.promises("slurm", "questions of a script")
@pytest.mark.promises("ray", "questions of a script")
def test_a_script_asks_the_workspace(pool: PoolEngine) -> None:
    script = """
        from azureml.core import Run, ScriptRunConfig

        run = Run.get_context()
        child = run.child_run("part")
        child.log("y", 3)
        child.complete()
        child.upload_file("model.txt", __file__)
        assert "model.txt" in child.get_file_names()
        assert child.get_metrics() == {"y": 3}
        with open("child.py", "w") as file:
            file.write("print('child')")
        submitted = run.submit_child(ScriptRunConfig(source_directory=".", script="child.py"))
        submitted.wait_for_completion()
        assert submitted.get_status() == "Completed"
        assert sorted(each.get_status() for each in run.get_children()) == ["Completed", "Completed"]
    """
    pool.mlrun.script(script)
    record = pool.mlrun.wait(pool.mlrun.submit("--ct", "pool", "train.py"))
    assert record["status"] == "Completed", pool.mlrun.log(record["run_id"])
    assert "warnings" not in record


@pytest.mark.kill
def test_a_requeued_job_goes_on_as_the_same_run(pool: PoolEngine, tmp_path: Path) -> None:
    script = """
        import os, sys, time
        from azureml.core import Run

        Run.get_context().log("x", 1)
        is_second = os.path.exists("outputs/checkpoint")
        open("outputs/checkpoint", "w").close()
        print("here", flush=True)
        while not is_second:
            time.sleep(0.01)
    """
    run_id = start(pool, tmp_path / "go", script)
    pool.requeue_job(run_id)
    record = pool.mlrun.wait(run_id)
    assert record["status"] == "Completed", pool.mlrun.log(run_id)
    assert pool.mlrun.metrics(run_id) == {"x": [1, 1]}
    assert "attempt 2" in pool.mlrun.log(run_id)
    assert record["properties"]["node_2"] == record["properties"]["node"]
    assert pool.mlrun.history(run_id).count("Running") == 2


def test_the_key_of_the_studio_does_not_get_to_nodes(pool: PoolEngine) -> None:
    script = """
        from azureml.core.authentication import InteractiveLoginAuthentication

        try:
            print(InteractiveLoginAuthentication().get_authentication_header())
        except Exception as error:
            print(type(error).__name__, error)
    """
    pool.mlrun.script(script)
    folder = StudioFolder(pool.mlrun.home)
    with folder.register_urls("http://127.0.0.1:1", "http://127.0.0.1:1", are_lasting=True):
        record = pool.mlrun.wait(pool.mlrun.submit("--ct", "pool", "train.py"))
    log = pool.mlrun.log(record["run_id"])
    assert "AuthenticationException" in log
    assert "its key is not handed out there" in log
    assert not find_files_with(folder.read_or_create_api_key(), pool.shared)


@pytest.mark.kill
def test_an_earlier_attempt_that_has_ended_after_all_ends_the_run(pool: PoolEngine, tmp_path: Path) -> None:
    run_id = start(pool, tmp_path / "go")
    pool.requeue_job(run_id)
    until(lambda: pool.mlrun.history(run_id).count("Running") == 2)
    write_outcome(SharedRunFolder(pool.run_folder(run_id)), Outcome(RunStatus.FAILED, 5, 1.5, exit_code=7))
    record = pool.mlrun.wait(run_id)
    assert (record["status"], record["exit_code"]) == ("Failed", 7)
    until(lambda: not pool.mlrun.processes(run_id))


def test_a_driver_adds_files_to_a_run_whose_shared_folder_is_on_another_file_system(pool: PoolEngine) -> None:
    driver = """
        import sys
        from azureml.core import Run, Workspace

        run = Run.get(Workspace.from_config(), sys.argv[1])
        run.upload_file("outputs/added.py", "train.py")
        run.upload_folder("scripts", ".")
        names = {"outputs/made", "outputs/added.py", "scripts/train.py"}
        assert names <= set(run.get_file_names()), run.get_file_names()
        run.register_model("model", model_path="outputs/added.py")
    """
    if not Path("/dev/shm").is_dir():
        pytest.skip("there is no other file system")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        pool.shared.symlink_to(shutil.move(pool.shared, folder))
        pool.mlrun.script("open('outputs/made', 'w').close()")
        record = pool.mlrun.wait(pool.mlrun.submit("--ct", "pool", "train.py"))
        pool.mlrun.script(driver, "driver.py")
        pool.mlrun.python("driver.py", record["run_id"])
        (pool.mlrun.run_folder(record["run_id"]) / "uploads" / "out").symlink_to("/tmp")
        failing = pool.mlrun.script(driver.replace("outputs/added.py", "out/added.py"), "failing.py")
        done = pool.mlrun.run(sys.executable, str(failing), record["run_id"])
        assert "leads out of the run" in done.stderr
        pool.close()


def test_a_collector_outlives_an_error_of_the_operating_system(pool: PoolEngine, tmp_path: Path) -> None:
    run_id = start(pool, tmp_path / "go")
    pool.set_option("slots", "1")
    waiting = pool.mlrun.submit("--ct", "pool", "train.py", str(tmp_path / "go"))
    before = collectors(pool.mlrun)
    pool.set_option("broken")
    until(lambda: "Cannot allocate memory" in pool.mlrun.show(waiting)["waiting_for"])
    assert pool.mlrun.show(run_id)["status"] == "Running"
    pool.set_option("broken", None)
    until(lambda: "Cannot allocate memory" not in pool.mlrun.show(waiting)["waiting_for"])
    assert collectors(pool.mlrun) == before
    (tmp_path / "go").touch()
    assert [pool.mlrun.wait(each)["status"] for each in (run_id, waiting)] == ["Completed"] * 2
