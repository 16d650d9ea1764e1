"""Reuse of steps: what is used again, what runs again and why, and what is recorded of it."""

from __future__ import annotations

import os
import shutil
from typing import Any

import pytest

from mlrun_cli.actions.artifacts import list_files
from mlrun_cli.actions.datastores import get_datastore
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from tests.controller.pipeline_world import PipelineWorld, name_input, name_output, read_output
from tests.running import find_files_with

OUT: dict[str, Any] = {"outputs": {"out": {}}}


def submit_two(world: PipelineWorld, *words: Any, first: dict[str, Any] | None = None, **fields: Any) -> dict[str, Run]:
    """Run a step and one that reads its output; return the runs of the steps."""
    run_id = world.submit_steps(
        world.step("a", "train", name_output(), "text=x", *words, **{**OUT, **(first or {})}),
        world.step("b", "score", name_input("x"), name_output(), inputs=read_output("x", "a" * 8), **OUT),
        **fields,
    )
    run = world.ended(run_id)
    assert run.status is RunStatus.COMPLETED, run.error
    return world.steps(run_id)


def find_reused(steps: dict[str, Run]) -> dict[str, str | None]:
    return {name: run.properties.get("azureml.reusedrunid") for name, run in steps.items()}


def reason(run: Run) -> str:
    return run.properties["mlrun.reuse"]


def test_a_second_run_uses_the_results_of_the_first(pipelines: PipelineWorld) -> None:
    first = submit_two(pipelines)
    assert find_reused(first) == {"train": None, "score": None}
    second = submit_two(pipelines)
    assert find_reused(second) == {name: run.run_id for name, run in first.items()}
    for name, run in second.items():
        assert run.properties["azureml.isreused"] == "true"
        assert run.properties["azureml.reusedpipelinerunid"] == first[name].parent_run_id
        assert first[name].run_id in reason(run)
        assert run.definition == first[name].definition
        metrics = pipelines.workspace.metrics
        assert metrics.get(run.key) == metrics.get(first[name].key) == {"steps": 2 if name == "score" else 1}
        assert metrics.list_items(run.key, "steps", limit=9) == metrics.list_items(first[name].key, "steps", limit=9)
        log = pipelines.workspace.get_run_folder(run.run_id).uploads / "logs/azureml/executionlogs.txt"
        assert reason(run) in log.read_text(encoding="utf-8")
        assert {"outputs/result.txt", "user_logs/std_log.txt"} <= set(list_files(pipelines.workspace, run))
        std_log = pipelines.workspace.get_run_folder(run.run_id).artifacts / "user_logs/std_log.txt"
        assert "begins" in std_log.read_text(encoding="utf-8")
    third = submit_two(pipelines)
    assert find_reused(third) == {name: run.run_id for name, run in first.items()}


def test_a_step_with_a_record_that_its_outputs_were_not_kept_is_not_used_again(pipelines: PipelineWorld) -> None:
    first = submit_two(pipelines)
    folder = pipelines.workspace.get_run_folder(str(first["train"].parent_run_id)).steps / ("a" * 8)
    (folder / "finished.json").write_text('{"problem": "as earlier versions wrote it"}', encoding="utf-8")
    second = submit_two(pipelines)
    assert find_reused(second) == {"train": None, "score": None}
    assert "could not be put in their places" in reason(second["train"])


def test_a_changed_argument_makes_its_step_and_those_behind_it_run_again(pipelines: PipelineWorld) -> None:
    first = submit_two(pipelines)
    second = submit_two(pipelines, "more=1")
    assert find_reused(second) == {"train": None, "score": None}
    assert f"compared with the run {first['train'].run_id}, argument 3 is new: 'more=1'" in reason(second["train"])
    assert "input 'x' is" in reason(second["score"])
    assert find_reused(submit_two(pipelines)) == {name: run.run_id for name, run in first.items()}


@pytest.mark.parametrize("how", ["argument", "parameter", "variable"])
def test_a_changed_secret_makes_its_step_run_again_and_is_not_kept(pipelines: PipelineWorld, how: str) -> None:
    def submit(secret: str) -> Run:
        graph, words, variables = dict[str, Any](), list[Any](), dict[str, str]()
        if how == "parameter":
            graph = {"parameters": {"conn": {"type": "string", "default": secret}}}
            words = ["--connection-string", {"parameter": "conn"}]
        elif how == "argument":
            words = [f"--connection-string={secret}"]
        else:
            variables = {"API_TOKEN": secret}
        # A command that prints nothing: all files are searched below.
        command = ["sh", "-c", "true", "sh", *words]
        step = pipelines.step("a", "train", kind="CommandStep", command=command, environment_variables=variables)
        run_id = pipelines.submit_steps(step, graph=graph)
        run = pipelines.ended(run_id)
        assert run.status is RunStatus.COMPLETED, run.error
        return pipelines.steps(run_id)["train"]

    first = submit("sqlite-hunter2-a.db")
    assert submit("sqlite-hunter2-a.db").properties.get("azureml.reusedrunid") == first.run_id
    changed = submit("sqlite-hunter2-b.db")
    assert "azureml.reusedrunid" not in changed.properties
    assert "the secret in " in reason(changed)
    assert (pipelines.locator.folder / "fingerprint.key").stat().st_mode & 0o777 == 0o600
    assert find_files_with("sqlite-hunter2", pipelines.root / "home") == []


