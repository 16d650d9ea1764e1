"""`*.runconfig`: reads one into a `RunConfiguration`. What is done with it is decided elsewhere."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from mlrun_cli.compute.compute_target import LOCAL_TARGET
from mlrun_cli.core.documents.node import shown_path
from mlrun_cli.core.documents.plain import plain_document
from mlrun_cli.core.documents.read import Node, read_document
from mlrun_cli.core.problems import Problems
from mlrun_cli.errors import InvalidFile
from mlrun_cli.runconfigs.kinds import refuse_libraries_alone, refuse_other_kinds
from mlrun_cli.runconfigs.run_configuration import (
    DEFAULTS,
    NO_COMMUNICATOR,
    PYTHON_FRAMEWORK,
    PythonSection,
    RunConfiguration,
)
from mlrun_cli.runconfigs.workbench import KEYS as WORKBENCH_KEYS
from mlrun_cli.runconfigs.workbench import in_current_keys, is_workbench

MAX_NUMBER = 2**31 - 1

_Value = TypeVar("_Value")

_FIELDS = frozenset(
    {
        "script",
        "arguments",
        "command",
        "target",
        "framework",
        "communicator",
        "nodeCount",
        "maxRunDurationSeconds",
        "environmentVariables",
        "environment.environmentVariables",
        "environment.python.userManagedDependencies",
        "environment.python.interpreterPath",
        "environment.python.condaDependenciesFile",
        "environment.python.condaDependencies",
        "environment.python.baseCondaEnvironment",
    }
)
_KEY_PATHS = _FIELDS | DEFAULTS.keys()
_SECTIONS = frozenset(
    key_path[:dot] for key_path in _KEY_PATHS for dot, character in enumerate(key_path) if character == "."
)

_TOP_KEYS = frozenset(key_path.partition(".")[0] for key_path in _KEY_PATHS) | WORKBENCH_KEYS


class RunconfigReading(NamedTuple):
    """What a runconfig says, notes of one line, and what is wrong in it; what is wrong is at its default."""

    configuration: RunConfiguration
    notes: tuple[str, ...]
    problems: Problems

    def checked(self) -> tuple[RunConfiguration, tuple[str, ...]]:
        """Return the configuration and the notes.

        Raises:
            UsageError: something is wrong.
        """
        self.problems.raise_if_any()
        return self.configuration, self.notes


def examine_runconfig(path: Path) -> RunconfigReading:
    """Read a runconfig that may be wrong in places.

    Raises:
        InvalidFile: it is no YAML or JSON mapping, or has no key of a runconfig.
        Unsupported: it is another kind of file, such as a step's configuration.
    """
    return _reading(read_document(path))


def read_runconfig(path: Path) -> tuple[RunConfiguration, tuple[str, ...]]:
    """Read a runconfig, and a note of one line for each thing in it that is skipped or read as another.

    One of the Workbench of 2018 is read as what it says in today's keys.

    Raises:
        InvalidFile: it is no YAML or JSON mapping, has no key of a runconfig, or a value of a wrong type.
        Unsupported: it is another kind of file, such as a step's configuration.
        SeveralProblems: more than one value is of a wrong type.
    """
    return _reading(read_document(path)).checked()


def configuration_from_document(document: object, where: Path) -> tuple[RunConfiguration, tuple[str, ...]]:
    """The same from plain values, as JSON gives them; `where` stands in messages as the file's name.

    Raises:
        UsageError: as `read_runconfig`.
    """
    return _reading(plain_document(document, where)).checked()


def read_environment_file(path: Path) -> tuple[RunConfiguration, tuple[str, ...]]:
    """A file that a runconfig names as its environment: Azure's description of one, or a conda file.

    Returns:
        A configuration of which only the environment means something, and notes of one line.

    Raises:
        InvalidFile: it is neither, or a value is of a wrong type.
    """
    root = read_document(path)
    keys = root.mapping()
    if "dependencies" in keys and "python" not in keys:
        return RunConfiguration(python=PythonSection(conda_dependencies_file=str(path.absolute()))), ()
    if not any(f"environment.{key}" in _KEY_PATHS or f"environment.{key}" in _SECTIONS for key in keys):
        found = ", ".join(list(keys)[:5]) or "none"
        raise InvalidFile(
            path,
            f"describes no environment (its keys: {found})",
            hint="It is a conda file with 'dependencies', or has Azure's keys: name, python, docker, ….",
        )
    section = root.under("environment")
    return _read(root._replace(content={"environment": section})).checked()


def current_schema(root: Node) -> tuple[Node, tuple[str, ...]]:
    """The runconfig itself, or one of the Workbench in today's keys, and notes of one line.

    Raises:
        InvalidFile: it has no key of a runconfig.
        Unsupported: it is another kind of file.
    """
    refuse_other_kinds(root, _TOP_KEYS)
    if is_workbench(root):
        return in_current_keys(root)
    keys = root.mapping()
    if keys.keys().isdisjoint(_TOP_KEYS):
        found = ", ".join(list(keys)[:5]) or "none"
        raise InvalidFile(
            root.path,
            f"has no key of a runconfig (its keys: {found})",
            hint="A runconfig says at least 'script: train.py'.",
        )
    return root, ()


def _reading(root: Node) -> RunconfigReading:
    refuse_libraries_alone(root)
    current, schema_notes = current_schema(root)
    read = _read(current)
    return read._replace(notes=(*schema_notes, *read.notes))


def _read(root: Node) -> RunconfigReading:
    problems = Problems()
    attempt = _Attempts(problems)
    top = _section(root)
    reference = attempt(lambda: _reference(top), None)
    nothing: dict[str, Node] = {}
    environment = nothing if reference is not None else attempt(lambda: _section(top.get("environment")), nothing)
    rest: dict[str, object] = {}
    notes: list[str] = []
    described = {key: node for key, node in top.items() if reference is None or key != "environment"}
    _collect_rest(described, rest, notes, problems)
    no_variables: dict[str, str] = {}
    variables = [attempt(lambda: _variables(environment), no_variables), attempt(lambda: _variables(top), no_variables)]
    configuration = RunConfiguration(
        script=attempt(lambda: _text(top, "script"), None),
        arguments=attempt(lambda: _texts(top["arguments"], problems) if "arguments" in top else (), ()),
        command=attempt(lambda: _command(top, problems), None),
        target=attempt(lambda: _text(top, "target"), None) or LOCAL_TARGET,
        framework=_spelled(attempt(lambda: _text(top, "framework"), None), PYTHON_FRAMEWORK),
        communicator=attempt(lambda: _communicator(top, notes), NO_COMMUNICATOR),
        node_count=attempt(lambda: _positive(top, "nodeCount"), None) or 1,
        max_run_duration_seconds=attempt(lambda: _positive(top, "maxRunDurationSeconds"), None),
        environment_variables=variables[0] | variables[1],
        environment_reference=reference or None,
        python=_python(attempt(lambda: _section(environment.get("python")), nothing), attempt),
        rest=rest,
        places=dict(_places(root)),
    )
    return RunconfigReading(configuration, tuple(notes), problems)


class _Attempts:
    """Reads values of a document one by one; what is wrong with one is noted, and a default stands for it."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems

    def __call__(self, read: Callable[[], _Value], default: _Value) -> _Value:
        with self._problems.collecting():
            return read()
        return default


