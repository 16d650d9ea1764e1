"""References of a runconfig: registered environments, environment files, and paths written on Windows."""

from __future__ import annotations

from pathlib import Path, PureWindowsPath

from mlrun_cli.core.problems import Problems
from mlrun_cli.errors import EnvironmentNotFound, InvalidValue
from mlrun_cli.runconfigs.run_configuration import RunConfiguration
from mlrun_cli.submit.named_files import resolve_named_file
from mlrun_cli.workspace import Workspace

_FILE_SUFFIXES = (".yml", ".yaml", ".json")


def resolve_references(
    workspace: Workspace | None,
    configuration: RunConfiguration,
    *,
    runconfig: Path | None,
    project: Path,
    source: Path,
    is_environment_given: bool,
) -> tuple[RunConfiguration, tuple[str, ...]]:
    """Resolve a configuration's references to files and environments; return it with lines for stderr.

    Args:
        workspace: where environments are registered; None leaves references to them unresolved.
        configuration: the configuration as read from the file.
        runconfig: the file of the configuration.
        project: the attached folder.
        source: the folder of the script.
        is_environment_given: whether the run gets an environment other than the configuration's.

    Raises:
        UsageError: a file does not exist or cannot be read, or a path is from another machine.
        EnvironmentNotFound: no environment is registered under the name.
    """
    configuration, notes = _convert_windows_paths(configuration, project, source)
    name = configuration.environment_name
    if name is None:
        return configuration, notes
    if is_environment_given:
        return configuration.replace_environment(RunConfiguration(python=configuration.python)), notes
    if configuration.environment_reference is not None and _is_file_reference(name):
        from mlrun_cli.runconfigs.runconfig import read_environment_file  # noqa: PLC0415 - start-up

        with configuration.locate_errors("environment"):
            file = resolve_named_file(name, "environment", runconfig, project, source)
        described, file_notes = read_environment_file(file)
        inner, inner_notes = _convert_windows_paths(configuration.replace_environment(described), project, source)
        return inner, (*notes, *file_notes, *inner_notes)
    if workspace is None:
        return configuration, notes
    key_path = "environment" if configuration.environment_reference else "environment.name"
    with configuration.locate_errors(key_path):
        return configuration.replace_environment(
            _resolve_registered_environment(workspace, configuration, name, key_path)
        ), notes


def _is_file_reference(reference: str) -> bool:
    """Return whether an `environment` value refers to a file and not to a registered environment."""
    return reference.lower().endswith(_FILE_SUFFIXES) or "/" in reference


def _resolve_registered_environment(
    workspace: Workspace, configuration: RunConfiguration, name: str, key_path: str
) -> RunConfiguration:
    """Return a configuration with its environment taken from the registered environment that it refers to."""
    from mlrun_cli.actions.environments import get_environment  # noqa: PLC0415 - start-up
    from mlrun_cli.environments.curated import is_curated_name  # noqa: PLC0415 - start-up
    from mlrun_cli.runconfigs.runconfig import parse_configuration_document  # noqa: PLC0415 - start-up

    version = (
        None
        if configuration.environment_reference
        else configuration.get_non_default_entries().get("environment.version")
    )
    try:
        found = get_environment(workspace, name, None if version is None else str(version))
    except EnvironmentNotFound as error:
        hint = (
            "Describe it in the runconfig, as in environment.python.condaDependenciesFile: conda.yml, or register "
            f"it: Environment.from_conda_specification('{name}', 'conda.yml').register(Workspace.from_config())."
        )
        raise EnvironmentNotFound(
            f"{key_path}: {error.message}", hint=error.hint if is_curated_name(name) else hint
        ) from error
    named = {**found.definition, "name": found.name, "version": found.version}
    described, _ = parse_configuration_document({"environment": named}, Path(name))
    return described


def _convert_windows_paths(
    configuration: RunConfiguration, project: Path, source: Path
) -> tuple[RunConfiguration, tuple[str, ...]]:
    """Return a configuration with relative Windows paths converted to POSIX paths, and a note on each such path."""
    notes: list[str] = []
    problems = Problems()

    def convert(key_path: str, path: str | None, folder: Path) -> str | None:
        if path is None or "\\" not in path or (folder / path).exists():
            return path
        windows = PureWindowsPath(path)
        if windows.drive or windows.root:
            with problems.collect_errors(), configuration.locate_errors(key_path):
                raise InvalidValue(
                    f"{key_path}: '{path}' is a path of a Windows machine.",
                    hint=f"Write it relative to the folder {folder}, as in 'src/{windows.name}'.",
                    target=key_path,
                )
            return path
        notes.append(f"{key_path}: '{path}' is written as on Windows; read as '{windows.as_posix()}'.")
        return windows.as_posix()

    python = configuration.python
    if not python.user_managed_dependencies:
        conda_file = convert("environment.python.condaDependenciesFile", python.conda_dependencies_file, project)
        python = python._replace(conda_dependencies_file=conda_file)
    changed = configuration._replace(
        script=convert("script", configuration.script, source),
        environment_reference=convert("environment", configuration.environment_reference, project),
        python=python,
    )
    problems.raise_if_any()
    return changed, tuple(notes)
