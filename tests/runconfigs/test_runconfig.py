from __future__ import annotations

import re
from pathlib import Path

import pytest

from mlrun_cli.errors import InvalidFile, Unsupported
from mlrun_cli.runconfigs.run_configuration import PythonSection, RunConfiguration
from mlrun_cli.runconfigs.runconfig import read_environment_file, read_runconfig

REAL = Path(__file__).parents[1] / "data" / "runconfigs"


def write(folder: Path, text: str) -> Path:
    path = folder / "local.runconfig"
    path.write_text(text, encoding="utf-8", newline="")
    return path


def read(folder: Path, text: str) -> RunConfiguration:
    configuration, notes = read_runconfig(write(folder, text))
    assert notes == ()
    return configuration


def failure(folder: Path, text: str) -> InvalidFile:
    with pytest.raises(InvalidFile) as caught:
        read_runconfig(write(folder, text))
    return caught.value


def test_what_is_left_out_or_has_no_value_is_at_its_default(tmp_path: Path) -> None:
    text = "script:\narguments:\ntarget:\nframework:\nnodeCount:\nmaxRunDurationSeconds:\nenvironment:\n"

    assert read(tmp_path, text) == read(tmp_path, "target: local") == RunConfiguration()


def test_every_field_is_read_from_yaml(tmp_path: Path) -> None:
    text = """\
script: src/train.py
arguments: [--lr, 0.10, --flag, true, --answer, no, 1e5, '', "a b", 2020-01-02]
target: cpu-cluster
framework: pytorch
communicator: Mpi
nodeCount: 2
maxRunDurationSeconds: 3600
environment:
  environmentVariables: {A: inner, B: 0.10, C: on, D: }
  python:
    userManagedDependencies: true
    interpreterPath: venv/bin/python
    condaDependenciesFile: conda.yml
    baseCondaEnvironment: base
environmentVariables: {A: outer}
"""
    assert read(tmp_path, text) == RunConfiguration(
        script="src/train.py",
        arguments=("--lr", "0.10", "--flag", "true", "--answer", "no", "1e5", "", "a b", "2020-01-02"),
        target="cpu-cluster",
        framework="pytorch",
        communicator="Mpi",
        node_count=2,
        max_run_duration_seconds=3600,
        environment_variables={"A": "outer", "B": "0.10", "C": "on", "D": ""},
        python=PythonSection(
            user_managed_dependencies=True,
            interpreter_path="venv/bin/python",
            conda_dependencies_file="conda.yml",
            base_conda_environment="base",
        ),
    )


def test_json_in_a_runconfig_is_read() -> None:
    configuration, notes = read_runconfig(REAL / "sklearn-json.runconfig")

    assert notes == ()
    assert configuration.script == "train-sklearn.py"
    assert configuration.python.conda_dependencies == {
        "dependencies": ["python=3.6.2", "scikit-learn", {"pip": ["azureml-defaults"]}]
    }
    assert configuration.rest["environment.docker.enabled"] is True


@pytest.mark.parametrize("name", ["local-2018", "local-2019", "local-2020", "local-2025"])
def test_real_files_of_all_years_are_known_key_by_key(name: str) -> None:
    configuration, notes = read_runconfig(REAL / f"{name}.runconfig")

    assert notes == ()
    assert configuration.target == "local"
    assert configuration.environment_variables == {"EXAMPLE_ENV_VAR": "EXAMPLE_VALUE"}
    assert configuration.rest["environment.docker.sharedVolumes"] is True


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("command: ''", None),
        ("command: []", None),
        ("command: python train.py --lr 0.1", "python train.py --lr 0.1"),
        ("command: [python, train.py, --lr, 0.10]", ("python", "train.py", "--lr", "0.10")),
        ("command: [python train.py --lr 0.1]", "python train.py --lr 0.1"),
        ("command: [ls]", ("ls",)),
    ],
)
def test_a_command_is_text_or_words(tmp_path: Path, text: str, command: str | tuple[str, ...] | None) -> None:
    assert read(tmp_path, text).command == command


