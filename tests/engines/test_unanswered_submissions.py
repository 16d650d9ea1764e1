"""Submissions that an engine does not answer: they are repeated once it has no job of them, and no run starts twice."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from mlrun_cli.runs.shared_folder import SharedRunFolder
from mlrun_cli.runs.starting_job import find_starting_job, record_starting_job
from mlrun_cli.targets.base import Demand
from mlrun_cli.targets.engine import JobRequest
from tests.engines.pool import PoolEngine
from tests.engines.pool_target import JOB_VARIABLE
from tests.running import find_processes, kill, until

SECRET = "hr7Gq2xLwP9"
SCRIPT = """
    import os, sys, time

    with open(sys.argv[1], "a") as file:
        file.write("started\\n")
    print("here", flush=True)
    while not os.path.exists(sys.argv[1] + ".go"):
        time.sleep(0.01)
"""


def submit_unanswered(pool: PoolEngine, marks: Path) -> str:
    """Submit a run that the engine does not answer, as if a minute ago, and return its id."""
    pool.set_option("away")
    pool.mlrun.script(SCRIPT)
    words = ("--async", "--ct", "pool", "--env", f"TOKEN={SECRET}", "train.py", str(marks))
    failure = pool.mlrun.fails("run", "submit-script", *words, exit_code=1)
    assert failure.code == "SubmitUnanswered"
    run_id = failure.target
    assert run_id is not None
    pool.mlrun.execute("UPDATE runs SET created_at = 1")
    return str(run_id)


def let_go(marks: Path) -> None:
    marks.with_name(f"{marks.name}.go").touch()


def get_reason(record: dict[str, Any]) -> str:
    return str(record["error"]["error"]["innerError"]["code"])


def submit_again(pool: PoolEngine, run_id: str) -> str:
    """Have the engine accept another job for a run, and return its id."""
    row = until(lambda: pool.job(run_id))
    request = JobRequest(run_id, "default", row["command"], Demand(), Path(row["log"]))
    return pool.pool.submit(request)


def test_a_submission_that_was_not_answered_is_repeated(pool: PoolEngine, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    run_id = submit_unanswered(pool, marks)
    let_go(marks)
    pool.set_option("away", None)
    record = pool.mlrun.wait(run_id)
    assert record["status"] == "Completed", record
    assert (record["properties"]["pool_job_id"], marks.read_text()) == ("1", "started\n")
    assert pool.mlrun.history(run_id)[:2] == ["NotStarted", "Queued"]


def test_a_submission_is_not_repeated_if_its_run_is_canceled(pool: PoolEngine, tmp_path: Path) -> None:
    run_id = submit_unanswered(pool, tmp_path / "marks")
    pool.mlrun("run", "cancel", "-r", run_id)
    pool.set_option("away", None)
    assert pool.mlrun.wait(run_id)["status"] == "Canceled"
    assert pool.job(run_id) is None
    assert not (pool.run_folder(run_id) / "secrets.json").exists()


def test_a_repeated_submission_that_is_refused_is_the_end_of_its_run(pool: PoolEngine, tmp_path: Path) -> None:
    run_id = submit_unanswered(pool, tmp_path / "marks")
    pool.set_option("refuse", "Invalid partition name specified")
    pool.set_option("away", None)
    record = pool.mlrun.wait(run_id)
    assert (record["status"], get_reason(record)) == ("Failed", "EngineRefused")
    assert record["error"]["error"]["message"] == "Invalid partition name specified"
    until(lambda: not (pool.run_folder(run_id) / "secrets.json").exists())


def test_a_submission_is_repeated_while_the_nodes_that_its_job_needs_are_away(pool: PoolEngine, tmp_path: Path) -> None:
    pool.set_option("lacking")
    pool.mlrun.script(SCRIPT)
    refused = pool.mlrun.fails("run", "submit-script", "--ct", "pool", "train.py", "marks", exit_code=1)
    assert refused.code == "EngineRefused"
    pool.set_option("lacking", None)
    run_id = submit_unanswered(pool, tmp_path / "marks")
    let_go(tmp_path / "marks")
    pool.set_option("lacking")
    pool.set_option("away", None)
    record = pool.mlrun.wait(run_id)
    assert record["status"] == "Completed", record


def test_why_a_submission_cannot_be_repeated_is_logged_once(pool: PoolEngine, tmp_path: Path) -> None:
    run_id = submit_unanswered(pool, tmp_path / "marks")
    let_go(tmp_path / "marks")
    (program,) = pool.run_folder(run_id).glob("program.json")
    program.rename(tmp_path / "program.json")
    pool.set_option("away", None)
    log = pool.mlrun.database.parent / "queues" / "pool" / "dispatcher.log"
    until(lambda: "missing or damaged" in log.read_text(encoding="utf-8"))
    number = len(pool.list_calls())
    until(lambda: len(pool.list_calls()) > number + 3)
    assert log.read_text(encoding="utf-8").count("missing or damaged") == 1
    (tmp_path / "program.json").rename(program)
    assert pool.mlrun.wait(run_id)["status"] == "Completed"


def test_a_submission_is_repeated_while_what_it_needs_here_is_away(pool: PoolEngine, tmp_path: Path) -> None:
    run_id = submit_unanswered(pool, tmp_path / "marks")
    let_go(tmp_path / "marks")
    pool.set_option("lost", f"The pool's program is not on PATH\nof {SECRET}.")
    pool.set_option("away", None)
    log = pool.mlrun.database.parent / "queues" / "pool" / "dispatcher.log"
    until(lambda: "not on PATH of " in pool.mlrun.show(run_id).get("waiting_for", ""))
    record = pool.mlrun.show(run_id)
    assert (record["status"], SECRET in record["waiting_for"]) == ("NotStarted", False)
    assert SECRET not in log.read_text(encoding="utf-8")
    pool.set_option("lost", None)
    record = pool.mlrun.wait(run_id)
    assert (record["status"], record["properties"]["pool_job_id"]) == ("Completed", "1")


@pytest.mark.parametrize("unanswered", [0, 10])
def test_a_submission_is_not_repeated_for_ever_nor_after_the_death_of_its_command(
    pool: PoolEngine, tmp_path: Path, unanswered: int
) -> None:
    run_id = submit_unanswered(pool, tmp_path / "marks")
    problems = pool.mlrun.run_folder(run_id) / "job_problems.json"
    assert json.loads(problems.read_text(encoding="utf-8"))["unanswered"] == 1
    problems.write_text(json.dumps({"unanswered": unanswered}), encoding="utf-8")
    pool.set_option("away", None)
    record = pool.mlrun.wait(run_id)
    assert (record["status"], get_reason(record)) == ("Failed", "JobLost")
    assert pool.job(run_id) is None


def test_of_two_jobs_of_a_run_one_starts_it(pool: PoolEngine, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    pool.set_option("slots", "0")
    pool.mlrun.script(SCRIPT)
    run_id = pool.mlrun.submit("--ct", "pool", "train.py", str(marks))
    submit_again(pool, run_id)
    pool.set_option("slots", "2")
    until(lambda: "here" in pool.mlrun.log(run_id))
    until(lambda: sum(row["state"] == "ended" for row in pool.pool.list()) == 1)
    (running,) = (row["id"] for row in pool.pool.list() if row["state"] == "running")
    until(lambda: pool.mlrun.show(run_id)["properties"]["pool_job_id"] == running)
    let_go(marks)
    assert pool.mlrun.wait(run_id)["status"] == "Completed"
    assert marks.read_text() == "started\n"
    assert [path.name[:6] for path in (pool.run_folder(run_id) / "events").iterdir()] == ["000001"]


@pytest.mark.kill
def test_a_run_is_that_of_the_job_that_has_started_it(pool: PoolEngine, tmp_path: Path) -> None:
    """The job that the submitter knows has ended, before the other one says in the events of the run that it is it."""
    marks = tmp_path / "marks"
    pool.set_option("slots", "0")
    pool.mlrun.script(SCRIPT)
    run_id = pool.mlrun.submit("--ct", "pool", "train.py", str(marks))
    other = submit_again(pool, run_id)
    record_starting_job(SharedRunFolder(pool.run_folder(run_id)), other)
    kill(*until(lambda: find_processes(JOB_VARIABLE, f"{pool.pool.folder}/{other}")))
    pool.set_option("slots", "1")
    until(lambda: pool.mlrun.show(run_id)["properties"]["pool_job_id"] == other)
    pool.pool.requeue(other)
    until(lambda: "here" in pool.mlrun.log(run_id))
    let_go(marks)
    record = pool.mlrun.wait(run_id)
    assert (record["status"], record["properties"]["pool_job_id"]) == ("Completed", other)
    assert marks.read_text() == "started\n"


def submit_and_die(pool: PoolEngine) -> str:
    """Kill a submit whose job the engine has accepted, and knows by no name yet; return the id of the run."""
    pool.set_option("hang", "after")
    pool.set_option("missing")
    pool.mlrun.script("")
    process = pool.mlrun.start("run", "submit-script", "--async", "--ct", "pool", "train.py")
    until((pool.pool.folder / "hanging").exists)
    process.kill()
    process.communicate()
    ((run_id,),) = pool.mlrun.stored("SELECT run_id FROM runs")
    return str(run_id)


@pytest.mark.kill
def test_a_run_whose_job_is_found_is_queued_and_waits_for_what_the_engine_says(pool: PoolEngine) -> None:
    pool.set_option("slots", "0")
    run_id = submit_and_die(pool)
    problems = pool.mlrun.run_folder(run_id) / "job_problems.json"
    problems.write_text(json.dumps({"unanswered": 1}), encoding="utf-8")
    pool.set_option("missing", None)
    until(lambda: pool.mlrun.show(run_id)["properties"].get("pool_job_id"))
    until(lambda: "Resources" in pool.mlrun.show(run_id).get("waiting_for", ""))
    assert pool.mlrun.history(run_id) == ["NotStarted", "Queued"]


@pytest.mark.kill
def test_a_run_that_has_ended_before_its_job_was_found_has_the_id_of_the_job(pool: PoolEngine) -> None:
    run_id = submit_and_die(pool)
    record = pool.mlrun.wait(run_id)
    assert (record["status"], record["properties"].get("pool_job_id")) == ("Completed", "1")


def test_the_first_of_several_jobs_is_recorded_and_stays(tmp_path: Path) -> None:
    folder = SharedRunFolder(tmp_path)
    assert find_starting_job(folder) is None
    assert record_starting_job(folder, "4711_3") == "4711_3"
    assert record_starting_job(folder, "4712") == "4711_3"
    assert record_starting_job(folder, "4711_3") == "4711_3"
    assert [path.name for path in tmp_path.iterdir()] == ["job"]
    shutil.rmtree(folder.starting_job)
    assert record_starting_job(folder, "4712") == "4712"
