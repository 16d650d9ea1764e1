"""Pipelines in YAML files: both spellings, every part, and every problem with its line."""

from __future__ import annotations

import shutil
from pathlib import Path
from textwrap import dedent

import pytest

from mlrun_cli.core.problems import list_problems
from mlrun_cli.errors import InvalidFile, MlrunError, Unsupported
from mlrun_cli.pipelines.graph import (
    ArgumentReference,
    DataPath,
    DatasetReference,
    Graph,
    Output,
    ParameterReference,
    PipelineParameter,
    StepInput,
    StepOutput,
)
from mlrun_cli.pipelines.yaml_file import PipelineFile, read_pipeline_file
from tests.pipelines.round_trip import check_round_trip

CORPUS = Path(__file__).parents[1] / "data" / "step_pipelines"

WHOLE = """\
pipeline:
    name: Training
    description: two steps
    default_compute: local
    parameters:
        rate: {type: float, default: '3'}
        folder: {type: datapath, default: {datastore: store, path_on_datastore: a/b}}
        must: {type: string}
    data_references:
        raw: {datastore: store, path_on_datastore: raw.csv}
        table: {dataset_name: iris}
    steps:
        Second:
            type: PythonScriptStep
            script_name: second.py
            source_directory: src
            runconfig: conf/local.runconfig
            compute: other
            version: 2
            inputs:
                model: {source: Model, bind_mode: download, path_on_compute: x, overwrite: true}
                chosen: {source: folder}
                iris: {source: table}
            arguments: ['--n', 3, 0.10, true, 'input:model', '--to=input:chosen', 'input:', 'a input:model']
        First:
            python_script_step:
                name: "The first"
                script_name: first.py
                allow_reuse: False
                source_directory: src
                params: {p: 1}
            parameters: {RATE: {source: rate}, LEVEL: 0.50, must: {source: must}}
            runconfig_parameters: {NodeCount: {source: rate}}
            arguments: ['parameter:RATE', 'output:model']
            inputs:
                raw: {source: raw, type: mount}
            outputs:
                model: {destination: Model, datastore: store, type: upload, overwrite: true}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("src/first.py", "src/second.py", "conf/local.runconfig"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(folder: Path, text: str) -> PipelineFile:
    path = folder / "pipeline.yml"
    path.write_text(text, encoding="utf-8")
    found = read_pipeline_file(path, folder)
    check_round_trip(found.graph, folder)
    return found


def list_errors(folder: Path, text: str) -> list[MlrunError]:
    with pytest.raises(MlrunError) as caught:
        read(folder, text)
    return list(list_problems(caught.value))


def test_both_spellings_are_read_with_all_parts(folder: Path) -> None:
    found = read(folder, WHOLE)
    graph = found.graph
    assert (graph.name, graph.description, graph.default_target) == ("Training", "two steps", "local")
    assert graph.parameters == {
        "rate": PipelineParameter("float", 3.0),
        "folder": PipelineParameter("datapath", DataPath("store", "a/b")),
        "must": PipelineParameter("string"),
    }
    second, first = graph.steps
    assert (second.name, second.script, second.target, second.version) == ("second.py", "second.py", "other", "2")
    assert second.runconfig_file == str(folder / "conf/local.runconfig")
    assert second.source_directory == str(folder / "src")
    assert (first.name, first.allow_reuse, second.allow_reuse) == ("The first", False, True)
    assert first.parameters == {
        "p": 1,
        "RATE": ParameterReference("rate"),
        "LEVEL": 0.5,
        "must": ParameterReference("must"),
    }
    assert first.runconfig_parameters == {"NodeCount": ParameterReference("rate")}
    assert first.arguments == ((ArgumentReference("step_parameter", "RATE"),), (ArgumentReference("output", "model"),))
    assert first.inputs == {"raw": StepInput(DataPath("store", "raw.csv"))}
    assert first.outputs == {"model": Output(datastore="store", mode="upload", overwrite=True)}
    assert second.inputs == {
        "model": StepInput(StepOutput(first.key, "model"), "download", "x", overwrite=True),
        "chosen": StepInput(ParameterReference("folder")),
        "iris": StepInput(DatasetReference(None, "iris"), as_dataset=True),
    }
    assert second.arguments == (
        *(("--n",), ("3",), ("0.10",), ("true",), (ArgumentReference("input", "model"),)),
        *(("--to=", ArgumentReference("input", "chosen")), ("input:",), ("a input:model",)),
    )
    assert [step.key for step in graph.iterate_in_order()] == [first.key, second.key]
    assert Graph.from_json(graph.to_json()) == graph
    assert [note for note in found.notes if "--to=" in note and "line 24" in note]


def test_keys_of_steps_are_the_same_whenever_the_file_is_read(folder: Path) -> None:
    assert read(folder, WHOLE).graph == read(folder, WHOLE).graph


@pytest.mark.parametrize(
    ("old", "new", "line", "word"),
    [
        ("'input:model'", "'input:modle'", 24, "model"),
        ("'parameter:RATE'", "'parameter:rate'", 34, "RATE"),
        ("'parameter:RATE', 'out", "'parameter:folder', 'out", 34, "parameters: {folder: {source: folder}}"),
        ("'output:model'", "'output:x'", 34, "model"),
        ("'input:model'", "input: model", 24, "without a space"),
        ("arguments: ['--n'", "arguments: 'abc' #", 24, "a list"),
        ("source: Model", "source: model", 21, "source: Model"),
        ("source: raw,", "source: rate,", 36, "float"),
        ("default: '3'", "default: x", 6, "float"),
        ("default: '3'", "default: ~", 6, "text"),
        ("type: float", "type: Float", 6, "float"),
        ("must: {type: string}", "must:\n        type: string\n        default: a", 8, "indented"),
        ("allow_reuse: False", "allow_reuse: 'no'", 29, "true or false"),
        ("first.py", "third.py", 28, "first.py"),
        ("source_directory: src\n                params", "source_directory: scr\n                params", 30, "scr"),
        ("runconfig: conf/", "runconfig: cnf/", 17, "cnf"),
        ("RATE: {source: rate}", "RATE: {source: rte}", 32, "rate"),
        ("LEVEL: 0.50", "LEVEL: {value: 1}", 32, "source"),
        ("NodeCount", "NodeCont", 33, "NodeCount"),
        ("destination: Model", "destination: a/b", 38, "a/b"),
        ("destination: Model, ", "", 38, "destination"),
        ("type: upload", "type: download", 38, "upload"),
        ("bind_mode: download", "bind_mode: direct", 21, "mount"),
        ("type: PythonScriptStep", "type: PythonScript", 14, "PythonScriptStep"),
        ("type: PythonScriptStep\n", "\n", 15, "type"),
        ("source: raw,", "source: Model,", 26, "its own output"),
        ("model: {destination", "raw: {destination", 34, "raw"),
        ("{datastore: store, path_on_datastore: raw.csv}", "{path_on_datastore: raw.csv}", 10, "datastore"),
        ("{dataset_name: iris}", "{dataset_id: ''}", 11, "dataset_name"),
    ],
)
def test_each_problem_is_told_with_its_line(folder: Path, old: str, new: str, line: int, word: str) -> None:
    assert old in WHOLE
    errors = [error for error in list_errors(folder, WHOLE.replace(old, new, 1)) if error.line == line]
    assert errors, [error.message for error in list_errors(folder, WHOLE.replace(old, new, 1))]
    assert any(word in f"{error.message} {error.hint}" for error in errors)
    assert all(error.file == str(folder / "pipeline.yml") for error in errors)


def test_a_file_may_be_indented_as_a_whole(folder: Path) -> None:
    text = "".join(f"   {line}\n" for line in WHOLE.splitlines())
    assert read(folder, text).graph == read(folder, WHOLE).graph


def test_all_problems_are_told_at_once(folder: Path) -> None:
    text = WHOLE.replace("input:model'", "input:modle'").replace("default: '3'", "default: x")
    text = text.replace("type: upload", "type: nowhere")
    assert [error.line for error in list_errors(folder, text)] == [6, 24, 38]


def test_what_is_wrong_between_steps_is_told_beside_what_cannot_be_read(folder: Path) -> None:
    """Nothing is told of what only follows from a part that could not be read."""
    text = """\
