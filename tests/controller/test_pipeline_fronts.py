"""Runs of pipelines and of their steps in commands and actions that know only runs."""

from __future__ import annotations

import pytest

from mlrun_cli.actions.artifacts import list_files, open_file
from mlrun_cli.actions.prune import prune_workspace
from mlrun_cli.errors import RunNotRepeatable, UsageError
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.submit.earlier_runs import load_earlier_run
from mlrun_cli.submit.pipeline_runs import publish_pipeline_from_run
from tests.controller.pipeline_world import PipelineWorld, name_input, name_output, read_output


def run_two(world: PipelineWorld) -> str:
    run_id = world.submit_steps(
        world.step("a", "a", name_output(), "text=x", outputs={"out": {}}),
        world.step("b", "b", name_input("x"), inputs=read_output("x", "a" * 8)),
    )
    assert world.ended(run_id).status is RunStatus.COMPLETED
    return run_id


def test_a_step_is_not_run_again_by_itself(pipelines: PipelineWorld) -> None:
    run_id = run_two(pipelines)
    for run in pipelines.steps(run_id).values():
        with pytest.raises(RunNotRepeatable) as caught:
            load_earlier_run(pipelines.workspace, run)
        assert f"mlrun run rerun -r {run_id}" in (caught.value.hint or "")


def test_the_logs_of_a_pipeline_and_of_its_steps_are_among_their_files(pipelines: PipelineWorld) -> None:
    run_id = run_two(pipelines)
    names = {f"logs/azureml/{name}logs.txt" for name in ("execution", "stderr", "stdout")}
    pipeline = pipelines.get(run_id)
    assert set(list_files(pipelines.workspace, pipeline)) == names
    with open(open_file(pipelines.workspace, pipeline, "logs/azureml/executionlogs.txt"), encoding="utf-8") as file:
        assert "Submitting 1 runs" in file.read()
    step = pipelines.steps(run_id)["a"]
    assert {"logs/azureml/executionlogs.txt", "user_logs/std_log.txt"} <= set(list_files(pipelines.workspace, step))
    assert pipelines.workspace.get_run_folder(step.run_id).stdout_name == "user_logs/std_log.txt"


def test_a_prune_removes_a_pipeline_with_its_steps_which_then_run_again(pipelines: PipelineWorld) -> None:
    first = pipelines.steps(run_two(pipelines))
    removed = prune_workspace(pipelines.workspace, 0.0, dry_run=False, report=lambda _: None)
    assert len(removed["runs"]) == 3
    second = pipelines.steps(run_two(pipelines))
    assert {run.properties.get("azureml.isreused") for run in second.values()} == {None}
    third = pipelines.steps(run_two(pipelines))
    assert [run.properties.get("azureml.reusedrunid") for run in third.values()] == [
        run.run_id for run in second.values()
    ]
    assert set(first) == set(third)


@pytest.mark.parametrize("word", ["--password=hunter2-hunter2", "db://me:hunter2-hunter2@host"])
def test_a_pipeline_that_had_a_secret_inside_a_word_is_not_published_without_it(
    pipelines: PipelineWorld, word: str
) -> None:
    run_id = pipelines.submit_steps(pipelines.step("a", "a", word))
    with pytest.raises(UsageError, match="has secrets in its settings"):
        publish_pipeline_from_run(pipelines.workspace, pipelines.get(run_id), {})
    assert pipelines.ended(run_id).status is RunStatus.COMPLETED
