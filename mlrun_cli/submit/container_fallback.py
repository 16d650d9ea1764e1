"""Support for Docker arguments in runs without a container: their variables and volumes are still applied."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.environments.docker_arguments import Volume, parse_docker_arguments
from mlrun_cli.environments.docker_section import get_arguments_key_path, list_engine_arguments
from mlrun_cli.runconfigs.run_configuration import RunConfiguration


class ContainerFallback(NamedTuple):
    """A configuration with the variables from Docker arguments added, the volumes, and lines for stderr."""

    configuration: RunConfiguration
    volumes: tuple[Volume, ...] = ()
    notes: tuple[str, ...] = ()


def apply_docker_arguments(configuration: RunConfiguration, project: Path) -> ContainerFallback:
    """Apply the variables and volumes of Docker arguments to a run without a container; note all other arguments.

    Args:
        configuration: the configuration, whose own variables take precedence.
        project: the folder that relative paths are resolved against.
    """
    arguments = list_engine_arguments(configuration)
    if not arguments:
        return ContainerFallback(configuration)
    key_path = get_arguments_key_path(configuration)
    volumes, variables, others = parse_docker_arguments(arguments)
    found = tuple(volume._replace(source=_make_absolute(project, volume.source)) for volume in volumes)
    notes = [_describe_ignored_arguments(key_path, others)] if others else []
    merged = {**variables, **configuration.environment_variables}
    return ContainerFallback(configuration._replace(environment_variables=merged), found, tuple(notes))


def _make_absolute(project: Path, source: str) -> str:
    return os.path.normpath(project / Path(re.sub(r"^~(?=/|$)", str(Path.home()), source)))


def _describe_ignored_arguments(key_path: str, arguments: Sequence[str]) -> str:
    shown = ", ".join(Redactor().redact_arguments(arguments))
    verb = "is" if len(arguments) == 1 else "are"
    return f"{key_path}: {shown} {verb} skipped: the run is in no container."
