"""Pipelines as scripts build them, and the document of the graph that comes of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlrun_cli.pipelines.graph import (
    ArgumentReference,
    DataPath,
    DatasetReference,
    Graph,
    ParameterReference,
    Step,
    StepOutput,
)
from mlrun_cli.pipelines.validation import check_graph
from tests.pipelines.round_trip import check_round_trip
from tests.running import Mlrun
from tests.sdk.driving import drive

BEGINNING = """
import json, os
from azureml.core import Dataset, Environment, RunConfiguration, ScriptRunConfig
from azureml.data import OutputFileDatasetConfig
from azureml.data.data_reference import DataReference
from azureml.data.datapath import DataPath, DataPathComputeBinding
from azureml.data.dataset_consumption_config import DatasetConsumptionConfig
from azureml.pipeline.core import *
from azureml.pipeline.core.graph import PipelineParameter, OutputPortBinding
from azureml.pipeline.steps import *

workspace = Workspace.from_config()
store = workspace.get_default_datastore()

def script(script_name="train.py", **more):
    return PythonScriptStep(script_name, source_directory="src", **more)

def build(*steps, **more):
    print(json.dumps(Pipeline(workspace, steps=list(steps), **more)._document))
"""


@pytest.fixture
def project(tmp_path: Path) -> Mlrun:
    """An attached folder with scripts and data."""
    mlrun = Mlrun(tmp_path)
    for name in ("prepare.py", "train.py"):
        mlrun.script("pass", f"src/{name}")
    mlrun.script("x,y\n1,2\n", "data/table.csv")
    return mlrun


def build_graph(mlrun: Mlrun, code: str) -> Graph:
    """Return the graph that a script builds, checked as at a submission; its file must say the same."""
    graph = Graph.from_json(json.loads(drive(mlrun, BEGINNING + code).splitlines()[-1]))
    check_graph(graph)
    check_round_trip(graph, mlrun.folder)
    return graph


def get_step(graph: Graph, name: str) -> Step:
    (step,) = (step for step in graph.steps if step.name == name)
    return step


def test_data_pass_from_step_to_step_under_their_names(project: Mlrun) -> None:
    graph = build_graph(
        project,
        """
raw = DataReference(store, "raw", "cars").as_download(path_on_compute="cars")
data = PipelineData("prepared", datastore=store, pipeline_output_name="all")
first = script("prepare.py", arguments=["--from", raw, "--to", data, "--n", 3, True, None, 0.5],
               inputs=[raw], outputs=[data], allow_reuse=False, version=2, compute_target="fast")
second = script(arguments=["--data", data, "--again", data.get_env_variable_name()], inputs=[data])
third = CommandStep(command=["cat", data.as_mount("other")], inputs=[data.as_input("other")], source_directory="src")
line = CommandStep(["echo one && echo two"], "line", source_directory="src")
build(second, third, first, line, description="cars", default_datastore=store)
""",
    )
    first, second, third = (
        get_step(graph, "prepare.py"),
        get_step(graph, "train.py"),
        get_step(graph, "CommandStep_cat"),
    )
    assert (graph.description, graph.default_datastore) == ("cars", "workspaceblobstore")
    raw, data = ArgumentReference("input", "raw"), ArgumentReference("output", "prepared")
    words = ["--from", raw, "--to", data, "--n", "3", "True", "None", "0.5"]
    assert first.arguments == tuple((word,) for word in words)
    assert first.inputs["raw"].source == DataPath("workspaceblobstore", "cars")
    assert (first.inputs["raw"].mode, first.inputs["raw"].path_on_compute) == ("download", "cars")
    assert (first.outputs["prepared"].datastore, first.outputs["prepared"].pipeline_output_name) == (
        "workspaceblobstore",
        "all",
    )
    assert (first.allow_reuse, first.version, first.target) == (False, "2", "fast")
    assert second.inputs["prepared"].source == StepOutput(first.key, "prepared")
    assert second.arguments[1] == (ArgumentReference("input", "prepared"),)
    assert second.arguments[3] == ("AZUREML_DATAREFERENCE_prepared",)
    assert third.command == (("cat",), (ArgumentReference("input", "other"),))
    assert third.inputs["other"].source == StepOutput(first.key, "prepared")
    line = get_step(graph, "line")
    assert (line.is_command_line, line.command) == (True, (("echo one && echo two",),))
    assert {step.name for step in graph.iterate_in_order()} == {"prepare.py", "train.py", "CommandStep_cat", "line"}


def test_outputs_as_datasets_are_found_by_any_of_their_copies(project: Mlrun) -> None:
    graph = build_graph(
        project,
        """