pipeline:
    parameters:
        chosen: {type: datapath, default: {datastore: a}}
    data_references:
        raw: {path_on_datastore: x}
    steps:
        One:
            type: PythonScriptStep
            script_name: src/first.py
            allow_reuse: maybe
            inputs: {back: {source: Two}, chosen: {source: chosen}, raw: {source: raw}}
            outputs: {one: {destination: One}}
            arguments: ['input:back', 'input:chosen', 'input:raw', 'output:one']
        Two:
            type: PythonScriptStep
            script_name: src/first.py
            parameters: {'a=b': 1}
            inputs: {one: {source: One}, three: {source: Three}}
            outputs: {two: {destination: Two}}
        Three:
            type: PythonScrStep
            outputs: {three: {destination: Three}}
        Four:
            type: PythonScriptStep
            runconfig: nowhere
            run_after: [Three]
            outputs: {four: {destination: Four, type: nowhere}}
            arguments: ['output:four']
        Five:
            type: HyperDriveStep
            script_name: src/first.py
"""
    errors = list_errors(folder, text)
    assert [error.line for error in errors] == [3, 5, 8, 10, 17, 21, 25, 27, 30], [one.message for one in errors]
    assert "'One' → 'Two'" in errors[2].message


def test_parameters_and_steps_have_names(folder: Path) -> None:
    text = WHOLE.replace("        must: {type", "        ' ': {type").replace("{source: must}", "{source: ' '}")
    errors = list_errors(folder, text.replace('"The first"', '" "'))
    assert [(error.code, error.line) for error in errors] == [("InvalidFile", 2), ("InvalidFile", 27)]


def test_a_cycle_is_told_with_its_steps(folder: Path) -> None:
    text = WHOLE.replace("raw: {source: raw", "raw: {source: Back").replace(
        "arguments: ['--n'", "outputs: {back: {destination: Back}}\n            arguments: ['--n'"
    )
    [error] = list_errors(folder, text)
    assert "'First'" in error.message  # as the file calls them: names may be shared, and these are not
    assert "'Second'" in error.message


def test_two_outputs_with_one_destination_are_told_with_both_lines(folder: Path) -> None:
    text = WHOLE.replace("arguments: ['--n'", "outputs: {other: {destination: Model}}\n            arguments: ['--n'")
    assert [(error.line, "line 24" in error.message) for error in list_errors(folder, text)] == [(39, True)]


@pytest.mark.parametrize(
    ("kind", "section"),
    [
        ("AdlaStep", "adla_step"),
        ("AzureBatchStep", "azurebatch_step"),
        ("DatabricksStep", "databricks_step"),
        ("DataTransferStep", "data_transfer_step"),
        ("ModuleStep", "module"),
        ("AutoMLStep", "automl_step"),
    ],
)
def test_kinds_that_cannot_run_here_are_refused_in_both_spellings(folder: Path, kind: str, section: str) -> None:
    for text in (f"type: {kind}\n      script_name: none.py", f"{section}: {{name: x}}\n      runconfig: none"):
        [error] = list_errors(folder, f"pipeline:\n  steps:\n    One:\n      {text}\n")
        assert isinstance(error, Unsupported)
        assert error.line == 4
        assert kind in error.message


@pytest.mark.parametrize(
    "lines",
    [
        "sql_query: select 1",
        "sql_table: cars",
        "sql_stored_procedure: get_cars\n      sql_stored_procedure_params:\n        year: {value: 1970, type: Int}",
    ],
)
def test_data_of_a_database_is_refused_with_its_line_beside_other_errors(folder: Path, lines: str) -> None:
    key = lines.partition(":")[0]
    references = f"  data_references:\n    cars:\n      datastore: sql\n      {lines}\n"
    steps = "  steps: {One: {type: PythonScriptStep, script_name: src/first.py}}\n"
    refusal, other = list_errors(folder, f"pipeline:\n{references}  parameters: {{a: {{type: integer}}}}\n{steps}")
    assert isinstance(refusal, Unsupported)
    assert (refusal.line, refusal.key_path) == (5, f"pipeline.data_references.cars.{key}")
    assert "SQL" in refusal.message
    assert refusal.hint
    assert isinstance(other, InvalidFile)


def test_relative_paths_count_from_the_current_folder_then_from_that_of_the_file(folder: Path) -> None:
    elsewhere = folder / "files"
    for name in ("src/second.py", "src/first.py", "conf/local.runconfig"):
        (elsewhere / name).parent.mkdir(exist_ok=True, parents=True)
        (elsewhere / name).write_text("{}", encoding="utf-8")
    (elsewhere / "p.yml").write_text(WHOLE, encoding="utf-8")
    found = read_pipeline_file(elsewhere / "p.yml", folder)
    assert {step.source_directory for step in found.graph.steps} == {str(folder / "src")}
    assert any("is not used" in note and str(elsewhere) in note for note in found.notes)
    shutil.rmtree(folder / "conf")
    (folder / "src/second.py").unlink()
    found = read_pipeline_file(elsewhere / "p.yml", folder)
    assert [step.source_directory for step in found.graph.steps] == [str(elsewhere / "src"), str(folder / "src")]
    assert found.graph.steps[0].runconfig_file == str(elsewhere / "conf/local.runconfig")
    assert sum("where the pipeline's file is" in note for note in found.notes) == 2


@pytest.mark.parametrize(
    "runconfig", ["conf/local", "../FOLDER/conf/local.runconfig", "./conf/../conf/local", "~/conf/local"]
)
def test_a_path_of_the_current_folder_is_taken_without_a_note(
    folder: Path, monkeypatch: pytest.MonkeyPatch, runconfig: str
) -> None:
    monkeypatch.setenv("HOME", str(folder))
    text = WHOLE.replace("conf/local.runconfig", runconfig.replace("FOLDER", folder.name))
    text = text.replace("source_directory: src", f"source_directory: ../{folder.name}/src")
    (folder / "files").mkdir()
    (folder / "files" / "p.yml").write_text(text, encoding="utf-8")
    found = read_pipeline_file(folder / "files" / "p.yml", folder)
    assert found.graph.steps[0].runconfig_file == str(folder / "conf/local.runconfig")
    assert found.graph.steps[0].source_directory == str(folder / "src")
    assert not [note for note in found.notes if "is taken from" in note]


def test_what_is_skipped_is_noted_with_its_line(folder: Path) -> None:
    text = WHOLE.replace("version: 2", "verison: 2").replace("datastore: store, type", "x: 1, type")
    text = text.replace("NodeCount: {source: rate}", "NodeCount: {source: nodes}")
    text = text.replace("parameters:\n", "parameters:\n        nodes: {type: int, default: 1}\n", 1)
    text = text.replace("RATE: {source: rate}", "RATE: 1")
    notes = read(folder, text).notes
    assert any("line 20" in note and "verison" in note for note in notes)
    assert any("line 39" in note and "'x'" in note for note in notes)
    assert any("line 7" in note and "'rate'" in note for note in notes)


def test_other_kinds_of_steps_are_read(folder: Path) -> None:
    text = dedent(
        """
        pipeline:
          steps:
            Words: {type: CommandStep, command: [cat, 'input:a'], inputs: {a: {source: Out}}, run_after: [Mpi]}
            Line:
              type: CommandStep
              command: echo 1 > output:o && cat input:unknown
              outputs: {o: {destination: Out}}
            Mpi: {type: MpiStep, script_name: first.py, source_directory: src, node_count: 2, process_count_per_node: 3}
        """
    )
    found = read(folder, text)
    words, line, mpi = found.graph.steps
    assert (words.command, words.is_command_line) == ((("cat",), (ArgumentReference("input", "a"),)), False)
    assert line.command == (("echo 1 > ", ArgumentReference("output", "o"), " && cat input:unknown"),)
    assert line.is_command_line
    assert (mpi.node_count, mpi.process_count_per_node) == (2, 3)
    assert words.run_after == (mpi.key,)
    [note] = found.notes
    assert "line 7" in note and "'input:unknown'" in note


def test_a_reference_within_an_argument_that_the_step_lacks_is_passed_on_and_noted(folder: Path) -> None:
    text = WHOLE.replace("--to=input:chosen", "--to=input:chosne")
    found = read(folder, text)
    assert ("--to=input:chosne",) in found.graph.steps[0].arguments
    [note] = [note for note in found.notes if "chosne" in note]
    assert "line 24" in note and "'chosen'" in note


def test_a_sweep_is_read_from_its_file(folder: Path) -> None:
    (folder / "sweep.yml").write_text(
        dedent(
            """
            sampling:
              type: grid
              parameter_space:
              - {name: --lr, expression: choice, values: [[0.1, 0.2]]}
            policy: {type: NoTerminationPolicy}
            primary_metric_name: acc
            primary_metric_goal: maximize
            max_total_runs: 2
            max_concurrent_runs: 1
            max_duration_minutes: 5
            """
        ),
        encoding="utf-8",
    )
    text = """
