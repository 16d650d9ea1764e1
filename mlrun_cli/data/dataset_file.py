"""The file of `az ml dataset register -f`, which defines a dataset and its registration."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from mlrun_cli.core.documents.node import Node
from mlrun_cli.core.documents.read import read_document
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.data.dataset import FILE_KIND, TABULAR_KIND
from mlrun_cli.data.read_options import DELIMITED, HEADERS, JSON_LINES, PARQUET, build_table_options
from mlrun_cli.errors import Unsupported

TEMPLATE: Mapping[str, Any] = {
    "schemaVersion": 1,
    "datasetType": "Tabular|File",
    "parameters": {
        "path": [
            "https://example.com/data/file.csv",
            {"datastoreName": "workspaceblobstore", "relativePath": "folder/*.csv"},
        ],
        "sourceType": "delimited_files|json_lines_files|parquet_files",
        "includePath": False,
        "inferColumnTypes": True,
        "separator": ",",
        "header": True,
    },
    "timeSeries": {"fineGrainTimestamp": "column1", "coarseGrainTimestamp": "column2"},
    "registration": {
        "name": "mydataset",
        "description": "What the dataset is.",
        "tags": {"key": "value"},
        "createNewVersion": True,
    },
}
"""All keys of such a file; `sourceType` and the keys below it, and `timeSeries`, are only for tables."""

_KINDS = {"file": FILE_KIND, "tabular": TABULAR_KIND}
_FORMATS = {"delimited_files": DELIMITED, "json_lines_files": JSON_LINES, "parquet_files": PARQUET}
_REFUSED = {
    "query": "Query the database in the script, and keep what comes back as files.",
    "partitionFormat": "Leave it out, and take the columns from the paths in the script.",
}
_TABLE_KEYS = ("sourceType", "includePath", "inferColumnTypes", "separator", "header", "encoding")

_Value = TypeVar("_Value")


class DatasetDescription(NamedTuple):
    """A dataset to register.

    Attributes:
        definition: the definition as in `data.dataset`, unchecked.
        notes: one line for each skipped key.
    """

    definition: dict[str, Any]
    name: str
    description: str | None = None
    tags: Mapping[str, str | None] | None = None
    create_new_version: bool = False
    notes: tuple[str, ...] = ()


def read_dataset_file(path: Path) -> DatasetDescription:
    """Return the description in a JSON or YAML dataset file, whose local paths are relative to the file's folder.

    Raises:
        InvalidFile: it cannot be read, a required key is missing, or a value has the wrong type or format.
        Unsupported: it uses a feature that is available only in Azure.
    """
    root = read_document(path)
    reader = _Reader(root, path.absolute().parent)
    return reader.read()


class _Reader:
    """A reader that converts a file to a description."""

    def __init__(self, root: Node, folder: Path) -> None:
        self._root = root
        self._folder = folder
        self._notes: list[str] = []

    def read(self) -> DatasetDescription:
        root = self._select_known_entries(self._root, TEMPLATE)
        version = root.get("schemaVersion")
        if version is not None and version.as_integer() != 1:
            raise version.build_error("is a version that is not known here", hint="It is 1.")
        kind = self._get_required(self._root, root, "datasetType")
        if kind.as_text().lower() not in _KINDS:
            raise kind.build_error(f"'{kind.as_text()}' is not a type of datasets", hint="Use File or Tabular.")
        parameters = self._get_required(self._root, root, "parameters")
        registration = self._get_required(self._root, root, "registration")
        entries = self._select_known_entries(registration, TEMPLATE["registration"])
        description = entries.get("description")
        tags = entries.get("tags")
        return DatasetDescription(
            self._read_definition(_KINDS[kind.as_text().lower()], parameters, root.get("timeSeries")),
            self._get_required(registration, entries, "name").as_text(),
            None if description is None else description.as_text(),
            None
            if tags is None
            else {key: None if one.is_null else one.as_text() for key, one in tags.as_mapping().items()},
            _read_value(entries, "createNewVersion", Node.as_boolean, default=False),
            tuple(self._notes),
        )

    def _read_definition(self, kind: str, parameters_node: Node, time_series_node: Node | None) -> dict[str, Any]:
        parameters = self._select_known_entries(parameters_node, {**TEMPLATE["parameters"], "encoding": "", **_REFUSED})
        for key, advice in _REFUSED.items():
            if key in parameters:
                raise Unsupported(f"{parameters[key].location}: {key} is not supported.", hint=advice, target=key)
        paths = self._get_required(parameters_node, parameters, "path")
        items = paths.as_list() if isinstance(paths.content, tuple) else (paths,)
        options: dict[str, Any] = {}
        if kind == TABULAR_KIND:
            options = {**_read_table_options(parameters), **self._read_time_series(time_series_node)}
        else:
            skipped = [key for key in _TABLE_KEYS if key in parameters]
            self._notes += [f"{parameters[key].location}: {key} is skipped: it is of tables alone." for key in skipped]
        return {"kind": kind, "paths": [self._read_path(item) for item in items], "options": options, "steps": []}

    def _read_path(self, node: Node) -> dict[str, str]:
        if not isinstance(node.content, dict):
            text = node.as_text()
            return {"url": text} if "://" in text else {"path": os.path.normpath(self._folder / text)}
        entries = self._select_known_entries(node, {"datastoreName": "", "relativePath": ""})
        return {
            "datastore": self._get_required(node, entries, "datastoreName").as_text(),
            "path": _read_value(entries, "relativePath", Node.as_text, default="").lstrip("/"),
        }

    def _read_time_series(self, node: Node | None) -> dict[str, str]:
        entries = {} if node is None else self._select_known_entries(node, TEMPLATE["timeSeries"])
        names = {"timestamp": "fineGrainTimestamp", "partition_timestamp": "coarseGrainTimestamp"}
        return {name: entries[key].as_text() for name, key in names.items() if key in entries}

    def _select_known_entries(self, node: Node, known: Mapping[str, Any]) -> dict[str, Node]:
        """Return the known entries of a mapping that are not null; add notes about unknown keys."""
        entries = node.as_mapping()
        for key, value in entries.items():
            if key not in known:
                near = get_close_matches(key, known, n=1)
                guess = f"; did you mean {near[0]}?" if near else "."
                self._notes.append(f"{value.location}: unknown key '{key}' is skipped{guess}")
        return {key: value for key, value in entries.items() if key in known and not value.is_null}

    def _get_required(self, node: Node, entries: Mapping[str, Node], key: str) -> Node:
        if key not in entries:
            hint = "'mlrun dataset register --show-template' prints a whole one."
            raise node.build_error(f"'{key}' is missing", hint=hint)
        return entries[key]


def _read_table_options(parameters: Mapping[str, Node]) -> dict[str, Any]:
    source = parameters.get("sourceType")
    name = "delimited_files" if source is None else source.as_text()
    if source is not None and name not in _FORMATS:
        raise source.build_error(
            f"'{name}' is not supported as the source of a table", hint=f"Use one of {', '.join(_FORMATS)}."
        )
    return build_table_options(
        _FORMATS[name],
        separator=_read_value(parameters, "separator", Node.as_text, default=","),
        header=_read_value(parameters, "header", _read_header, default=HEADERS[0]),
        include_path=_read_value(parameters, "includePath", Node.as_boolean, default=False),
        infer_column_types=_read_value(parameters, "inferColumnTypes", Node.as_boolean, default=True),
        encoding=_read_value(parameters, "encoding", Node.as_text, default="utf8"),
    )


def _read_header(node: Node) -> str:
    return HEADERS[0 if node.content else 1] if isinstance(node.content, bool) else node.as_text()


def _read_value(entries: Mapping[str, Node], key: str, read: Callable[[Node], _Value], *, default: _Value) -> _Value:
    return read(entries[key]) if key in entries else default