made = OutputFileDatasetConfig("made", destination=(store, "made/{run-id}"))
mounted = made.as_mount().register_on_complete("set", description="d", tags={"a": "b"})
first = script("prepare.py", arguments=["--to", mounted], outputs=[mounted])
table = made.read_delimited_files()
second = script(arguments=[made.as_input("files").as_download(), table.as_input("table")])
kept = PipelineData("kept").as_dataset()
kept.register("kept-set")
third = script(name="third", arguments=["--to", kept], outputs=[kept])
fourth = script(name="fourth", inputs=[kept.as_named_input("back").as_download()])
rows = kept.as_named_input("rows").parse_delimited_files()
fifth = script(name="fifth", arguments=["--from", kept], inputs=[kept, rows])
build([first, [second, third]], fourth, fifth)
""",
    )
    first, second, third, fourth, fifth = (
        get_step(graph, name) for name in ("prepare.py", "train.py", "third", "fourth", "fifth")
    )
    output = first.outputs["made"]
    assert (output.kind, output.mode, output.destination) == ("file_dataset", "mount", "made/{run-id}")
    assert output.registration is not None
    assert (output.registration.name, output.registration.tags) == ("set", {"a": "b"})
    assert first.arguments[1] == (ArgumentReference("output", "made"),)
    files, table = second.inputs["files"], second.inputs["table"]
    assert files.source == table.source == StepOutput(first.key, "made")
    assert (files.mode, table.mode) == ("download", "direct")
    assert files.as_dataset and table.as_dataset
    assert third.outputs["kept"].registration is not None
    assert fourth.inputs["back"].source == StepOutput(third.key, "kept")
    assert fourth.inputs["back"].as_dataset
    assert [one.mode for one in (fourth.inputs["back"], *fifth.inputs.values())] == ["download", "mount", "direct"]


def test_an_output_among_inputs_is_that_of_an_earlier_step(project: Mlrun) -> None:
    graph = build_graph(
        project,
        """
made, rows = OutputFileDatasetConfig("made"), OutputFileDatasetConfig("rows")
first = script("prepare.py", arguments=["--to", made, "--rows", rows])
second = script(arguments=["--from", made], inputs=[made, rows.read_delimited_files()])
build(first, second)
""",
    )
    first, second = get_step(graph, "prepare.py"), get_step(graph, "train.py")
    assert second.outputs == {}
    assert [(one.source, one.mode) for one in second.inputs.values()] == [
        (StepOutput(first.key, "made"), "mount"),
        (StepOutput(first.key, "rows"), "direct"),
    ]
    assert second.arguments[1] == (ArgumentReference("input", "made"),)


def test_datasets_of_no_workspace_are_saved_in_that_of_the_pipeline(project: Mlrun) -> None:
    graph = build_graph(
        project,
        """
def make():
    return Dataset.Tabular.from_delimited_files("data/table.csv")

table, files = make(), Dataset.File.from_files("data/table.csv")
same([table.id, files.id], [None, None])
which = DatasetConsumptionConfig("which", PipelineParameter("which", files)).as_mount()
mounted = files.as_named_input("files").as_mount()
build(script(arguments=[which, mounted], inputs=[which, table.as_named_input("table")]))
found = Dataset.get_by_id(workspace, files.id)
same(found.to_path(), files.to_path())
""",
    )
    step, default = get_step(graph, "train.py"), graph.parameters["which"].default
    files, table = step.inputs["files"].source, step.inputs["table"].source
    assert isinstance(files, DatasetReference) and isinstance(table, DatasetReference)
    assert files.dataset_id is not None and files.dataset_id != table.dataset_id
    assert default == files


def test_tables_of_outputs_have_fewer_columns_and_rows(project: Mlrun) -> None:
    graph = build_graph(
        project,
        """
data = PipelineData("data").as_dataset()
table = data.parse_delimited_files().keep_columns("x").drop_columns(["y"])
part, rest = table.random_split(0.25, seed=7)
first = script("prepare.py", arguments=[data], outputs=[data])
build(first, script(inputs=[part.as_named_input("part"), rest.as_named_input("rest")]))
refused(ValueError, "percentage", table.random_split, 2)
""",
    )
    inputs = get_step(graph, "train.py").inputs
    tables = [inputs[name].table for name in ("part", "rest")]
    common = [["keep", ["x"]], ["drop", ["y"]]]
    assert [list(table.steps) for table in tables if table] == [
        [*common, ["part", 7, 0, 0.25]],
        [*common, ["part", 7, 0.25, 1]],
    ]


def test_parameters_of_every_type_are_those_of_the_pipeline(project: Mlrun) -> None:
    graph = build_graph(
        project,
        """
