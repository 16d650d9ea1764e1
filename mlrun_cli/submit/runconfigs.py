"""What a runconfig comes to on this machine: read, reviewed, and its environment planned."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from mlrun_cli.core.problems import Problems
from mlrun_cli.environments.build_plan import plan_conda
from mlrun_cli.environments.conda_file import (
    CondaDependencies,
    conda_dependencies_from_mapping,
    read_conda_dependencies,
)
from mlrun_cli.environments.container_plan import plan_container
from mlrun_cli.environments.docker_section import find_engine, wants_container
from mlrun_cli.environments.environment import EnvironmentPlan
from mlrun_cli.environments.frameworks import R_FRAMEWORK, SPARK_FRAMEWORK, find_program, spark_command
from mlrun_cli.environments.mode import MODE_VARIABLE, EnvironmentChoice, EnvironmentMode
from mlrun_cli.environments.planned_environment import PlannedEnvironment
from mlrun_cli.environments.user_managed import plan_current, plan_user_managed
from mlrun_cli.errors import InvalidFile, MissingFile, UsageError
from mlrun_cli.folders.project_config import configuration_folder
from mlrun_cli.runconfigs.lookup import find_runconfig
from mlrun_cli.runconfigs.run_configuration import RunConfiguration
from mlrun_cli.runconfigs.runconfig import RunconfigReading, examine_runconfig
from mlrun_cli.submit.runconfig_review import review

_COMPARE = "Compare it with local.runconfig and sklearn.runconfig, which 'mlrun folder attach' writes."


def load_runconfig(path: Path, name: str) -> tuple[Path, RunConfiguration, tuple[str, ...]]:
    """The file that a name means, what it says, and lines for stderr.

    Raises:
        UsageError: there is no such file, or it cannot be read as a runconfig.
    """
    file, reading = examine_named_runconfig(path, name)
    return file, *reading.checked()


def examine_named_runconfig(path: Path, name: str) -> tuple[Path, RunconfigReading]:
    """The file that a name means, and what it says, which may be wrong in places.

    Raises:
        UsageError: there is no such file, or it is no runconfig at all.
    """
    file, lookup_notes = find_runconfig(path, name)
    try:
        reading = examine_runconfig(file)
    except InvalidFile as error:
        error.notes = lookup_notes
        error.hint = error.hint or (_COMPARE if os.access(file, os.R_OK) else "Check its permissions ('ls -l').")
        raise
    for problem in reading.problems:
        problem.hint = problem.hint or _COMPARE
        problem.notes = lookup_notes
    return file, reading._replace(notes=(*lookup_notes, *reading.notes))


def plan_environment(
    configuration: RunConfiguration,
    *,
    runconfig: Path | None,
    project: Path,
    source: Path,
    conda_file: Path | None,
    home: Path,
    environment: Mapping[str, str],
    choice: EnvironmentChoice | None = None,
) -> tuple[PlannedEnvironment, tuple[str, ...]]:
    """The environment that a runconfig asks for, and lines for stderr; it is reviewed too.

    Args:
        configuration: what the runconfig says.
        runconfig: its file, if any.
        project: the attached folder.
        source: the folder of the script.
        conda_file: instead of the conda dependencies of the runconfig.
        home: where environments are kept.
        environment: the submitter's variables.
        choice: how far the runconfig has to be met; None for what `MLRUN_ENVIRONMENT` says.

    Raises:
        UsageError: the variable says something else.
        Unsupported: the runconfig asks for what this program cannot do.
        MlrunError: the environment cannot be had.
        SeveralProblems: more than one of these.
    """
    problems = Problems()
    choice = choice or environment_choice(environment)
    with problems.collecting():
        notes = review(configuration, mode=choice.mode, search_path=environment.get("PATH", "")).notes
    with problems.collecting():
        planned = _planned(configuration, runconfig, project, source, conda_file, home, environment, choice)
    problems.raise_if_any()
    build = planned.plan.build
    if choice.mode is EnvironmentMode.DATED and (build is None or build.day is None):
        notes = (*notes, f"'{choice}' changes nothing: no packages are chosen for this run.")
    return planned, notes


def _planned(
    configuration: RunConfiguration,
    runconfig: Path | None,
    project: Path,
    source: Path,
    conda_file: Path | None,
    home: Path,
    environment: Mapping[str, str],
    choice: EnvironmentChoice,
) -> PlannedEnvironment:
    search_path = environment.get("PATH", "")
    python = configuration.python
    framework = configuration.framework.casefold()
    program = find_program(framework, search_path)
    is_user_managed = conda_file is None and python.user_managed_dependencies
    if framework == R_FRAMEWORK and program is not None:
        asked = () if is_user_managed else ("environment.python is skipped: R finds the packages of this machine.",)
        return PlannedEnvironment(EnvironmentPlan(program), asked)
    if choice.mode is EnvironmentMode.CURRENT:
        planned = plan_current(search_path, "what the runconfig says of it" if runconfig else "anything else")
    elif conda_file is None and wants_container(configuration) and (engine := find_engine(search_path)):
        with configuration.telling_place():
            planned = plan_container(configuration, engine, home=home, project=project, environment=environment)
    elif is_user_managed:
        planned = plan_user_managed(python.interpreter_path, search_path, project)
    else:
        dependencies = _dependencies(configuration, runconfig, project, source, conda_file)
        planned = plan_conda(dependencies, home=home, environ=environment, choice=choice)
    if framework == SPARK_FRAMEWORK and program is not None:
        with configuration.telling_place():
            planned = replace(planned, plan=planned.plan._replace(starter=spark_command(configuration, program)))
    return planned


def environment_choice(environment: Mapping[str, str]) -> EnvironmentChoice:
    """What `MLRUN_ENVIRONMENT` says.

    Raises:
        UsageError: it is none of the modes, or its day cannot be right.
    """
    text = environment.get(MODE_VARIABLE, "").strip()
    try:
        return EnvironmentChoice.typed(text) if text else EnvironmentChoice()
    except ValueError as error:
        raise UsageError(f"{MODE_VARIABLE}: {error}") from None


def _dependencies(
    configuration: RunConfiguration,
    runconfig: Path | None,
    project: Path,
    source: Path,
    conda_file: Path | None,
) -> CondaDependencies:
    python = configuration.python
    if conda_file is not None:
        return read_conda_dependencies(find_conda_file(conda_file, project, source))
    beside = project if runconfig is None else runconfig.parent
    if python.conda_dependencies is not None:
        key_path = "environment.python.condaDependencies"
        where = runconfig or project
        return conda_dependencies_from_mapping(python.conda_dependencies, where, key_path, beside)
    if python.conda_dependencies_file is None:
        return conda_dependencies_from_mapping({}, runconfig or project, "environment.python", project)
    name = python.conda_dependencies_file
    with configuration.telling_place("environment.python.condaDependenciesFile"):
        file = find_named_file(name, "conda dependencies", runconfig, project, source)
    return read_conda_dependencies(file)


def find_conda_file(name: Path, project: Path, source: Path) -> Path:
    """The conda file that a submit names: relative to the current folder, the project, or the source folder.

    Raises:
        UsageError: none of them has it; lists the places.
    """
    return _first_file(name, [Path.cwd(), project, source])


def find_named_file(name: str, what: str, runconfig: Path | None, project: Path, source: Path) -> Path:
    """A file that a runconfig names: relative to the project, the source folder, itself, or the folder of runconfigs.

    Raises:
        UsageError: none of them has it; lists the places.
    """
    beside = project if runconfig is None else runconfig.parent
    return _first_file(Path(name), [project, source, beside, configuration_folder(project)], what)


def _first_file(name: Path, folders: list[Path], what: str = "conda dependencies") -> Path:
    """The file under the first of the folders that has it.

    Raises:
        UsageError: none has it; lists the places.
    """
    places = list(dict.fromkeys(Path(os.path.normpath((folder / name).absolute())) for folder in folders))
    for place in places:
        if place.is_file():
            return place
    raise MissingFile(
        str(name),
        f"There is no {what} file '{name}'.",
        hint=f"Looked at {', '.join(map(str, places))}.",
    )
