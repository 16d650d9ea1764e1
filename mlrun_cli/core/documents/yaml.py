"""A YAML reader that keeps line numbers and never builds Python objects from tags."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import yaml

from mlrun_cli.core.documents.node import (
    MAX_NUMBER,
    TOO_DEEP,
    Node,
    NodeBuilder,
    Scalar,
    build_file_error,
    format_value_excerpt,
    join_key_path,
)
from mlrun_cli.errors import InvalidFile

_YAML_TAG = "tag:yaml.org,2002:"
_UNDEFINED_ALIAS = "found undefined alias"

_TEXT_TAGS = frozenset(_YAML_TAG + name for name in ("str", "timestamp", "value"))
_TAGS = _TEXT_TAGS | {_YAML_TAG + name for name in ("null", "bool", "int", "float", "seq", "map")}
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse_yaml(path: Path, text: str) -> Node:
    """Parse YAML text that contains a single document, and return its root node.

    Raises:
        InvalidFile: the text is empty or not YAML; has a duplicate key; is nested too deeply or has too many values
            once aliases are expanded; has a tag other than those of plain values, or an undefined alias.
    """
    return _YamlReader(path).read(text)


class _YamlReader(NodeBuilder):
    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._constructor = yaml.SafeLoader("")

    def read(self, text: str) -> Node:
        try:
            self._check_nesting_depth(yaml.parse(text, Loader=_LOADER))
            root = yaml.compose(text, Loader=_LOADER)
        except yaml.YAMLError as error:
            raise self._build_error(error, text) from error
        if root is None:
            raise InvalidFile(self.path, "is empty")
        return self._build_node(root, "", 1)

    def _check_nesting_depth(self, events: Iterator[yaml.Event]) -> None:
        """Raise if events are nested too deeply for `compose`, which is recursive."""
        depth = -2  # the stream and the document begin as a list or a mapping does
        for event in events:
            name = type(event).__name__
            depth += name.endswith("StartEvent") - name.endswith("EndEvent")
            self.check_depth("", _get_line(event), depth)

    def _build_error(self, error: yaml.YAMLError, text: str) -> InvalidFile:
        if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
            line, reason = error.problem_mark.line + 1, error.problem or ""
        else:  # a character that YAML does not allow
            line = text.count("\n", 0, getattr(error, "position", 0)) + 1
            reason = getattr(error, "reason", "")
        if "maximum nesting" in reason:  # on one line, where the scanner looks far ahead
            return build_file_error(self.path, TOO_DEEP, line=line)
        lines = text.splitlines()
        tabs = line <= len(lines) and lines[line - 1].lstrip(" ").startswith("\t")
        hint = "YAML is indented with spaces, not with tabs." if tabs else None
        if reason.startswith(_UNDEFINED_ALIAS):  # its name is not told: it may be a password that begins with `*`
            reason, hint = "an alias ('*') stands for nothing", "Put a text that begins with '*' into quotes."
        return InvalidFile(self.path, f"is not YAML: {reason or 'it cannot be read'}", line=line, hint=hint)

    def _build_tag_error(self, tag: str, key_path: str, line: int) -> InvalidFile:
        shown = format_value_excerpt(key_path, tag)
        named = f"the YAML tag '{shown}'" if shown else "a YAML tag ('!')"
        hint = None if tag.startswith(_YAML_TAG) else "Put a text that begins with '!' into quotes."
        reason = f"has {named}, which is not read"
        return build_file_error(self.path, reason, line=line, key_path=key_path, hint=hint)

    def _build_node(self, node: yaml.Node, key_path: str, depth: int) -> Node:
        """Convert a YAML node, with all nodes in it, to a `Node`."""
        line = _get_line(node)
        self.count_value(key_path, line, depth)
        if node.tag not in _TAGS:
            raise self._build_tag_error(node.tag, key_path, line)
        if isinstance(node, yaml.MappingNode):
            return self.build_node(self._read_mapping(node, key_path, depth), key_path, line)
        if isinstance(node, yaml.SequenceNode):
            items = (self._build_node(item, f"{key_path}[{index}]", depth + 1) for index, item in enumerate(node.value))
            return self.build_node(tuple(items), key_path, line)
        return self.build_node(self._read_scalar(node), key_path, line, node.value)

    def _read_mapping(self, node: yaml.MappingNode, key_path: str, depth: int) -> dict[str, Node]:
        nodes: dict[str, Node] = {}
        merged: dict[str, Node] = {}
        lines: dict[str, int] = {}
        for key, value in node.value:
            line = _get_line(key)
            if key.tag == _YAML_TAG + "merge":
                self._merge_into(merged, value, key_path, depth)
            elif isinstance(key, yaml.ScalarNode):
                inner = join_key_path(key_path, key.value)
                self.record_key(lines, key.value, inner, line)
                nodes[key.value] = self._build_node(value, inner, depth + 1)
            else:
                raise build_file_error(self.path, "a key is not text", line=line, key_path=key_path)
        return merged | nodes

    def _merge_into(self, target: dict[str, Node], value: yaml.Node, key_path: str, depth: int) -> None:
        """Merge the mapping, or list of mappings, of a `<<` key; for duplicate keys, the first mapping wins."""
        for source in value.value if isinstance(value, yaml.SequenceNode) else [value]:
            for key, node in self._build_node(source, key_path, depth + 1).as_mapping().items():
                target.setdefault(key, node)

    def _read_scalar(self, node: yaml.Node) -> Scalar:
        text = cast("str", node.value)
        if node.tag in _TEXT_TAGS or len(text) > MAX_NUMBER:
            return text
        try:
            return cast("Scalar", self._constructor.construct_object(node))
        except (ValueError, KeyError):  # !!int x
            return text


def _get_line(position: yaml.Node | yaml.Event) -> int:
    return position.start_mark.line + 1 if position.start_mark else 1
