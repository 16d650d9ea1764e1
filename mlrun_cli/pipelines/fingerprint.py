"""Fingerprints of all that a step's result depends on, which decide whether an earlier result can be reused.

What counts is what Azure counts: the files of the source, the step's name, values, arguments, inputs, and settings. The
names of the pipeline, of its nodes and of its data references do not, and neither does when a file was written.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from mlrun_cli.core.digests import create_sha256
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.pipelines.data_flow import PARAMETER_VARIABLE
from mlrun_cli.pipelines.graph import Output, ParameterReference, ParameterValue, Step
from mlrun_cli.pipelines.parameter_values import format_parameter_value

DIGEST_PROPERTY = "mlrun.stepFingerprint"
"""The property of a step's run that holds the digest of its fingerprint."""

_MAX_SHOWN = 5
_MAX_LENGTH = 60
_WORDS = {
    "step": "its {name}",
    "arguments": "argument {name}",
    "parameters": "parameter '{name}'",
    "variables": "variable {name}",
    "settings": "{name} of its runconfig",
    "files": "file {name}",
    "inputs": "input '{name}'",
    "data": "data of input {name}",
    "outputs": "output '{name}'",
    "secrets": "the secret in {name}",
}
"""What the entries of each section are called, in the order in which differences are told."""
_VARIABLES, _ALL_VARIABLES = "variables", ("settings", "environmentVariables")
"""The section that tells which variables differ, and the entry that counts, which has the step's parameters too."""
_OPAQUE = frozenset({"files", "data", "settings", "secrets"})
"""Sections with values that mean nothing to people."""


class Fingerprint(NamedTuple):
    """All that the result of a step depends on, as strings by section and name."""

    sections: Mapping[str, Mapping[str, str]]

    @property
    def digest(self) -> str:
        """The digest of all that counts; two fingerprints with the same digest are equal."""
        hasher = create_sha256()
        for section in sorted(self.sections.keys() - {_VARIABLES}):
            for name, value in sorted(self.sections[section].items()):
                hasher.update(json.dumps([section, name, value]).encode())
        return str(hasher.hexdigest())

    def to_json(self) -> dict[str, Any]:
        """Return the fingerprint as a JSON-compatible dict."""
        return {section: dict(entries) for section, entries in self.sections.items()}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Fingerprint:
        """Create a fingerprint from the dict that `to_json` returned."""
        return cls({section: dict(entries) for section, entries in document.items()})


class FingerprintInputs(NamedTuple):
    """The inputs of a step's fingerprint other than the step itself.

    Attributes:
        values: the values of the pipeline's parameters.
        files: the digests of the source's files and the targets of its links, by path.
        arguments: the words of arguments and command, with placeholders for data and without secrets.
        settings: what the runconfig says, except for where it runs.
        inputs: what each input is: the run that wrote it, or its place in a datastore, or the id of a dataset.
        data: the files behind inputs that no step wrote, as `KEY/PATH`, with size and time.
        secrets: keyed digests of the words and variables that hold secrets.
        variables: the environment variables, without secrets.
    """

    values: Mapping[str, ParameterValue]
    files: Mapping[str, str]
    arguments: tuple[str, ...]
    settings: Mapping[str, object]
    inputs: Mapping[str, str]
    data: Mapping[str, str]
    secrets: Mapping[str, str] = MappingProxyType({})
    variables: Mapping[str, str] = MappingProxyType({})


def build_fingerprint(step: Step, inputs: FingerprintInputs) -> Fingerprint:
    """Return the fingerprint of a step and of everything else that its result depends on."""
    about = {"name": step.name, "kind": step.kind, "script": step.script, "version": step.version}
    about["allow_reuse"] = str(step.allow_reuse)
    return Fingerprint(
        {
            "step": {name: value for name, value in about.items() if value is not None},
            "arguments": {str(index): word for index, word in enumerate(inputs.arguments, 1)},
            "parameters": {
                key: format_parameter_value(
                    inputs.values[value.name] if isinstance(value, ParameterReference) else value
                )
                for key, value in {**step.parameters, **step.runconfig_parameters}.items()
            },
            "settings": {name: _digest_document(value) for name, value in inputs.settings.items() if value},
            "files": dict(inputs.files),
            "inputs": {key: f"{one.mode} {inputs.inputs[key]}" for key, one in step.inputs.items()},
            "data": dict(inputs.data),
            "outputs": {key: _describe_output(step, key, output) for key, output in step.outputs.items()},
            "secrets": dict(inputs.secrets),
            _VARIABLES: {
                name: value
                for name, value in inputs.variables.items()
                if name.removeprefix(PARAMETER_VARIABLE) not in step.parameters
            },
        }
    )


def _digest_document(value: object) -> str:
    text = json.dumps(value, sort_keys=True, default=str)
    return str(create_sha256(text.encode("utf-8", "surrogatepass")).hexdigest())


def _describe_output(step: Step, output_key: str, output: Output) -> str:
    content = "metrics" if output_key == step.metrics_output else step.model_outputs.get(output_key)
    words = (output.mode, output.kind, output.datastore, output.destination, content)
    return " ".join(word for word in words if word is not None)


def describe_differences(earlier: Fingerprint, current: Fingerprint) -> str:
    """Return the differences between two fingerprints as one line of text; empty if there are none."""
    knows_variables = _VARIABLES in earlier.sections and _VARIABLES in current.sections  # earlier ones may not
    left_out = _ALL_VARIABLES if knows_variables else (_VARIABLES, None)
    found: list[str] = []
    for section, words in _WORDS.items():
        before, now = (_select_entries(one.sections.get(section, {}), section, left_out) for one in (earlier, current))
        found += _iterate_differences(words, before, now, section not in _OPAQUE)
    shown = found if len(found) <= _MAX_SHOWN + 1 else [*found[:_MAX_SHOWN], f"{len(found) - _MAX_SHOWN} more"]
    return "; ".join(shown)


def _select_entries(entries: Mapping[str, str], section: str, left_out: tuple[str, str | None]) -> Mapping[str, str]:
    """Return the entries of a section without the one that is left out, or none if all of its section are."""
    if section != left_out[0]:
        return entries
    return {name: value for name, value in entries.items() if left_out[1] not in {None, name}}


def _iterate_differences(
    description_template: str, earlier: Mapping[str, str], current: Mapping[str, str], shows_values: bool
) -> Iterator[str]:
    """Yield, for each name with differing values, a description made from a template that contains `{name}`."""
    for name in sorted({*earlier, *current}, key=_get_sort_key):
        what = description_template.format(name=name)
        before, now = earlier.get(name), current.get(name)
        if before == now:
            continue
        if before is None:
            yield f"{what} is new{f': {_shorten_value(now)}' if shows_values else ''}"
        elif now is None:
            yield f"{what} is gone"
        else:
            yield (
                f"{what} is {_shorten_value(now)}, and was {_shorten_value(before)}"
                if shows_values
                else f"{what} has changed"
            )


def _get_sort_key(name: str) -> tuple[int, str]:
    return (int(name) if name.isdecimal() else 0, name)


def _shorten_value(text: str | None) -> str:
    shown = " ".join((text or "").split())
    return repr(shown if len(shown) <= _MAX_LENGTH else f"{shown[:_MAX_LENGTH]}…")
