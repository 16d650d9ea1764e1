"""The JSON Schema of runconfigs, and a runconfig written out with every key."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from mlrun_cli.domain.redaction import REDACTED, Redaction
from mlrun_cli.domain.run_configuration import RunConfiguration
from mlrun_cli.files.runconfig_keys import KEYS, Key

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


def _hidden(value: Any, redaction: Redaction) -> Any:
    if isinstance(value, Mapping):
        return {
            name: REDACTED
            if redaction.is_secret(str(name)) and inner and not isinstance(inner, (bool, Mapping, list, tuple))
            else _hidden(inner, redaction)
            for name, inner in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_hidden(inner, redaction) for inner in value]
    return redaction.text(value) if isinstance(value, str) else value


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
    shape: dict[str, Any] = copy.deepcopy(dict(key.shape))
    if "anyOf" in shape:
        shape["anyOf"] = [*shape["anyOf"], {"type": "null"}]
    else:
        shape["type"] = [*([shape["type"]] if isinstance(shape["type"], str) else shape["type"]), "null"]
    more = {"deprecated": True} if key.is_older else {}
    return {"description": key.meaning, "default": key.default, **shape, **more}
