"""Docker keys of a configuration whose run is in no container: variables and volumes are honoured all the same."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.redaction import Redaction
from mlrun_cli.environments.docker_arguments import Volume, read_docker_arguments
from mlrun_cli.environments.docker_section import get_arguments_key, list_engine_arguments
from mlrun_cli.runconfigs.run_configuration import RunConfiguration


class ContainerFallback(NamedTuple):
    """A configuration with the variables that Docker's arguments set, their volumes, and lines for stderr."""

    configuration: RunConfiguration
    volumes: tuple[Volume, ...] = ()
    notes: tuple[str, ...] = ()


def apply_docker_arguments(configuration: RunConfiguration, project: Path) -> ContainerFallback:
    """Apply the variables and volumes of Docker's arguments without a container; note what is ignored.

    Args:
        configuration: whose own variables stay on top.
        project: what a relative path begins from.
    """
    arguments = list_engine_arguments(configuration)
    if not arguments:
        return ContainerFallback(configuration)
    key_path = get_arguments_key(configuration)
    volumes, variables, others = read_docker_arguments(arguments)
    found = tuple(volume._replace(source=_make_absolute(project, volume.source)) for volume in volumes)
    notes = [_describe_ignored_arguments(key_path, others)] if others else []
    merged = {**variables, **configuration.environment_variables}
    return ContainerFallback(configuration._replace(environment_variables=merged), found, tuple(notes))


def _make_absolute(project: Path, source: str) -> str:
    return os.path.normpath(project / Path(re.sub(r"^~(?=/|$)", str(Path.home()), source)))


def _describe_ignored_arguments(key_path: str, others: Sequence[str]) -> str:
    shown = ", ".join(Redaction().redact_arguments(others))
    verb = "is" if len(others) == 1 else "are"
    return f"{key_path}: {shown} {verb} skipped: the run is in no container."