@pytest.mark.parametrize("text", ["framework: python\ncommunicator: none", "framework: PYTHON\ncommunicator: ''"])
def test_python_and_none_are_known_in_any_letter_case(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == RunConfiguration()


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("- script: train.py", 1, "expected a mapping, found a list"),
        ("just text", 1, "expected a mapping, found text"),
        ("script: [train.py]", 1, "script: expected text, found a list"),
        ("target: local\narguments: --lr 0.1", 2, "arguments: expected a list, found text"),
        ("arguments:\n- --lr\n-\n", 3, "arguments[1]: expected text, found nothing"),
        ("arguments:\n- {a: 1}\n", 2, "arguments[0]: expected text, found a mapping"),
        ("nodeCount: two", 1, "nodeCount: expected a whole number, found text (two)"),
        ("nodeCount: 0", 1, "nodeCount: expected a number from 1 to 2147483647"),
        ("maxRunDurationSeconds: -1", 1, "maxRunDurationSeconds: expected a number from 1 to"),
        (
            "maxRunDurationSeconds: 1.5",
            1,
            "maxRunDurationSeconds: expected a whole number, found a number (1.5)",
        ),
        (
            "environment:\n  python:\n    interpreterPath: [python]\n",
            3,
            "python.interpreterPath: expected text",
        ),
        ("environment:\n  python: python\n", 2, "environment.python: expected a mapping, found text"),
        ("environment:\n  python:\n    condaDependencies: x\n", 3, "condaDependencies: expected a mapping"),
        (
            "environment: {python: {userManagedDependencies: maybe}}",
            1,
            "expected true or false, found text (maybe)",
        ),
        ("docker:\n  useDocker: 'true'\n", 2, "docker.useDocker: expected true or false, found text"),
        ("environmentVariables: [A=1]", 1, "environmentVariables: expected a mapping, found a list"),
        ("environmentVariables: {A: [1]}", 1, "environmentVariables.A: expected text, found a list"),
        ("environmentVariables: {A=B: 1}", 1, "environmentVariables.A=***: no variable has this name"),
        ('environmentVariables: {"": 1}', 1, "no variable has this name"),
        ("arguments: ['a\0b']".replace("\0", "\\0").replace("'", '"'), 1, "holds a NUL character"),
    ],
)
def test_a_wrong_type_is_named_with_line_and_key_path(tmp_path: Path, text: str, line: int, words: str) -> None:
    found = failure(tmp_path, text).message

    assert found.startswith(f"{tmp_path / 'local.runconfig'}, line {line}: ")
    assert words in found


