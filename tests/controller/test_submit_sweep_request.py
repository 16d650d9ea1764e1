"""The request by which a script or a notebook submits a sweep."""

from __future__ import annotations

import os
from typing import Any

from mlrun_cli.rpc.context import RequestContext
from mlrun_cli.rpc.dispatch import dispatch
from mlrun_cli.rpc.protocol import Request
from mlrun_cli.runs.status import RunStatus
from tests.controller.sweep_world import SweepWorld

DEFINITION = {
    "generator_config": {"name": "GRID", "parameter_space": {"--lr": ["choice", [[0.1, 0.2]]]}},
    "policy_config": {"name": "Default"},
    "primary_metric_config": {"name": "acc", "goal": "minimize"},
    "max_total_jobs": 9,
    "max_concurrent_jobs": 2,
    "max_duration_minutes": 10080,
    "name": "exp",
    "platform": "AML",
}


def request(world: SweepWorld, **arguments: Any) -> dict[str, Any]:
    with RequestContext(world.root / "home", lambda _: "sessions/test") as context:
        given = {
            "experiment_name": "exp",
            "document": {"script": "train.py", "arguments": ["--epochs", "1"], "target": "local"},
            "source_directory": str(world.source),
            "environment": {"PATH": os.environ["PATH"]},
            "definition": DEFINITION,
            **arguments,
        }
        response: dict[str, Any] = dispatch(context, Request("submitting.submit_sweep", world.locator.identity, given))
    return response


def test_a_sweep_is_submitted_by_a_request_under_an_id_of_its_own(world: SweepWorld) -> None:
    parent = world.submit()
    record = request(world, run_id="HD_mine", parent_run_id=parent, tags={"a": "b"}, properties={"p": "q"})["result"]
    run = record["run"]
    assert (run["run_id"], run["parent_run_id"], run["run_type"]) == ("HD_mine", parent, "hyperdrive")
    assert (run["tags"]["a"], run["properties"]["p"]) == ("b", "q")
    ended = world.ended("HD_mine")
    assert (ended.status, ended.root_run_id) == (RunStatus.COMPLETED, parent)
    assert ended.properties["best_child_run_id"] == "HD_mine_0"
    assert [child.argv for child in world.children("HD_mine").values()] == [
        "--epochs 1 --lr 0.1",
        "--epochs 1 --lr 0.2",
    ]
    assert "HD_mine" in request(world, run_id="HD_mine")["error"]["message"]


def test_a_definition_that_is_wrong_is_refused_in_words(world: SweepWorld) -> None:
    error = request(world, definition={**DEFINITION, "max_total_jobs": 0})["error"]
    assert error["type"] == "UserErrorException"
    assert "max_total_jobs" in error["message"]