def _places(node: Node) -> Iterator[tuple[str, str]]:
    """Where each value stands that stands in a file, by key path."""
    if node.line and node.key_path:
        yield node.key_path, node.place
    content = tuple(node.content.values()) if isinstance(node.content, dict) else node.content
    for inner in content if isinstance(content, tuple) else ():
        yield from _places(inner)


def _reference(top: dict[str, Node]) -> str | None:
    node = top.get("environment")
    return node.text() if node is not None and isinstance(node.content, str) else None


def _communicator(top: dict[str, Node], notes: list[str]) -> str:
    """The communicator's name. A mapping is the section `mpi`, put there by mistake: it names none."""
    node = top.get("communicator")
    if node is None or not isinstance(node.content, dict):
        return _spelled(_text(top, "communicator"), NO_COMMUNICATOR)
    if any(inner.content not in (None, 1) for inner in node.content.values()):
        raise node.error(
            "expected a name, found a mapping",
            hint="Name it, as in 'communicator: Mpi', and write the mapping as a section 'mpi:' of its own.",
        )
    notes.append(f"{node.place}: communicator: a mapping names none, and its values are the defaults: read as None")
    return NO_COMMUNICATOR


def _section(node: Node | None) -> dict[str, Node]:
    """The keys of a mapping that have a value: a key without one is a key left out."""
    if node is None:
        return {}
    return {key: inner for key, inner in node.mapping().items() if not inner.is_null}


