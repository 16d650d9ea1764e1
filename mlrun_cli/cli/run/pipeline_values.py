"""The values of a pipeline's parameters in options: `-p a=1,b=2` and `-d NAME=STORE/PATH`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from mlrun_cli.core.problems import Problems
from mlrun_cli.errors import ConflictingOptions, InvalidValue
from mlrun_cli.pipelines.graph import DATA_PATH_TYPE, DATASET_TYPE, Graph
from mlrun_cli.pipelines.parameter_values import parse_parameter_value
from mlrun_cli.pipelines.validation import build_name_hint

PARAMETERS_OPTION = "--parameters"
DATAPATHS_OPTION = "--datapaths"


def parse_pipeline_values(graph: Graph, parameters: Sequence[str], datapaths: Sequence[str]) -> dict[str, Any]:
    r"""Return the values of pipeline parameters given as options, converted to the declared types.

    A comma separates two values if a name and an equals sign follow, so that other values may hold commas; `\,` is
    always part of a value.

    Raises:
        UsageError: a name does not exist, is given twice, or a value is not of its type.
        SeveralProblems: there are several such errors.
    """
    problems = Problems()
    values: dict[str, Any] = {}
    for option, texts in ((PARAMETERS_OPTION, parameters), (DATAPATHS_OPTION, datapaths)):
        for name, text in _iterate_pairs(option, texts, problems):
            with problems.collect_errors():
                value = _convert_value(graph, option, name, text)
                if name in values and values[name] != value:
                    raise ConflictingOptions(
                        f"{option}: '{name}' is given two values.", hint="Leave one of them out.", target=option
                    )
                values[name] = value
    problems.raise_if_any()
    return values


def _iterate_pairs(option: str, texts: Sequence[str], problems: Problems) -> Iterator[tuple[str, str]]:
    for text in texts:
        for piece in re.split(r"(?<!\\),(?=[^,=]+=)", text):
            name, equals, value = piece.partition("=")
            if equals and name:
                yield name, value.replace("\\,", ",")
            else:
                problems.add(
                    InvalidValue(f"{option}: '{name}' has no value.", hint=f"Write {option} NAME=VALUE.", target=option)
                )


def _convert_value(graph: Graph, option: str, parameter_name: str, text: str) -> Any:
    """Return the text of an option as a value of the pipeline parameter's type."""
    parameter = graph.parameters.get(parameter_name)
    if parameter is None:
        hint = build_name_hint(parameter_name, graph.parameters)
        raise InvalidValue(f"{option}: the pipeline has no parameter '{parameter_name}'.", hint=hint, target=option)
    is_data = parameter.kind in {DATA_PATH_TYPE, DATASET_TYPE}
    if option == DATAPATHS_OPTION and not is_data:
        raise InvalidValue(
            f"{option}: the parameter '{parameter_name}' is of type {parameter.kind}, which is no data.",
            hint=f"Give it with {PARAMETERS_OPTION} {parameter_name}=VALUE.",
            target=option,
        )
    if option == PARAMETERS_OPTION and is_data:
        raise InvalidValue(
            f"{option}: the parameter '{parameter_name}' is of type {parameter.kind}.",
            hint=f"Give it with {DATAPATHS_OPTION} {parameter_name}=STORE/PATH.",
            target=option,
        )
    try:
        return parse_parameter_value(parameter.kind, text)
    except InvalidValue as error:
        error.add_context(f"{option} {parameter_name}")
        raise
