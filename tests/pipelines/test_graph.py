"""A pipeline's graph: what is written is read again, and what has another shape is refused by its key path."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mlrun_cli.errors import InvalidValue
from mlrun_cli.pipelines.graph import ArgumentReference, DataPath, Graph, ParameterReference, StepOutput

MODEL: dict[str, Any] = {
    "key": "0000000a",
    "name": "train",
    "kind": "PythonScriptStep",
    "source_directory": "/src",
    "script": "train.py",
    "arguments": [
        "--lr",
        {"parameter": "lr"},
        {"input": "raw"},
        {"join": ["--out=", {"output": "model"}, "/x"]},
        3,
        True,
        None,
        {"step_parameter": "depth"},
    ],
    "parameters": {"depth": 3, "rate": {"source": "lr"}},
    "runconfig_parameters": {"NodeCount": {"source": "nodes"}},
    "inputs": {
        "raw": {"source": {"data_reference": {"datastore": "blob", "path": "a/b"}}, "mode": "download"},
        "table": {"source": {"dataset": {"name": "iris", "version": 2}}, "mode": "direct"},
        "chosen": {"source": {"parameter": "where"}, "path_on_compute": "/data", "overwrite": True},
    },
    "outputs": {
        "model": {
            "datastore": "blob",
            "mode": "upload",
            "as": "file_dataset",
            "register": {"name": "models", "tags": {"a": "b"}},
            "pipeline_output_name": "final",
        }
    },
    "environment_variables": {"A": "b"},
    "hash_paths": ["more.py"],
    "allow_reuse": False,
}
SCORE: dict[str, Any] = {
    "key": "0000000b",
    "name": "score",
    "kind": "CommandStep",
    "source_directory": "/src",
    "command": ["cat", {"input": "model"}],
    "inputs": {"model": {"source": {"output": {"step": "0000000a", "name": "model"}}}},
    "unknown": 1,
}
DOCUMENT: dict[str, Any] = {
    "name": "p",
    "parameters": {
        "lr": {"type": "float", "default": 1},
        "nodes": {"type": "int", "default": 2},
        "where": {"type": "datapath", "default": {"datastore": "blob", "path": "x"}},
        "given": {"type": "string"},
    },
    "continue_on_step_failure": True,
    "steps": [SCORE, MODEL],
}


def change(path: str, value: object) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(DOCUMENT))
    *folders, last = path.split("/")
    inner: Any = document
    for name in folders:
        inner = inner[int(name)] if name.isdigit() else inner[name]
    inner[int(last) if last.isdigit() else last] = value
    return document


def test_a_graph_is_read_as_it_was_written() -> None:
    graph = Graph.from_json(DOCUMENT)
    assert Graph.from_json(json.loads(json.dumps(graph.to_json()))) == graph
    model = graph.steps[1]
    assert model.arguments == (
        ("--lr",),
        (ArgumentReference("parameter", "lr"),),
        (ArgumentReference("input", "raw"),),
        ("--out=", ArgumentReference("output", "model"), "/x"),
        ("3",),
        ("True",),
        ("None",),
        (ArgumentReference("step_parameter", "depth"),),
    )
    assert model.inputs["raw"].source == DataPath("blob", "a/b")
    assert (model.inputs["raw"].as_dataset, model.inputs["table"].as_dataset) == (False, True)
    assert graph.steps[0].inputs["model"].source == StepOutput("0000000a", "model")
    assert graph.parameters["lr"].default == 1.0
    assert isinstance(graph.parameters["lr"].default, float)


@pytest.mark.parametrize("command", ["a && b", {"join": ["a ", {"input": "model"}]}])
def test_a_command_of_one_text_is_a_line_for_the_shell(command: object) -> None:
    step = Graph.from_json(change("steps/0/command", command)).steps[0]
    assert step.is_command_line
    assert step.to_json()["command"] == command
    assert not Graph.from_json(DOCUMENT).steps[0].is_command_line


def test_steps_come_after_those_whose_data_they_read_and_those_they_run_after() -> None:
    graph = Graph.from_json(DOCUMENT)
    assert [step.name for step in graph.iterate_in_order()] == ["train", "score"]
    assert graph.steps[0].list_upstream_keys() == ["0000000a"]
    ordered = Graph.from_json(change("steps/0/run_after", ["0000000a"])).steps[0]
    assert ordered.list_upstream_keys() == ["0000000a"]
    cycle = Graph.from_json(change("steps/1/run_after", ["0000000b"]))
    assert not list(cycle.iterate_in_order())


def test_the_parameters_that_a_step_uses_are_those_of_arguments_values_inputs_and_settings() -> None:
    assert Graph.from_json(DOCUMENT).steps[1].list_parameter_names() == ["lr", "nodes", "where"]
    assert Graph.from_json(DOCUMENT).steps[1].parameters["rate"] == ParameterReference("lr")


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        ("steps", {}, "pipeline.steps"),
        ("steps/0", [], "pipeline.steps[0]"),
        ("steps/0/key", "", "pipeline.steps[0].key"),
        ("steps/0/kind", "AdlaStep", "pipeline.steps[0].kind"),
        ("steps/1/arguments/0", [], "pipeline.steps[1].arguments[0]"),
        ("steps/1/arguments/0", {"inputs": "a"}, "pipeline.steps[1].arguments[0]"),
        ("steps/1/arguments/3", {"join": ["a", []]}, "pipeline.steps[1].arguments[3].join[1]"),
        ("steps/1/parameters/depth", None, "pipeline.steps[1].parameters.depth"),
        ("steps/1/inputs/raw/mode", "hdfs", "pipeline.steps[1].inputs.raw.mode"),
        ("steps/1/inputs/raw/source", {}, "pipeline.steps[1].inputs.raw.source"),
        ("steps/1/inputs/table/source", {"dataset": {}}, "pipeline.steps[1].inputs.table.source.dataset"),
        ("steps/1/outputs/model/overwrite", 1, "pipeline.steps[1].outputs.model.overwrite"),
        ("steps/1/outputs/model/register", {}, "pipeline.steps[1].outputs.model.register.name"),
        ("steps/1/environment_variables", {"A": 1}, "pipeline.steps[1].environment_variables"),
        ("steps/1/hash_paths", [1], "pipeline.steps[1].hash_paths"),
        ("steps/1/node_count", True, "pipeline.steps[1].node_count"),
        ("parameters/lr/type", "double", "pipeline.parameters.lr.type"),
        ("parameters/nodes/default", True, "pipeline.parameters.nodes.default"),
        ("parameters/nodes/default", "2", "pipeline.parameters.nodes.default"),
        ("parameters/where/default", "x", "pipeline.parameters.where.default"),
    ],
)
def test_what_has_another_shape_is_refused_by_its_key_path(path: str, value: object, where: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        Graph.from_json(change(path, value))
    assert caught.value.target == where
