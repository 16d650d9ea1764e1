"""Sweeps and pipelines on a target with an engine: each child is one job, whatever is killed or does not answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.engines.pool import PoolEngine
from tests.running import find_paths, find_processes, kill, until, words_of

SCRIPT = """
    import os, sys, time
    from azureml.core import Run
    values = dict(zip(sys.argv[1::2], sys.argv[2::2]))
    lr = float(values["--lr"])
    Run.get_context().log("acc", lr)
    while lr < 1 and not os.path.exists(values.get("--gate", "/")):
        time.sleep(0.02)
"""

PIPELINE = """
    pipeline:
      name: one
      default_compute: pool
      steps:
        step:
          type: PythonScriptStep
          script_name: train.py
"""

TWO_TARGETS = """
    pipeline:
      name: two
      default_compute: pool
      steps:
        There:
          type: PythonScriptStep
          script_name: train.py
          name: There
        ThereToo:
          type: PythonScriptStep
          script_name: train.py
          name: ThereToo
        Write:
          type: PythonScriptStep
          script_name: write.py
          name: Write
          compute: local
          arguments: ['output:a']
          outputs: {a: {destination: a, bind_mode: upload}}
        Read:
          type: PythonScriptStep
          script_name: train.py
          name: Read
          compute: local
          arguments: ['input:a']
          inputs: {a: {source: a}}
"""

TWO_ENGINES = """
    pipeline:
      name: two
      default_compute: pool
      steps:
        First: {type: PythonScriptStep, script_name: train.py, name: First}
        Second: {type: PythonScriptStep, script_name: train.py, name: Second, compute: other}
