"""Planning of the container that a run configuration requests."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from mlrun_cli.core.redaction import Redactor
from mlrun_cli.environments.docker_section import get_shared_memory_size, list_engine_arguments
from mlrun_cli.environments.environment import ContainerPlan, EnvironmentPlan
from mlrun_cli.environments.image import build_image_name
from mlrun_cli.environments.image_plan import BASE_IMAGE, plan_image
from mlrun_cli.environments.planned_environment import PlannedEnvironment
from mlrun_cli.errors import Unsupported
from mlrun_cli.runconfigs.communicators import build_launch, list_launcher_programs
from mlrun_cli.runconfigs.run_configuration import RunConfiguration

# Variables for stopping the containers of a run whose supervisor has died; none of them contains a secret.
_REACHED_BY = (
    *("HOME", "PATH", "XDG_RUNTIME_DIR", "SSH_AUTH_SOCK"),
    *("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"),
    *("CONTAINER_HOST", "CONTAINER_CONNECTION", "CONTAINER_SSHKEY", "CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF"),
)
_REGISTRY = "environment.docker.baseImageRegistry"


def plan_container(
    configuration: RunConfiguration,
    engine: str,
    *,
    home: Path,
    project: Path,
    environ: Mapping[str, str],
    redactor: Redactor,
) -> PlannedEnvironment:
    """Plan the container that a configuration requests, including the build of its image.

    Args:
        configuration: the run configuration.
        engine: the absolute path of docker or podman.
        home: the folder that stores environments, `$MLRUN_HOME`.
        project: the folder to which relative paths of the runconfig refer.
        environ: the environment variables of the submitter.
        redactor: the redactor of the run.

    Raises:
        Unsupported: no image is specified, it cannot be built, or a command line would reveal a secret.
        InvalidFile: the Dockerfile is not a text file.
    """
    _check_no_registry_credentials(configuration, engine)
    made = plan_image(configuration, engine, home=home, project=project, redactor=redactor)
    build, secrets = made or (None, {})
    container = ContainerPlan(
        engine=engine,
        image=_get_image_name(configuration) if build is None else build_image_name(build.key),
        options=_list_container_options(configuration, redactor),
        variables=tuple(configuration.environment_variables),
        programs=list_launcher_programs(build_launch(configuration)),
        reached_by={name: environ[name] for name in _REACHED_BY if name in environ},
    )
    interpreter = configuration.python.interpreter_path or "python"
    return PlannedEnvironment(EnvironmentPlan(interpreter, build, container=container), secrets=secrets)


def _check_no_registry_credentials(configuration: RunConfiguration, engine: str) -> None:
    """Raise Unsupported if the configuration contains a user name or password for the image registry."""
    if any(configuration.rest.get(f"{_REGISTRY}.{key}") for key in ("username", "password")):
        login = f"{os.path.basename(engine)} login {configuration.rest.get(f'{_REGISTRY}.address') or ''}".rstrip()
        raise Unsupported(
            f"{_REGISTRY} cannot be used: the engine logs in by itself.",
            hint=f"Take username and password out, and type '{login}' once.",
        )


def _get_image_name(configuration: RunConfiguration) -> str:
    image = configuration.rest.get(BASE_IMAGE)
    if not image:
        raise Unsupported("docker cannot be used: no image is named.", hint=f"Name one as {BASE_IMAGE}.")
    address = configuration.rest.get(f"{_REGISTRY}.address")
    return f"{address}/{image}" if address and not str(image).startswith(f"{address}/") else str(image)


def _list_container_options(configuration: RunConfiguration, redactor: Redactor) -> tuple[str, ...]:
    """Return the options for the container engine's `run` command; raise if one of them contains a secret."""
    size, more = get_shared_memory_size(configuration), list_engine_arguments(configuration)
    if redactor.redact_arguments(more) != more:
        raise Unsupported(
            "docker.arguments cannot be used: they hold a secret, which a command line would show.",
            hint="Make it one of the environmentVariables.",
        )
    return (*(("--shm-size", size) if size else ()), *more)