def _collect_rest(section: dict[str, Node], rest: dict[str, object], notes: list[str], problems: Problems) -> None:
    for key, node in section.items():
        key_path = node.key_path
        with problems.collecting():
            if key_path in _SECTIONS:
                _collect_rest(_section(node), rest, notes, problems)
            elif key_path in DEFAULTS:
                rest[key_path] = _plain(node, DEFAULTS[key_path])
                if isinstance(node.content, dict):
                    from mlrun_cli.runconfigs.keys import KEYS  # noqa: PLC0415 - most have no such section

                    notes += _unknown_within(node, KEYS[key_path].shape)
            elif key_path not in _FIELDS:
                notes.append(_unknown(node, key))


def _plain(node: Node, defaults: tuple[object, ...]) -> object:
    return node.truth() if any(isinstance(default, bool) for default in defaults) else node.plain()


def _unknown_within(node: Node, shape: Mapping[str, Any]) -> Iterator[str]:
    """Yield a note for each key that the entries of a section have and nobody knows."""
    if not isinstance(node.content, dict):
        return
    known = shape.get("properties", {})
    for key, inner in _section(node).items():
        expected = known.get(key, shape.get("additionalProperties"))
        if expected is not None:
            yield from _unknown_within(inner, expected)
        elif known:
            yield _note_of_unknown(inner, key, known)


def _unknown(node: Node, key: str) -> str:
    parent = node.key_path.removesuffix(key)
    return _note_of_unknown(
        node, key, {known[len(parent) :].split(".")[0] for known in _KEY_PATHS if known.startswith(parent)}
    )


def _note_of_unknown(node: Node, key: str, siblings: Iterable[str]) -> str:
    nearest = difflib.get_close_matches(key[:100], sorted(siblings), n=1)
    question = f"; did you mean {nearest[0]}?" if nearest else ""
    return f"{node.place}: unknown key {shown_path(node.key_path)[:200]!r} is skipped{question}"


def _python(section: dict[str, Node], attempt: _Attempts) -> PythonSection:
    managed, inline = section.get("userManagedDependencies"), section.get("condaDependencies")
    return PythonSection(
        user_managed_dependencies=attempt(lambda: managed is not None and managed.truth(), False),
        interpreter_path=attempt(lambda: _text(section, "interpreterPath"), None),
        conda_dependencies_file=attempt(lambda: _text(section, "condaDependenciesFile"), None),
        conda_dependencies=attempt(lambda: None if inline is None else _conda(inline.mapping()), None),
        base_conda_environment=attempt(lambda: _text(section, "baseCondaEnvironment"), None),
    )


def _conda(section: dict[str, Node]) -> dict[str, object]:
    """Conda dependencies as plain values, their variables as they were written."""
    return {key: node.variables() if key == "variables" else node.plain() for key, node in section.items()}


def _text(section: dict[str, Node], key: str) -> str | None:
    """The text at a key; None when it is left out or empty."""
    return (section[key].text() or None) if key in section else None


def _texts(node: Node, problems: Problems) -> tuple[str, ...]:
    """The texts of a list; empty where there is a problem with one."""
    texts = [""] * len(node.items())
    for index, item in enumerate(node.items()):
        with problems.collecting():
            if item.is_null:
                raise item.error("expected text, found nothing", hint="Write '' for an empty argument.")
            texts[index] = item.text()
    return tuple(texts)


def _command(top: dict[str, Node], problems: Problems) -> str | tuple[str, ...] | None:
    node = top.get("command")
    if node is None:
        return None
    words = _texts(node, problems) if isinstance(node.content, tuple) else node.text()
    return words or None


def _positive(section: dict[str, Node], key: str) -> int | None:
    if key not in section:
        return None
    number = section[key].whole_number()
    if not 1 <= number <= MAX_NUMBER:
        raise section[key].error(f"expected a number from 1 to {MAX_NUMBER}")
    return number


def _variables(section: dict[str, Node]) -> dict[str, str]:
    return section["environmentVariables"].variables() if "environmentVariables" in section else {}


def _spelled(text: str | None, name: str) -> str:
    """The text, or the name when it is missing or written in other letters."""
    return name if text is None or text.casefold() == name.casefold() else text
