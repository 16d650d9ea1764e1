"""The review of a run configuration: notes about skipped keys, and errors about unsupported keys."""

from __future__ import annotations

from collections.abc import Iterator

from mlrun_cli.core.problems import Problems
from mlrun_cli.environments.docker_section import DOCKER_SWITCHES, find_engine, is_docker_enabled, runs_in_container
from mlrun_cli.environments.frameworks import INSTALL, PROGRAMS, find_framework_program
from mlrun_cli.environments.mode import EnvironmentMode
from mlrun_cli.errors import ConflictingOptions, Unsupported
from mlrun_cli.runconfigs.communicators import LAUNCH_SECTIONS, LaunchRefused, build_launch
from mlrun_cli.runconfigs.key import Refusal
from mlrun_cli.runconfigs.keys import KEYS
from mlrun_cli.runconfigs.run_configuration import (
    NO_COMMUNICATOR,
    PYTHON_FRAMEWORK,
    RunConfiguration,
)

_BASE_IMAGE = "environment.docker.baseImage"
_NO_CONDA_BASE = Refusal(
    "conda environments are not extended here",
    "Take it out and name all packages in the conda dependencies, or submit with '--environment current'.",
    concerns_environment=True,
)
_PYTHON_FRAMEWORKS = {name.casefold() for name in (PYTHON_FRAMEWORK, "PyTorch", "TensorFlow", "Chainer", "CNTK")}
_STOCK_IMAGES = ("mcr.microsoft.com/azureml/", "continuumio/miniconda3:", "microsoft/mmlspark:")


def review_configuration(
    configuration: RunConfiguration, *, mode: EnvironmentMode = EnvironmentMode.PINNED, search_path: str = ""
) -> tuple[str, ...]:
    """Check that this machine supports a configuration; return a note about each key that is skipped.

    Args:
        configuration: the configuration as read from the file.
        mode: the environment mode, which determines whether the environment section matters.
        search_path: the search path for programs, in the format of PATH.

    Raises:
        UsageError: there are both a script and a command.
        Unsupported: another key is not supported; the message contains the key and an alternative.
        SeveralProblems: there are several such errors.
    """
    problems = Problems()
    if configuration.script and configuration.command:
        with problems.collect_errors(), configuration.locate_errors("command"):
            raise ConflictingOptions(
                "Both script and command are set in the runconfig.", hint="Remove one of them.", target="script"
            )
    is_current = mode is EnvironmentMode.CURRENT
    has_container = not is_current and runs_in_container(configuration) and find_engine(search_path) is not None
    for key_path, refusal in (
        *_iterate_unsupported_fields(configuration, search_path),
        *_iterate_unsupported_keys(configuration),
    ):
        if (is_current and refusal.concerns_environment) or (has_container and key_path in DOCKER_SWITCHES):
            continue
        with problems.collect_errors(), configuration.locate_errors(key_path):
            raise Unsupported(f"{key_path} cannot be used: {refusal.reason}.", hint=refusal.advice, target=key_path)
    problems.raise_if_any()
    return tuple(_iterate_notes(configuration, has_container=has_container, is_current=is_current))


def _iterate_unsupported_fields(configuration: RunConfiguration, search_path: str) -> Iterator[tuple[str, Refusal]]:
    """Yield the key path of each field with a value that no run on this machine supports, with the reason."""
    framework = configuration.framework.casefold()
    if framework in PROGRAMS:
        if find_framework_program(framework, search_path) is None:
            reason = f"'{configuration.framework}' needs {PROGRAMS[framework]}, which is not on PATH"
            yield "framework", Refusal(reason, f"{INSTALL[framework]}, so that it is found on PATH.")
    elif framework not in _PYTHON_FRAMEWORKS:
        reason = f"'{configuration.framework}' is not started here"
        yield "framework", Refusal(reason, "Set it to Python; packages come from the environment.")
    try:
        build_launch(configuration)
    except LaunchRefused as refused:
        yield refused.key_path, Refusal(refused.reason, refused.advice)
    python = configuration.python
    if python.base_conda_environment and not python.user_managed_dependencies:
        yield "environment.python.baseCondaEnvironment", _NO_CONDA_BASE
    if configuration.environment_name is not None:
        key_path = "environment" if configuration.environment_reference else "environment.name"
        reason = f"'{configuration.environment_name}' is only named, and a runconfig has to say what it holds"
        advice = "Write that as environment.python.condaDependenciesFile, or register it in the workspace."
        yield key_path, Refusal(reason, advice, concerns_environment=True)


def _iterate_unsupported_keys(configuration: RunConfiguration) -> Iterator[tuple[str, Refusal]]:
    """Yield the key path of each key in `rest` that has an unsupported non-default value, with the reason."""
    for key_path in configuration.get_non_default_entries():
        key = KEYS.get(key_path)
        if key is None or key.refused is None or (key_path in DOCKER_SWITCHES and _has_conda_part(configuration)):
            continue
        yield key_path, key.refused


def _has_conda_part(configuration: RunConfiguration) -> bool:
    return not configuration.python.user_managed_dependencies


def _iterate_notes(configuration: RunConfiguration, *, has_container: bool, is_current: bool) -> Iterator[str]:
    """Yield a note for each setting that is skipped, and one if the script runs once per node."""
    if configuration.node_count > 1 and configuration.communicator == NO_COMMUNICATOR:
        yield (
            f"nodeCount: the script runs {configuration.node_count} times, once for each node of its target; "
            "NODE_RANK tells it which it is."
        )
    for key_path, value in configuration.get_non_default_entries().items():
        if key_path in DOCKER_SWITCHES and not has_container:
            is_built = _has_conda_part(configuration) and not is_current
            part = "its conda dependencies" if is_built else "the python on PATH"
            yield f"{key_path}: the run gets {part}, without the image."
            continue
        words = _find_skip_reason(configuration, key_path, has_container=has_container)
        if words and not (key_path == _BASE_IMAGE and str(value).startswith(_STOCK_IMAGES)):
            yield f"{key_path} is skipped: {words}."


def _find_skip_reason(configuration: RunConfiguration, key_path: str, *, has_container: bool) -> str | None:
    """Return the reason why a setting is skipped, or None if it is not skipped."""
    key = KEYS.get(key_path)
    if key is None:
        return None
    if key_path.startswith(("docker.", "environment.docker.")) and is_docker_enabled(configuration):
        return key.skipped_in_container if has_container else key.skipped_without_container
    section = key_path.partition(".")[0]
    if section in LAUNCH_SECTIONS and build_launch(configuration).kind != section:
        return f"the communicator is {configuration.communicator}"
    return key.skipped
