"""The types of values in a runconfig, as JSON Schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Shape = Mapping[str, Any]
TEXT: Shape = {"type": "string"}
TRUTH: Shape = {"type": "boolean"}
NUMBER: Shape = {"type": "integer"}
COUNT: Shape = {"type": "integer", "minimum": 1}
SCALAR: Shape = {"type": ["string", "number", "boolean"]}
TEXTS: Shape = {"type": "array", "items": SCALAR}
COMMAND: Shape = {"anyOf": [TEXT, TEXTS]}
MAPPING: Shape = {"type": "object"}
CONDA: Shape = {"type": "object"}
LIST: Shape = {"type": "array"}
VARIABLES: Shape = {
    "type": "object",
    "propertyNames": {"pattern": "^[^=]+$"},
    "additionalProperties": {"type": [*SCALAR["type"], "null"]},
}


def build_suggestion_shape(*names: str) -> Shape:
    """Return the JSON Schema of a string for which editors suggest some values."""
    return {"anyOf": [{"enum": names}, TEXT]}


def _build_mapping_shape(**keys: Shape) -> Shape:
    """Return the JSON Schema of a mapping from arbitrary names to mappings with the given keys."""
    return {"type": "object", "additionalProperties": {"type": "object", "properties": keys}}


_PLACE = {"type": "object", "properties": {"datastoreName": TEXT, "relativePath": TEXT}}
REFERENCES = _build_mapping_shape(
    dataStoreName=TEXT,
    pathOnDataStore=TEXT,
    mode=build_suggestion_shape("mount", "download", "upload"),
    pathOnCompute=TEXT,
    overwrite=TRUTH,
)
INPUTS = _build_mapping_shape(
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
    mechanism=build_suggestion_shape("direct", "mount", "download"),
    environmentVariableName=TEXT,
    pathOnCompute=TEXT,
    createOutputDirectories=TRUTH,
    overwrite=TRUTH,
    options=MAPPING,
)
OUTPUTS = _build_mapping_shape(
    outputLocation={"type": "object", "properties": {"dataPath": _PLACE}},
    mechanism=build_suggestion_shape("mount", "upload"),
    additionalOptions=MAPPING,
)
FRAMEWORK = build_suggestion_shape("Python", "PyTorch", "TensorFlow", "Chainer", "CNTK", "PySpark", "R")
COMMUNICATOR: Shape = {
    "anyOf": [
        TEXT,
        {
            "type": "object",
            "description": "The section mpi, put here by mistake: with its defaults it is read as None.",
            "additionalProperties": {"enum": [1, None]},
        },
    ]
}
