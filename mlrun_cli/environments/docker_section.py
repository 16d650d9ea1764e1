"""Docker keys of a run configuration, in the section `docker` or the older `environment.docker`."""

from __future__ import annotations

import os
import shutil

from mlrun_cli.runconfigs.run_configuration import RunConfiguration

ENGINES = ("docker", "podman")
DOCKER_SWITCHES = ("environment.docker.enabled", "docker.useDocker")
_ARGUMENTS = ("docker.arguments", "environment.docker.arguments")


def find_engine(search_path: str) -> str | None:
    """Return the absolute path of docker or podman, the first found on PATH; None if neither is."""
    found = (shutil.which(name, path=search_path) for name in ENGINES)
    return next((os.path.abspath(path) for path in found if path), None)


def is_docker_enabled(configuration: RunConfiguration) -> bool:
    """Return whether the configuration enables Docker."""
    return any(configuration.rest.get(switch) is True for switch in DOCKER_SWITCHES)


def runs_in_container(configuration: RunConfiguration) -> bool:
    """Return whether the script runs in a container: Docker is enabled and dependencies are user-managed."""
    return is_docker_enabled(configuration) and configuration.python.user_managed_dependencies


def get_shared_memory_size(configuration: RunConfiguration) -> str | None:
    """Return the size of the shared memory, `shmSize`, or None if it is not set."""
    size = configuration.rest.get("docker.shmSize") or configuration.rest.get("environment.docker.shmSize")
    return str(size) if size else None


def list_engine_arguments(configuration: RunConfiguration) -> list[str]:
    """Return the `arguments` for the container engine, with each option and its value as two arguments."""
    found = configuration.rest.get(get_arguments_key_path(configuration))
    if not found:
        return []
    from mlrun_cli.environments.docker_arguments import split_options  # noqa: PLC0415 - start-up

    return split_options([str(argument) for argument in found]) if isinstance(found, (list, tuple)) else []


def get_arguments_key_path(configuration: RunConfiguration) -> str:
    """Return the key path of the effective `arguments`, by default `docker.arguments`."""
    return next((key for key in _ARGUMENTS if configuration.rest.get(key)), _ARGUMENTS[0])
