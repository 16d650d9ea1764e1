"""Redaction of the secrets in a graph's arguments, variables and parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.redaction import REDACTED, Redactor
from mlrun_cli.pipelines.data_flow import PARAMETER_VARIABLE, format_arguments
from mlrun_cli.pipelines.graph import (
    Argument,
    ArgumentReference,
    Graph,
    ParameterReference,
    ParameterValue,
    PipelineParameter,
    Step,
)
from mlrun_cli.pipelines.parameter_values import format_parameter_value

_REFERENCE = "\0"
"""What stands for a reference while a word is looked at: no argument holds it."""
_V = TypeVar("_V")
_PARAMETERS = frozenset({"parameter", "step_parameter"})


class SecretParameters(NamedTuple):
    """The parameters that hold secrets, by their own names or because of what steps use them for.

    Attributes:
        names: the names of the pipeline's parameters.
        of_steps: the names of the parameters of each step, by the key of the step.
    """

    names: frozenset[str]
    of_steps: Mapping[str, frozenset[str]]

    def list_variable_names(self, step: Step) -> list[str]:
        """Return the names of the environment variables that pass secret parameters to a step."""
        return [f"{PARAMETER_VARIABLE}{key}" for key in sorted(self.of_steps[step.key])]


def find_secret_parameters(graph: Graph, values: Mapping[str, ParameterValue], redactor: Redactor) -> SecretParameters:
    """Return the parameters of the pipeline and of its steps whose given or default values are secrets."""
    defaults = {name: one.default for name, one in graph.parameters.items() if one.default is not None}
    names: set[str] = set()
    of_steps: dict[str, set[str]] = {step.key: set() for step in graph.steps}
    for assigned in (values, {**values, **defaults}):
        names |= {name for name, value in assigned.items() if redactor.is_secret(name, format_parameter_value(value))}
        for step in graph.steps:
            for part in _iterate_secret_references(step, assigned, redactor):
                (names if part.kind == "parameter" else of_steps[step.key]).add(part.name)
    for step in graph.steps:
        sources = {key: one.name for key, one in step.parameters.items() if isinstance(one, ParameterReference)}
        names |= {sources[key] for key in of_steps[step.key] if key in sources}
    for step in graph.steps:
        of_steps[step.key] |= {
            key for key, one in step.parameters.items() if isinstance(one, ParameterReference) and one.name in names
        }
    return SecretParameters(frozenset(names), {key: frozenset(found) for key, found in of_steps.items()})


def _iterate_secret_references(
    step: Step, values: Mapping[str, ParameterValue], redactor: Redactor
) -> Iterator[ArgumentReference]:
    """Yield references to parameters that are secret because of their names in the step or their use in arguments."""

    def format_reference(part: ArgumentReference) -> str:
        return format_arguments([(part,)], step, values)[0]

    for key in step.parameters:
        given = ArgumentReference("step_parameter", key)
        if any(redactor.is_secret(name, format_reference(given)) for name in (key, f"{PARAMETER_VARIABLE}{key}")):
            yield given
    for words in (step.arguments, step.command):
        texts = format_arguments(words, step, values)
        for word, before, after in zip(words, texts, redactor.redact_arguments(texts), strict=True):
            for part in word:
                if isinstance(part, ArgumentReference) and part.kind in _PARAMETERS:
                    shown = redactor.redact_value(format_reference(part))
                    if shown and after.count(shown) < before.replace(format_reference(part), shown).count(shown):
                        yield part


def redact_graph(graph: Graph, secrets: SecretParameters, redactor: Redactor) -> Graph:
    """Return a copy of a graph in which secrets and the defaults of secret parameters are redacted."""
    return graph._replace(
        steps=tuple(_redact_step(step, secrets.of_steps[step.key], redactor) for step in graph.steps),
        parameters={
            name: _redact_default(name, one, secrets.names, redactor) for name, one in graph.parameters.items()
        },
    )


def redact_parameter(name: str, value: str, secret_names: frozenset[str], redactor: Redactor) -> str:
    """Return a parameter's value, redacted entirely if its name is in `secret_names`, or else without secret parts."""
    return REDACTED if name in secret_names else redactor.redact_value(value)


def redact_parameter_value(name: str, value: _V, secret_names: frozenset[str], redactor: Redactor) -> _V | str:
    """Return a parameter's value with its secrets redacted; a secret number becomes a string."""
    if isinstance(value, str):
        return redact_parameter(name, value, secret_names, redactor)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return REDACTED if is_number and name in secret_names else value


def _redact_default(
    name: str, parameter: PipelineParameter, secret_names: frozenset[str], redactor: Redactor
) -> PipelineParameter:
    """Return a parameter with its default redacted; a parameter with a secret number becomes a string parameter."""
    is_text = name in secret_names and parameter.kind in {"int", "float"}
    default = redact_parameter_value(name, parameter.default, secret_names, redactor)
    return PipelineParameter("string" if is_text else parameter.kind, default)


def _redact_step(step: Step, secret_names: frozenset[str], redactor: Redactor) -> Step:
    def redact_document(document: Any) -> Any:
        return None if document is None else redactor.redact_document(document)

    return step._replace(
        arguments=_redact_arguments(step.arguments, redactor),
        command=_redact_arguments(step.command, redactor),
        parameters={
            key: redact_parameter_value(key, value, secret_names, redactor) for key, value in step.parameters.items()
        },
        environment_variables=redactor.redact_variables(step.environment_variables),
        runconfig=redact_document(step.runconfig),
        parallel_run=redact_document(step.parallel_run),
    )


def _redact_arguments(arguments: Sequence[Argument], redactor: Redactor) -> tuple[Argument, ...]:
    """Return arguments with the secrets in their text redacted; references are unchanged."""
    texts = ["".join(part if isinstance(part, str) else _REFERENCE for part in word) for word in arguments]
    shown = redactor.redact_arguments(texts)
    return tuple(
        word if text in {before, before.replace(_REFERENCE, REDACTED)} else (text.replace(_REFERENCE, ""),)
        for word, before, text in zip(arguments, texts, shown, strict=True)
    )
