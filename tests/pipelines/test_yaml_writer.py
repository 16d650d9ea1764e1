"""YAML files of graphs: what is read from them is what was written, whatever a graph holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from mlrun_cli.pipelines.graph import (
    COMMAND_STEP,
    FILE_DATASET,
    HYPER_DRIVE_STEP,
    MPI_STEP,
    PARALLEL_RUN_STEP,
    PYTHON_SCRIPT_STEP,
    Argument,
    ArgumentReference,
    DataPath,
    DatasetReference,
    Graph,
    Output,
    ParameterReference,
    PipelineParameter,
    Registration,
    Step,
    StepInput,
    StepOutput,
    Table,
)
from mlrun_cli.pipelines.yaml_writer import format_pipeline
from tests.pipelines.round_trip import check_round_trip

TABLE = Table({"kind": "csv", "separator": ";"}, ({"keep": ["a", "no"]},), "**/*.csv")
SWEEP = {
    "generator_config": {"name": "RANDOM", "parameter_space": {"--lr": ["uniform", [1e-05, 0.1]]}},
    "policy_config": {"name": "Bandit", "properties": {"evaluation_interval": 2, "slack_factor": 0.1}},
    "primary_metric_config": {"name": "acc", "goal": "maximize"},
    "max_total_jobs": 4,
    "max_concurrent_jobs": 2,
}
TEXTS = (
    "",
    "~",
    "no",
    "0.10",
    "1e3",
    "017",
    "a: b",
    "- x",
    "# x",
    " x ",
    "a\nb",
    "{a}",
    "*x",
    "!x",
    "é€😀",
    "\x07",
    "'\"",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    for name in ("train.py", "score.py"):
        (tmp_path / "src" / name).write_text("", encoding="utf-8")
    return tmp_path


def make_step(folder: Path, key: str = "00000001", **fields: Any) -> Step:
    return Step(
        **{"key": key, "name": "train.py", "kind": PYTHON_SCRIPT_STEP, "script": "train.py", **fields},
        source_directory=str(folder / "src"),
    )


def parse(graph: Graph, folder: Path) -> Any:
    return yaml.safe_load(format_pipeline(graph, folder))["pipeline"]


def test_data_of_all_kinds_keep_their_sources_under_names_of_their_own(folder: Path) -> None:
    """Several inputs and outputs have the same key, and a parameter has it too."""
    outputs = {
        "raw": Output("store", "out/{run-id}", "upload", "there", True, Registration("t", "d", {"k": "1"}, TABLE)),
        "again": Output(kind=FILE_DATASET, pipeline_output_name="all", registration=Registration("plain")),
    }
    first = make_step(
        folder,
        outputs=outputs,
        inputs={
            "data": StepInput(DataPath("store", "a/b"), "download", "x", overwrite=True),
            "set": StepInput(DatasetReference("id-1"), "direct", as_dataset=True),
            "default": StepInput(DataPath(None, ""), as_dataset=True, table=TABLE),
        },
    )
    second = make_step(
        folder,
        "00000002",
        outputs={"raw": Output(), "data": Output()},
        inputs={
            "set": StepInput(DatasetReference(None, "iris", 2), as_dataset=True),
            "left": StepInput(StepOutput("00000001", "raw"), as_dataset=True, table=TABLE),
            "right": StepInput(StepOutput("00000001", "again")),
            "where": StepInput(ParameterReference("where")),
            "what": StepInput(ParameterReference("raw"), as_dataset=True),
        },
    )
    parameters = {
        "where": PipelineParameter("datapath", DataPath(None, "x")),
        "raw": PipelineParameter("dataset", DatasetReference(None, "iris")),
    }
    graph = Graph((second, first), parameters=parameters)
    check_round_trip(graph, folder)
    check_round_trip(graph._replace(steps=(first, second)), folder)


@pytest.mark.parametrize("text", TEXTS)
def test_texts_are_read_as_they_were(folder: Path, text: str) -> None:
    step = make_step(
        folder,
        arguments=((text,),),
        parameters={"P": text},
        environment_variables={"V": text},
        runconfig={"environmentVariables": {"V": text}, "arguments": [text], "history": {"x": text, "y": None}},
    )
    check_round_trip(Graph((step,), description=text, parameters={"p": PipelineParameter("string", text)}), folder)


@pytest.mark.parametrize("value", [0, -3, 10**30, 0.1, 1e-300, 1e22, float("inf"), True, False])
def test_numbers_are_read_as_they_were(folder: Path, value: float) -> None:
    kind = {bool: "bool", int: "int", float: "float"}[type(value)]
    step = make_step(folder, parameters={"P": value})
    check_round_trip(
        Graph((step,), parameters={"p": PipelineParameter(kind, value), "q": PipelineParameter(kind)}), folder
    )


@pytest.mark.parametrize(
    ("argument", "written"),
    [
        ((ArgumentReference("input", "a"),), "input:a"),
        (("--x=", ArgumentReference("step_parameter", "P")), "--x=parameter:P"),
        (("input:a",), {"join": ["input:a"]}),
        (("input:b",), {"join": ["input:b"]}),
        (("--x=input:a",), {"join": ["--x=input:a"]}),
        (("--x=input:b",), "--x=input:b"),
        ((ArgumentReference("parameter", "p"),), {"join": [{"parameter": "p"}]}),
        (("x ", ArgumentReference("input", "a"), "!"), {"join": ["x ", {"input": "a"}, "!"]}),
    ],
)
def test_an_argument_is_a_text_where_its_text_is_read_so(folder: Path, argument: Argument, written: object) -> None:
    step = make_step(
        folder,
        arguments=(argument,),
        parameters={"P": 1},
        inputs={"a": StepInput(DataPath("store", "a"))},
    )
    graph = Graph((step,), parameters={"p": PipelineParameter("int", 1)})
    assert parse(graph, folder)["steps"]["train_py"]["arguments"] == [written]
    check_round_trip(graph, folder)


@pytest.mark.parametrize(
    "line",
    [
        ("cat ", ArgumentReference("input", "a"), " | wc"),
        ("cat input:a",),
        ("cat ", ArgumentReference("parameter", "p")),
        ("cat ", ArgumentReference("input", "a"), ArgumentReference("input", "a")),
    ],
)
def test_a_command_line_keeps_its_references(folder: Path, line: Argument) -> None:
    step = make_step(
        folder,
        kind=COMMAND_STEP,
        script=None,
        command=(line,),
        is_command_line=True,
        inputs={"a": StepInput(DataPath("store", "a"))},
    )
    words = step._replace(key="00000002", command=(("cat",), *((part,) for part in line)), is_command_line=False)
    check_round_trip(Graph((step, words), parameters={"p": PipelineParameter("int", 1)}), folder)


def test_all_settings_of_steps_and_of_the_pipeline_are_kept(folder: Path) -> None:
    (folder / "a.runconfig").write_text("script: x.py\n", encoding="utf-8")
    first = make_step(
        folder,
        kind=MPI_STEP,
        node_count=2,
        process_count_per_node=3,
        version="1.0",
        allow_reuse=False,
        hash_paths=("a", "b"),
        target="fast",
        runconfig_file=str(folder / "a.runconfig"),
        runconfig_parameters={"NodeCount": ParameterReference("n")},
    )
    second = make_step(
        folder,
        "00000002",
        kind=HYPER_DRIVE_STEP,
        sweep={**SWEEP, "max_duration_minutes": None, "resume_from": None, "resume_child_runs": None},
        outputs={"m": Output(), "best": Output()},
        metrics_output="m",
        model_outputs={"best": "outputs/model.pkl"},
        run_after=("00000001",),
        runconfig={"script": "y.py", "environment": {"python": {"userManagedDependencies": True}}},
    )
    third = make_step(
        folder,
        "00000003",
        kind=PARALLEL_RUN_STEP,
        script="score.py",
        inputs={name: StepInput(DatasetReference(None, name), as_dataset=True) for name in ("x", "y", "z")},
        outputs={"o": Output()},
        parallel_run={
            "entry_script": "score.py",
            "error_threshold": -1,
            "output_action": "append_row",
            "process_count_per_node": {"parameter": "n"},
            "partition_keys": ["a"],
            "inputs": ["y", "x"],
            "side_inputs": ["z"],
            "output": "o",
            "tables": {"x": {"options": {}}},
        },
    )
    graph = Graph(
        (first, second, third),
        name="a 'name'",
        description="two\nlines",
        version="7",
        parameters={"n": PipelineParameter("int", 2)},
        default_target="local",
        default_datastore="store",
        continue_on_step_failure=True,
    )
    check_round_trip(graph, folder)


def test_paths_below_the_files_folder_are_relative_to_it(folder: Path) -> None:
    graph = Graph((make_step(folder),))
    assert parse(graph, folder)["steps"]["train_py"]["source_directory"] == "src"
    assert parse(graph, folder / "src")["steps"]["train_py"]["source_directory"] == "."
    assert parse(graph, folder / "other")["steps"]["train_py"]["source_directory"] == str(folder / "src")
