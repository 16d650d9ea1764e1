"""When the result of a step may be used again: what counts, what does not, and what is said about a difference."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mlrun_cli.pipelines.fingerprint import Fingerprint, FingerprintInputs, build_fingerprint, describe_differences
from mlrun_cli.pipelines.graph import DataPath, Graph, Step

STEP: dict[str, Any] = {
    "key": "0000000a",
    "name": "train",
    "kind": "PythonScriptStep",
    "source_directory": "/here",
    "script": "train.py",
    "parameters": {"depth": 3, "rate": {"source": "lr"}},
    "inputs": {"raw": {"source": {"data_reference": {"datastore": "blob", "path": "a"}}}},
    "outputs": {"model": {"datastore": "blob"}},
    "version": "1",
}
INPUTS = FingerprintInputs(
    values={"lr": 0.5, "where": DataPath("s", "p")},
    files={"train.py": "aa", "data/x.csv": "bb"},
    arguments=("--lr", "0.5", "${AZUREML_DATAREFERENCE_raw}"),
    settings={"environment": {"python": {"a": 1}}, "communicator": "None"},
    inputs={"raw": "blob/a"},
    data={"raw/1.csv": "10 2020"},
)


def read_step(**changes: object) -> Step:
    return Graph.from_json({"steps": [{**STEP, **changes}]}).steps[0]


BEFORE = build_fingerprint(read_step(), INPUTS)


@pytest.mark.parametrize(
    "changes",
    [
        {"key": "0000000b"},
        {"source_directory": "/moved"},
        {"target": "other"},
        {"hash_paths": ["x"]},
        {"run_after": ["0000000b"]},
    ],
)
def test_what_does_not_count_leaves_the_fingerprint_the_same(changes: dict[str, Any]) -> None:
    assert build_fingerprint(read_step(**changes), INPUTS).digest == BEFORE.digest


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": "fit"}, "its name is 'fit', and was 'train'"),
        ({"script": "b.py"}, "its script is 'b.py', and was 'train.py'"),
        ({"version": "2"}, "its version is '2', and was '1'"),
        ({"allow_reuse": False}, "its allow_reuse is 'False', and was 'True'"),
        ({"parameters": {"depth": 4, "rate": {"source": "lr"}}}, "parameter 'depth' is '4', and was '3'"),
        ({"parameters": {"depth": 3}}, "parameter 'rate' is gone"),
        (
            {"outputs": {"model": {"datastore": "file"}}},
            "output 'model' is 'mount data file', and was 'mount data blob'",
        ),
        ({"outputs": {"model": {"datastore": "blob", "mode": "upload"}}}, "upload"),
        ({"metrics_output": "model"}, "output 'model' is 'mount data blob metrics', and was 'mount data blob'"),
        ({"model_outputs": {"model": "outputs/m"}}, "output 'model' is 'mount data blob outputs/m'"),
        ({"outputs": {}}, "output 'model' is gone"),
        ({"inputs": {"raw": {**STEP["inputs"]["raw"], "mode": "download"}}}, "input 'raw' is 'download blob/a'"),
    ],
)
def test_a_change_of_the_step_counts_and_is_told(changes: dict[str, Any], told: str) -> None:
    after = build_fingerprint(read_step(**changes), INPUTS)
    assert after.digest != BEFORE.digest
    assert told in describe_differences(BEFORE, after)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"values": {"lr": 0.6}}, "parameter 'rate' is '0.6', and was '0.5'"),
        ({"files": {**INPUTS.files, "train.py": "cc"}}, "file train.py has changed"),
        ({"files": {**INPUTS.files, "a.pyc": "cc"}}, "file a.pyc is new"),
        ({"files": {"train.py": "aa"}}, "file data/x.csv is gone"),
        ({"arguments": ("--lr", "0.6", INPUTS.arguments[2])}, "argument 2 is '0.6', and was '0.5'"),
        ({"settings": {"environment": {"python": {"a": 2}}}}, "environment of its runconfig has changed"),
        ({"inputs": {"raw": "blob/b"}}, "input 'raw' is 'mount blob/b', and was 'mount blob/a'"),
        ({"data": {"raw/1.csv": "11 2020"}}, "data of input raw/1.csv has changed"),
    ],
)
def test_a_change_of_what_it_runs_on_counts_and_is_told(changes: dict[str, Any], told: str) -> None:
    after = build_fingerprint(read_step(), INPUTS._replace(**changes))
    assert after.digest != BEFORE.digest
    assert told in describe_differences(BEFORE, after)


def test_a_parameter_of_the_step_is_told_once_and_other_variables_by_name() -> None:
    def build(depth: int, **variables: str) -> Fingerprint:
        every = {"AML_PARAMETER_depth": str(depth), **variables}
        step = read_step(parameters={"depth": depth})
        return build_fingerprint(step, INPUTS._replace(variables=every, settings={"environmentVariables": every}))

    first = build(3, SIZE="1", AML_PARAMETER_OWN="1")
    assert describe_differences(first, build(4, SIZE="1", AML_PARAMETER_OWN="1")) == (
        "parameter 'depth' is '4', and was '3'"
    )
    assert describe_differences(first, build(3, SIZE="2")) == (
        "variable AML_PARAMETER_OWN is gone; variable SIZE is '2', and was '1'"
    )
    assert build(3, SIZE="2").digest != build(3, SIZE="1").digest
    older = Fingerprint({name: value for name, value in first.sections.items() if name != "variables"})
    assert older.digest == first.digest  # results of earlier versions are still used
    assert describe_differences(older, build(3, SIZE="2")) == "environmentVariables of its runconfig has changed"


def test_a_fingerprint_is_read_as_it_was_written_and_differs_from_itself_in_nothing() -> None:
    again = Fingerprint.from_json(json.loads(json.dumps(BEFORE.to_json())))
    assert again == BEFORE
    assert not describe_differences(BEFORE, again)


def test_many_differences_are_counted_rather_than_listed() -> None:
    files = {f"{number}.py": "x" for number in range(100)}
    told = describe_differences(
        BEFORE, build_fingerprint(read_step(), INPUTS._replace(files={**INPUTS.files, **files}))
    )
    assert told.endswith("; 95 more")


def test_arguments_are_told_in_their_order() -> None:
    def build(*words: str) -> Fingerprint:
        return build_fingerprint(read_step(), INPUTS._replace(arguments=words))

    told = describe_differences(build(*"abcdefghijk"), build(*"aXcdefghijX"))
    assert told == "argument 2 is 'X', and was 'b'; argument 11 is 'X', and was 'k'"