files = Dataset.File.from_files("data/table.csv").register(workspace, "cars")
rate, path = PipelineParameter("rate", 0.1), PipelineParameter("path", DataPath(store, "cars"))
which = PipelineParameter("which", files)
binding = DataPathComputeBinding(mode="download")
step = script(
    arguments=["--rate", rate, (path, binding), DatasetConsumptionConfig("set", which).as_mount()],
    inputs=[(path, binding)],
    params={"depth": PipelineParameter("depth", 3), "fixed": "x"},
    runconfig_pipeline_params={"NodeCount": PipelineParameter("nodes", 1)},
)
same_rate = PipelineParameter(name="rate", default_value=0.1)
flag = script(name="flag", arguments=[PipelineParameter("flag", True), same_rate])
build(step, flag)
""",
    )
    kinds = {name: one.kind for name, one in graph.parameters.items()}
    assert kinds == {
        "rate": "float",
        "path": "datapath",
        "which": "dataset",
        "depth": "int",
        "nodes": "int",
        "flag": "bool",
    }
    step = get_step(graph, "train.py")
    assert step.arguments == (
        ("--rate",),
        (ArgumentReference("parameter", "rate"),),
        (ArgumentReference("input", "path"),),
        (ArgumentReference("input", "set"),),
    )
    assert step.inputs["path"].source == ParameterReference("path")
    assert step.inputs["path"].mode == "download"
    assert step.inputs["set"].source == ParameterReference("which")
    assert step.parameters == {"depth": ParameterReference("depth"), "fixed": "x"}
    assert step.runconfig_parameters == {"NodeCount": ParameterReference("nodes")}


def test_steps_that_others_need_are_added_and_sequences_are_kept(project: Mlrun) -> None:
    graph = build_graph(
        project,
        """
data = PipelineData("data")
producer = script(name="producer", outputs=[data])
early = script(name="early")
late = script(name="late", inputs=[data])
late.run_after(early)
assert (late.step_type, late.run_after_steps, early.run_after_steps) == ("PythonScriptStep", [early], [])
binding = data.as_input("rows")
assert (binding.name, binding.data_reference_name, binding.get_bind_object_name()) == ("rows", "data", "data")
sequence = StepSequence(steps=[[script(name="one"), script(name="two")], script(name="three")])
build(sequence, late)
""",
    )
    assert {step.name for step in graph.steps} == {"producer", "early", "late", "one", "two", "three"}
    names = {step.key: step.name for step in graph.steps}
    assert sorted(names[key] for key in get_step(graph, "three").run_after) == ["one", "two"]
    assert sorted(names[key] for key in get_step(graph, "late").list_upstream_keys()) == ["early", "producer"]


def test_estimators_and_mpi_and_sweeps_bring_their_configuration(project: Mlrun) -> None:
    graph = build_graph(
        project,
        """
from azureml.train.estimator import Estimator
from azureml.train.hyperdrive import *
estimator = Estimator(source_directory="src", entry_script="train.py", compute_target="local", script_params={"--a": 1})
steps = [
    EstimatorStep(name="estimated", estimator=estimator, compute_target="local"),
    EstimatorStep(name="other", estimator=estimator, estimator_entry_script_arguments=["--b", 2]),
    MpiStep(name="mpi", source_directory="src", script_name="train.py", compute_target="local",
            node_count=PipelineParameter("nodes", 2), process_count_per_node=3, pip_packages=["mpi4py"]),
]
metrics = PipelineData("metrics")
sweep = HyperDriveConfig(
    RandomParameterSampling({"--lr": choice(1, 2)}), "acc", PrimaryMetricGoal.MAXIMIZE, 4,
    run_config=ScriptRunConfig("src", script="train.py", arguments=["--fixed", 1]),
)
steps.append(HyperDriveStep("sweep", sweep, metrics_output=metrics))
build(*steps)
""",
    )
    assert get_step(graph, "estimated").arguments == (("--a",), ("1",))
    assert get_step(graph, "other").arguments == (("--b",), ("2",))
    mpi = get_step(graph, "mpi")
    assert (mpi.node_count, mpi.process_count_per_node) == (2, 3)
    assert mpi.runconfig_parameters == {"NodeCount": ParameterReference("nodes")}
    assert mpi.runconfig is not None
    assert (mpi.runconfig["communicator"], mpi.runconfig["mpi"]["processCountPerNode"]) == ("IntelMpi", 3)
    sweep = get_step(graph, "sweep")
    assert sweep.sweep is not None
    assert sweep.sweep["generator_config"]["parameter_space"] == {"--lr": ["choice", [[1, 2]]]}
    assert (sweep.script, sweep.arguments, sweep.metrics_output) == ("train.py", (("--fixed",), ("1",)), "metrics")


def test_parallel_steps_have_their_batches_and_limits(project: Mlrun) -> None:
    project.script(
        "parallel_run_config:\n  environment_name: batch\n  compute_target_name: local\n  node_count: 2\n"
        "  error_threshold: -1\n  output_action: append_row\n  entry_script: train.py\n  source_directory: src\n"
        "  mini_batch_size: '2'\n  run_invocation_timeout: 180\n",
        "parallel.yml",
    )
    graph = build_graph(
        project,
        """