pipeline:
  steps:
    One:
      type: HyperDriveStep
      script_name: first.py
      source_directory: src
      hyperdrive_configuration: sweep.yml
      metrics_output: m
      model_outputs: {best: outputs/model.pkl}
      outputs: {m: {destination: m}, best: {destination: best}}
"""
    [step] = read(folder, text).graph.steps
    assert step.sweep is not None
    assert step.sweep["primary_metric_config"] == {"name": "acc", "goal": "maximize"}
    assert (step.metrics_output, step.model_outputs) == ("m", {"best": "outputs/model.pkl"})
    (folder / "sweep.yml").write_text("sampling: {type: gird}", encoding="utf-8")
    assert {error.file for error in list_errors(folder, text)} == {str(folder / "sweep.yml")}
    [error] = list_errors(folder, text.replace("hyperdrive_configuration: sweep.yml", "node_count: 1"))
    assert error.line == 5


def test_a_parallel_run_step_has_the_settings_of_its_file(folder: Path) -> None:
    (folder / "batch.yml").write_text(
        dedent(
            """
            parallel_run_config:
              entry_script: first.py
              source_directory: src
              mini_batch_size: '2'
              error_threshold: -1
              output_action: append_row
              node_count: 1
              environment_name: env
              input_format: x
              strange: 1
            """
        ),
        encoding="utf-8",
    )
    text = """
