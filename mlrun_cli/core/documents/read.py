"""A reader of small YAML or JSON documents, with limits and with the line number of every value.

A value keeps its source text: an argument written `0.10` reaches the script as `0.10`, `no` as `no` and
`true` as `true`, whatever values YAML or JSON would convert them to.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from mlrun_cli.core.documents.json import build_json_error, parse_json
from mlrun_cli.core.documents.node import Node
from mlrun_cli.core.text_files import read_text
from mlrun_cli.errors import InvalidFile


def read_document(path: Path) -> Node:
    """Read a YAML or JSON file; the format is detected from its content, not its suffix.

    Raises:
        InvalidFile: as `read_text`; neither YAML nor JSON; a duplicate key; nested deeper than `MAX_DEPTH`; more
            than `MAX_VALUES` values or `MAX_LETTERS` letters once aliases are written out; key paths that are too long;
            a YAML tag other than those of plain values.
    """
    text = read_text(path)
    if not text.lstrip().startswith(("{", "[")):
        return _read_yaml(path, text)
    try:
        return parse_json(path, text)
    except json.JSONDecodeError as error:
        # Flow YAML looks like JSON, and may leave out quotes or end a list with a comma.
        try:
            return _read_yaml(path, text)
        except InvalidFile:
            if re.match(r'\s*\{\s*"', text):
                raise build_json_error(path, error) from error
            raise


def _read_yaml(path: Path, text: str) -> Node:
    from mlrun_cli.core.documents.yaml import parse_yaml  # noqa: PLC0415 - PyYAML takes 16 ms to import

    return parse_yaml(path, text)
