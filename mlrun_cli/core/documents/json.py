"""A JSON reader that, unlike the standard library's, keeps line numbers and the original text of numbers."""

from __future__ import annotations

import json
import re
from pathlib import Path

from mlrun_cli.core.documents.node import Node, NodeBuilder, Scalar, join_key_path
from mlrun_cli.errors import InvalidFile


def parse_json(path: Path, text: str) -> Node:
    """Parse JSON text and return its root node.

    Raises:
        json.JSONDecodeError: the text is not JSON.
        InvalidFile: as for `read_document`.
    """
    return _JsonReader(path, text).read()


def build_json_error(path: Path, error: json.JSONDecodeError) -> InvalidFile:
    """Return the error for a file that is not valid JSON."""
    return InvalidFile(path, f"is not JSON: {error.msg.lower()}", line=error.lineno)


class _JsonReader(NodeBuilder):
    _space = re.compile(r"[ \t\r\n]*")
    _decoder = json.JSONDecoder()

    def __init__(self, path: Path, text: str) -> None:
        super().__init__(path)
        self._text = text
        self._at = 0
        self._line = 1

    def read(self) -> Node:
        root = self._read_value("", 1)
        if self._peek():
            raise json.JSONDecodeError("Extra data", self._text, self._at)
        return root

    def _peek(self) -> str:
        match = self._space.match(self._text, self._at)
        self._move_to(match.end() if match else self._at)
        return self._text[self._at : self._at + 1]

    def _move_to(self, position: int) -> None:
        self._line += self._text.count("\n", self._at, position)
        self._at = position

    def _expect(self, character: str, message: str) -> None:
        if self._peek() != character:
            raise json.JSONDecodeError(message, self._text, self._at)
        self._move_to(self._at + 1)

    def _read_value(self, key_path: str, depth: int) -> Node:
        first, line = self._peek(), self._line
        self.count_value(key_path, line, depth)
        if first == "{":
            return self.build_node(self._read_object(key_path, depth), key_path, line)
        if first == "[":
            return self.build_node(self._read_array(key_path, depth), key_path, line)
        value, source = self._read_scalar()
        return self.build_node(value, key_path, line, source)

    def _read_scalar(self) -> tuple[Scalar, str]:
        start = self._at
        try:
            value, end = self._decoder.raw_decode(self._text, start)
        except json.JSONDecodeError:
            raise
        except ValueError as error:  # a number of thousands of digits
            raise json.JSONDecodeError("Number too long", self._text, start) from error
        self._move_to(end)
        return value, value if isinstance(value, str) else self._text[start:end]

    def _read_object(self, key_path: str, depth: int) -> dict[str, Node]:
        nodes: dict[str, Node] = {}
        lines: dict[str, int] = {}
        self._expect("{", "Expecting an object")
        while self._peek() != "}":
            if nodes:
                self._expect(",", "Expecting ',' delimiter")
            if self._peek() != '"':
                raise json.JSONDecodeError("Expecting a key in double quotes", self._text, self._at)
            line = self._line
            key = str(self._read_scalar()[0])
            inner = join_key_path(key_path, key)
            self.record_key(lines, key, inner, line)
            self._expect(":", "Expecting ':' delimiter")
            nodes[key] = self._read_value(inner, depth + 1)
        self._move_to(self._at + 1)
        return nodes

    def _read_array(self, key_path: str, depth: int) -> tuple[Node, ...]:
        nodes: list[Node] = []
        self._expect("[", "Expecting an array")
        while self._peek() != "]":
            if nodes:
                self._expect(",", "Expecting ',' delimiter")
            nodes.append(self._read_value(f"{key_path}[{len(nodes)}]", depth + 1))
        self._move_to(self._at + 1)
        return tuple(nodes)