pipeline:
  data_references: {d: {dataset_name: x}, s: {dataset_name: y}}
  steps:
    One:
      type: ParallelRunStep
      parallel_run_config: batch.yml
      inputs: {d: {source: d}}
      side_inputs: {s: {source: s}}
      outputs: {o: {destination: o}}
      arguments: ['side_input:s']
"""
    found = read(folder, text)
    [step] = found.graph.steps
    assert (step.script, step.source_directory) == ("first.py", str(folder / "src"))
    assert step.arguments == ((ArgumentReference("input", "s"),),)
    assert step.parallel_run is not None
    assert step.parallel_run["side_inputs"] == ["s"]
    assert step.parallel_run["error_threshold"] == -1
    assert any("'strange'" in note for note in found.notes)
    (folder / "batch.yml").write_text("parallel_run_config:\n  error_threshold: -2\n", encoding="utf-8")
    messages = [error.message for error in list_errors(folder, text)]
    assert len(messages) == 3
    assert all(any(word in message for message in messages) for word in ("entry_script", "output_action", "-1"))


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("      inputs: {d: {source: d}}\n", "", ("pipeline.yml", 5)),
        ("  inputs:", "  side_inputs:", ("pipeline.yml", 5)),
        ("      outputs: {o: {destination: o}}\n", "", ("pipeline.yml", 5)),
        ("append_row\n", "append_row\n  append_row_file_name: ../x\n", ("batch.yml", 6)),
        ("append_row\n", "append_row\n  append_row_file_name: ''\n", ("batch.yml", 6)),
        ("append_row\n", "append_row\n  allowed_failed_percent: 101\n", ("batch.yml", 6)),
    ],
)
def test_batches_of_nothing_and_rows_that_go_nowhere_or_elsewhere_are_refused(
    folder: Path, old: str, new: str, place: tuple[str, int]
) -> None:
    batch = (
        "parallel_run_config:\n  entry_script: first.py\n  source_directory: src\n  error_threshold: 0\n"
        "  output_action: append_row\n"
    )
    step = "type: ParallelRunStep\n      parallel_run_config: batch.yml\n      inputs: {d: {source: d}}\n"
    text = (
        "pipeline:\n  data_references: {d: {dataset_name: x}}\n  steps:\n    One:\n      "
        f"{step}      outputs: {{o: {{destination: o}}}}\n"
    )
    assert (old in batch) != (old in text)
    (folder / "batch.yml").write_text(batch, encoding="utf-8")
    assert read(folder, text).graph.steps[0].outputs
    (folder / "batch.yml").write_text(batch.replace(old, new), encoding="utf-8")
    [error] = list_errors(folder, text.replace(old, new))
    assert (Path(str(error.file)).name, error.line) == place
    if "outputs" in old:
        (folder / "batch.yml").write_text(batch.replace("append_row", "summary_only"), encoding="utf-8")
        read(folder, text.replace(old, new))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Schedule: {}", Unsupported),
        ("jobs: {}", Unsupported),
        ("stages: []", Unsupported),
        ("parallel_run_config: {}", Unsupported),
        ("steps: {}", InvalidFile),
        ("pipeline:", InvalidFile),
        ("pipeline: {}", InvalidFile),
        ("pipeline: {steps: []}", InvalidFile),
        ("pipeline: {steps: {}}", InvalidFile),
        ("- a", InvalidFile),
    ],
)
def test_files_without_a_pipeline_are_refused(folder: Path, text: str, kind: type[MlrunError]) -> None:
    [error] = list_errors(folder, text)
    assert isinstance(error, kind)


@pytest.mark.parametrize("path", sorted(CORPUS.iterdir()), ids=lambda path: path.name.rpartition("__")[2])
def test_real_files_are_read_or_refused_by_kind(path: Path, folder: Path) -> None:
    """Besides what is refused, only files that are not in the corpus are missing."""
    try:
        read_pipeline_file(path, folder)
    except MlrunError as error:
        found = list_problems(error)
        assert all(one.line for one in found)
        missing = [one for one in found if not isinstance(one, Unsupported)]
        assert all("there is no " in one.message for one in missing)
        assert isinstance(found[0], Unsupported) or "azurebatch" not in path.name
    else:
        raise AssertionError("the files that it names are not here")
