"""The values of a pipeline's parameters: defaults, replaced by those that are given at a submission."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlrun_cli.core.problems import Problems
from mlrun_cli.errors import InvalidValue
from mlrun_cli.pipelines.expressions import ExpressionContext, evaluate_expression, is_expression
from mlrun_cli.pipelines.graph import (
    DATA_PATH_TYPE,
    DATASET_TYPE,
    DataPath,
    DatasetReference,
    Graph,
    ParameterValue,
    PipelineParameter,
    Scalar,
    parameter_value_to_json,
    read_parameter_value,
)
from mlrun_cli.pipelines.json_reader import JsonReader
from mlrun_cli.pipelines.validation import build_name_hint

_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def assign_parameters(graph: Graph, given_values: Mapping[str, Any]) -> dict[str, ParameterValue]:
    """Return the values of all parameters of a pipeline, keyed by name: the given ones, or else the defaults.

    Args:
        graph: the pipeline.
        given_values: JSON values that replace defaults, each of the type of its parameter.

    Raises:
        InvalidValue: a name is unknown, a value is of another type, or a parameter has neither a value nor a default.
        SeveralProblems: there are several such errors.
    """
    problems = Problems()
    for name in given_values:
        if name not in graph.parameters:
            problems.add(
                InvalidValue(
                    f"The pipeline has no parameter '{name}'.",
                    hint=build_name_hint(name, graph.parameters),
                    target=name,
                )
            )
    values: dict[str, ParameterValue] = {}
    for name, parameter in graph.parameters.items():
        with problems.collect_errors():
            values[name] = _assign_parameter(name, parameter, given_values)
    problems.raise_if_any()
    return values


def resolve_expressions(graph: Graph, values: Mapping[str, Any], context: ExpressionContext) -> dict[str, Any]:
    """Return the JSON values of parameters, with each expression replaced with its result as the parameter's type.

    Raises:
        InvalidValue: an expression cannot be evaluated, or its value is of another type.
        SeveralProblems: there are several such errors.
    """
    problems = Problems()
    found = dict(values)
    for name, parameter in graph.parameters.items():
        if is_expression(values.get(name)):
            with problems.collect_errors():
                text = str(evaluate_expression(values[name], context))
                found[name] = parse_parameter_value(parameter.kind, text)
    problems.raise_if_any()
    return found


def _assign_parameter(name: str, parameter: PipelineParameter, given_values: Mapping[str, Any]) -> ParameterValue:
    value = read_parameter_value(JsonReader(given_values, "parameters"), name, parameter.kind)
    if value is None:
        value = parameter.default
    if value is None:
        raise InvalidValue(
            f"The parameter '{name}' has no default, and no value is given.",
            hint=f"Give it one, as in '-p {name}=VALUE'.",
            target=name,
        )
    return value


def parse_scalar(type_name: str, text: str) -> Scalar:
    """Parse text as a value of the scalar parameter type `type_name`.

    Raises:
        InvalidValue: it is no value of the type.
    """
    try:
        if type_name == "int":
            number = float(text) if "." in text and "_" not in text else None
            return int(number) if number is not None and number.is_integer() else int(text)
        if type_name == "float":
            return float(text)
        if type_name == "bool":
            return _TRUTH[text.strip().lower()]
    except (ValueError, KeyError, OverflowError) as error:
        raise InvalidValue(f"'{text}' is not of type {type_name}.", target=text) from error
    return text


def parse_data_path(type_name: str, text: str) -> DataPath | DatasetReference:
    """Parse `STORE/PATH` as a data path or, for a dataset parameter, `NAME` or `NAME:VERSION` as a dataset.

    Raises:
        InvalidValue: it names neither.
    """
    if type_name == DATASET_TYPE:
        name, colon, version = text.rpartition(":")
        if colon and version.isdecimal():
            return DatasetReference(None, name, int(version))
        return DatasetReference(None, text)
    store, slash, path = text.partition("/")
    if not store or not slash:
        raise InvalidValue(
            f"'{text}' has no datastore and path.", hint="Write STORE/PATH, as in workspaceblobstore/data."
        )
    return DataPath(store, path)


def parse_parameter_value(type_name: str, text: str) -> Any:
    """Parse text as a value of any parameter type, a scalar or data, and return the JSON-compatible value.

    Raises:
        InvalidValue: it is no value of the type.
    """
    if type_name in {DATA_PATH_TYPE, DATASET_TYPE}:
        return parameter_value_to_json(parse_data_path(type_name, text))
    return parse_scalar(type_name, text)


def format_parameter_value(value: ParameterValue) -> str:
    """Return a parameter value as text, in the format of arguments and records."""
    if isinstance(value, DataPath):
        return f"{value.datastore or ''}/{value.path}"
    if isinstance(value, DatasetReference):
        return value.dataset_id or (value.name or "")
    return str(value)