def test_a_changed_file_is_named_and_its_time_does_not_count(pipelines: PipelineWorld) -> None:
    first = submit_two(pipelines)
    script = pipelines.source / "step.py"
    os.utime(script, (1, 1))
    assert find_reused(submit_two(pipelines))["train"] == first["train"].run_id
    script.write_text(script.read_text(encoding="utf-8") + "\n# other\n", encoding="utf-8")
    assert "file step.py has changed" in reason(submit_two(pipelines)["train"])
    (pipelines.source / "new.txt").touch()
    assert "file new.txt is new" in reason(submit_two(pipelines)["train"])


def test_results_are_used_again_after_the_folder_was_moved(pipelines: PipelineWorld) -> None:
    first = submit_two(pipelines)
    pipelines.source = pipelines.source.rename(pipelines.root / "elsewhere")
    assert find_reused(submit_two(pipelines))["score"] == first["score"].run_id


def test_nothing_is_used_again_if_it_was_said_so(pipelines: PipelineWorld) -> None:
    submit_two(pipelines)
    forced = submit_two(pipelines, regenerate_outputs=True)
    assert find_reused(forced) == {"train": None, "score": None}
    assert "generated again" in reason(forced["train"])
    never = submit_two(pipelines, first={"allow_reuse": False})
    again = submit_two(pipelines, first={"allow_reuse": False})
    assert find_reused(again) == {"train": None, "score": None}
    assert "allow_reuse" in reason(never["train"])


def test_a_step_runs_again_if_its_output_is_gone(pipelines: PipelineWorld) -> None:
    first = submit_two(pipelines)
    folder = get_datastore(pipelines.workspace, None).resolve_path(f"azureml/{first['score'].run_id}")
    shutil.rmtree(folder)
    second = submit_two(pipelines)
    assert find_reused(second) == {"train": first["train"].run_id, "score": None}
    assert f"the output 'out' of the run {first['score'].run_id} is not there" in reason(second["score"])


def test_changed_data_behind_a_path_count(pipelines: PipelineWorld) -> None:
    data = get_datastore(pipelines.workspace, None).resolve_path("raw")
    data.mkdir(parents=True)
    (data / "text").write_text("1", encoding="utf-8")
    source = {"data_reference": {"datastore": None, "path": "raw"}}

    def submit() -> Run:
        run_id = pipelines.submit_steps(
            pipelines.step("a", "read", name_input("x"), name_output(), inputs={"x": {"source": source}}, **OUT)
        )
        assert pipelines.ended(run_id).status is RunStatus.COMPLETED
        return pipelines.steps(run_id)["read"]

    first = submit()
    assert submit().properties["azureml.reusedrunid"] == first.run_id
    (data / "text").write_text("23", encoding="utf-8")
    assert "data of input x/text has changed" in reason(submit())


def test_values_given_at_the_submit_count_and_names_of_pipelines_do_not(pipelines: PipelineWorld) -> None:
    def submit(value: int, name: str) -> Run:
        run_id = pipelines.submit_steps(
            pipelines.step("a", "a", parameters={"p": {"source": "q"}}, **OUT),
            graph={"name": name, "parameters": {"q": {"type": "int", "default": 1}}},
            values={"q": value},
        )
        assert pipelines.ended(run_id).status is RunStatus.COMPLETED
        return pipelines.steps(run_id)["a"]

    first = submit(1, "one")
    assert submit(1, "two").properties["azureml.reusedrunid"] == first.run_id
    assert "parameter 'p' is '2', and was '1'" in reason(submit(2, "one"))


def test_a_failed_step_is_not_used_again(pipelines: PipelineWorld) -> None:
    for _ in range(2):
        run_id = pipelines.submit_steps(pipelines.step("a", "a", "fail=x"))
        assert pipelines.ended(run_id).status is RunStatus.FAILED
        assert pipelines.steps(run_id)["a"].properties.get("azureml.isreused") is None
