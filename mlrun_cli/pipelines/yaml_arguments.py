"""Arguments and command lines in a pipeline's YAML file: `input:KEY` and the like in texts, else lists of parts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from typing import Any

from mlrun_cli.core.documents.node import Node
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import InvalidValue
from mlrun_cli.pipelines.graph import Argument, ArgumentReference, Step, read_argument
from mlrun_cli.pipelines.json_reader import JsonReader

JOIN = "join"
"""The key of an argument that is a list of its parts: texts as they stand, and references such as `{input: KEY}`."""
KINDS = {"input": "input", "side_input": "input", "output": "output", "parameter": "step_parameter"}
"""The kinds of references, by the words of the file."""

_WORDS = {"input": "input", "output": "output", "step_parameter": "parameter"}
_REFERENCE = r"(?P<option>-[\w-]*=)?(?P<kind>input|output|parameter|side_input):(?P<space>\s*)(?P<key>\w+)"
_WORD_REFERENCE = r"(?<![^\s=])(?P<kind>input|output|parameter):(?P<key>\w+)(?![^\s;|&)])"

KnownKeys = Mapping[str, Set[str]]
"""The keys that a step has, by the kind of a reference to them."""


class Word(NamedTuple):
    """An argument that was read from text.

    Attributes:
        argument: its parts.
        unknown: the kind, in the file's word, and the key of a reference that the step does not have; else None.
            The argument is then the text.
        is_kept_by_azure: whether Azure passes the text on as it stands.
    """

    argument: Argument
    unknown: tuple[str, str] | None = None
    is_kept_by_azure: bool = False


def collect_known_keys(step: Step) -> KnownKeys:
    """Return the keys of a step that its arguments may name."""
    return {"input": set(step.inputs), "output": set(step.outputs), "step_parameter": set(step.parameters)}


def parse_argument(text: str, known_keys: KnownKeys) -> Word:
    """Parse the text of an argument, which may be a reference such as `input:KEY`."""
    found = re.fullmatch(_REFERENCE, text)
    if found is None:
        return Word((text,))
    kind, key = KINDS[found["kind"]], found["key"]
    is_kept = bool(found["option"] or found["space"])
    if key not in known_keys[kind]:
        return Word((text,), (found["kind"], key), is_kept)
    reference = ArgumentReference(kind, key)
    return Word((found["option"], reference) if found["option"] else (reference,), None, is_kept)


def parse_command_line(line: str, known_keys: KnownKeys) -> Argument:
    """Parse a command line into text and references, which are words such as `input:KEY`."""
    parts: list[str | ArgumentReference] = []
    end = 0
    for found in re.finditer(_WORD_REFERENCE, line):
        kind, key = KINDS[found["kind"]], found["key"]
        if key in known_keys[kind]:
            parts += [line[end : found.start()], ArgumentReference(kind, key)]
            end = found.end()
    return tuple(part for part in (*parts, line[end:]) if part)


def find_unknown_references(line: str, known_keys: KnownKeys) -> list[tuple[str, str]]:
    """Return the kind, in the file's word, and the key of each reference in a command line that the step lacks."""
    found = [(one["kind"], one["key"]) for one in re.finditer(_WORD_REFERENCE, line)]
    return [(kind, key) for kind, key in found if key not in known_keys[KINDS[kind]]]


def is_joined_argument(node: Node) -> bool:
    """Return whether the node of an argument contains a list of parts to be joined."""
    return isinstance(node.content, dict) and set(node.content) == {JOIN}


def read_joined_argument(node: Node) -> Argument:
    """Read an argument from a node that contains a list of its parts.

    Raises:
        InvalidFile: a part is neither text nor a reference.
    """
    try:
        return read_argument(JsonReader({}, node.key_path), node.to_plain(), JOIN)
    except InvalidValue as error:
        hint = "A part is text or a reference such as {input: KEY}."
        raise node.build_error(f"expected '{JOIN}' with a list of parts", hint=hint) from error


def format_argument(argument: Argument, known_keys: KnownKeys) -> Any:
    """Return an argument as a YAML value: text if `parse_argument` reads it, else a `join` mapping of parts."""
    text = _format_text(argument)
    if text is not None:
        word = parse_argument(text, known_keys)
        if word.argument == argument and (word.unknown is None or word.is_kept_by_azure):
            return text
    return _format_joined_argument(argument)


def format_command_line(line: Argument, known_keys: KnownKeys) -> Any:
    """Return a command line as a YAML value: text if `parse_command_line` reads it, else a `join` mapping of parts."""
    text = _format_text(line)
    return text if text is not None and parse_command_line(text, known_keys) == line else _format_joined_argument(line)


def _format_text(argument: Argument) -> str | None:
    """Return the text of an argument, or None if it contains a reference that text cannot express."""
    if any(isinstance(part, ArgumentReference) and part.kind not in _WORDS for part in argument):
        return None
    return "".join(part if isinstance(part, str) else f"{_WORDS[part.kind]}:{part.name}" for part in argument)


def _format_joined_argument(argument: Argument) -> dict[str, Any]:
    return {JOIN: [part if isinstance(part, str) else {part.kind: part.name} for part in argument]}
