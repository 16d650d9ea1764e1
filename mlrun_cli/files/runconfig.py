"""`*.runconfig`: reads one into a `RunConfiguration`. What is done with it is decided elsewhere."""

from __future__ import annotations

import difflib
from pathlib import Path

from mlrun_cli.domain.run_configuration import (
    DEFAULTS,
    LOCAL_TARGET,
    NO_COMMUNICATOR,
    PYTHON_FRAMEWORK,
    PythonSection,
    RunConfiguration,
)
from mlrun_cli.errors import InvalidFile, Unsupported
from mlrun_cli.files.document_plain import plain_document
from mlrun_cli.files.documents import Node, read_document, text_problem

MAX_NUMBER = 2**31 - 1

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


def read_runconfig(path: Path) -> tuple[RunConfiguration, tuple[str, ...]]:
    """Read a runconfig of the current schema, and a note of one line for each key that is not known.

    Raises:
        InvalidFile: it is no YAML or JSON mapping, has no key of a runconfig, or a value of a wrong type.
        Unsupported: it is of the Workbench schema, or names a section where a mapping is expected.
    """
    return _configuration(read_document(path))


def configuration_from_document(document: object, where: Path) -> tuple[RunConfiguration, tuple[str, ...]]:
    """The same from plain values, as JSON gives them; `where` stands in messages as the file's name.

    Raises:
        InvalidFile, Unsupported: as `read_runconfig`.
    """
    return _configuration(plain_document(document, where))


def _configuration(root: Node) -> tuple[RunConfiguration, tuple[str, ...]]:
    _refuse_other_schemas(root)
    top = _section(root)
    environment = _section(top.get("environment"))
    rest: dict[str, object] = {}
    notes: list[str] = []
    _collect_rest(top, rest, notes)
    configuration = RunConfiguration(
        script=_text(top, "script"),
        arguments=_texts(top["arguments"]) if "arguments" in top else (),
        command=_command(top),
        target=_text(top, "target") or LOCAL_TARGET,
        framework=_spelled(_text(top, "framework"), PYTHON_FRAMEWORK),
        communicator=_spelled(_text(top, "communicator"), NO_COMMUNICATOR),
        node_count=_positive(top, "nodeCount") or 1,
        max_run_duration_seconds=_positive(top, "maxRunDurationSeconds"),
        environment_variables=_variables(environment) | _variables(top),
        python=_python(_section(environment.get("python"))),
        rest=rest,
    )
    return configuration, tuple(notes)


def refuse_workbench_schema(root: Node) -> None:
    """Refuse a runconfig of another schema by a key of it.

    Raises:
        Unsupported: it has one.
    """
    for key, node in root.mapping().items():
        if key[:1].isupper():
            raise _unsupported(
                node,
                "is a key of the Workbench runconfigs of 2018, which are not read",
                "Write the current keys: script, arguments, target, environment, …",
            )


def _refuse_other_schemas(root: Node) -> None:
    refuse_workbench_schema(root)
    keys = root.mapping()
    if not any(key in _KEY_PATHS or key in _SECTIONS for key in keys):
        found = ", ".join(list(keys)[:5]) or "none"
        raise InvalidFile(
            root.path,
            f"has no key of a runconfig (its keys: {found})",
            hint="A runconfig says at least 'script: train.py'.",
        )
    environment, communicator = keys.get("environment"), keys.get("communicator")
    if environment is not None and isinstance(environment.content, str):
        raise _unsupported(
            environment,
            "a name or a file instead of a mapping is not read",
            "Write the file as environment.python.condaDependenciesFile.",
        )
    if communicator is not None and isinstance(communicator.content, dict):
        raise _unsupported(communicator, "a mapping is not read", "Write 'communicator: None'.")


def _unsupported(node: Node, reason: str, hint: str) -> Unsupported:
    return Unsupported(f"{node.place}: {node.key_path}: {reason}", hint=hint)


def _section(node: Node | None) -> dict[str, Node]:
    """The keys of a mapping that have a value: a key without one is a key left out."""
    if node is None:
        return {}
    return {key: inner for key, inner in node.mapping().items() if not inner.is_null}


def _collect_rest(section: dict[str, Node], rest: dict[str, object], notes: list[str]) -> None:
    for key, node in section.items():
        key_path = node.key_path
        if key_path in _SECTIONS:
            _collect_rest(_section(node), rest, notes)
        elif key_path in DEFAULTS:
            rest[key_path] = _plain(node, DEFAULTS[key_path])
        elif key_path not in _FIELDS:
            notes.append(_unknown(node, key))


def _plain(node: Node, defaults: tuple[object, ...]) -> object:
    return node.truth() if any(isinstance(default, bool) for default in defaults) else node.plain()


def _unknown(node: Node, key: str) -> str:
    parent = node.key_path.removesuffix(key)
    siblings = {known[len(parent) :].split(".")[0] for known in _KEY_PATHS if known.startswith(parent)}
    nearest = difflib.get_close_matches(key[:100], sorted(siblings), n=1)
    question = f"; did you mean {nearest[0]}?" if nearest else ""
    return f"{node.place}: unknown key {node.key_path[:200]!r} is skipped{question}"


def _python(section: dict[str, Node]) -> PythonSection:
    inline = section.get("condaDependencies")
    return PythonSection(
        user_managed_dependencies=("userManagedDependencies" in section and section["userManagedDependencies"].truth()),
        interpreter_path=_text(section, "interpreterPath"),
        conda_dependencies_file=_text(section, "condaDependenciesFile"),
        conda_dependencies=None if inline is None else {key: node.plain() for key, node in inline.mapping().items()},
        base_conda_environment=_text(section, "baseCondaEnvironment"),
    )


def _text(section: dict[str, Node], key: str) -> str | None:
    """The text at a key; None when it is left out or empty."""
    return (section[key].text() or None) if key in section else None


def _texts(node: Node) -> tuple[str, ...]:
    for item in node.items():
        if item.is_null:
            raise item.error("expected text, found nothing", hint="Write '' for an empty argument.")
    return tuple(item.text() for item in node.items())


def _command(top: dict[str, Node]) -> str | tuple[str, ...] | None:
    node = top.get("command")
    if node is None:
        return None
    words = _texts(node) if isinstance(node.content, tuple) else node.text()
    return words or None


def _positive(section: dict[str, Node], key: str) -> int | None:
    if key not in section:
        return None
    number = section[key].whole_number()
    if not 1 <= number <= MAX_NUMBER:
        raise section[key].error(f"expected a number from 1 to {MAX_NUMBER}")
    return number


def _variables(section: dict[str, Node]) -> dict[str, str]:
    """The environment variables of a section; one without a value is empty."""
    node = section.get("environmentVariables")
    if node is None:
        return {}
    variables = {}
    for name, value in node.mapping().items():
        problem = "no variable has this name" if not name or "=" in name else text_problem(name)
        if problem:
            raise value.error(problem)
        variables[name] = "" if value.is_null else value.text()
    return variables


def _spelled(text: str | None, name: str) -> str:
    """The text, or the name when it is missing or written in other letters."""
    return name if text is None or text.casefold() == name.casefold() else text