def test_an_argument_without_a_value_is_told_how_to_be_empty(tmp_path: Path) -> None:
    assert "''" in str(failure(tmp_path, "arguments: [a, ~]").hint)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("parallel_run_config:\n  entry_script: score.py\n", "a parallel step of a pipeline"),
        ("   pipeline:\n       name: x\n", "describes a pipeline"),
        ("primary_metric_name: loss\nsampling: {type: random}\n", "HyperDrive run"),
        ("$schema: https://x/sweepJob.schema.json\ntype: sweep\n", "a job of version 2"),
        ("type: docker\nbaseDockerImage: microsoft/mmlspark:plus-0.9.9\n", "a .compute file"),
        ("name: x\nchannels: [conda-forge]\ndependencies: [python]\n", "a conda environment file"),
        ('{"Scope": "/subscriptions/x", "Id": "exp"}', "which workspace a folder is attached to"),
        (
            "name: x\npython: {userManagedDependencies: true}\ndocker: {enabled: false}\n",
            "description of an environment",
        ),
        ("environment:\n  databricks:\n    pypiLibraries: []\n", "libraries of a Databricks step"),
    ],
)
def test_another_kind_of_file_is_refused_as_what_it_is(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(Unsupported) as caught:
        read_runconfig(write(tmp_path, text))

    assert words in caught.value.message
    assert caught.value.message.startswith(f"{tmp_path / 'local.runconfig'}, line 1: ")
    assert caught.value.hint


def test_what_has_no_key_of_a_runconfig_is_none(tmp_path: Path) -> None:
    error = failure(tmp_path, "zebra: 1\n")
    assert type(error) is InvalidFile and error.message.endswith(": zebra)")
    assert "'script: " in str(error.hint)


def test_an_environment_may_be_the_name_of_one_or_of_a_file(tmp_path: Path) -> None:
    assert read(tmp_path, "environment: environment.yml").environment_name == "environment.yml"
    assert read(tmp_path, "environment: {name: training}").environment_name == "training"
    described = read(tmp_path, "environment: {name: training, python: {condaDependenciesFile: conda.yml}}")
    assert described.environment_name is None


def test_a_communicator_that_is_a_mapping_of_defaults_is_none(tmp_path: Path) -> None:
    configuration, notes = read_runconfig(write(tmp_path, "script: a.py\ncommunicator:\n  processCountPerNode: 1\n"))

    assert configuration == RunConfiguration(script="a.py")
    (note,) = notes
    assert "line 3: communicator: " in note
    assert re.search(r"\bmapping\b", note)
    error = failure(tmp_path, "communicator:\n  processCountPerNode: 4\n")
    assert (type(error), error.line, error.key_path) == (InvalidFile, 2, "communicator")
    assert re.search(r"\bname\b.*\bmapping\b", error.message)
    assert "communicator: Mpi" in (error.hint or "")


def test_a_runconfig_of_workbench_is_read_in_todays_keys(tmp_path: Path) -> None:
    text = """\
ArgumentVector: [src/train.py, --lr, 0.10, $file]
Target: docker
EnvironmentVariables: {A: 1e3}
Framework: python
CondaDependenciesFile: aml_config/conda_dependencies.yml
SparkDependenciesFile: aml_config/spark_dependencies.yml
PrepareEnvironment: true
TrackedRun: false
UseSampling: true
Zebra: 1
"""
    configuration, notes = read_runconfig(write(tmp_path, text))

    assert configuration == RunConfiguration(
        script="src/train.py",
        arguments=("--lr", "0.10", "$file"),
        environment_variables={"A": "1e3"},
        python=PythonSection(conda_dependencies_file="aml_config/conda_dependencies.yml"),
        rest={"environment.docker.enabled": True, "prepareEnvironment": True},
    )
    assert "Workbench of 2018" in notes[0]
    assert [(line_of(note), "TrackedRun" in note, "'Zebra'" in note) for note in notes[1:]] == [
        (8, True, False),
        (10, False, True),
    ]


def test_workbench_s_selected_file_is_left_to_the_command_line(tmp_path: Path) -> None:
    text = '{"ArgumentVector": ["$file"], "CondaFile": null, "ManagedEnvironment": false, "Target": "dsvm"}'
    configuration, _ = read_runconfig(write(tmp_path, text))

    assert configuration == RunConfiguration(target="dsvm", python=PythonSection(user_managed_dependencies=True))


def test_a_wrong_type_in_workbench_s_keys_is_named_as_it_is_written(tmp_path: Path) -> None:
    error = failure(tmp_path, "Target: local\nArgumentVector: train.py\n")

    assert (error.line, error.key_path) == (2, "ArgumentVector")
    assert "(train.py)" in error.message


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"script: a.py\nscript: b.py\n", "line 2: script: stands twice, first in line 1"),
        (b'{"script": "a.py",\n "script": "b.py"}', "line 2: script: stands twice, first in line 1"),
        (b"environment:\n\tpython: {}\n", "line 2: is not YAML"),
        (b"script: caf\xe9.py\n", "line 1: is not UTF-8"),
        (b"script: " + b"[" * 1000 + b"]" * 1000, "nest"),
        (b'{"script": ' * 1000 + b"1" + b"}" * 1000, "nested more than 50 deep"),
        (b"a: &a\n  b: *a\nscript: x\n", "nested more than 50 deep"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_by_its_line(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "local.runconfig"
    path.write_bytes(data)
    with pytest.raises(InvalidFile) as caught:
        read_runconfig(path)

    assert words in caught.value.message


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbfscript: a.py\r\narguments:\r\n- --lr\r\n- 0.10\r\ntarget:",
        b'\xef\xbb\xbf{"script": "a.py", "arguments": ["--lr", 0.10],\r\n"target": null}',
    ],
)
def test_byte_order_marks_windows_line_ends_and_missing_last_ones_are_read(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "local"
    path.write_bytes(data)

    assert read_runconfig(path) == (RunConfiguration(script="a.py", arguments=("--lr", "0.10")), ())


def test_a_file_that_describes_an_environment_is_read(tmp_path: Path) -> None:
    path = tmp_path / "environment.yml"
    path.write_text("name: x\nenvironmentVariables: {A: 0.10}\npython: {interpreterPath: py, zebra: 1}\n")
    configuration, notes = read_environment_file(path)

    assert configuration.python.interpreter_path == "py"
    assert configuration.environment_variables == {"A": "0.10"}
    assert [unknown_key(note) for note in notes] == [(3, "environment.python.zebra", None)]
    path.write_text("dependencies: [numpy]\n")
    assert read_environment_file(path)[0].python.conda_dependencies_file == str(path)
    path.write_text("zebra: 1\n")
    with pytest.raises(InvalidFile) as caught:
        read_environment_file(path)
    assert caught.value.file == str(path)
    assert caught.value.message.endswith(": zebra)")
    assert "'dependencies'" in str(caught.value.hint)


def test_each_unknown_key_gets_a_note_with_the_nearest_name(tmp_path: Path) -> None:
    text = "script: a.py\nenvironment:\n  python:\n    interpreter_path: python\nzebra: {x: 1}\n"
    configuration, notes = read_runconfig(write(tmp_path, text))

    assert configuration == RunConfiguration(script="a.py")
    assert [unknown_key(note) for note in notes] == [
        (4, "environment.python.interpreter_path", "interpreterPath"),
        (5, "zebra", None),
    ]


def test_keys_that_nobody_knows_are_named_within_data_too(tmp_path: Path) -> None:
    text = """data:
  mine:
    mechansim: mount
    dataLocation: {dataset: {id: x, verion: 2}, empty: }
    options: {any: thing}
dataReferences:
  other: {dataStoreName: x, mode: mount, dataPath: y}
"""
    _, notes = read_runconfig(write(tmp_path, text))

    assert [unknown_key(note) for note in notes] == [
        (3, "data.mine.mechansim", "mechanism"),
        (4, "data.mine.dataLocation.dataset.verion", "version"),
        (7, "dataReferences.other.dataPath", None),
    ]


def line_of(note: str) -> int:
    return int(note.partition(", line ")[2].partition(":")[0])


def unknown_key(note: str) -> tuple[int, str, str | None]:
    """Return the line and the key that a note is about, and the key that it proposes instead."""
    key = note.split("'")[1]
    proposed = re.search(r"(\w+)\?$", note)
    return line_of(note), key, proposed and proposed[1]
