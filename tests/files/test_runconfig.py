from __future__ import annotations

from pathlib import Path

import pytest

from mlrun_cli.domain.run_configuration import PythonSection, RunConfiguration
from mlrun_cli.errors import InvalidFile, Unsupported
from mlrun_cli.files.runconfig import read_runconfig

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
        ("environmentVariables: {A=B: 1}", 1, "no variable has this name"),
        ('environmentVariables: {"": 1}', 1, "no variable has this name"),
        ("arguments: ['a\0b']".replace("\0", "\\0").replace("'", '"'), 1, "holds a NUL character"),
    ],
)
def test_a_wrong_type_is_named_with_line_and_key_path(tmp_path: Path, text: str, line: int, words: str) -> None:
    found = failure(tmp_path, text).message

    assert found.startswith(f"{tmp_path / 'local.runconfig'}, line {line}: ")
    assert words in found


def test_an_argument_without_a_value_is_told_how_to_be_empty(tmp_path: Path) -> None:
    assert failure(tmp_path, "arguments: [a, ~]").hint == "Write '' for an empty argument."


def test_a_file_of_another_kind_is_no_runconfig(tmp_path: Path) -> None:
    error = failure(tmp_path, "parallel_run_config:\n  entry_script: score.py\n")

    assert "has no key of a runconfig (its keys: parallel_run_config)" in error.message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Target: local\nArgumentVector:\n- train.py\n", "line 1: Target: is a key of the Workbench"),
        ("script: a.py\nenvironment: environment.yml\n", "line 2: environment: a name or a file"),
        ("communicator:\n  processCountPerNode: 1\n", "communicator: a mapping"),
    ],
)
def test_other_schemas_are_refused_by_name(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(Unsupported) as caught:
        read_runconfig(write(tmp_path, text))

    assert words in caught.value.message
    assert caught.value.hint


def test_each_unknown_key_gets_a_note_with_the_nearest_name(tmp_path: Path) -> None:
    text = "script: a.py\nenvironment:\n  python:\n    interpreter_path: python\nzebra: {x: 1}\n"
    configuration, notes = read_runconfig(write(tmp_path, text))

    assert configuration == RunConfiguration(script="a.py")
    assert [note.split(", ", 1)[1] for note in notes] == [
        "line 4: unknown key 'environment.python.interpreter_path' is skipped; did you mean interpreterPath?",
        "line 5: unknown key 'zebra' is skipped",
    ]
