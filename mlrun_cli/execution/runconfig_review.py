"""What of a run configuration is honoured, what is skipped with a note, and what is refused by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from mlrun_cli.domain.run_configuration import (
    NO_COMMUNICATOR,
    PYTHON_FRAMEWORK,
    RunConfiguration,
)
from mlrun_cli.errors import Unsupported, UsageError

_Rule = TypeVar("_Rule")


@dataclass(frozen=True, slots=True)
class Review:
    """A configuration that can be honoured; each note is one line about something skipped."""

    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Refusal:
    key_path: str
    reason: str
    advice: str


_NO_DATA = ("Azure's data stores are not here", "Take it out and hand the script a path as an argument.")
_NO_DOCKER = (
    "containers are not used here, and its packages are in the image",
    "Set it to false, or name the packages in the conda dependencies.",
)
_DOCKER_SWITCHES = ("environment.docker.enabled", "docker.useDocker")
_NO_DATABRICKS = (
    "there is no Databricks here",
    "Take it out and name the packages in the conda dependencies.",
)

_REFUSED: Mapping[str, tuple[str, str]] = {
    "datacaches": _NO_DATA,
    "sourceDirectoryDataStore": (_NO_DATA[0], "Take it out; the source folder itself is used."),
    "environment.docker.enabled": _NO_DOCKER,
    "docker.useDocker": _NO_DOCKER,
    "environment.databricks": _NO_DATABRICKS,
    "environment.r": ("R environments are not made here", "Take it out."),
    "environment.configUri": (
        "no environment is registered here",
        "Take it out; what environment.python says is used.",
    ),
    "history.ambientAuthentication": ("there is no Azure identity here", "Take it out."),
    "credentialPassthrough": ("there is no Azure identity here", "Set it to false."),
}
"""Beginning of a key path: why it is refused, what to do instead."""

_BASE_IMAGE = "environment.docker.baseImage"
_SKIPPED: Mapping[str, str] = {
    "priority": "it orders runs on Azure's clusters",
    "environment.inferencingStackVersion": "it is for web services",
    "environment.assetId": "it names an asset in Azure",
    _BASE_IMAGE: "docker is not enabled",
    "environment.docker.baseDockerfile": "docker is not enabled",
    "environment.docker.buildContext": "docker is not enabled",
    "history.enabled": "every run is recorded",
    "history.outputCollection": "outputs are always kept",
    "history.snapshotProject": "a snapshot is always taken",
    "amlcompute": "no cluster is made",
    "autoClusterComputeSpecification": "no cluster is made",
    "kubernetescompute": "it is for Kubernetes clusters",
    "applicationEndpoints": "nothing is published",
    "autoPrepareEnvironment": "an environment that is missing is always made",
}
"""Beginning of a key path: why it is skipped.

A key with neither rule does nothing on this target in Azure either (details of docker while it is off, of
launchers that are not used), or is honoured by what is always done.
"""

_STOCK_IMAGES = ("mcr.microsoft.com/azureml/", "continuumio/miniconda3:", "microsoft/mmlspark:")


def review(configuration: RunConfiguration) -> Review:
    """Find out whether a configuration can be honoured on this machine, the command line's part included.

    Raises:
        UsageError: both a script and a command are there.
        Unsupported: something else cannot be honoured; names its key and what to do instead.
    """
    if configuration.script and configuration.command:
        raise UsageError("Both script and command are set in the runconfig.", hint="Take one of them out.")
    refusals = [*_refused_fields(configuration), *_refused_rest(configuration)]
    if refusals:
        raise _unsupported(refusals)
    return Review(tuple(_notes(configuration)))


def _unsupported(refusals: list[_Refusal]) -> Unsupported:
    first, *others = refusals
    also = ", ".join(dict.fromkeys(refusal.key_path for refusal in others))
    hint = f"{first.advice} Not supported either: {also}." if also else first.advice
    return Unsupported(f"{first.key_path} cannot be honoured: {first.reason}.", hint=hint)


def _refused_fields(configuration: RunConfiguration) -> Iterator[_Refusal]:
    if configuration.framework != PYTHON_FRAMEWORK:
        yield _Refusal(
            "framework",
            f"'{configuration.framework}' is not started here",
            "Set it to Python; packages come from the environment.",
        )
    if configuration.communicator != NO_COMMUNICATOR:
        yield _Refusal("communicator", f"'{configuration.communicator}' is not started here", "Set it to None.")
    if configuration.node_count != 1:
        yield _Refusal("nodeCount", f"this is one machine, not {configuration.node_count}", "Set it to 1.")
    python = configuration.python
    if python.base_conda_environment and not python.user_managed_dependencies:
        yield _Refusal(
            "environment.python.baseCondaEnvironment",
            "conda environments are not extended here",
            "Take it out and name all packages in the conda dependencies.",
        )


def _refused_rest(configuration: RunConfiguration) -> Iterator[_Refusal]:
    for key_path in configuration.changed():
        refused = _rule(_REFUSED, key_path)
        if refused and not (key_path in _DOCKER_SWITCHES and _has_conda_part(configuration)):
            yield _Refusal(key_path, *refused)
    if _is_environment_reference(configuration):
        yield _Refusal(
            "environment.name",
            "it is only named, and a runconfig has to say what it holds",
            "Write that as environment.python.condaDependenciesFile.",
        )


def _has_conda_part(configuration: RunConfiguration) -> bool:
    return not configuration.python.user_managed_dependencies


def _is_environment_reference(configuration: RunConfiguration) -> bool:
    """Whether the environment is only named, and nothing says what it holds."""
    python = configuration.python
    described = python.user_managed_dependencies or python.conda_dependencies_file or python.conda_dependencies
    return "environment.name" in configuration.changed() and not described


def _notes(configuration: RunConfiguration) -> Iterator[str]:
    for key_path, value in configuration.changed().items():
        if key_path in _DOCKER_SWITCHES:
            yield f"{key_path}: containers are not used here; the run gets its conda dependencies without the image."
            continue
        words = _rule(_SKIPPED, key_path)
        if words and not (key_path == _BASE_IMAGE and str(value).startswith(_STOCK_IMAGES)):
            yield f"{key_path} is skipped: {words}."


def _rule(rules: Mapping[str, _Rule], key_path: str) -> _Rule | None:
    """What the rules say of a key, or else of a section it stands in."""
    while key_path not in rules:
        key_path, dot, _ = key_path.rpartition(".")
        if not dot:
            return None
    return rules[key_path]