Environment("batch").register(workspace)
files = Dataset.File.from_files("data/table.csv").register(workspace, "cars").as_named_input("files")
output, side = PipelineData("scores"), DataReference(store, "side", "side")
config = ParallelRunConfig.load_yaml(workspace, "parallel.yml")
config.mini_batch_size = PipelineParameter("batch", 5)
config.save_to_yaml("again.yml")
same(vars(ParallelRunConfig.load_yaml(workspace, "again.yml"))["run_invocation_timeout"], 180)
build(ParallelRunStep("score", config, inputs=[files], output=output, side_inputs=[side], arguments=["--side", side]))
""",
    )
    (step,) = graph.steps
    assert step.parallel_run is not None
    wanted: dict[str, Any] = {
        "mini_batch_size": {"parameter": "batch"},
        "node_count": 2,
        "error_threshold": -1,
        "run_invocation_timeout": 180,
        "run_max_try": 3,
        "output_action": "append_row",
        "inputs": ["files"],
        "side_inputs": ["side"],
        "output": "scores",
    }
    assert {name: step.parallel_run[name] for name in wanted} == wanted
    assert graph.parameters["batch"].default == 5


def test_what_a_pipeline_cannot_have_is_said_when_it_is_made(project: Mlrun) -> None:
    drive(
        project,
        BEGINNING
        + """
def making(*steps):
    return lambda: Pipeline(workspace, steps=list(steps))

data, loose = PipelineData("data"), PipelineData("loose")
transfer = DataTransferStep("copy", compute_target="factory")
refused(UserErrorException, "'copy'; DataTransferStep; Azure", making(transfer))
refused(UserErrorException, "'loose'; no step", making(script(inputs=[loose])))
refused(UserErrorException, "arguments; inputs", making(script(arguments=[loose])))
writers = [script(name="a", outputs=[data]), script(name="b", outputs=[data])]
refused(UserErrorException, "'data'; another step", making(*writers))
refused(UserErrorException, "'data'; two inputs", making(writers[0], script(name="c", inputs=[data, data.as_mount()])))
refused(TypeError, "'not a step'", making("not a step"))
rates = [PipelineParameter("rate", 1), PipelineParameter("rate", 2)]
refused(UserErrorException, "'rate'; 1; 2", making(script(arguments=rates)))
refused(UserErrorException, "nowhere", making(PythonScriptStep("train.py", source_directory="nowhere")))
from azureml.train.hyperdrive import *
sweep = HyperDriveConfig(
    GridParameterSampling({"--lr": choice(1, 2)}), "acc", PrimaryMetricGoal.MAXIMIZE, 2,
    run_config=ScriptRunConfig("src", script="train.py"),
)
best = PipelineData("best", training_output=TrainingOutput("Model"))
refused(UserErrorException, "'sweep'; 'best'; model_file", making(HyperDriveStep("sweep", sweep, outputs=[best])))
refused(ValueError, "Metrics; 'model'", TrainingOutput, "model")
refused(ValueError, "'x'; NoneType", PipelineParameter, "x", None)
refused(ValueError, "mount; upload; 'download'", PipelineData, "d", output_mode="download")
refused(TypeError, "a str", lambda: script(inputs="data").run_after("b"))
""",
    )


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("mini_batch_size='1.5MB'", "1.5MB"),
        ("output_action='append'", "append_row; 'append'"),
        ("error_threshold=None", "error_threshold; None"),
        ("process_count_per_node=0", "process_count_per_node; 0"),
        ("allowed_failed_percent=101", "allowed_failed_percent; 101"),
        ("partition_keys=['a'], mini_batch_size='5'", "partition_keys"),
        ("append_row_file_name='a/b'", "append_row_file_name"),
    ],
)
def test_wrong_settings_of_batches_are_value_errors(project: Mlrun, argument: str, words: str) -> None:
    drive(
        project,
        BEGINNING
        + f"""
settings = dict(environment=Environment("e"), entry_script="s.py", error_threshold=1, output_action="summary_only",
                compute_target="local", node_count=1)
settings.update(dict({argument}))
refused(ValueError, "{words}", ParallelRunConfig, **settings)
settings = dict(settings, error_threshold=1, output_action="summary_only", process_count_per_node=None,
                partition_keys=None, allowed_failed_percent=None, append_row_file_name=None, mini_batch_size="10kb")
same(ParallelRunConfig(**settings).mini_batch_size, 10240)
""",
    )
