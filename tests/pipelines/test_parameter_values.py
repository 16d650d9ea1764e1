"""Values of a pipeline's parameters: each of its declared type, from JSON and from text."""

from __future__ import annotations

from typing import Any

import pytest

from mlrun_cli.core.problems import list_problems
from mlrun_cli.errors import InvalidValue, MlrunError
from mlrun_cli.pipelines.graph import DataPath, DatasetReference, Graph, ParameterValue
from mlrun_cli.pipelines.parameter_values import (
    assign_parameters,
    format_parameter_value,
    parse_data_path,
    parse_scalar,
)

GRAPH = Graph.from_json(
    {
        "parameters": {
            "rate": {"type": "float", "default": 0.5},
            "count": {"type": "int", "default": 1},
            "name": {"type": "string"},
            "where": {"type": "datapath", "default": {"datastore": "s", "path": "p"}},
        },
        "steps": [],
    }
)


def test_given_values_replace_defaults() -> None:
    given = {"name": "a", "rate": 1, "where": {"datastore": None, "path": "q"}}
    assert assign_parameters(GRAPH, given) == {"rate": 1.0, "count": 1, "name": "a", "where": DataPath(None, "q")}


def test_all_problems_of_given_values_are_told_at_once() -> None:
    given: dict[str, Any] = {"nmae": "a", "count": "5", "rate": True}
    with pytest.raises(MlrunError) as caught:
        assign_parameters(GRAPH, given)
    targets = [problem.target for problem in list_problems(caught.value)]
    assert targets == ["nmae", "parameters.rate", "parameters.count", "name"]
    assert "'name'" in (list_problems(caught.value)[0].hint or "")


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("int", "5", 5),
        ("int", "-3", -3),
        ("int", "3.0", 3),
        ("float", "1e-3", 0.001),
        ("float", "5", 5.0),
        ("bool", "True", True),
        ("bool", "false", False),
        ("string", " 5", " 5"),
    ],
)
def test_a_text_is_converted_to_the_declared_type(kind: str, text: str, value: ParameterValue) -> None:
    found = parse_scalar(kind, text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(("kind", "text"), [("int", "x"), ("int", "3.5"), ("float", ""), ("bool", "2")])
def test_a_text_of_another_type_is_refused(kind: str, text: str) -> None:
    with pytest.raises(InvalidValue):
        parse_scalar(kind, text)


def test_values_are_shown_as_arguments_have_them() -> None:
    values: list[ParameterValue] = [True, 3, 0.1, "a b", DataPath("s", "p/q")]
    assert [format_parameter_value(value) for value in values] == ["True", "3", "0.1", "a b", "s/p/q"]


def test_data_are_named_by_a_store_and_a_path_or_by_a_dataset_and_its_version() -> None:
    assert parse_data_path("datapath", "store/a/b") == DataPath("store", "a/b")
    assert parse_data_path("dataset", "iris") == DatasetReference(None, "iris")
    assert parse_data_path("dataset", "iris:3") == DatasetReference(None, "iris", 3)
    for text in ("store", "/a", ""):
        with pytest.raises(InvalidValue):
            parse_data_path("datapath", text)
