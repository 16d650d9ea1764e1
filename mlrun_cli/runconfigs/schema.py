"""The JSON Schema of runconfigs, and a runconfig written out with every key."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from mlrun_cli.core.redaction import REDACTED, Redaction
from mlrun_cli.runconfigs.keys import KEYS, Key
from mlrun_cli.runconfigs.run_configuration import RunConfiguration

_SECTIONS = {
    "environment": "Where the script runs: its packages, its interpreter, its container.",
    "environment.python": "The interpreter and its packages.",
    "environment.docker": "The container that the run is in, if it is in one.",
    "environment.docker.baseImageRegistry": "Where the image is.",
    "environment.docker.platform": "The machine that the image is for.",
    "environment.spark": "Packages of Spark.",
    "environment.databricks": "Libraries of a Databricks step; such are not run here.",
    "history": "What is kept of a run.",
    "spark": "Settings of Spark.",
    "docker": "Whether the run is in a container, and how that is started.",
    "hdi": "HDInsight.",
    "tensorflow": "Processes of distributed TensorFlow.",
    "mpi": "Processes of MPI.",
    "pytorch": "Processes of distributed PyTorch.",
    "paralleltask": "Workers of a parallel task.",
    "amlcompute": "A cluster that Azure makes for a run.",
    "kubernetescompute": "What a run needs of Kubernetes.",
    "batchai": "Azure Batch AI.",
    "containerInstance": "Azure Container Instances.",
}


def runconfig_schema() -> dict[str, Any]:
    """The JSON Schema (draft 7) of a runconfig, for editors: a key without a value is allowed everywhere."""
    root = _mapping("How a script is run: a runconfig of Azure Machine Learning (v1).")
    for key_path, key in KEYS.items():
        section, name = _section_of(root, key_path)
        section["properties"][name] = _property(key)
    root["properties"]["environment"] = {
        "description": _SECTIONS["environment"],
        "anyOf": [
            root["properties"]["environment"],
            {"type": "string", "description": "The name of a registered environment, or of a file that describes one."},
        ],
    }
    return {"$schema": "http://json-schema.org/draft-07/schema#", "title": "Runconfig", **root}


def complete_document(configuration: RunConfiguration, redaction: Redaction) -> dict[str, Any]:
    """A configuration as a document with all of today's keys, defaults where it says nothing; secrets hidden."""
    document: dict[str, Any] = {}
    values = _values(configuration)
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
    document["arguments"] = redaction.arguments(configuration.arguments)
    if isinstance(configuration.command, str):
        document["command"] = redaction.arguments(["sh", "-c", configuration.command])[-1]
    elif configuration.command is not None:
        document["command"] = redaction.arguments(configuration.command)
    hidden: dict[str, Any] = _hidden(document, redaction)
    return hidden


def _values(configuration: RunConfiguration) -> dict[str, Any]:
    """What a configuration says, by key path."""
    python = configuration.python
    said = {
        "script": configuration.script,
        "target": configuration.target,
        "framework": configuration.framework,
        "communicator": configuration.communicator,
        "maxRunDurationSeconds": configuration.max_run_duration_seconds,
        "nodeCount": configuration.node_count,
        "environmentVariables": dict(configuration.environment_variables),
        "environment.python.userManagedDependencies": python.user_managed_dependencies,
        "environment.python.interpreterPath": python.interpreter_path,
        "environment.python.condaDependenciesFile": python.conda_dependencies_file,
        "environment.python.condaDependencies": python.conda_dependencies,
        "environment.python.baseCondaEnvironment": python.base_conda_environment,
    }
    return {**{key_path: value for key_path, value in said.items() if value is not None}, **configuration.rest}


def _hidden(value: Any, redaction: Redaction, name: str = "") -> Any:
    """The value of a key, or an item of a list that is one, with its secrets hidden."""
    if isinstance(value, Mapping):
        return {key: _hidden(inner, redaction, str(key)) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        if all(isinstance(inner, str) for inner in value):
            return redaction.arguments(value)
        return [_hidden(inner, redaction) for inner in value]
    if isinstance(value, str):
        return redaction.named(name, value)
    is_secret = value is not None and not isinstance(value, bool) and redaction.is_secret(name, str(value))
    return REDACTED if is_secret else value


def _section_of(root: dict[str, Any], key_path: str) -> tuple[dict[str, Any], str]:
    """The schema of the section that a key stands in, made where it is not there yet, and the key's name in it."""
    *parents, name = key_path.split(".")
    section, path = root, ""
    for parent in parents:
        path = f"{path}.{parent}" if path else parent
        section = section["properties"].setdefault(parent, _mapping(_SECTIONS[path]))
    return section, name


def _mapping(description: str) -> dict[str, Any]:
    return {"description": description, "type": ["object", "null"], "properties": {}}


def _property(key: Key) -> dict[str, Any]:
    more = {"deprecated": True} if key.is_older else {}
    return {"description": key.meaning, "default": key.default, **_or_nothing(key.shape), **more}


def _or_nothing(shape: Mapping[str, Any]) -> dict[str, Any]:
    """The shape of a key's value, which may be missing, as that of each key within it."""
    if "anyOf" in shape:
        return {**shape, "anyOf": [*shape["anyOf"], {"type": "null"}]}
    kinds = [shape["type"]] if isinstance(shape["type"], str) else shape["type"]
    return {**_with_empty_keys(shape), "type": [*kinds, "null"]}


def _with_empty_keys(shape: Mapping[str, Any]) -> dict[str, Any]:
    within: dict[str, Any] = {}
    if "properties" in shape:
        within["properties"] = {name: _or_nothing(inner) for name, inner in shape["properties"].items()}
    if "additionalProperties" in shape:
        within["additionalProperties"] = _with_empty_keys(shape["additionalProperties"])
    return {**shape, **within}
