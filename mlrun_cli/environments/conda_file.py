"""Conda environment files (`conda_dependencies.yml`), and conda dependencies in a runconfig."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mlrun_cli.core.documents.node import Node
from mlrun_cli.core.documents.plain import build_nodes
from mlrun_cli.core.documents.read import read_document
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.errors import InvalidFile

_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
_OPERATOR = r"[=!<>~]=|[=<>]"
_SPEC = re.compile(rf"(?:(?P<channel>[^\s:]+(?:://[^\s]+?)?)::)?(?P<name>{_NAME})\s*(?P<rest>.*)")
_IN_BRACKETS = re.compile(r"\[\s*version\s*=\s*(['\"]?)(?P<version>[^'\"\]]*)\1\s*\]")
_TERM = re.compile(rf"(?P<operator>{_OPERATOR})?\s*(?P<version>\*|[A-Za-z0-9][A-Za-z0-9_.!+-]*?)(?P<star>\.?\*)?")
_PIP_WITH_ONE_EQUALS = re.compile(rf"({_NAME}(?:\[[^\]]*\])?)\s*=(?!=)\s*")
_PIP_SUFFIXES = {".txt", ".in"}


@dataclass(frozen=True, slots=True)
class VersionTerm:
    """A condition on a version; `operator` is one of `= == != >= <= > < ~=`, where `=1.2` allows any 1.2.x."""

    operator: str
    version: str


@dataclass(frozen=True, slots=True)
class CondaSpec:
    """A conda package with its name, version conditions, build, channel and original text."""

    name: str
    version: tuple[VersionTerm, ...]
    build: str | None
    channel: str | None
    text: str

    @property
    def version_text(self) -> str:
        """The conditions on the version as text, such as `=3.8` or `>=3.6,<3.9`; empty for any version."""
        return ",".join(term.operator + term.version for term in self.version)


@dataclass(frozen=True, slots=True)
class CondaDependencies:
    """The dependencies of a conda environment.

    Attributes:
        path: the file that contains them, for errors; for those that a script has built, a folder.
        key_path: their key path in that file; empty for a conda file.
        folder: the folder to which relative paths of the pip part refer.
        name: the name of the environment, if any.
        channels: the channels, as written.
        packages: the conda packages, including Python itself.
        pip: the lines of the pip part, as written.
        variables: environment variables for programs that run in the environment.
        environment_name: the name of the environment that a script has built with them; None if a file contains them.
    """

    path: Path
    key_path: str
    folder: Path
    name: str | None
    channels: tuple[str, ...]
    packages: tuple[CondaSpec, ...]
    pip: tuple[str, ...]
    variables: Mapping[str, str]
    environment_name: str | None = None

    @property
    def origin(self) -> str:
        """What contains the dependencies, for notes."""
        return str(self.path) if self.environment_name is None else f"environment '{self.environment_name}'"


def read_conda_dependencies(path: Path) -> CondaDependencies:
    """Read a conda environment file, or a pip requirements file (`.txt`) as one with only a pip section.

    Raises:
        InvalidFile: the file is unreadable, neither YAML nor JSON, or not a valid conda environment.
    """
    if path.suffix.lower() in _PIP_SUFFIXES:
        file = path.absolute()
        return CondaDependencies(path, "", file.parent, None, (), (), (f"-r {shlex.quote(str(file))}",), {})
    document = read_document(path)
    return _Reader(path, "", _collect_line_numbers(document)).read(document, path.absolute().parent)


def parse_conda_mapping(
    mapping: Mapping[str, object], path: Path, key_path: str, folder: Path, environment_name: str | None = None
) -> CondaDependencies:
    """Parse a conda environment given as a mapping, which error messages locate by `path` and `key_path`.

    Notes call it by its name if a script has built it, without a file.

    Raises:
        InvalidFile: it is not a valid conda environment.
    """
    found = _Reader(path, key_path, {}).read(build_nodes(mapping, path).rebase(key_path), folder)
    return replace(found, environment_name=environment_name)


def parse_conda_spec(text: str) -> CondaSpec:
    """Parse an entry of `dependencies`, such as `numpy=1.18`, `conda-forge::pandas >=1,<2` or `scipy=1.5=py38_0`.

    Raises:
        ValueError: the text is not a valid conda package; the message explains why.
    """
    spec = _SPEC.fullmatch(text.strip())
    if spec is None:
        raise ValueError(f"'{_redact_secrets(text)}' is not a conda package")
    rest = spec["rest"].strip()
    in_brackets = _IN_BRACKETS.fullmatch(rest)
    version, build = (in_brackets["version"], None) if in_brackets else _split_version_and_build(rest)
    if "|" in version:
        raise ValueError(f"'{_redact_secrets(text)}' allows alternatives ('|'), which pip cannot; choose one")
    terms = [_parse_version_term(part, text) for part in version.split(",") if part.strip(" =") not in {"", "*"}]
    return CondaSpec(spec["name"].lower(), tuple(terms), build, spec["channel"], text.strip())


def _split_version_and_build(version_and_build: str) -> tuple[str, str | None]:
    """Split text such as `=1.2=py38_0` or `>=1.2, <2` into version and build; the build is None if there is none."""
    joined = re.sub(rf"\s*(,|{_OPERATOR}|\|)\s*", r"\1", version_and_build)
    with_build = re.fullmatch(r"((?:==?)?[^\s=,<>!~]+)(?:=|\s+)([^\s=,<>!~]+)", joined)
    return (with_build[1], with_build[2]) if with_build else (joined, None)


def _parse_version_term(term_text: str, spec_text: str) -> VersionTerm:
    """Parse a version condition such as `>=1.2`; errors also show `spec_text`, the entry that contains it."""
    term = _TERM.fullmatch(term_text.strip())
    if term is None:
        raise ValueError(
            f"'{_redact_secrets(spec_text)}' has a version that is not understood:"
            f" '{_redact_secrets(term_text.strip())}'"
        )
    operator = term["operator"] or "=="
    if term["star"] and operator in {"==", "="}:
        operator = "="
    return VersionTerm(operator, term["version"] + (".*" if term["star"] and operator == "!=" else ""))


def _redact_secrets(text: str) -> str:
    """Return text with its secrets redacted, for error messages."""
    return Redactor().redact_value(text)


def _collect_line_numbers(node: Node) -> dict[str, int]:
    """Return the line numbers of a node and of all nodes in it, keyed by key path."""
    lines = {node.key_path: node.line}
    if isinstance(node.content, dict):
        children = tuple(node.content.values())
    else:
        children = node.content if isinstance(node.content, tuple) else ()
    for child in children:
        lines |= _collect_line_numbers(child)
    return lines


class _Reader:
    """A validating reader of a document; `key_path` is the position of the document in its file."""

    def __init__(self, path: Path, key_path: str, lines: Mapping[str, int]) -> None:
        self._path = path
        self._key_path = key_path
        self._line_of = lines

    def read(self, node: Node, folder: Path) -> CondaDependencies:
        """Parse the dependencies in a document's root node; relative paths in them start at `folder`."""
        document = node.to_plain()
        if not isinstance(document, Mapping):
            raise self._create_error("", "expected a mapping with 'dependencies'")
        packages: list[CondaSpec] = []
        pip: list[str] = []
        for index, entry in enumerate(self._read_list(document, "dependencies")):
            where = f"dependencies[{index}]"
            if isinstance(entry, Mapping):
                pip.extend(self._read_pip(entry, where))
            else:
                packages.append(self._read_package(entry, where))
        channels = self._read_list(document, "channels")
        name = document.get("name")
        variables = node.as_mapping().get("variables")
        return CondaDependencies(
            path=self._path,
            key_path=self._key_path,
            folder=folder,
            name=None if name is None else self._read_text(name, "name"),
            channels=tuple(self._read_text(channel, f"channels[{i}]") for i, channel in enumerate(channels)),
            packages=tuple(packages),
            pip=tuple(pip),
            variables={} if variables is None else variables.as_variables(),
        )

    def _read_package(self, entry: object, location: str) -> CondaSpec:
        try:
            return parse_conda_spec(self._read_text(entry, location))
        except ValueError as error:
            raise self._create_error(location, str(error)) from error

    def _read_pip(self, entry: Mapping[object, object], location: str) -> list[str]:
        if list(entry) != ["pip"]:
            others = ", ".join(f"'{_redact_secrets(str(key))}'" for key in entry if key != "pip")
            raise self._create_error(location, f"only 'pip' may hold a list of its own, found {others}")
        lines = self._read_list(entry, "pip", f"{location}.pip")
        return [self._read_pip_line(line, f"{location}.pip[{index}]") for index, line in enumerate(lines)]

    def _read_pip_line(self, value: object, location: str) -> str:
        line = self._read_text(value, location)
        conda_style = _PIP_WITH_ONE_EQUALS.match(line)
        if conda_style:
            right = _redact_secrets(f"{conda_style[1]}=={line[conda_style.end() :]}")
            raise self._create_error(
                location,
                f"'{_redact_secrets(line)}' is written as conda takes it; pip wants '{right}'",
                hint=f"Write '{right}'.",
            )
        return line

    def _read_list(self, mapping: Mapping[object, object], key: object, location: str | None = None) -> list[object]:
        value = mapping.get(key)
        if value is None:
            return []
        if not isinstance(value, (list, tuple)):
            raise self._create_error(location or str(key), "expected a list")
        return list(value)

    def _read_text(self, value: object, location: str) -> str:
        if not isinstance(value, str) or not value.strip():
            raise self._create_error(location, "expected text")
        if re.search(r"[\0\r\n]", value.strip()):
            raise self._create_error(location, "expected one line of text")
        return value.strip()

    def _create_error(self, location: str, reason: str, *, hint: str | None = None) -> InvalidFile:
        key_path = ".".join(filter(None, (self._key_path, location)))
        return InvalidFile(self._path, reason, line=self._line_of.get(location), key_path=key_path or None, hint=hint)
