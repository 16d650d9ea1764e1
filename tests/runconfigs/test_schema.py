"""The schema of runconfigs takes what the reader takes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from mlrun_cli.core.documents.read import read_document
from mlrun_cli.errors import InvalidFile, Unsupported
from mlrun_cli.runconfigs.runconfig import read_runconfig
from mlrun_cli.runconfigs.schema import build_runconfig_schema

DATA = Path(__file__).parents[1] / "data"
FILES = sorted(
    path
    for folder in ("runconfigs", "sdk", "acceptance", "pipelines")
    for path in DATA.joinpath(folder).rglob("*")
    if "runconfig" in path.name or "run_config" in path.name
    if path.suffix != ".json"
)


def schema() -> Any:
    """As `mlrun runconfig schema` prints it."""
    return json.loads(json.dumps(build_runconfig_schema()))


def problems(document: Any) -> list[str]:
    validator = jsonschema.Draft7Validator(schema())
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]


def test_it_is_a_schema() -> None:
    jsonschema.Draft7Validator.check_schema(schema())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_that_is_read_is_valid(path: Path) -> None:
    try:
        read_runconfig(path)
    except Unsupported:
        return  # it is another kind of file
    assert problems(read_document(path).to_plain()) == []


@pytest.mark.parametrize(
    ("text", "is_read"),
    [
        ("communicator: {processCountPerNode: 1}", True),
        ("communicator: {processCountPerNode: 2}", False),
        ("communicator: {nodeCount: }", True),
        ("data: {d: {dataLocation: , mechanism: , pathOnCompute: , overwrite: }}", True),
        ("data: {d: {dataLocation: {dataset: {id: , version: }, datapath: , uri: {path: }}}}", True),
        ("dataReferences: {r: {dataStoreName: , pathOnDataStore: , mode: Mount, pathOnCompute: , overwrite: }}", True),
        ("outputData: {o: {outputLocation: {dataPath: {relativePath: }}, mechanism: , additionalOptions: }}", True),
        ("environmentVariables: {A: , B: 1}", True),
        ("environmentVariables: {A=B: 1}", False),
        ("environment: {environmentVariables: {'': 1}}", False),
        ("arguments: [a, ]", True),
        ("arguments: [a, ~]", False),
        ("nodeCount: 0", False),
    ],
)
def test_it_is_as_strict_as_the_reader(tmp_path: Path, text: str, is_read: bool) -> None:
    file = tmp_path / "a.runconfig"
    file.write_text(text, encoding="utf-8")
    assert (problems(yaml.safe_load(text)) == []) is is_read
    if is_read:
        read_runconfig(file)
    else:
        with pytest.raises(InvalidFile):
            read_runconfig(file)
