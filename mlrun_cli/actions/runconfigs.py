"""What a runconfig comes to on this machine: read, reviewed, and its environment planned."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from mlrun_cli.domain.run_configuration import RunConfiguration
from mlrun_cli.errors import InvalidFile, UsageError
from mlrun_cli.execution.environments.plan import PlannedEnvironment, plan_conda, plan_user_managed
from mlrun_cli.execution.runconfig_review import review
from mlrun_cli.files.conda import CondaDependencies, conda_dependencies_from_mapping, read_conda_dependencies
from mlrun_cli.files.runconfig import read_runconfig
from mlrun_cli.files.runconfig_lookup import find_runconfig

_COMPARE = "Compare it with local.runconfig and sklearn.runconfig, which 'mlrun folder attach' writes."


def load_runconfig(path: Path, name: str) -> tuple[Path, RunConfiguration, tuple[str, ...]]:
    """The file that a name means, what it says, and lines for stderr.

    Raises:
        UsageError: there is no such file, or it cannot be read as a runconfig.
    """
    file, lookup_notes = find_runconfig(path, name)
    try:
        configuration, reading_notes = read_runconfig(file)
    except InvalidFile as error:
        error.hint = error.hint or (_COMPARE if os.access(file, os.R_OK) else "Check its permissions ('ls -l').")
        raise
    return file, configuration, (*lookup_notes, *reading_notes)


def plan_environment(
    configuration: RunConfiguration,
    *,
    runconfig: Path | None,
    project: Path,
    source: Path,
    conda_file: Path | None,
    home: Path,
    environment: Mapping[str, str],
) -> tuple[PlannedEnvironment, tuple[str, ...]]:
    """The environment that a reviewed runconfig asks for, and lines for stderr.

    Raises:
        Unsupported: the runconfig asks for what this program cannot do.
        MlrunError: the environment cannot be had.
    """
    notes = review(configuration).notes
    python = configuration.python
    if conda_file is None and python.user_managed_dependencies:
        planned = plan_user_managed(python.interpreter_path, environment.get("PATH", ""), project)
        return planned, notes
    dependencies = _dependencies(configuration, runconfig, project, source, conda_file)
    return plan_conda(dependencies, home=home, environ=environment), notes


def _dependencies(
    configuration: RunConfiguration,
    runconfig: Path | None,
    project: Path,
    source: Path,
    conda_file: Path | None,
) -> CondaDependencies:
    python = configuration.python
    if conda_file is not None:
        return read_conda_dependencies(_first_file(conda_file, [Path.cwd(), project, source]))
    beside = project if runconfig is None else runconfig.parent
    if python.conda_dependencies is not None:
        key_path = "environment.python.condaDependencies"
        where = runconfig or project
        return conda_dependencies_from_mapping(python.conda_dependencies, where, key_path, beside)
    if python.conda_dependencies_file is None:
        return conda_dependencies_from_mapping({}, runconfig or project, "environment.python", project)
    return read_conda_dependencies(_first_file(Path(python.conda_dependencies_file), [project, source, beside]))


def _first_file(name: Path, folders: list[Path]) -> Path:
    """The file under the first of the folders that has it.

    Raises:
        UsageError: none has it; lists the places.
    """
    places = list(dict.fromkeys((folder / name).absolute() for folder in folders))
    for place in places:
        if place.is_file():
            return place
    raise UsageError(
        f"There is no conda dependencies file '{name}'.",
        hint=f"Looked at {', '.join(map(str, places))}.",
    )
