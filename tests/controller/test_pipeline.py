"""Pipelines by real controllers: order, data, failures, cancellation, and what is recorded."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from mlrun_cli.actions.compute_targets import delete_compute_target
from mlrun_cli.actions.datasets import get_dataset
from mlrun_cli.actions.datastores import register_datastore
from mlrun_cli.actions.run_deletion import remove_runs
from mlrun_cli.actions.run_ends import cancel_run
from mlrun_cli.core.problems import list_problems
from mlrun_cli.errors import InvalidValue, MlrunError
from mlrun_cli.runs.outcome import Outcome
from mlrun_cli.runs.retry_policy import find_inner_error_code
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runtime.controllers import ControllerFolder
from tests.controller.pipeline_world import PipelineWorld, name_input, name_output, read_output
from tests.running import find_files_with, until

OUT: dict[str, Any] = {"outputs": {"out": {}}}
_WRITE_VALUES = 'mkdir -p "$1"; echo "$AML_PARAMETER_count $AML_PARAMETER_rate $0" > "$1"/text'


def message(run: Run) -> str:
    return str((run.error or {}).get("error", {}).get("message"))


def test_a_pipeline_runs_its_steps_in_the_order_of_their_data(pipelines: PipelineWorld) -> None:
    run_id = pipelines.submit_steps(
        pipelines.step("b", "score", name_input("x"), name_output(), inputs=read_output("x", "a" * 8), **OUT),
        pipelines.step("a", "train", name_output(), "text=hello", **OUT),
    )
    run = pipelines.ended(run_id)
    assert run.status is RunStatus.COMPLETED, run.error
    assert run.run_type == "azureml.PipelineRun"
    assert run.properties["azureml.runsource"] == "azureml.PipelineRun"
    steps = pipelines.steps(run_id)
    assert list(steps) == ["train", "score"]
    train, score = steps.values()
    assert pipelines.read_data(f"azureml/{train.run_id}/out/text") == "hello"
    assert pipelines.read_data(f"azureml/{score.run_id}/out/text") == "hello+"
    assert train.ended_at is not None
    assert score.started_at is not None
    assert train.ended_at <= score.started_at
    assert {step.run_type for step in (train, score)} == {"azureml.StepRun"}
    expected = {
        "azureml.runsource": "azureml.StepRun",
        "azureml.pipelinerunid": run_id,
        "azureml.nodeid": "bbbbbbbb",
        "azureml.moduleName": "score",
        "StepType": "PythonScriptStep",
    }
    assert {name: score.properties[name] for name in expected} == expected
    assert f"{score.run_id}" in pipelines.pipeline_log(run_id)


def test_steps_that_do_not_need_each_other_run_side_by_side(pipelines: PipelineWorld) -> None:
    run_id = pipelines.submit_steps(
        *(pipelines.step(key, key, f"until={pipelines.gate}") for key in "ab"),
        pipelines.step("c", "c", run_after=["a" * 8, "b" * 8]),
    )
    pipelines.wait_for_children(run_id, 2, "Running")
    assert set(pipelines.steps(run_id)) == {"a", "b"}
    pipelines.open_gate()
    assert pipelines.ended(run_id).status is RunStatus.COMPLETED
    assert set(pipelines.steps(run_id)) == {"a", "b", "c"}


def test_values_reach_scripts_as_arguments_and_variables(pipelines: PipelineWorld) -> None:
    step = pipelines.step(
        "a",
        "a",
        "sh",
        {"parameter": "rate"},
        {"join": ["-n=", {"step_parameter": "count"}]},
        kind="CommandStep",
        command=["sh", "-c", _WRITE_VALUES, {"parameter": "rate"}, {"output": "out"}],
        parameters={"count": 3, "rate": {"source": "rate"}},
        **OUT,
    )
    line = pipelines.step(
        "b",
        "b",
        kind="CommandStep",
        command={"join": ["mkdir -p ", {"output": "out"}, " && cd ", {"output": "out"}]},
        **OUT,
    )
    line["command"]["join"].append(" && echo line > text")
    graph = {"parameters": {"rate": {"type": "float", "default": 0.1}}}
    run_id = pipelines.submit_steps(step, line, graph=graph, values={"rate": 2.5})
    assert pipelines.ended(run_id).status is RunStatus.COMPLETED
    steps = pipelines.steps(run_id)
    assert pipelines.read_data(f"azureml/{steps['a'].run_id}/out/text") == "3 2.5 2.5\n"
    assert pipelines.read_data(f"azureml/{steps['b'].run_id}/out/text") == "line\n"
    assert json.loads(pipelines.get(run_id).properties["azureml.parameters"]) == {"rate": "2.5"}


def test_a_step_may_write_a_file_or_nothing_at_the_path_of_its_output(pipelines: PipelineWorld) -> None:
    write = pipelines.step(
        "a",
        "write",
        kind="CommandStep",
        command={"join": ["test ! -e ", {"output": "file"}, " && echo x > ", {"output": "file"}]},
        outputs={"file": {}, "nothing": {}},
    )
    read = pipelines.step(
        "b",
        "read",
        kind="CommandStep",
        command={"join": ["test -f ", {"input": "file"}, " && test -d ", {"input": "nothing"}]},
        inputs={**read_output("file", "a" * 8, "file"), **read_output("nothing", "a" * 8, "nothing")},
    )
    run = pipelines.ended(pipelines.submit_steps(write, read))
    assert run.status is RunStatus.COMPLETED, run.error


def test_an_upload_is_seen_by_others_only_when_its_step_has_completed(pipelines: PipelineWorld, tmp_path: Path) -> None:
    upload = {
        "mode": "upload",
        "as": "file_dataset",
        "destination": "mine/{run-id}/{output-name}",
        "register": {"name": "d"},
    }
    plain = {"mode": "upload"}
    begun = tmp_path / "begun"
    script = 'mkdir -p "$0" "$1"; echo 1 > "$0"/text; echo 2 > "$1"/text; '
    script += f"touch {begun}; while ! test -e {pipelines.gate}; do sleep 0.01; done"
    step = pipelines.step(
        "a",
        "a",
        kind="CommandStep",
        command=["sh", "-c", script, {"output": "kept"}, {"output": "plain"}],
        outputs={"kept": upload, "plain": plain},
    )
    later = pipelines.step(
        "b",
        "b",
        name_input("x"),
        name_input("y"),
        name_output(),
        inputs={**read_output("x", "a" * 8, "kept", as_dataset=True), **read_output("y", "a" * 8, "plain")},
        **OUT,
    )
    run_id = pipelines.submit_steps(step, later)
    until(lambda: begun.exists() or None)
    first = pipelines.steps(run_id)["a"].run_id
    with pytest.raises(FileNotFoundError):
        pipelines.read_data(f"mine/{first}/kept/text")
    pipelines.open_gate()
    run = pipelines.ended(run_id)
    assert run.status is RunStatus.COMPLETED, run.error
    assert pipelines.read_data(f"mine/{first}/kept/text") == "1\n"
    assert pipelines.read_data(f"azureml/{pipelines.steps(run_id)['b'].run_id}/out/text") == "1\n+2\n+"
    assert get_dataset(pipelines.workspace, "d").definition["paths"][0]["path"] == f"mine/{first}/kept"


def test_an_output_of_a_failed_step_is_not_uploaded(pipelines: PipelineWorld) -> None:
    step = pipelines.step(
        "a",
        "a",
        kind="CommandStep",
        command={"join": ["mkdir -p ", {"output": "out"}, " && exit 3"]},
        outputs={"out": {"mode": "upload", "register": {"name": "never"}, "as": "file_dataset"}},
    )
    run_id = pipelines.submit_steps(step)
    assert pipelines.ended(run_id).status is RunStatus.FAILED
    with pytest.raises(MlrunError):
        get_dataset(pipelines.workspace, "never")


def test_a_failed_step_ends_the_pipeline_and_what_still_runs(pipelines: PipelineWorld) -> None:
    run_id = pipelines.submit_steps(
        pipelines.step("a", "bad", "fail=on purpose", **OUT),
        pipelines.step("b", "slow", f"until={pipelines.gate}"),
        pipelines.step("c", "never", name_input("x"), inputs=read_output("x", "a" * 8)),
    )
    run = pipelines.ended(run_id)
    assert run.status is RunStatus.FAILED
    assert "'bad'" in message(run)
    steps = pipelines.steps(run_id)
    assert {name: step.status.value for name, step in steps.items()} == {"bad": "Failed", "slow": "Canceled"}
    for log in ("stderrlogs", "executionlogs"):
        assert "'bad'" in pipelines.pipeline_log(run_id, log)


def test_steps_that_do_not_need_the_failed_one_go_on_if_that_is_wanted(pipelines: PipelineWorld) -> None:
    steps = (
        pipelines.step("a", "bad", f"until={pipelines.gate}", "fail=on purpose", **OUT),
        pipelines.step("b", "good", name_output(), **OUT),
        pipelines.step("c", "never", name_input("x"), inputs=read_output("x", "a" * 8)),
        pipelines.step("d", "after", name_input("x"), inputs=read_output("x", "b" * 8), run_after=["b" * 8]),
    )
    pipelines.open_gate()
    run_id = pipelines.submit_steps(*steps, continue_on_step_failure=True)
    run = pipelines.ended(run_id)
    assert run.status is RunStatus.FAILED
    found = {name: step.status.value for name, step in pipelines.steps(run_id).items()}
    assert found == {"bad": "Failed", "good": "Completed", "after": "Completed"}
    assert run.properties["azureml.continue_on_step_failure"] == "True"


def test_canceling_a_pipeline_cancels_its_live_steps_and_starts_no_more(pipelines: PipelineWorld) -> None:
    run_id = pipelines.submit_steps(
        pipelines.step("a", "a", f"until={pipelines.gate}", **OUT),
        pipelines.step("b", "b", inputs=read_output("x", "a" * 8)),
    )
    pipelines.wait_for_children(run_id, 1, "Running")
    cancel_run(pipelines.workspace, pipelines.get(run_id), 1.0)
    assert pipelines.ended(run_id).status is RunStatus.CANCELED
    assert {name: step.status.value for name, step in pipelines.steps(run_id).items()} == {"a": "Canceled"}


def test_a_pipeline_whose_step_was_canceled_is_canceled(pipelines: PipelineWorld) -> None:
    run_id = pipelines.submit_steps(pipelines.step("a", "a", f"until={pipelines.gate}"))
    pipelines.wait_for_children(run_id, 1, "Running")
    cancel_run(pipelines.workspace, pipelines.steps(run_id)["a"], 1.0)
    run = pipelines.ended(run_id)
    assert run.status is RunStatus.CANCELED
    assert "'a'" in run.warnings[0]


def test_a_step_whose_input_is_gone_fails_with_its_reason(pipelines: PipelineWorld) -> None:
    data = pipelines.root / "data"
    data.mkdir()
    (data / "x").write_text("x", encoding="utf-8")
    register_datastore(pipelines.workspace, "mine", data)
    source = {"data_reference": {"datastore": "mine", "path": "x"}}
    run_id = pipelines.submit_steps(
        pipelines.step("a", "a", f"until={pipelines.gate}"),
        pipelines.step("b", "b", inputs={"x": {"source": source}}, run_after=["a" * 8]),
    )
    pipelines.wait_for_children(run_id, 1, "Running")
    (data / "x").unlink()
    pipelines.open_gate()
    run = pipelines.ended(run_id)
    assert run.status is RunStatus.FAILED
    assert str(data / "x") in message(pipelines.steps(run_id)["b"])


def test_a_step_whose_target_was_deleted_fails_with_that_reason(pipelines: PipelineWorld) -> None:
    pipelines.add_target("small", 1)
    run_id = pipelines.submit_steps(
        pipelines.step("a", "a", f"until={pipelines.gate}"),
        pipelines.step("b", "b", run_after=["a" * 8], target="small"),
    )
    pipelines.wait_for_children(run_id, 1, "Running")
    delete_compute_target(pipelines.workspace, "small")
    pipelines.open_gate()
    run = pipelines.ended(run_id)
    step = pipelines.steps(run_id)["b"]
    assert (run.status, step.status) == (RunStatus.FAILED, RunStatus.FAILED)
    assert find_inner_error_code(Outcome(step.status, 0, error=dict(step.error or {}))) == "ComputeTargetNotFound"
    assert "'small'" in message(run)


def test_problems_of_all_steps_are_told_at_once_and_nothing_remains(pipelines: PipelineWorld) -> None:
    missing = {"data_reference": {"datastore": "none", "path": "x"}}
    with pytest.raises(MlrunError) as caught:
        pipelines.submit_steps(
            pipelines.step("a", "first", script="none.py"),
            pipelines.step("b", "second", inputs={"x": {"source": missing}}),
            pipelines.step("c", "third", target="nowhere"),
        )
    told = [problem.message for problem in list_problems(caught.value)]
    assert len(told) == 3
    assert all(name in text for name, text in zip(("first", "second", "third"), sorted(told), strict=True))
    assert list((pipelines.locator.folder / "runs").iterdir()) == []
    with pytest.raises(InvalidValue):
        pipelines.submit_steps(pipelines.step("a", "a"), values={"unknown": 1})


def test_no_file_or_record_holds_a_secret_and_steps_get_it(pipelines: PipelineWorld) -> None:
    secret = "hunter2-hunter2"
    step = pipelines.step(
        "a",
        "a",
        kind="CommandStep",
        command=["sh", "-c", 'test "$2" = "$3" && test "$API_TOKEN" = "$2"', "sh", "--password", secret, secret],
        environment_variables={"API_TOKEN": secret},
        parameters={"api_token": secret},
    )
    step["command"][2] = 'test "$2" = hunter2-"$3" && test "$API_TOKEN" = "$2"'
    step["command"][-1] = "hunter2"
    graph = {"parameters": {"password": {"type": "string", "default": secret}}}
    run_id = pipelines.submit_steps(step, graph=graph)
    run = pipelines.ended(run_id)
    assert run.status is RunStatus.COMPLETED, run.error
    assert not find_holders(pipelines.locator.folder, secret)


def find_holders(folder: Path, text: str) -> set[str]:
    """Return the names and modes of the files below a folder that hold a text."""
    found = set()
    for path in find_files_with(text, folder):
        with suppress(FileNotFoundError):
            found.add(f"{path.name} {path.stat().st_mode & 0o777:o}")
    return found


@pytest.mark.parametrize(
    "fields",
    [
        {"arguments": ["--password", {"parameter": "conn"}]},
        {"arguments": [{"join": ["--password=", {"parameter": "conn"}]}], "parameters": {"x": {"source": "conn"}}},
        {"arguments": [{"join": ["db://me:", {"parameter": "conn"}, "@host"]}]},
        {"arguments": ["--password", {"step_parameter": "x"}], "parameters": {"x": {"source": "conn"}}},
        {"arguments": ["--password", {"step_parameter": "x"}], "parameters": {"x": "hunter2-hunter2"}},
        {"parameters": {"password": {"source": "conn"}}},
    ],
)
@pytest.mark.parametrize("is_default", [True, False])
def test_a_parameter_that_a_step_uses_as_a_secret_is_kept_as_one(
    pipelines: PipelineWorld, fields: dict[str, Any], is_default: bool
) -> None:
    secret = "hunter2-hunter2"
    wait = f"while ! test -e {pipelines.gate}; do sleep 0.01; done"
    command = ["sh", "-c", wait, "sh", *fields.get("arguments", [])]
    graph = {"parameters": {"conn": {"type": "string", "default": secret if is_default else "other"}}}
    if fields.get("parameters") == {"x": secret}:
        graph = {}
    values = {"conn": secret} if graph and not is_default else {}
    step = pipelines.step("a", "a", kind="CommandStep", command=command, parameters=fields.get("parameters", {}))
    run_id = pipelines.submit_steps(step, graph=graph, values=values)
    pipelines.wait_for_children(run_id, 1, "Running")
    home = pipelines.root / "home"
    assert find_holders(home, secret) <= {"secrets.json 600"}
    pipelines.open_gate()
    run = pipelines.ended(run_id)
    assert run.status is RunStatus.COMPLETED, run.error
    assert find_holders(home, secret) == set()


@pytest.mark.parametrize(("kind", "number"), [("int", 918273645546), ("float", 918273.645546)], ids=str)
@pytest.mark.parametrize("is_default", [True, False])
def test_a_number_that_is_a_secret_is_kept_as_one(
    pipelines: PipelineWorld, kind: str, number: float, is_default: bool
) -> None:
    check = f'while ! test -e {pipelines.gate}; do sleep 0.01; done; test "$2$4$AML_PARAMETER_pin_password" = "$2$2$2"'
    command = ["sh", "-c", check, "sh", "--password", {"parameter": "conn"}, "--pin", {"parameter": "password"}]
    graph = {
        "parameters": {
            "conn": {"type": kind, "default": number if is_default else 0},
            "password": {"type": kind, "default": number if is_default else None},
        }
    }
    values = {} if is_default else {"conn": number, "password": number}
    parameters = {"pin_password": number}
    step = pipelines.step("a", "a", kind="CommandStep", command=command, parameters=parameters)
    run_id = pipelines.submit_steps(step, graph=graph, values=values)
    pipelines.wait_for_children(run_id, 1, "Running")
    home = pipelines.root / "home"
    assert find_holders(home, str(number)) <= {"secrets.json 600"}
    pipelines.open_gate()
    run = pipelines.ended(run_id)
    assert run.status is RunStatus.COMPLETED, run.error
    assert find_holders(home, str(number)) == set()


def test_a_pipeline_may_be_the_child_of_a_run(pipelines: PipelineWorld) -> None:
    parent = pipelines.submit_steps(pipelines.step("a", "a", f"until={pipelines.gate}"))
    child = pipelines.submit_steps(pipelines.step("a", "a"), parent_run_id=parent)
    assert pipelines.ended(child).status is RunStatus.COMPLETED
    assert pipelines.get(child).parent_run_id == parent
    pipelines.open_gate()
    assert pipelines.ended(parent).status is RunStatus.COMPLETED


@pytest.mark.kill
def test_a_pipeline_whose_controller_is_killed_goes_on_with_each_step_once(pipelines: PipelineWorld) -> None:
    run_id = pipelines.submit_steps(
        pipelines.step("a", "a", f"until={pipelines.gate}", name_output(), **OUT),
        *(pipelines.step(key, key, name_input("x"), inputs=read_output("x", "a" * 8)) for key in "bcd"),
    )
    pipelines.wait_for_children(run_id, 1, "Running")
    for _ in range(2):
        pipelines.kill(until(lambda: pipelines.controllers(run_id) or None))
        pipelines.get(run_id)
    pipelines.open_gate()
    until(lambda: len(pipelines.steps(run_id)) > 1 or (pipelines.get(run_id) and None))
    pipelines.kill(pipelines.controllers(run_id))
    run = pipelines.ended(run_id)
    assert run.status is RunStatus.COMPLETED, run.error
    assert sorted(pipelines.statuses(run_id)) == ["Completed"] * 4


def test_a_controller_that_misses_the_run_of_a_step_says_so_in_its_log(pipelines: PipelineWorld) -> None:
    run_id = pipelines.submit_steps(
        pipelines.step("a", "a", "fail=1"),
        pipelines.step("b", "b", f"until={pipelines.gate}"),
        continue_on_step_failure=True,
    )
    pipelines.wait_for_children(run_id, 1, "Failed")
    pipelines.wait_for_children(run_id, 1, "Running")
    finished = pipelines.workspace.get_run_folder(run_id).steps / ("a" * 8) / "finished.json"
    until(finished.exists)
    remove_runs(pipelines.workspace, [pipelines.steps(run_id)["a"]])
    pipelines.open_gate()
    assert pipelines.ended(run_id).status is RunStatus.FAILED
    log = ControllerFolder(pipelines.workspace.get_run_folder(run_id)).log
    assert "RunNotFound" in log.read_text(encoding="utf-8")


def make_sweep(world: PipelineWorld, *words: Any, **fields: Any) -> dict[str, Any]:
    script = "import os, sys\nfrom azureml.core import Run\nrun = Run.get_context()\n"
    script += "values = dict(word.split('=', 1) for word in sys.argv[1:] if '=' in word)\n"
    script += "run.log('acc', float(sys.argv[sys.argv.index('--lr') + 1]))\n"
    script += "while 'until' in values and not os.path.exists(values['until']): pass\n"
    (world.source / "sweep.py").write_text(script, encoding="utf-8")
    definition = {
        "generator_config": {"name": "GRID", "parameter_space": {"lr": ["choice", [[0.1, 0.3, 0.2]]]}},
        "primary_metric_config": {"name": "acc", "goal": "maximize"},
        "policy_config": {"name": "Default"},
        "max_total_jobs": 3,
        "max_concurrent_jobs": 3,
    }
    return world.step("a", "sweep", *words, kind="HyperDriveStep", script="sweep.py", sweep=definition, **fields)


def test_a_step_may_be_a_sweep_whose_metrics_the_next_step_reads(pipelines: PipelineWorld) -> None:
    steps = (
        make_sweep(pipelines, outputs={"metrics": {}}, metrics_output="metrics"),
        pipelines.step(
            "b",
            "read",
            kind="CommandStep",
            command={"join": ["cp ", {"input": "m"}, " ", {"output": "out"}]},
            inputs=read_output("m", "a" * 8, "metrics"),
            **OUT,
        ),
    )
    run_id = pipelines.submit_steps(*steps)
    run = pipelines.ended(run_id)
    assert run.status is RunStatus.COMPLETED, run.error
    step, read = pipelines.steps(run_id).values()
    assert step.run_type == "azureml.StepRun"
    sweep = pipelines.get(f"HD_{step.run_id}")
    assert (sweep.run_type, sweep.parent_run_id, sweep.root_run_id) == ("hyperdrive", step.run_id, run_id)
    assert step.properties["best_child_run_id"] == f"{sweep.run_id}_1"
    children = {f"{sweep.run_id}_{number}": {"acc": [value]} for number, value in enumerate((0.1, 0.3, 0.2))}
    assert json.loads(pipelines.read_data(f"azureml/{read.run_id}/out")) == children
    child = pipelines.get(f"{sweep.run_id}_0")
    assert "azureml.nodeid" not in child.properties
    assert child.display_name != "sweep"
    again = pipelines.submit_steps(*steps)
    assert pipelines.ended(again).status is RunStatus.COMPLETED
    assert pipelines.steps(again)["sweep"].properties["azureml.reusedrunid"] == step.run_id


@pytest.mark.kill
def test_a_sweep_in_a_pipeline_is_canceled_with_it_whatever_dies(pipelines: PipelineWorld) -> None:
    run_id = pipelines.submit_steps(make_sweep(pipelines, f"until={pipelines.gate}"))
    step = until(lambda: pipelines.steps(run_id).get("sweep") or (pipelines.get(run_id) and None))
    until(lambda: pipelines.workspace.runs.find_key(f"HD_{step.run_id}"))
    pipelines.wait_for_children(f"HD_{step.run_id}", 3, "Running")
    pipelines.kill(pipelines.controllers())
    cancel_run(pipelines.workspace, pipelines.get(run_id), 1.0)
    assert pipelines.ended(run_id).status is RunStatus.CANCELED
    assert pipelines.get(step.run_id).status is RunStatus.CANCELED
    assert set(pipelines.statuses(f"HD_{step.run_id}")) == {"Canceled"}


def test_a_sweep_all_of_whose_runs_fail_fails_its_pipeline(pipelines: PipelineWorld) -> None:
    step = make_sweep(pipelines)
    (pipelines.source / "sweep.py").write_text("raise SystemExit('on purpose')", encoding="utf-8")
    run = pipelines.ended(pipelines.submit_steps(step))
    assert run.status is RunStatus.FAILED
    assert "exit code 1" in message(run)
