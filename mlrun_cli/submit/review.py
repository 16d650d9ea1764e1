"""What of a run configuration is honoured, what is skipped with a note, and what is refused by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from mlrun_cli.core.problems import Problems
from mlrun_cli.environments.docker_section import DOCKER_SWITCHES, find_engine, is_docker_on, wants_container
from mlrun_cli.environments.frameworks import INSTALL, PROGRAMS, find_program
from mlrun_cli.environments.mode import EnvironmentMode
from mlrun_cli.errors import Unsupported, UsageError
from mlrun_cli.processes.launch import LaunchKind
from mlrun_cli.runconfigs.communicators import LaunchRefused, launch_of
from mlrun_cli.runconfigs.run_configuration import (
    NO_COMMUNICATOR,
    PYTHON_FRAMEWORK,
    RunConfiguration,
)

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
    "neither docker nor podman is on PATH, and its packages are in the image",
    "Set it to false, or name the packages in the conda dependencies, or submit with '--environment current'.",
)
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
    "history.ambientAuthentication": ("there is no Azure identity here", "Take it out."),
    "credentialPassthrough": ("there is no Azure identity here", "Set it to false."),
}
"""Beginning of a key path: why it is refused, what to do instead."""

_BASE_IMAGE = "environment.docker.baseImage"
_SKIPPED: Mapping[str, str] = {
    "priority": "it orders runs on Azure's clusters",
    "environment.inferencingStackVersion": "it is for web services",
    "environment.assetId": "it names an asset in Azure",
    "environment.configUri": "it is an address in Azure; what the section itself says is used",
    _BASE_IMAGE: "docker is not enabled",
    "environment.docker.baseDockerfile": "docker is not enabled",
    "environment.docker.buildContext": "docker is not enabled",
    "environment.docker.arguments": "docker is not enabled",
    "environment.docker.shmSize": "docker is not enabled",
    "docker.arguments": "docker is not enabled",
    "docker.shmSize": "docker is not enabled",
    "history.enabled": "every run is recorded",
    "history.outputCollection": "outputs are always kept",
    "history.snapshotProject": "a snapshot is always taken",
    "amlcompute": "no cluster is made",
    "paralleltask": "it is for parallel steps of pipelines",
    "pytorch.communicationBackend": "the script chooses it, when it calls init_process_group",
    "autoClusterComputeSpecification": "no cluster is made",
    "kubernetescompute": "it is for Kubernetes clusters",
    "applicationEndpoints": "nothing is published",
    "autoPrepareEnvironment": "an environment that is missing is always made",
}
"""Beginning of a key path: why it is skipped.

