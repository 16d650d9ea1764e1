"""The plan of a run's environment, made before anything is built."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mlrun_cli.core.problems import Problems
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.environments.curated import find_curated_environment, is_curated_name
from mlrun_cli.environments.docker_section import find_engine, runs_in_container
from mlrun_cli.environments.environment import EnvironmentPlan
from mlrun_cli.environments.frameworks import R_FRAMEWORK, SPARK_FRAMEWORK, build_spark_command, find_framework_program
from mlrun_cli.environments.mode import MODE_VARIABLE, EnvironmentChoice, EnvironmentMode
from mlrun_cli.environments.planned_environment import PlannedEnvironment
from mlrun_cli.environments.user_managed import plan_python_on_path, plan_user_managed_environment
from mlrun_cli.errors import InvalidValue
from mlrun_cli.runconfigs.run_configuration import RunConfiguration
from mlrun_cli.submit.named_files import resolve_conda_file, resolve_named_file
from mlrun_cli.submit.review import review_configuration

if TYPE_CHECKING:
    from mlrun_cli.environments.conda_file import CondaDependencies


def plan_environment(
    configuration: RunConfiguration,
    *,
    runconfig: Path | None,
    project: Path,
    source: Path,
    conda_file: Path | None,
    home: Path,
    environ: Mapping[str, str],
    redactor: Redactor,
    environment_choice: EnvironmentChoice | None = None,
) -> tuple[PlannedEnvironment, tuple[str, ...]]:
    """Review a configuration and plan its environment; return the plan and lines for stderr.

    Args:
        configuration: the configuration of the run.
        runconfig: the runconfig file, if any.
        project: the attached folder.
        source: the folder of the script.
        conda_file: a file that replaces the conda dependencies of the runconfig.
        home: the folder in which environments are built.
        environ: the submitter's variables.
        redactor: the redactor of the run's secrets.
        environment_choice: how exactly the environment must be matched; None uses `determine_environment_choice`.

    Raises:
        UsageError: `MLRUN_ENVIRONMENT` is not valid.
        Unsupported: the runconfig needs an unsupported feature.
        MlrunError: the environment cannot be provided.
        SeveralProblems: there are several such errors.
    """
    problems = Problems()
    environment_choice = environment_choice or determine_environment_choice(configuration, environ)
    with problems.collect_errors():
        notes = review_configuration(configuration, mode=environment_choice.mode, search_path=environ.get("PATH", ""))
    with problems.collect_errors():
        planned = _plan_reviewed_environment(
            configuration, runconfig, project, source, conda_file, home, environ, redactor, environment_choice
        )
    problems.raise_if_any()
    if conda_file is None and environment_choice.mode is not EnvironmentMode.CURRENT:
        notes = (*notes, *_describe_curated_environment(configuration))
    build = planned.plan.build
    if environment_choice.mode is EnvironmentMode.DATED and (build is None or build.day is None):
        notes = (*notes, f"'{environment_choice}' changes nothing: no packages are chosen for this run.")
    return planned, notes


def _plan_reviewed_environment(
    configuration: RunConfiguration,
    runconfig: Path | None,
    project: Path,
    source: Path,
    conda_file: Path | None,
    home: Path,
    environ: Mapping[str, str],
    redactor: Redactor,
    environment_choice: EnvironmentChoice,
) -> PlannedEnvironment:
    search_path = environ.get("PATH", "")
    python = configuration.python
    framework = configuration.framework.casefold()
    program = find_framework_program(framework, search_path)
    is_user_managed = conda_file is None and python.user_managed_dependencies
    if framework == R_FRAMEWORK and program is not None:
        notes = () if is_user_managed else ("environment.python is skipped: R finds the packages of this machine.",)
        return PlannedEnvironment(EnvironmentPlan(program), notes)
    if environment_choice.mode is EnvironmentMode.CURRENT:
        planned = plan_python_on_path(search_path, "what the runconfig says of it" if runconfig else "anything else")
    elif conda_file is None and runs_in_container(configuration) and (engine := find_engine(search_path)):
        from mlrun_cli.environments.container_plan import plan_container  # noqa: PLC0415 - start-up

        with configuration.locate_errors():
            planned = plan_container(
                configuration, engine, home=home, project=project, environ=environ, redactor=redactor
            )
    elif is_user_managed:
        planned = plan_user_managed_environment(python.interpreter_path, search_path, project)
    else:
        from mlrun_cli.environments.build_plan import plan_conda_environment  # noqa: PLC0415 - start-up

        dependencies = _read_dependencies(configuration, runconfig, project, source, conda_file)
        planned = plan_conda_environment(
            dependencies, home=home, environ=environ, environment_choice=environment_choice
        )
    if framework == SPARK_FRAMEWORK and program is not None:
        with configuration.locate_errors():
            planned = planned._replace(plan=planned.plan._replace(starter=build_spark_command(configuration, program)))
    return planned


def determine_environment_choice(configuration: RunConfiguration, environ: Mapping[str, str]) -> EnvironmentChoice:
    """Return the environment mode and cutoff date that `MLRUN_ENVIRONMENT` specifies, or else the default.

    The default is `relaxed` for environments that Azure provides, whose pins are years old, and `pinned` for others.

    Raises:
        UsageError: the mode or the day is not valid.
    """
    chosen = read_environment_choice(environ)
    if chosen is not None:
        return chosen
    is_curated = is_curated_name(configuration.inline_environment_name or "")
    return EnvironmentChoice(EnvironmentMode.RELAXED if is_curated else EnvironmentMode.PINNED)


def read_environment_choice(environ: Mapping[str, str]) -> EnvironmentChoice | None:
    """Return the environment mode and cutoff date that `MLRUN_ENVIRONMENT` specifies, or None if it is unset.

    Raises:
        UsageError: the mode or the day is not valid.
    """
    text = environ.get(MODE_VARIABLE, "").strip()
    try:
        return EnvironmentChoice.parse_and_check(text) if text else None
    except ValueError as error:
        raise InvalidValue(f"{MODE_VARIABLE}: {error}", target=MODE_VARIABLE) from None


def _describe_curated_environment(configuration: RunConfiguration) -> tuple[str, ...]:
    """Return at most one note: on how a curated environment with unchanged packages differs from Azure's."""
    name = configuration.inline_environment_name
    found = None if name is None else find_curated_environment(name)
    if found is None or found.conda_dependencies != configuration.python.conda_dependencies or not found.note:
        return ()
    return (found.note,)


def _read_dependencies(
    configuration: RunConfiguration,
    runconfig: Path | None,
    project: Path,
    source: Path,
    conda_file: Path | None,
) -> CondaDependencies:
    """Return the conda dependencies to use: from `conda_file`, another file, or the runconfig itself."""
    from mlrun_cli.environments.conda_file import (  # noqa: PLC0415 - start-up
        parse_conda_mapping,
        read_conda_dependencies,
    )

    python = configuration.python
    if conda_file is not None:
        return read_conda_dependencies(resolve_conda_file(conda_file, project, source))
    beside = project if runconfig is None else runconfig.parent
    if python.conda_dependencies is not None:
        key_path = "environment.python.condaDependencies"
        where = runconfig or project
        environment_name = None if runconfig else configuration.inline_environment_name
        return parse_conda_mapping(python.conda_dependencies, where, key_path, beside, environment_name)
    if python.conda_dependencies_file is None:
        return parse_conda_mapping({}, runconfig or project, "environment.python", project)
    name = python.conda_dependencies_file
    with configuration.locate_errors("environment.python.condaDependenciesFile"):
        file = resolve_named_file(name, "conda dependencies", runconfig, project, source)
    return read_conda_dependencies(file)
