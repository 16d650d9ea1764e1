"""Which container a run configuration asks for."""

from __future__ import annotations

import os
import shutil

from mlrun_cli.domain.environment import ContainerPlan
from mlrun_cli.domain.launch import LaunchKind
from mlrun_cli.domain.redaction import Redaction
from mlrun_cli.domain.run_configuration import RunConfiguration
from mlrun_cli.errors import Unsupported

ENGINES = ("docker", "podman")
DOCKER_SWITCHES = ("environment.docker.enabled", "docker.useDocker")

_UNUSABLE = ("environment.docker.baseDockerfile", "environment.docker.buildContext")


def find_engine(search_path: str) -> str | None:
    """The absolute path of docker or podman, the first of them that is on PATH."""
    found = (shutil.which(name, path=search_path) for name in ENGINES)
    return next((os.path.abspath(path) for path in found if path), None)


def wants_container(configuration: RunConfiguration) -> bool:
    """Whether the packages are in an image: docker is on, and no conda dependencies are named."""
    is_on = any(configuration.rest.get(switch) is True for switch in DOCKER_SWITCHES)
    return is_on and configuration.python.user_managed_dependencies


def plan_container(configuration: RunConfiguration, engine: str, kind: LaunchKind) -> ContainerPlan:
    """The container that a configuration asks for.

    Raises:
        Unsupported: no image is named, it would have to be built, MPI would have to start it, or a secret is in sight.
    """
    rest = configuration.rest
    for key_path in _UNUSABLE:
        if rest.get(key_path):
            raise Unsupported(
                f"{key_path} cannot be honoured: images are not built here.",
                hint="Build the image yourself, and name it as environment.docker.baseImage.",
            )
    image = rest.get("environment.docker.baseImage")
    if not image:
        raise Unsupported(
            "docker cannot be honoured: no image is named.", hint="Name one as environment.docker.baseImage."
        )
    if kind is LaunchKind.MPI:
        raise Unsupported(
            "communicator cannot be honoured: MPI does not start processes in containers here.",
            hint="Set it to None or PyTorch, or turn docker off.",
        )
    address = rest.get("environment.docker.baseImageRegistry.address")
    named = f"{address}/{image}" if address and not str(image).startswith(f"{address}/") else str(image)
    if any(rest.get(f"environment.docker.baseImageRegistry.{key}") for key in ("username", "password")):
        raise Unsupported(
            "environment.docker.baseImageRegistry cannot be honoured: the engine logs in by itself.",
            hint=f"Take username and password out, and type '{os.path.basename(engine)} login {address or ''}' once.",
        )
    size = rest.get("docker.shmSize") or rest.get("environment.docker.shmSize")
    arguments = rest.get("docker.arguments") or rest.get("environment.docker.arguments")
    more = [str(argument) for argument in arguments] if isinstance(arguments, (list, tuple)) else []
    if Redaction().arguments(more) != more:
        raise Unsupported(
            "docker.arguments cannot be honoured: they hold a secret, which a command line would show.",
            hint="Make it one of the environmentVariables.",
        )
    return ContainerPlan(
        engine=engine,
        image=named,
        options=(*(("--shm-size", str(size)) if size else ()), *more),
        variables=tuple(configuration.environment_variables),
    )
