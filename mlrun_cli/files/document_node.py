"""A value of a document with its place in the file, so that an error can name line and key path."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from mlrun_cli.errors import InvalidFile

MAX_VALUES = 100_000
MAX_DEPTH = 50

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
    """A value of a document, and where it stands.

    Attributes:
        path: the file, as its reader was given it.
        key_path: `environment.python.interpreterPath`, `arguments[2]`; empty for the whole document.
        line: counted from 1; 0 in a document that stands in no file.
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
        """Whether the key stands there without a value."""
        return self.content is None

    def error(self, reason: str, *, hint: str | None = None) -> InvalidFile:
        """An error that names file, line and key path, to be raised."""
        return InvalidFile(self.path, reason, line=self.line or None, key_path=self.key_path or None, hint=hint)

    @property
    def place(self) -> str:
        """File and line, for messages."""
        return f"{self.path}, line {self.line}" if self.line else str(self.path)

    def mapping(self) -> dict[str, Node]:
        """The nodes of a mapping, by key.

        Raises:
            InvalidFile: it is something else.
        """
        if not isinstance(self.content, dict):
            raise self._unexpected("a mapping")
        return self.content

    def items(self) -> tuple[Node, ...]:
        """The nodes of a list.

        Raises:
            InvalidFile: it is something else.
        """
        if not isinstance(self.content, tuple):
            raise self._unexpected("a list")
        return self.content

    def text(self) -> str:
        """Text, or a number, truth value or date as it was written.

        Raises:
            InvalidFile: it is nothing, a list or a mapping, or no process could be given it.
        """
        if self.content is None or isinstance(self.content, (tuple, dict)):
            raise self._unexpected("text")
        text = self.content if isinstance(self.content, str) else self.source
        problem = text_problem(text)
        if problem:
            raise self.error(problem)
        return text

    def truth(self) -> bool:
        """A truth value.

        Raises:
            InvalidFile: it is something else.
        """
        if not isinstance(self.content, bool):
            raise self._unexpected("true or false")
        return self.content

    def whole_number(self) -> int:
        """A whole number.

        Raises:
            InvalidFile: it is something else.
        """
        if not isinstance(self.content, int) or isinstance(self.content, bool):
            raise self._unexpected("a whole number")
        return self.content

    def under(self, key_path: str) -> Node:
        """The same value, as if it stood at another key path; its lines stay those of the file."""
        content = self.content
        if isinstance(content, dict):
            content = {key: node.under(joined(key_path, key)) for key, node in content.items()}
        elif isinstance(content, tuple):
            content = tuple(node.under(f"{key_path}[{index}]") for index, node in enumerate(content))
        return self._replace(key_path=key_path, content=content)

    def plain(self) -> object:
        """The value without its places: dicts, lists and scalars."""
        if isinstance(self.content, dict):
            return {key: node.plain() for key, node in self.content.items()}
        if isinstance(self.content, tuple):
            return [node.plain() for node in self.content]
        return self.content

    def _unexpected(self, wanted: str) -> InvalidFile:
        found = _KIND_WORDS[type(self.content)]
        shown = f" ({_shortened(self.source)})" if self.source else ""
        return self.error(f"expected {wanted}, found {found}{shown}")


def text_problem(text: str) -> str | None:
    """Why no process could be given this text as an argument or a variable; None when it could."""
    if "\0" in text:
        return "holds a NUL character"
    if any("\ud800" <= character <= "\udfff" for character in text):
        return "holds half of a surrogate pair, which is no text"
    return None


def joined(key_path: str, key: str) -> str:
    """The key path of a key in a mapping."""
    return f"{key_path}.{key}" if key_path else key


class NodeBuilder:
    """What both readers share: nodes that are counted, and keys that stand once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._count = 0

    def node(self, content: Content, key_path: str, line: int, source: str = "") -> Node:
        """One value of the document."""
        return Node(self.path, key_path, line, content, source)

    def enter(self, key_path: str, line: int, depth: int) -> None:
        """Count one more value, before what it holds.

        Raises:
            InvalidFile: there are too many, or it is nested too deep.
        """
        self._count += 1
        if self._count > MAX_VALUES:
            raise InvalidFile(self.path, f"holds more than {MAX_VALUES} values, aliases written out", line=line or None)
        self.check_depth(key_path, line, depth)

    def check_depth(self, key_path: str, line: int, depth: int) -> None:
        """Refuse to go deeper than `MAX_DEPTH`.

        Raises:
            InvalidFile: it would.
        """
        if depth > MAX_DEPTH:
            where = _shortened(key_path) or None
            raise InvalidFile(self.path, f"is nested more than {MAX_DEPTH} deep", line=line or None, key_path=where)

    def add(self, nodes: dict[str, Node], key: str, node: Node, key_line: int) -> None:
        """Put a value under its key.

        Raises:
            InvalidFile: the key is there already.
        """
        if key in nodes:
            raise InvalidFile(
                self.path,
                f"stands twice, first in line {nodes[key].line}",
                line=key_line,
                key_path=node.key_path,
            )
        nodes[key] = node


def _shortened(text: str, length: int = 60) -> str:
    shown = " ".join(text.split())
    return shown if len(shown) <= length else f"{shown[:length]}…"


Scalar = None | bool | int | float | str
Content = Scalar | tuple[Node, ...] | dict[str, Node]
