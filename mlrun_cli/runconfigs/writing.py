"""Writing of documents in the style of Azure's runconfigs, and reading of runconfigs as plain values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from mlrun_cli.core.documents.node import Node
from mlrun_cli.core.documents.read import read_document
from mlrun_cli.core.text_files import replace_text
from mlrun_cli.runconfigs.keys import KEYS
from mlrun_cli.runconfigs.runconfig import translate_old_keys
from mlrun_cli.runconfigs.value_schemas import COMMAND, TEXTS, VARIABLES

_TEXT_SCHEMAS = (TEXTS, COMMAND, VARIABLES)
_TEXT_KEYS = {
    key_path.rpartition(".")[2]
    for key_path, key in KEYS.items()
    if key.field is not None and any(key.schema is schema for schema in _TEXT_SCHEMAS)
}


class _Dumper(yaml.SafeDumper):
    """A YAML dumper that writes no anchors, and an empty value for null."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's signature
        return True


# PyYAML writes text such as `1e3` without quotes, which Azure then reads as a number.
_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"[-+]?\d[\d.]*[eE][-+]?\d+"), [*"+-0123456789"])
_Dumper.add_representer(type(None), lambda dumper, _: dumper.represent_scalar("tag:yaml.org,2002:null", ""))


def write_document(path: Path, document: Mapping[str, Any]) -> None:
    """Write a mapping to a YAML file atomically, preserving the order of its keys.

    Raises:
        OSError: the file cannot be written.
        yaml.YAMLError: the mapping contains values that YAML cannot represent.
    """
    replace_text(path, format_document(document))


def format_document(document: Mapping[str, Any]) -> str:
    """Return a mapping as YAML, preserving the order of its keys.

    Raises:
        yaml.YAMLError: the mapping contains values that YAML cannot represent.
    """
    text: str = yaml.dump(
        dict(document), Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=1000
    )
    return text


def read_plain_runconfig(path: Path) -> dict[str, Any]:
    """Read a runconfig as plain values, with arguments and variables such as `0.10` or `no` as strings.

    An argument is a number only if Python would write it the same way, such as `0.1` or `16`, so that nothing is lost.

    Raises:
        InvalidFile: it is not a YAML or JSON mapping, or has no key of a runconfig.
        Unsupported: it is another kind of file, such as a step's configuration.
    """
    return to_plain_runconfig(read_document(path))


def to_plain_runconfig(node: Node) -> dict[str, Any]:
    """Convert a document node with a runconfig to plain values like those of `read_plain_runconfig`.

    Raises:
        InvalidFile: it is not a mapping, or has no key of a runconfig.
        Unsupported: it is something else, such as a step's configuration.
    """
    root, _ = translate_old_keys(node)
    document = _convert_to_plain_values(root)
    keys = root.as_mapping()
    if "environment" in keys and isinstance(keys["environment"].content, dict):
        document["environment"] = _convert_to_plain_values(keys["environment"])
    if "arguments" in keys and isinstance(keys["arguments"].content, tuple):
        document["arguments"] = [_read_argument(item) for item in keys["arguments"].content]
    return document


def read_plain_environment(path: Path) -> dict[str, Any]:
    """Read a runconfig's environment file as plain values, with variables as strings.

    Raises:
        InvalidFile: it is not a YAML or JSON mapping.
    """
    return _convert_to_plain_values(read_document(path))


def _convert_to_plain_values(section: Node) -> dict[str, Any]:
    return {
        key: _to_plain_texts(node) if key in _TEXT_KEYS else node.to_plain()
        for key, node in section.as_mapping().items()
    }


def _read_argument(node: Node) -> Any:
    is_as_written = isinstance(node.content, (int, float)) and str(node.content) == node.source
    return node.content if is_as_written else _to_plain_texts(node)


def _to_plain_texts(node: Node) -> Any:
    if isinstance(node.content, dict):
        return {key: _to_plain_texts(inner) for key, inner in node.content.items()}
    if isinstance(node.content, tuple):
        return [_to_plain_texts(inner) for inner in node.content]
    return None if node.is_null else node.as_text()
