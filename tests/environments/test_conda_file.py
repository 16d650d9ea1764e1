"""Conda environment files, real ones and broken ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlrun_cli.environments.conda_file import parse_conda_mapping, parse_conda_spec, read_conda_dependencies
from mlrun_cli.errors import InvalidFile

DATA = Path(__file__).parents[1] / "data" / "conda"


def test_azures_default_file_is_read() -> None:
    dependencies = read_conda_dependencies(DATA / "azure_default.yml")
    assert dependencies.name == "project_environment"
    assert dependencies.channels == ("anaconda", "conda-forge")
    assert [(spec.name, spec.version_text) for spec in dependencies.packages] == [("python", "=3.8.13")]
    assert dependencies.pip == ("azureml-defaults",)
    assert dependencies.folder == DATA


def test_real_dependencies_inside_runconfigs_are_read() -> None:
    mappings = json.loads((DATA / "inside_runconfigs.json").read_text(encoding="utf-8"))
    refused = 0
    for mapping in mappings:
        try:
            read = parse_conda_mapping(mapping, Path("x.runconfig"), "environment", Path("/"))
        except InvalidFile as error:
            refused += 1
            assert "tensorflow==1.13.1" in error.message  # pip would not take it either
            continue
        assert "python" in [spec.name for spec in read.packages]
        assert read.pip
    assert refused == 1


@pytest.mark.parametrize(
    ("text", "name", "version", "build"),
    [
        ("numpy", "numpy", "", None),
        ("numpy=1.18", "numpy", "=1.18", None),
        ("numpy = 1.18", "numpy", "=1.18", None),
        ("numpy==1.18.5", "numpy", "==1.18.5", None),
        ("numpy==1.18.*", "numpy", "=1.18", None),
        ("numpy 1.18", "numpy", "==1.18", None),
        ("numpy >=1.18, <2", "numpy", ">=1.18,<2", None),
        ("numpy!=1.19.*", "numpy", "!=1.19.*", None),
        ("numpy~=1.18", "numpy", "~=1.18", None),
        ("scipy=1.5.2=py38_0", "scipy", "=1.5.2", "py38_0"),
        ("scipy 1.5.2 py38_0", "scipy", "==1.5.2", "py38_0"),
        ("blas=*=openblas", "blas", "", "openblas"),
        ('Pandas[version=">=1,<2"]', "pandas", ">=1,<2", None),
    ],
)
def test_conda_spec_is_taken_apart(text: str, name: str, version: str, build: str | None) -> None:
    spec = parse_conda_spec(text)
    assert (spec.name, spec.version_text, spec.build) == (name, version, build)


def test_channel_stands_before_two_colons() -> None:
    assert parse_conda_spec("conda-forge::numpy=1.2").channel == "conda-forge"
    assert parse_conda_spec("https://conda.example.org/x::numpy").channel == "https://conda.example.org/x"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("dependencies:\n- numpy\n- 3\n", "line 3: dependencies[1]: expected text"),
        ("dependencies: numpy\n", "line 1: dependencies: expected a list"),
        ("- numpy\n", "expected a mapping"),
        ("dependencies:\n- pip: numpy\n", "line 2: dependencies[0].pip: expected a list"),
        ("dependencies:\n- npm: [left-pad]\n", "line 2: dependencies[0]: only 'pip'"),
        ("dependencies:\n- pip:\n  - torch=1.4\n", "line 3: dependencies[0].pip[0]: 'torch=1.4'"),
        ("dependencies:\n- numpy 1.8|1.9\n", "line 2: dependencies[0]: 'numpy 1.8|1.9' allows alternatives"),
        ("dependencies:\n- '=1.2'\n", "line 2: dependencies[0]: '=1.2' is not a conda package"),
        ("dependencies: [\n", "is not YAML"),
        ("channels: {a: b}\n", "line 1: channels: expected a list"),
        ("name: x\nvariables: hunter2\n", "line 2: variables: expected a mapping, found text"),
        ("variables:\n  A: [hunter2]\n", "line 2: variables.A: expected text, found a list"),
        ("", "is empty"),
    ],
)
def test_broken_file_is_refused_with_its_place(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "conda.yml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InvalidFile) as caught:
        read_conda_dependencies(path)
    assert str(path) in caught.value.message
    assert words in caught.value.message
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize(
    "entry",
    [
        "'https://bob:hunter2@h/own/numpy.conda'",
        "'https://h/t/hunter2-token/own/ numpy'",
        "'numpy https://bob:hunter2@h|1'",
        "{pip: ['own = https://bob:hunter2@h/own.whl']}",
        "{pip: ['API_TOKEN=hunter2']}",
        "{'https://bob:hunter2@h/own': []}",
    ],
)
def test_an_error_quotes_no_secret(tmp_path: Path, entry: str) -> None:
    path = tmp_path / "conda.yml"
    path.write_text(f"dependencies:\n- {entry}\n", encoding="utf-8")
    with pytest.raises(InvalidFile) as caught:
        read_conda_dependencies(path)
    assert "***" in caught.value.message
    assert "hunter2" not in f"{caught.value.message} {caught.value.hint}"


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile):
        read_conda_dependencies(tmp_path / "none.yml")


def test_error_in_a_runconfig_names_the_key_path() -> None:
    with pytest.raises(InvalidFile, match=r"x\.runconfig: environment\.python\.condaDependencies\.channels"):
        parse_conda_mapping({"channels": 1}, Path("x.runconfig"), "environment.python.condaDependencies", Path("/"))
