"""Documents as text: YAML as Azure writes its runconfigs, and runconfigs as plain values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from mlrun_cli.files.document_node import Node
from mlrun_cli.files.documents import read_document
from mlrun_cli.files.runconfig_workbench import in_current_keys, is_workbench
from mlrun_cli.files.text_files import replace_text

_TEXTS = ("arguments", "command", "environmentVariables")


class _Dumper(yaml.SafeDumper):
    """Writes no anchors, and nothing behind a key without a value."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's signature
        return True


# PyYAML writes text such as `1e3` bare, which Azure then takes for a number.
_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"[-+]?\d[\d.]*[eE][-+]?\d+"), [*"+-0123456789"])
_Dumper.add_representer(type(None), lambda dumper, _: dumper.represent_scalar("tag:yaml.org,2002:null", ""))


def write_document(path: Path, document: Mapping[str, Any]) -> None:
    """Write a mapping as YAML, its keys in their order; a reader sees the old file or the new.

    Raises:
        OSError: it cannot be written.
        yaml.YAMLError: it holds what is no plain value.
    """
    text = yaml.dump(
        dict(document), Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=1000
    )
    replace_text(path, text)


def plain_runconfig(path: Path) -> dict[str, Any]:
    """A runconfig as plain values; arguments and variables are text as they were written, `0.10` or `no`.

    An argument is a number if it is written as Python writes it, so that nothing is lost: `0.1` or `16`.

    Raises:
        InvalidFile: it is no YAML or JSON mapping.
    """
    root = read_document(path)
    if is_workbench(root):
        root, _ = in_current_keys(root)
    document: dict[str, Any] = {key: node.plain() for key, node in root.mapping().items()}
    sections = [(root.mapping(), document)]
    environment = root.mapping().get("environment")
    if environment is not None and isinstance(environment.content, dict):
        sections.append((environment.mapping(), document["environment"]))
    for nodes, values in sections:
        for key in _TEXTS:
            if key in nodes:
                values[key] = _texts(nodes[key])
    arguments = root.mapping().get("arguments")
    if arguments is not None and isinstance(arguments.content, tuple):
        document["arguments"] = [_argument(item) for item in arguments.content]
    return document


def _argument(node: Node) -> Any:
    is_as_written = isinstance(node.content, (int, float)) and str(node.content) == node.source
    return node.content if is_as_written else _texts(node)


def _texts(node: Node) -> Any:
    if isinstance(node.content, dict):
        return {key: _texts(inner) for key, inner in node.content.items()}
    if isinstance(node.content, tuple):
        return [_texts(inner) for inner in node.content]
    return None if node.is_null else node.text()
