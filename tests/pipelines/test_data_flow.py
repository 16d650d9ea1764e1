"""Where the data of steps are, and what a step's configuration says about them."""

from __future__ import annotations

from typing import Any

from mlrun_cli.data.binding import parse_inputs, parse_outputs, parse_references
from mlrun_cli.pipelines.data_flow import (
    OutputLocation,
    build_input_sections,
    build_output_sections,
    build_parameter_variables,
    compute_step_run_id,
    format_arguments,
    locate_output,
)
from mlrun_cli.pipelines.graph import DataPath, DatasetReference, Graph, ParameterValue, StepOutput

RUN = "4a1e7a4e-0000-4000-8000-000000000001"
DOCUMENT: dict[str, Any] = {
    "default_datastore": "store",
    "parameters": {"where": {"type": "datapath"}, "lr": {"type": "float"}},
    "steps": [
        {
            "key": "0000000a",
            "name": "a",
            "kind": "PythonScriptStep",
            "source_directory": "/a",
            "script": "a.py",
            "parameters": {"p": True, "q": {"source": "lr"}},
            "inputs": {
                "raw": {"source": {"data_reference": {"datastore": None, "path": "x"}}, "mode": "download"},
                "chosen": {"source": {"parameter": "where"}},
                "table": {"source": {"dataset": {"name": "iris"}}, "mode": "direct"},
                "before": {"source": {"output": {"step": "0000000b", "name": "o"}}, "path_on_compute": "/in"},
                "files": {"source": {"output": {"step": "0000000b", "name": "d"}}, "as_dataset": True},
            },
            "outputs": {
                "plain": {},
                "other": {"datastore": "blob", "mode": "upload"},
                "set": {"as": "file_dataset", "register": {"name": "n"}},
                "named": {"as": "file_dataset", "destination": "/d/{run-id}/{output-name}", "mode": "upload"},
            },
            "arguments": [
                {"input": "raw"},
                {"join": ["--t=", {"input": "table"}]},
                {"output": "plain"},
                {"output": "set"},
                {"parameter": "where"},
                {"parameter": "lr"},
                {"step_parameter": "p"},
                "x",
            ],
        }
    ],
}
GRAPH = Graph.from_json(DOCUMENT)
STEP = GRAPH.steps[0]
VALUES: dict[str, ParameterValue] = {"where": DataPath("blob", "w"), "lr": 0.5}


def test_the_run_of_a_step_has_an_id_of_its_own_that_is_always_the_same() -> None:
    first = compute_step_run_id(RUN, "0000000a")
    assert first == compute_step_run_id(RUN, "0000000a")
    assert first != compute_step_run_id(RUN, "0000000b")
    assert first != compute_step_run_id(RUN.replace("4a", "4b"), "0000000a")


def test_outputs_are_in_folders_of_the_step_run() -> None:
    places = {key: locate_output(GRAPH, "ID", key, output) for key, output in STEP.outputs.items()}
    assert places == {
        "plain": OutputLocation("store", "azureml/ID/plain", "azureml/ID/plain"),
        "other": OutputLocation("blob", "azureml/ID/other", "azureml/ID/.uploads/other"),
        "set": OutputLocation("store", "dataset/ID/set", "dataset/ID/set"),
        "named": OutputLocation("store", "d/ID/named", "azureml/ID/.uploads/named"),
    }


def test_sections_of_outputs_are_those_of_a_runconfig() -> None:
    sections = build_output_sections(GRAPH, STEP, "ID")
    assert [(one.name, one.datastore, one.path) for one in parse_references(sections["dataReferences"])] == [
        ("plain", "store", "azureml/ID/plain"),
        ("other", "blob", "azureml/ID/.uploads/other"),
    ]
    assert [(one.name, one.path, one.registration is None) for one in parse_outputs(sections["outputData"])] == [
        ("set", "dataset/ID/set", False),
        ("named", "azureml/ID/.uploads/named", True),
    ]


def test_sections_of_inputs_are_those_of_a_runconfig() -> None:
    places = {
        StepOutput("0000000b", "o"): OutputLocation("blob", "o/1", "o/2"),
        StepOutput("0000000b", "d"): OutputLocation("blob", "d/1", "d/1"),
    }
    sections = build_input_sections(GRAPH, STEP, VALUES, places)
    assert [(one.name, one.datastore, one.path, one.mode) for one in parse_references(sections["dataReferences"])] == [
        ("raw", "store", "x", "download"),
        ("chosen", "blob", "w", "mount"),
        ("before", "blob", "o/1", "mount"),
    ]
    table, files = parse_inputs(sections["data"])
    assert (table.name, table.dataset_name, table.mechanism) == ("table", "iris", "direct")
    assert (files.name, files.datastore, files.path, files.mechanism) == ("files", "blob", "d/1", "mount")


def test_outputs_that_do_not_exist_yet_are_only_named_in_a_preview() -> None:
    places = {StepOutput("0000000b", name): OutputLocation("blob", name, name) for name in ("o", "d")}
    sections = build_input_sections(GRAPH, STEP, VALUES, places, is_preview=True)
    references = {one.name: one for one in parse_references(sections["dataReferences"])}
    assert (references["before"].is_output, references["raw"].is_output) == (True, False)
    assert [one.mechanism for one in parse_inputs(sections["data"])] == ["direct", "direct"]


def test_datasets_are_named_by_what_is_known_of_them() -> None:
    document = {**DOCUMENT["steps"][0], "inputs": {"x": {"source": {"dataset": {"id": "i"}}, "mode": "mount"}}}
    step = Graph.from_json({"steps": [{**document, "arguments": []}]}).steps[0]
    assert step.inputs["x"].source == DatasetReference("i")
    assert parse_inputs(build_input_sections(GRAPH, step, {}, {})["data"])[0].dataset_id == "i"


def test_arguments_have_the_placeholders_of_runconfigs_and_values_as_text() -> None:
    assert format_arguments(STEP.arguments, STEP, VALUES) == (
        "${AZUREML_DATAREFERENCE_raw}",
        "--t=DatasetConsumptionConfig:table",
        "${AZUREML_DATAREFERENCE_plain}",
        "DatasetOutputConfig:set",
        "blob/w",
        "0.5",
        "True",
        "x",
    )
    assert build_parameter_variables(STEP, VALUES) == {"AML_PARAMETER_p": "True", "AML_PARAMETER_q": "0.5"}