"""


def submit(pool: PoolEngine, *words: str, concurrent: int = 2, script: tuple[str, ...] = ()) -> str:
    pool.mlrun.script(SCRIPT)
    line = ("run", "sweep", "--ct", "pool", "--concurrent", str(concurrent), "--maximize", "acc", "--async", *words)
    sweep: str = pool.mlrun.json(*line, "train.py", *script)["run_id"]
    return sweep


def children(pool: PoolEngine, sweep: str) -> list[dict[str, Any]]:
    return list(reversed(pool.mlrun.json("run", "list", "--parent-run-id", sweep)))


def statuses(pool: PoolEngine, sweep: str) -> list[str]:
    return [run["status"] for run in children(pool, sweep)]


def count_jobs(pool: PoolEngine, sweep: str) -> int:
    return sum(row["run_id"].startswith(sweep) for row in pool.pool.list())


def test_each_run_of_a_sweep_is_a_job(pool: PoolEngine) -> None:
    sweep = submit(pool, "--grid", "lr=1,3,2")
    record = pool.mlrun.wait(sweep)
    assert record["status"] == "Completed"
    assert record["properties"]["best_child_run_id"] == f"{sweep}_1"
    assert statuses(pool, sweep) == ["Completed"] * 3
    assert all("pool_job_id" in run["properties"] for run in children(pool, sweep))
    assert not (pool.mlrun.run_folder(sweep) / "template" / "secrets.json").exists()


def test_a_policy_cancels_the_job_of_a_run(pool: PoolEngine, tmp_path: Path) -> None:
    words = ("--grid", "lr=2,0.5", "--policy", "bandit:slack=0.1")
    sweep = submit(pool, *words, concurrent=1, script=("--gate", str(tmp_path / "gate")))
    assert pool.mlrun.wait(sweep)["status"] == "Completed"
    stopped = children(pool, sweep)[1]
    assert (stopped["status"], stopped.get("error")) == ("Canceled", None)
    assert "BanditPolicy" in stopped["properties"]["termination_reason"]


def test_cancel_ends_the_jobs_that_run_and_those_that_wait(pool: PoolEngine, tmp_path: Path) -> None:
    pool.set_option("slots", "1")
    sweep = submit(pool, "--grid", "lr=0.1,0.2,0.3", script=("--gate", str(tmp_path / "gate")))
    until(lambda: sorted(statuses(pool, sweep)) == ["Queued", "Running"])
    pool.mlrun("run", "cancel", "-r", sweep)
    assert pool.mlrun.wait(sweep)["status"] == "Canceled"
    assert statuses(pool, sweep) == ["Canceled"] * 2


def test_runs_whose_jobs_are_refused_have_failed_with_the_words_of_the_engine(pool: PoolEngine) -> None:
    pool.set_option("refuse", "no such partition")
    sweep = submit(pool, "--grid", "lr=1,2,3")
    record = pool.mlrun.wait(sweep)
    assert (record["status"], statuses(pool, sweep)) == ("Failed", ["Failed"] * 3)
    assert "no such partition" in record["error"]["error"]["message"]
    assert not list(pool.mlrun.database.parent.glob("submits/*"))


def test_a_sweep_waits_for_an_engine_that_is_away_and_says_so(pool: PoolEngine) -> None:
    pool.set_option("away")
    sweep = submit(pool, "--grid", "lr=1,2,3")
    until(lambda: statuses(pool, sweep) == ["NotStarted"] * 2)
    waiting = {sweep, *(child["run_id"] for child in children(pool, sweep))}
    until(lambda: all("answer" in pool.mlrun.show(run_id).get("waiting_for", "") for run_id in waiting))
    for _ in range(2):  # at the end of a step, the controller removes the file
        (starts := pool.mlrun.run_folder(sweep) / "controller.starts").touch()
        until(lambda: not starts.exists())
    assert "answer" in pool.mlrun.show(sweep)["waiting_for"]
    pool.set_option("away", None)
    record = pool.mlrun.wait(sweep)
    assert (record["status"], statuses(pool, sweep)) == ("Completed", ["Completed"] * 3)
    assert count_jobs(pool, sweep) == 3
    assert "waiting_for" not in record


def test_a_run_whose_submission_was_not_answered_is_canceled_with_its_sweep(pool: PoolEngine) -> None:
    pool.set_option("away")
    sweep = submit(pool, "--grid", "lr=1,2,3")
    until(lambda: statuses(pool, sweep) == ["NotStarted"] * 2)
    pool.mlrun("run", "cancel", "-r", sweep)
    until(lambda: statuses(pool, sweep) == ["CancelRequested"] * 2)
    assert pool.mlrun.stored_status(sweep) == "CancelRequested"


def kill_controller(pool: PoolEngine) -> None:
    found = find_processes("MLRUN_HOME", str(pool.mlrun.home))
    controllers = [pid for pid in found if any(word.endswith("controller/__main__.py") for word in words_of(pid))]
    assert controllers
    kill(*controllers)


@pytest.mark.kill
def test_a_step_whose_job_was_not_made_when_the_controller_was_killed_gets_one(pool: PoolEngine) -> None:
    pool.set_option("hang", "before")
    pool.mlrun.script("print('here')")
    pool.mlrun.script(PIPELINE, "p.yml")
    pipeline = pool.mlrun.json("run", "submit-pipeline", "-y", "p.yml")["run_id"]
    until((pool.pool.folder / "hanging").exists)
    kill_controller(pool)
    pool.set_option("hang", None)
    assert pool.mlrun.wait(pipeline)["status"] == "Completed"
    assert (statuses(pool, pipeline), len(pool.pool.list())) == (["Completed"], 1)


@pytest.mark.kill
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_controller_that_is_killed_while_the_engine_takes_a_job_makes_no_second_one(
    pool: PoolEngine, moment: str
) -> None:
    pool.set_option("hang", moment)
    sweep = submit(pool, "--grid", "lr=1,2,3")
    until((pool.pool.folder / "hanging").exists)
    assert count_jobs(pool, sweep) == (moment == "after")
    kill_controller(pool)
    pool.set_option("hang", None)
    record = pool.mlrun.wait(sweep)
    assert (record["status"], statuses(pool, sweep)) == ("Completed", ["Completed"] * 3)
    assert count_jobs(pool, sweep) == 3


def test_a_target_that_is_away_holds_up_only_its_own_steps(pool: PoolEngine) -> None:
    pool.set_option("cut")
    pool.mlrun.script("print('here')")
    pool.mlrun.script("import os, sys\nos.makedirs(sys.argv[1])\nopen(os.path.join(sys.argv[1], 'x'), 'w')", "write.py")
    pool.mlrun.script(TWO_TARGETS, "p.yml")
    pipeline = pool.mlrun.json("run", "submit-pipeline", "-y", "p.yml")["run_id"]
    until(lambda: {run["display_name"]: run["status"] for run in children(pool, pipeline)}.get("Read") == "Completed")
    calls = until(lambda: calls if len(calls := pool.list_calls()) > 3 else None)
    assert calls[:4] == ["check", "find", "find", "find"]
    assert "The pool does not answer" in pool.mlrun.show(pipeline)["waiting_for"]
    assert {run["display_name"] for run in children(pool, pipeline)} == {"Write", "Read"}
    pool.set_option("cut", None)
    assert (pool.mlrun.wait(pipeline)["status"], statuses(pool, pipeline)) == ("Completed", ["Completed"] * 4)
    assert len(pool.pool.list()) == 2
    (log,) = find_paths(pool.mlrun.run_folder(pipeline), "executionlogs.txt")
    text = log.read_text(encoding="utf-8")
    assert (text.count("Submitting 3 runs"), text.count("Submitting 1 runs")) == (1, 1)


@pytest.mark.kill
@pytest.mark.parametrize("away", ["First", "Second"])
def test_interrupted_starts_are_repeated_although_the_target_of_one_is_away(pool: PoolEngine, away: str) -> None:
    engines = {"First": pool.pool, "Second": pool.add_target("other")}
    for engine in engines.values():
        engine.set_option("hang", "before")
    pool.mlrun.script("print('here')")
    pool.mlrun.script(TWO_ENGINES, "p.yml")
    pipeline = pool.mlrun.json("run", "submit-pipeline", "-y", "p.yml")["run_id"]
    until((pool.pool.folder / "hanging").exists)
    kill_controller(pool)
    pool.set_option("cut")
    pool.set_option("hang", None)
    # The second step, which has not been recorded yet, is started although the first one cannot be.
    until(lambda: children(pool, pipeline) and (engines["Second"].folder / "hanging").exists())
    kill_controller(pool)
    pool.set_option("cut", None)
    engines[away].set_option("cut", "")
    engines["Second"].set_option("hang", None)
    expected = ["NotStarted" if name == away else "Completed" for name in engines]
    until(lambda: statuses(pool, pipeline) == expected)
    until(lambda: "The pool does not answer" in pool.mlrun.show(pipeline).get("waiting_for", ""))
    engines[away].set_option("cut", None)
    assert pool.mlrun.wait(pipeline)["status"] == "Completed"
    assert statuses(pool, pipeline) == ["Completed"] * 2
    assert [len(engine.list()) for engine in engines.values()] == [1, 1]
