"""Nodes of a document that consists of plain values, such as the runconfig that a script submits."""

from __future__ import annotations

import json
from pathlib import Path

from mlrun_cli.core.documents.node import MAX_NUMBER, Content, Node, NodeBuilder, join_key_path
from mlrun_cli.errors import InvalidFile


def build_nodes(document: object, path: Path) -> Node:
    """Return the nodes for dicts, lists and scalars, without line numbers; errors show `path` as their file.

    Raises:
        InvalidFile: a value is not of a JSON type, a key is not text, or a limit of `read_document` is exceeded.
    """
    return _PlainReader(path).build(document, "", 1)


class _PlainReader(NodeBuilder):
    def build(self, value: object, key_path: str, depth: int) -> Node:
        """Convert a plain value, with all values in it, to a `Node`."""
        self.count_value(key_path, 0, depth)
        if isinstance(value, str):
            return self.build_node(value, key_path, 0, value)
        if isinstance(value, int) and abs(value) >= 10**MAX_NUMBER:
            raise self.build_node(None, key_path, 0).build_error("is too large a number")
        if value is None or isinstance(value, (bool, int, float)):
            return self.build_node(value, key_path, 0, json.dumps(value))
        return self.build_node(self._build_content(value, key_path, depth), key_path, 0)

    def _build_content(self, value: object, key_path: str, depth: int) -> Content:
        if isinstance(value, dict):
            if not all(isinstance(key, str) for key in value):
                raise InvalidFile(self.path, "a key is not text", key_path=key_path or None)
            return {key: self.build(inner, join_key_path(key_path, key), depth + 1) for key, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return tuple(self.build(item, f"{key_path}[{index}]", depth + 1) for index, item in enumerate(value))
        raise self.build_node(None, key_path, 0).build_error(f"expected a value of JSON, found {type(value).__name__}")
