"""A value of a document and its position in the file, so that errors can show the line and key path."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.problems import Problems
from mlrun_cli.core.redaction import Redactor, get_process_redactor
from mlrun_cli.errors import InvalidFile

MAX_VALUES = 100_000
MAX_DEPTH = 50
TOO_DEEP = f"is nested more than {MAX_DEPTH} deep"
MAX_LETTERS = 8 << 20
MAX_KEY_PATH = 1000
MAX_NUMBER = 1000
"""The maximum length of a number; longer ones are read as text, since computing with them would take very long."""

_VARIABLES = {"environmentvariables", "variables"}

_KIND_WORDS: Mapping[type, str] = {
    dict: "a mapping",
    tuple: "a list",
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    type(None): "nothing",
}


class Node(NamedTuple):
    """A value of a document and its position in the file.

    Attributes:
        path: the file, as it was passed to the reader.
        key_path: `environment.python.interpreterPath`, `arguments[2]`; empty for the whole document.
        line: counted from 1; 0 if the document did not come from a file.
        content: a scalar, the nodes of a list or the nodes of a mapping.
        source: a scalar as it was written, without its quotes; empty for lists and mappings.
    """

    path: Path
    key_path: str
    line: int
    content: Scalar | tuple[Node, ...] | dict[str, Node]
    source: str = ""

    @property
    def is_null(self) -> bool:
        """True if the key has no value."""
        return self.content is None

    def build_error(self, reason: str, *, hint: str | None = None) -> InvalidFile:
        """Return an error that states the file, line and key path, for the caller to raise."""
        return build_file_error(self.path, reason, line=self.line, key_path=self.key_path, hint=hint)

    @property
    def location(self) -> str:
        """The file and line, for use in messages."""
        return f"{self.path}, line {self.line}" if self.line else str(self.path)

    def as_mapping(self) -> dict[str, Node]:
        """Return the items of this node, which must be a mapping, keyed by name.

        Raises:
            InvalidFile: it is of another type.
        """
        if not isinstance(self.content, dict):
            raise self._build_type_error("a mapping")
        return self.content

    def as_list(self) -> tuple[Node, ...]:
        """Return the items of this node, which must be a list.

        Raises:
            InvalidFile: it is of another type.
        """
        if not isinstance(self.content, tuple):
            raise self._build_type_error("a list")
        return self.content

    def as_text(self) -> str:
        """Return the value as text; numbers, booleans and dates are returned as written in the file.

        Raises:
            InvalidFile: it is null, a list or a mapping, or cannot be passed to a process.
        """
        if self.content is None or isinstance(self.content, (tuple, dict)):
            raise self._build_type_error("text")
        text = self.content if isinstance(self.content, str) else self.source
        problem = find_text_problem(text)
        if problem:
            raise self.build_error(problem)
        return text

    def as_variables(self) -> dict[str, str]:
        """Return the mapping as environment variables; a key without a value becomes an empty string.

        Raises:
            InvalidFile: it is not a mapping, or a name or value cannot be passed to a process.
        """
        found: dict[str, str] = {}
        problems = Problems()
        for name, value in ({} if self.is_null else self.as_mapping()).items():
            with problems.collect_errors():
                if not name or "=" in name:
                    raise value.build_error("no variable has this name", hint="Write 'NAME: value', with a colon.")
                if problem := find_text_problem(name):
                    raise value.build_error(problem)
                found[name] = "" if value.is_null else value.as_text()
        problems.raise_if_any()
        return found

    def as_boolean(self) -> bool:
        """Return the value of this node, which must be a boolean.

        Raises:
            InvalidFile: it is of another type.
        """
        if not isinstance(self.content, bool):
            raise self._build_type_error("true or false")
        return self.content

    def as_integer(self) -> int:
        """Return the value of this node, which must be a whole number.

        Raises:
            InvalidFile: it is of another type.
        """
        if not isinstance(self.content, int) or isinstance(self.content, bool):
            raise self._build_type_error("a whole number")
        return self.content

    def rebase(self, key_path: str) -> Node:
        """Return the same value under another key path, with unchanged line numbers."""
        content = self.content
        if isinstance(content, dict):
            content = {key: node.rebase(join_key_path(key_path, key)) for key, node in content.items()}
        elif isinstance(content, tuple):
            content = tuple(node.rebase(f"{key_path}[{index}]") for index, node in enumerate(content))
        return self._replace(key_path=key_path, content=content)

    def to_plain(self) -> object:
        """Return the value as plain dicts, lists and scalars, without line numbers."""
        if isinstance(self.content, dict):
            return {key: node.to_plain() for key, node in self.content.items()}
        if isinstance(self.content, tuple):
            return [node.to_plain() for node in self.content]
        return self.content

    def _build_type_error(self, expected: str) -> InvalidFile:
        found = _KIND_WORDS[type(self.content)]
        shown = format_value_excerpt(self.key_path, self.source)
        return self.build_error(f"expected {expected}, found {found}{f' ({shown})' if shown else ''}")


def build_file_error(path: Path, reason: str, *, line: int, key_path: str = "", hint: str | None = None) -> InvalidFile:
    """Return an error about a line of a file, for the caller to raise; line 0 and an empty key path are omitted."""
    return InvalidFile(path, reason, line=line or None, key_path=format_key_path(key_path) or None, hint=hint)


def format_key_path(key_path: str) -> str:
    """Return a key path for an error message; the value in `TOKEN=value`, not meant as a key, is hidden."""
    key, equals, _value = key_path.partition("=")
    return Redactor().redact_text(f"{key}{equals}***" if equals else key)


def find_text_problem(text: str) -> str | None:
    """Return why a string cannot be passed to a process as an argument or variable, or None if it can."""
    if "\0" in text:
        return "holds a NUL character"
    if any("\ud800" <= character <= "\udfff" for character in text):
        return "holds half of a surrogate pair, which is not valid text"
    return None


def format_value_excerpt(key_path: str, text: str) -> str:
    """Return a value, redacted and shortened for an error message, or an empty string if its key may name a secret."""
    redactor = get_process_redactor()
    keys = key_path.lower().split(".")
    if _VARIABLES & set(keys) or redactor.is_secret(keys[-1]):
        return ""
    return _shorten_text(redactor.redact_value(text))


def join_key_path(key_path: str, key: str) -> str:
    """Return the key path of a key in the mapping at `key_path`."""
    return f"{key_path}.{key}" if key_path else key


class NodeBuilder:
    """Base class of the document readers, which counts nodes and rejects duplicate keys."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._count = 0
        self._letters = 0

    def build_node(self, content: Content, key_path: str, line: int, source: str = "") -> Node:
        """Return the node of a value.

        Raises:
            InvalidFile: the document contains too much text.
        """
        self._letters += len(source)
        if self._letters > MAX_LETTERS:
            reason = f"holds more than {MAX_LETTERS >> 20} MiB of text, aliases written out"
            raise build_file_error(self.path, reason, line=line)
        return Node(self.path, key_path, line, content, source)

    def count_value(self, key_path: str, line: int, depth: int) -> None:
        """Count a value towards the limits of a file, before its content is read; raise if one is exceeded.

        Raises:
            InvalidFile: there are too many values, or this one is nested too deeply or has too long a key path.
        """
        self._count += 1
        if len(key_path) > MAX_KEY_PATH:
            reason = f"stands under keys of more than {MAX_KEY_PATH} letters"
            raise build_file_error(self.path, reason, line=line, key_path=_shorten_text(key_path))
        if self._count > MAX_VALUES:
            raise build_file_error(self.path, f"holds more than {MAX_VALUES} values, aliases written out", line=line)
        self.check_depth(key_path, line, depth)

    def check_depth(self, key_path: str, line: int, depth: int) -> None:
        """Raise if a value is nested deeper than `MAX_DEPTH`.

        Raises:
            InvalidFile: it is nested too deeply.
        """
        if depth > MAX_DEPTH:
            raise build_file_error(self.path, TOO_DEEP, line=line, key_path=_shorten_text(key_path))

    def record_key(self, lines: dict[str, int], key: str, key_path: str, line: int) -> None:
        """Record the line of a mapping's key; raise if the mapping already has the key.

        Raises:
            InvalidFile: the mapping already has the key.
        """
        if key in lines:
            raise build_file_error(self.path, f"stands twice, first in line {lines[key]}", line=line, key_path=key_path)
        lines[key] = line


def _shorten_text(text: str, length: int = 60) -> str:
    shown = " ".join(text.split())
    return shown if len(shown) <= length else f"{shown[:length]}…"


Scalar = None | bool | int | float | str
Content = Scalar | tuple[Node, ...] | dict[str, Node]
