"""Outputs of steps that cannot be put in their places."""

from __future__ import annotations

from typing import Any

import pytest

from mlrun_cli.actions.datasets import get_dataset
from mlrun_cli.actions.datastores import get_datastore
from mlrun_cli.errors import MlrunError
from mlrun_cli.runs.status import RunStatus
from tests.controller.pipeline_world import PipelineWorld, name_output, read_output
from tests.controller.test_pipeline import make_sweep


def upload_to(destination: str, **fields: Any) -> dict[str, Any]:
    return {"outputs": {"out": {"mode": "upload", "as": "file_dataset", "destination": destination, **fields}}}


def test_a_step_whose_output_cannot_be_kept_is_failed_with_the_reason(pipelines: PipelineWorld) -> None:
    first = pipelines.step("a", "first", name_output(), "text=1", **upload_to("same"))
    assert pipelines.ended(pipelines.submit_steps(first)).status is RunStatus.COMPLETED
    second = pipelines.step(
        "a", "second", name_output(), "text=2", **upload_to("same", overwrite=False, register={"name": "d"})
    )
    later = pipelines.step("b", "later", inputs=read_output("x", "a" * 8, as_dataset=True))
    run_id = pipelines.submit_steps(second, later)
    run = pipelines.ended(run_id)
    steps = pipelines.steps(run_id)
    assert (run.status, list(steps)) == (RunStatus.FAILED, ["second"])
    step = steps["second"]
    assert (step.status, step.exit_code, step.error is not None) == (RunStatus.FAILED, 0, True)
    reason = str((step.error or {})["error"]["message"])
    assert "'out'" in reason
    assert "overwrite: true" in reason
    assert reason in str((run.error or {})["error"]["message"])
    assert pipelines.read_data("same/text") == "1"
    with pytest.raises(MlrunError):
        get_dataset(pipelines.workspace, "d")


def test_a_step_whose_data_cannot_be_moved_is_failed(pipelines: PipelineWorld) -> None:
    file = get_datastore(pipelines.workspace, None).resolve_path("file")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    run_id = pipelines.submit_steps(pipelines.step("a", "a", name_output(), **upload_to("file/below")))
    assert pipelines.ended(run_id).status is RunStatus.FAILED
    step = pipelines.steps(run_id)["a"]
    assert step.status is RunStatus.FAILED
    assert str(file) in str((step.error or {})["error"]["message"])


def test_a_sweep_whose_best_run_has_no_such_model_is_a_failed_step(pipelines: PipelineWorld) -> None:
    step = make_sweep(pipelines, outputs={"model": {}}, model_outputs={"model": "outputs/none.pkl"})
    run_id = pipelines.submit_steps(step)
    assert pipelines.ended(run_id).status is RunStatus.FAILED
    run = pipelines.steps(run_id)["sweep"]
    assert run.status is RunStatus.FAILED
    assert "outputs/none.pkl" in str((run.error or {})["error"]["message"])
    assert "best_child_run_id" in run.properties
