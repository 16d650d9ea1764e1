"""The types of values in a runconfig, as JSON Schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]
TEXT: Schema = {"type": "string"}
TRUTH: Schema = {"type": "boolean"}
NUMBER: Schema = {"type": "integer"}
COUNT: Schema = {"type": "integer", "minimum": 1}
SCALAR: Schema = {"type": ["string", "number", "boolean"]}
TEXTS: Schema = {"type": "array", "items": SCALAR}
COMMAND: Schema = {"anyOf": [TEXT, TEXTS]}
MAPPING: Schema = {"type": "object"}
CONDA: Schema = {"type": "object"}
LIST: Schema = {"type": "array"}
VARIABLES: Schema = {
    "type": "object",
    "propertyNames": {"pattern": "^[^=]+$"},
    "additionalProperties": {"type": [*SCALAR["type"], "null"]},
}


def build_suggestion_schema(*names: str) -> Schema:
    """Return the JSON Schema of a string for which editors suggest some values."""
    return {"anyOf": [{"enum": names}, TEXT]}


def _build_mapping_schema(**keys: Schema) -> Schema:
    """Return the JSON Schema of a mapping from arbitrary names to mappings with the given keys."""
    return {"type": "object", "additionalProperties": {"type": "object", "properties": keys}}


_PLACE = {"type": "object", "properties": {"datastoreName": TEXT, "relativePath": TEXT}}
REFERENCES = _build_mapping_schema(
    dataStoreName=TEXT,
    pathOnDataStore=TEXT,
    mode=build_suggestion_schema("mount", "download", "upload"),
    pathOnCompute=TEXT,
    overwrite=TRUTH,
)
INPUTS = _build_mapping_schema(
    dataLocation={
        "type": "object",
        "properties": {
            "dataset": {
                "type": "object",
                "properties": {
                    "id": TEXT,
                    "name": TEXT,
                    "version": {"type": ["string", "integer"]},
                    "definition": MAPPING,
                },
            },
            "dataPath": _PLACE,
            "datapath": _PLACE,
            "uri": {"type": "object", "properties": {"path": TEXT, "isFile": TRUTH}},
        },
    },
    mechanism=build_suggestion_schema("direct", "mount", "download"),
    environmentVariableName=TEXT,
    pathOnCompute=TEXT,
    createOutputDirectories=TRUTH,
    overwrite=TRUTH,
    options=MAPPING,
)
OUTPUTS = _build_mapping_schema(
    outputLocation={"type": "object", "properties": {"dataPath": _PLACE}},
    mechanism=build_suggestion_schema("mount", "upload"),
    additionalOptions=MAPPING,
)
FRAMEWORK = build_suggestion_schema("Python", "PyTorch", "TensorFlow", "Chainer", "CNTK", "PySpark", "R")
COMMUNICATOR: Schema = {
    "anyOf": [
        TEXT,
        {
            "type": "object",
            "description": "The section mpi, put here by mistake: with its defaults it is read as None.",
            "additionalProperties": {"enum": [1, None]},
        },
    ]
}
