"""The reader of `*.runconfig` files, which converts documents to `RunConfiguration`."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlrun_cli.core.documents.node import Node, format_key_path
from mlrun_cli.core.documents.plain import build_nodes
from mlrun_cli.core.documents.read import read_document
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.problems import Problems
from mlrun_cli.errors import InvalidFile
from mlrun_cli.runconfigs.key import Key
from mlrun_cli.runconfigs.keys import KEYS, SECTIONS
from mlrun_cli.runconfigs.kinds import check_is_not_databricks_only, check_is_not_other_kind
from mlrun_cli.runconfigs.run_configuration import NO_COMMUNICATOR, PYTHON_FRAMEWORK, PythonSection, RunConfiguration
from mlrun_cli.runconfigs.value_schemas import (
    COMMAND,
    COMMUNICATOR,
    CONDA,
    COUNT,
    FRAMEWORK,
    TEXT,
    TEXTS,
    TRUTH,
    VARIABLES,
    Schema,
)
from mlrun_cli.runconfigs.workbench import KEYS as WORKBENCH_KEYS
from mlrun_cli.runconfigs.workbench import is_workbench_runconfig, translate_workbench_runconfig

MAX_NUMBER = 2**31 - 1

_TOP_KEYS = frozenset(key_path.partition(".")[0] for key_path in KEYS) | WORKBENCH_KEYS
_VARIABLES_FIELD = "environment_variables"
_Reader = Callable[[Node, Problems], Any]


class RunconfigReading(NamedTuple):
    """A configuration with notes and the problems found in its file; invalid values are set to defaults."""

    configuration: RunConfiguration
    notes: tuple[str, ...]
    problems: Problems

    def get_or_raise(self) -> tuple[RunConfiguration, tuple[str, ...]]:
        """Return the configuration and the notes if there are no problems, or else raise an error.

        Raises:
            UsageError: the file has problems.
        """
        self.problems.raise_if_any()
        return self.configuration, self.notes


def examine_runconfig(path: Path) -> RunconfigReading:
    """Read a runconfig; return its configuration together with the errors in its values, which are not raised.

    Raises:
        InvalidFile: it is not a YAML or JSON mapping, or has no key of a runconfig.
        Unsupported: it is another kind of file, such as a step's configuration.
    """
    return _read_or_raise(read_document(path))


def read_runconfig(path: Path) -> tuple[RunConfiguration, tuple[str, ...]]:
    """Read a runconfig; return its configuration, and notes of one line each about skipped or converted keys.

    The keys of a runconfig of the Workbench of 2018 are translated.

    Raises:
        InvalidFile: it is not a YAML or JSON mapping, has no key of a runconfig, or has a value of a wrong type.
        Unsupported: it is another kind of file, such as a step's configuration.
        SeveralProblems: more than one value is of a wrong type.
    """
    return _read_or_raise(read_document(path)).get_or_raise()


def parse_configuration_document(document: object, path: Path) -> tuple[RunConfiguration, tuple[str, ...]]:
    """Parse a document of plain values as a configuration, and return it with notes; errors name the file `path`.

    Raises:
        UsageError: the same errors as `read_runconfig` raises.
    """
    return _read_or_raise(build_nodes(document, path)).get_or_raise()


def read_environment_file(path: Path) -> tuple[RunConfiguration, tuple[str, ...]]:
    """Read a runconfig's environment file, an Azure environment definition or a conda file; return it with notes.

    Returns:
        A configuration in which only the environment is meaningful, and one-line notes.

    Raises:
        InvalidFile: it is neither of them, or has a value of a wrong type.
    """
    root = read_document(path)
    keys = root.as_mapping()
    if "dependencies" in keys and "python" not in keys:
        return RunConfiguration(python=PythonSection(conda_dependencies_file=str(path.absolute()))), ()
    if not any(f"environment.{key}" in KEYS or f"environment.{key}" in SECTIONS for key in keys):
        found = ", ".join(list(keys)[:5]) or "none"
        raise InvalidFile(
            path,
            f"describes no environment (its keys: {found})",
            hint="It is a conda file with 'dependencies', or has Azure's keys: name, python, docker, ….",
        )
    section = root.rebase("environment")
    return _read_document(root._replace(content={"environment": section})).get_or_raise()


def translate_old_keys(root: Node) -> tuple[Node, tuple[str, ...]]:
    """Translate keys of the Workbench format in a runconfig to Azure's current keys; return the document and notes.

    Raises:
        InvalidFile: the document has no key of a runconfig.
        Unsupported: it is another kind of file.
    """
    check_is_not_other_kind(root, _TOP_KEYS)
    if is_workbench_runconfig(root):
        return translate_workbench_runconfig(root)
    keys = root.as_mapping()
    if keys.keys().isdisjoint(_TOP_KEYS):
        found = ", ".join(list(keys)[:5]) or "none"
        raise InvalidFile(
            root.path,
            f"has no key of a runconfig (its keys: {found})",
            hint="A runconfig says at least 'script: train.py'.",
        )
    return root, ()


def _read_or_raise(root: Node) -> RunconfigReading:
    check_is_not_databricks_only(root)
    current, schema_notes = translate_old_keys(root)
    read = _read_document(current)
    return read._replace(notes=(*schema_notes, *read.notes))


def _read_document(root: Node) -> RunconfigReading:
    reader = _RunconfigReader()
    with reader.problems.collect_errors():
        reader.read_section(_get_section(root))
    fields = {name: value for name, value in reader.fields.items() if "." not in name}
    python = {name.partition(".")[2]: value for name, value in reader.fields.items() if "." in name}
    configuration = RunConfiguration(
        **fields, python=PythonSection(**python), rest=reader.rest, places=dict(_iterate_locations(root))
    )
    return RunconfigReading(configuration, tuple(reader.notes), reader.problems)


class _RunconfigReader:
    """A reader of a runconfig's keys, which records invalid values as problems and omits them."""

    def __init__(self) -> None:
        self.fields: dict[str, Any] = {}
        self.rest: dict[str, object] = {}
        self.notes: list[str] = []
        self.problems = Problems()

    def read_section(self, section: dict[str, Node]) -> None:
        for key, node in section.items():
            with self.problems.collect_errors():
                if node.key_path == "environment" and isinstance(node.content, str):
                    self._set_field("environment_reference", node.as_text())
                elif node.key_path in SECTIONS:
                    self.read_section(_get_section(node))
                elif node.key_path in KEYS:
                    self._read_key(node, KEYS[node.key_path])
                else:
                    self.notes.append(_build_unknown_key_note(node, key))

    def _read_key(self, node: Node, key: Key) -> None:
        if key.field is None:
            self.rest[node.key_path] = node.as_boolean() if key.schema is TRUTH else node.to_plain()
            self.notes += _iterate_unknown_key_notes(node, key.schema)
        elif key.schema is COMMUNICATOR and isinstance(node.content, dict):
            self.notes.append(_describe_skipped_communicator(node))
        elif key.schema is VARIABLES:
            self._add_variables(node)
        else:
            read = next(read for schema, read in _READERS if key.schema is schema)
            self._set_field(key.field, read(node, self.problems))

    def _set_field(self, field: str, value: object) -> None:
        if value not in ("", ()):
            self.fields[field] = value

    def _add_variables(self, node: Node) -> None:
        """Add environment variables; those at the top level override those in `environment`."""
        known, found = self.fields.get(_VARIABLES_FIELD, {}), node.as_variables()
        is_of_environment = "." in node.key_path
        self.fields[_VARIABLES_FIELD] = {**found, **known} if is_of_environment else {**known, **found}


