"""The JSON Schema of runconfigs, and runconfigs as documents with all keys."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from operator import attrgetter
from typing import Any

from mlrun_cli.core.redaction import REDACTED, Redactor
from mlrun_cli.runconfigs.communicators import COMMUNICATORS
from mlrun_cli.runconfigs.key import Key
from mlrun_cli.runconfigs.keys import KEYS, SECTIONS
from mlrun_cli.runconfigs.run_configuration import RunConfiguration
from mlrun_cli.runconfigs.value_schemas import COMMUNICATOR


def build_runconfig_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 7) of runconfigs for editors, in which keys may lack a value."""
    root = _build_mapping_schema("How a script is run: a runconfig of Azure Machine Learning (v1).")
    for key_path, key in KEYS.items():
        section, name = _ensure_section(root, key_path)
        section["properties"][name] = _build_property_schema(key)
    root["properties"]["environment"] = {
        "description": SECTIONS["environment"],
        "anyOf": [
            root["properties"]["environment"],
            {"type": "string", "description": "The name of a registered environment, or of a file that describes one."},
        ],
    }
    return {"$schema": "http://json-schema.org/draft-07/schema#", "title": "Runconfig", **root}


def build_complete_document(configuration: RunConfiguration, redactor: Redactor) -> dict[str, Any]:
    """Return a configuration as a document that has all current keys and no secrets."""
    document: dict[str, Any] = {}
    values = _collect_values(configuration)
    for key_path, key in KEYS.items():
        is_left_out = key_path not in values and (key.is_older or key_path == "environment.python.condaDependencies")
        if is_left_out or (configuration.environment_reference and key_path.startswith("environment.")):
            continue
        section = document
        *parents, name = key_path.split(".")
        for parent in parents:
            section = section.setdefault(parent, {})
        section[name] = values.get(key_path, copy.deepcopy(key.default))
    if configuration.environment_reference:
        document["environment"] = configuration.environment_reference
    document["arguments"] = redactor.redact_arguments(configuration.arguments)
    if configuration.command is not None:
        document["command"] = redactor.redact_command(configuration.command)
    redacted: dict[str, Any] = _redact_value(document, redactor)
    return redacted


def _collect_values(configuration: RunConfiguration) -> dict[str, Any]:
    """Return the values of a configuration, keyed by key path; variables of both levels are merged."""
    keys = {key.field: key_path for key_path, key in KEYS.items() if key.field is not None}
    values = {key_path: attrgetter(field)(configuration) for field, key_path in keys.items()}
    return {**{key_path: value for key_path, value in values.items() if value is not None}, **configuration.rest}


def _redact_value(value: Any, redactor: Redactor, name: str = "") -> Any:
    """Return a value with its secrets redacted; `name` is its key, or empty for a list item."""
    if isinstance(value, Mapping):
        return {key: _redact_value(inner, redactor, str(key)) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        if all(isinstance(inner, str) for inner in value):
            return redactor.redact_arguments(value)
        return [_redact_value(inner, redactor) for inner in value]
    if isinstance(value, str):
        return redactor.redact_setting(name, value)
    is_secret = value is not None and not isinstance(value, bool) and redactor.is_secret(name, str(value))
    return REDACTED if is_secret else value


def _ensure_section(root: dict[str, Any], key_path: str) -> tuple[dict[str, Any], str]:
    """Return the schema of a key's section, creating missing sections, and the last part of the key path."""
    *parents, name = key_path.split(".")
    section, path = root, ""
    for parent in parents:
        path = f"{path}.{parent}" if path else parent
        section = section["properties"].setdefault(parent, _build_mapping_schema(SECTIONS[path]))
    return section, name


def _build_mapping_schema(description: str) -> dict[str, Any]:
    return {"description": description, "type": ["object", "null"], "properties": {}}


def _build_property_schema(key: Key) -> dict[str, Any]:
    schema, more = key.schema, {"deprecated": True} if key.is_older else {}
    if schema is COMMUNICATOR:
        schema = {"anyOf": [{"enum": tuple(COMMUNICATORS)}, *schema["anyOf"]]}
    return {"description": key.meaning, "default": key.default, **_allow_null(schema), **more}


def _allow_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a JSON Schema that also allows null, both for the value itself and for the values in a mapping."""
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    return {**_allow_null_properties(schema), "type": [*kinds, "null"]}


def _allow_null_properties(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a JSON Schema that also allows null as the value of each named property of a mapping."""
    within: dict[str, Any] = {}
    if "properties" in schema:
        within["properties"] = {name: _allow_null(inner) for name, inner in schema["properties"].items()}
    if "additionalProperties" in schema:
        within["additionalProperties"] = _allow_null_properties(schema["additionalProperties"])
    return {**schema, **within}