A key with neither rule is for another target or framework, or is honoured by what is always done.
"""

_SKIPPED_IN_CONTAINER: Mapping[str, str] = {
    "docker.sharedVolumes": "the run's folders are always shared with its container",
    "environment.docker.sharedVolumes": "the run's folders are always shared with its container",
    "environment.docker.platform": "the container has the platform of its image",
    "environment.docker.baseImageRegistry.registryIdentity": "the engine logs in by itself",
}
_SKIPPED_WITHOUT_CONTAINER: Mapping[str, str] = {
    "docker.shmSize": "the run is in no container, whose shared memory it limits",
    "environment.docker.shmSize": "the run is in no container, whose shared memory it limits",
}
"""The same where docker is enabled; what else is said of the container then goes with its image."""

_LAUNCHERS: Mapping[str, LaunchKind] = {
    "mpi": LaunchKind.MPI,
    "pytorch": LaunchKind.PYTORCH,
    "tensorflow": LaunchKind.TENSORFLOW,
}
"""Section: with which kind of launch its keys count."""

_PYTHON_FRAMEWORKS = {name.casefold() for name in (PYTHON_FRAMEWORK, "PyTorch", "TensorFlow", "Chainer", "CNTK")}
_OF_THE_ENVIRONMENT = (
    *DOCKER_SWITCHES,
    "environment",
    "environment.name",
    "environment.r",
    "environment.configUri",
    "environment.python.baseCondaEnvironment",
)
_STOCK_IMAGES = ("mcr.microsoft.com/azureml/", "continuumio/miniconda3:", "microsoft/mmlspark:")


def review(
    configuration: RunConfiguration, *, mode: EnvironmentMode = EnvironmentMode.PINNED, search_path: str = ""
) -> Review:
    """Find out whether a configuration can be honoured on this machine, the command line's part included.

    Args:
        configuration: what was read.
        mode: whether what it says of the environment matters.
        search_path: where programs are looked for, as in PATH.

    Raises:
        UsageError: both a script and a command are there.
        Unsupported: something else cannot be honoured; names its key and what to do instead.
        SeveralProblems: more than one of these.
    """
    problems = Problems()
    if configuration.script and configuration.command:
        with problems.collecting(), configuration.telling_place("command"):
            raise UsageError("Both script and command are set in the runconfig.", hint="Take one of them out.")
    is_current = mode is EnvironmentMode.CURRENT
    has_container = not is_current and wants_container(configuration) and find_engine(search_path) is not None
    refusals = [*_refused_fields(configuration, search_path), *_refused_rest(configuration)]
    if is_current or has_container:
        waived = _OF_THE_ENVIRONMENT if is_current else DOCKER_SWITCHES
        refusals = [refusal for refusal in refusals if not _is_under(refusal.key_path, waived)]
    for refusal in refusals:
        with problems.collecting(), configuration.telling_place(refusal.key_path):
            raise Unsupported(f"{refusal.key_path} cannot be honoured: {refusal.reason}.", hint=refusal.advice)
    problems.raise_if_any()
    return Review(tuple(_notes(configuration, has_container=has_container, is_current=is_current)))


def _refused_fields(configuration: RunConfiguration, search_path: str) -> Iterator[_Refusal]:
    framework = configuration.framework.casefold()
    if framework in PROGRAMS:
        if find_program(framework, search_path) is None:
            yield _Refusal(
                "framework",
                f"'{configuration.framework}' needs {PROGRAMS[framework]}, which is not on PATH",
                f"{INSTALL[framework]}, or set it to Python.",
            )
    elif framework not in _PYTHON_FRAMEWORKS:
        yield _Refusal(
            "framework",
            f"'{configuration.framework}' is not started here",
            "Set it to Python; packages come from the environment.",
        )
    try:
        launch_of(configuration)
    except LaunchRefused as refused:
        yield _Refusal(refused.key_path, refused.reason, refused.advice)
    python = configuration.python
    if python.base_conda_environment and not python.user_managed_dependencies:
        yield _Refusal(
            "environment.python.baseCondaEnvironment",
            "conda environments are not extended here",
            "Take it out and name all packages in the conda dependencies, or submit with '--environment current'.",
        )


def _refused_rest(configuration: RunConfiguration) -> Iterator[_Refusal]:
    for key_path in configuration.changed():
        refused = _rule(_REFUSED, key_path)
        if refused and not (key_path in DOCKER_SWITCHES and _has_conda_part(configuration)):
            yield _Refusal(key_path, *refused)
    if configuration.environment_name is not None:
        yield _Refusal(
            "environment" if configuration.environment_reference else "environment.name",
            f"'{configuration.environment_name}' is only named, and a runconfig has to say what it holds",
            "Write that as environment.python.condaDependenciesFile, or register it in the workspace.",
        )


def _has_conda_part(configuration: RunConfiguration) -> bool:
    return not configuration.python.user_managed_dependencies


def _is_under(key_path: str, keys: Sequence[str]) -> bool:
    return key_path in keys or any(key_path.startswith(f"{key}.") for key in keys if "." in key)


def _notes(configuration: RunConfiguration, *, has_container: bool, is_current: bool) -> Iterator[str]:
    if configuration.node_count > 1 and configuration.communicator == NO_COMMUNICATOR:
        yield (
            f"nodeCount: the script runs {configuration.node_count} times, once for each node, all on this machine; "
            "NODE_RANK tells it which it is."
        )
    for key_path, value in configuration.changed().items():
        if key_path in DOCKER_SWITCHES and not has_container:
            is_built = _has_conda_part(configuration) and not is_current
            part = "its conda dependencies" if is_built else "the python on PATH"
            yield f"{key_path}: the run gets {part}, without the image."
            continue
        words = _reason_to_skip(configuration, key_path, has_container=has_container)
        if words and not (key_path == _BASE_IMAGE and str(value).startswith(_STOCK_IMAGES)):
            yield f"{key_path} is skipped: {words}."


def _reason_to_skip(configuration: RunConfiguration, key_path: str, *, has_container: bool) -> str | None:
    section = key_path.partition(".")[0]
    if key_path.startswith(("docker.", "environment.docker.")) and is_docker_on(configuration):
        return _rule(_SKIPPED_IN_CONTAINER if has_container else _SKIPPED_WITHOUT_CONTAINER, key_path)
    if section in _LAUNCHERS and launch_of(configuration).kind is not _LAUNCHERS[section]:
        return f"the communicator is {configuration.communicator}"
    return _rule(_SKIPPED, key_path)


def _rule(rules: Mapping[str, _Rule], key_path: str) -> _Rule | None:
    """What the rules say of a key, or else of a section it stands in."""
    while key_path not in rules:
        key_path, dot, _ = key_path.rpartition(".")
        if not dot:
            return None
    return rules[key_path]