def _iterate_locations(node: Node) -> Iterator[tuple[str, str]]:
    """Yield the key path of each value in a document, with its file and line."""
    if node.line and node.key_path:
        yield node.key_path, node.location
    content = tuple(node.content.values()) if isinstance(node.content, dict) else node.content
    for inner in content if isinstance(content, tuple) else ():
        yield from _iterate_locations(inner)


def _describe_skipped_communicator(node: Node) -> str:
    """Return the note that a mapping written as `communicator` by mistake is ignored because its values are defaults.

    Raises:
        InvalidFile: the section has values other than the defaults.
    """
    if any(inner.content not in (None, 1) for inner in node.as_mapping().values()):
        raise node.build_error(
            "expected a name, found a mapping",
            hint="Name it, as in 'communicator: Mpi', and write the mapping as a section 'mpi:' of its own.",
        )
    return f"{node.location}: communicator: a mapping names none, and its values are the defaults: read as None"


def _get_section(node: Node) -> dict[str, Node]:
    """Return the entries of a mapping, except keys without a value."""
    return {key: inner for key, inner in node.as_mapping().items() if not inner.is_null}


def _iterate_unknown_key_notes(node: Node, schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield a note for each unknown key in the nested mappings of a value."""
    if not isinstance(node.content, dict):
        return
    known = schema.get("properties", {})
    for key, inner in _get_section(node).items():
        expected = known.get(key, schema.get("additionalProperties"))
        if expected is not None:
            yield from _iterate_unknown_key_notes(inner, expected)
        elif known:
            yield _format_unknown_key_note(inner, key, known)


def _build_unknown_key_note(node: Node, key: str) -> str:
    parent = node.key_path.removesuffix(key)
    return _format_unknown_key_note(
        node, key, {known[len(parent) :].split(".")[0] for known in KEYS if known.startswith(parent)}
    )


def _format_unknown_key_note(node: Node, key: str, siblings: Iterable[str]) -> str:
    nearest = difflib.get_close_matches(key[:100], sorted(siblings), n=1)
    question = f"; did you mean {nearest[0]}?" if nearest else ""
    return f"{node.location}: unknown key {format_key_path(node.key_path)[:200]!r} is skipped{question}"


def _read_text(node: Node, _: Problems) -> str:
    return node.as_text()


def _read_texts(node: Node, problems: Problems) -> tuple[str, ...]:
    """Return the items of a list as strings; each invalid item adds a problem and becomes an empty string."""
    texts = [""] * len(node.as_list())
    for index, item in enumerate(node.as_list()):
        with problems.collect_errors():
            if item.is_null:
                raise item.build_error("expected text, found nothing", hint="Write '' for an empty argument.")
            texts[index] = item.as_text()
    return tuple(texts)


def _read_command(node: Node, problems: Problems) -> str | tuple[str, ...]:
    """Return a command as a line for a shell or as words; like Azure, read a list of one text with spaces as a line."""
    if not isinstance(node.content, tuple):
        return node.as_text()
    words = _read_texts(node, problems)
    return words[0] if len(words) == 1 and len(words[0].split()) > 1 else words


def _read_count(node: Node, _: Problems) -> int:
    number = node.as_integer()
    if not 1 <= number <= MAX_NUMBER:
        raise node.build_error(f"expected a number from 1 to {MAX_NUMBER}")
    return number


def _read_boolean(node: Node, _: Problems) -> bool:
    return node.as_boolean()


def _read_conda(node: Node, _: Problems) -> dict[str, object]:
    """Return conda dependencies as plain values, with the variables as strings."""
    return {
        key: inner.as_variables() if key == "variables" else inner.to_plain()
        for key, inner in node.as_mapping().items()
    }


def _read_name(node: Node, expected_name: str) -> str:
    """Return the text of a node, or `expected_name` if they differ only in case."""
    text = node.as_text()
    return expected_name if text.casefold() == expected_name.casefold() else text


_READERS: Sequence[tuple[Schema, _Reader]] = (
    (TEXT, _read_text),
    (TEXTS, _read_texts),
    (TRUTH, _read_boolean),
    (COUNT, _read_count),
    (COMMAND, _read_command),
    (CONDA, _read_conda),
    (FRAMEWORK, lambda node, _: _read_name(node, PYTHON_FRAMEWORK)),
    (COMMUNICATOR, lambda node, _: _read_name(node, NO_COMMUNICATOR)),
)
"""The functions that read the values of fields, with their schemas."""
