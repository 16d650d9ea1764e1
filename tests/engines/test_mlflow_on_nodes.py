"""Scripts that log with MLflow on nodes, where there is no store: everything is in their run, once."""

from __future__ import annotations

import json
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from tests.engines.pool import PoolEngine
from tests.engines.sshd import HOST_ALIAS, RemoteMachine, can_other_users_start
from tests.running import Mlrun, find_processes, kill, until, words_of
from tests.sdk.mlflow_environments import find_mlflow_python, read_result, run_alone_in, submit_in
from tests.sdk.test_mlflow import STORY
from tests.sdk.test_mlflow_autologging import SCIKIT_LEARN_SCRIPT
from tests.sdk.test_mlflow_searches import REGISTRY, SEARCHES

POINTS = 5_000


@pytest.mark.parametrize("story", [STORY, SEARCHES, REGISTRY], ids=["logging", "searches", "registry"])
def test_what_a_script_on_a_node_logs_is_what_mlflows_own_store_has(
    pool: PoolEngine, tmp_path: Path, story: str
) -> None:
    python = find_mlflow_python("3")
    record = submit_in(pool.mlrun, python, story, "--ct", "pool")
    found = read_result(pool.mlrun, record)
    alone = run_alone_in(python, story, tmp_path / "alone")
    for name, value in found.items():
        if isinstance(value, dict):
            assert {key: each for key, each in value.items() if each != alone[name][key]} == {}
    assert {name: value for name, value in found.items() if value != alone[name]} == {}
    assert record["properties"]["node"]
    assert "warnings" not in record


@pytest.mark.mlflow
def test_autologging_on_a_machine_reached_by_ssh_gives_the_values_that_it_gives_here(
    shared_machine: RemoteMachine, tmp_path: Path
) -> None:
    python = find_mlflow_python("learners")
    if not can_other_users_start(python):
        pytest.skip(f"other users may not start {python}")
    with closing(Mlrun(tmp_path)) as mlrun:
        shared_machine.install_client(mlrun)
        attach = ("computetarget", "attach", "remote", "-n", "box", "--address", HOST_ALIAS)
        mlrun(*attach, "--python", shared_machine.python)
        here = submit_in(mlrun, python, SCIKIT_LEARN_SCRIPT)
        there = submit_in(mlrun, python, SCIKIT_LEARN_SCRIPT, "--ct", "box")
        found = read_result(mlrun, there)
        assert found == read_result(mlrun, here)
        assert found["metrics"]
        assert found["models"]
        assert mlrun.metrics(there["run_id"]) == mlrun.metrics(here["run_id"])
        assert there["parameters"] == here["parameters"] != {}
        assert [one.get("warnings") for one in (here, there)] == [None, None]
    shared_machine.reset()


@pytest.mark.kill
def test_nothing_of_mlflow_is_lost_or_doubled_while_collectors_are_killed(pool: PoolEngine) -> None:
    pool.mlrun.script(
        f"""
        import json, mlflow
        from mlflow.entities import Metric

        client = mlflow.MlflowClient()
        with mlflow.start_run() as run, mlflow.start_run(nested=True) as child:
            for step in range({POINTS}):
                mlflow.log_metric("x", step, step=step)
                client.log_metric(run.info.run_id, "x", step, step=step)
                if step % 1000 == 0:
                    mlflow.log_param(f"at {{step}}", step)
                    mlflow.set_tag("last", step)
                    mlflow.log_text(str(step), f"texts/{{step}}.txt")
                    client.log_batch(run.info.run_id, metrics=[Metric("batch", step, 0, step)] * 3)
        histories = [client.get_metric_history(one.info.run_id, "x") for one in (run, child)]
        print(json.dumps([len(history) for history in histories] + [child.info.run_id]))
        """
    )
    python = find_mlflow_python("3")
    pool.mlrun.script(
        "script: train.py\nenvironment:\n  python:\n    userManagedDependencies: true\n"
        f"    interpreterPath: {json.dumps(python)}\n",
        "mlflow.runconfig",
    )
    run_id = pool.mlrun.submit("-c", "mlflow", "--ct", "pool")
    for deaths in range(3):
        until(partial(has_more_values, pool, deaths * 1000))
        kill(*find_collectors(pool))
        pool.mlrun("run", "list")
    record = pool.mlrun.wait(run_id)
    assert record["status"] == "Completed", pool.mlrun.log(run_id)
    *counts, child_id = json.loads(pool.mlrun.log(run_id).splitlines()[-1])
    assert counts == [POINTS, POINTS]
    child = pool.mlrun.show(child_id)
    thousands = range(0, POINTS, 1000)
    assert pool.mlrun.metrics(run_id) == {
        "batch": [step for step in thousands for _ in range(3)],
        "x": list(range(POINTS)),
    }
    assert pool.mlrun.metrics(child_id) == {"x": list(range(POINTS))}
    assert child["parameters"] == {f"at {step}": step for step in thousands}
    assert (child["tags"]["last"], child["status"]) == (str(thousands[-1]), "Completed")
    assert {f"texts/{step}.txt" for step in thousands} <= set(pool.mlrun.json("run", "files", "-r", child_id))


def find_collectors(pool: PoolEngine) -> list[int]:
    found = find_processes("MLRUN_HOME", str(pool.mlrun.home))
    return [pid for pid in found if any(word.endswith("mlrun_cli/collector/__main__.py") for word in words_of(pid))]


def has_more_values(pool: PoolEngine, number: int) -> bool:
    sql = "SELECT count(*) FROM metric_values JOIN metrics USING (metric_key) WHERE name = 'x'"
    ((count,),) = pool.mlrun.stored(sql)
    return bool(count > number)
