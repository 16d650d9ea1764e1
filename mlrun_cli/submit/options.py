"""The options of a submit, stored with the run so that it can be submitted again."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from mlrun_cli.core.redaction import Redactor
from mlrun_cli.environments.mode import EnvironmentMode
from mlrun_cli.errors import UsageError
from mlrun_cli.runconfigs.run_configuration import RunConfiguration
from mlrun_cli.runs.submit_options import DEFAULT_LIMIT_SECONDS, SubmitOptions
from mlrun_cli.submit.named_files import resolve_conda_file
from mlrun_cli.submit.request import SubmitRequest
from mlrun_cli.submit.resolution import Resolution


def build_resubmit_options(request: SubmitRequest, resolution: Resolution) -> SubmitOptions:
    """Return the options for submitting a run again; placeholders for data are retained.

    The request is one of `Resolution.redact_request`.
    """
    redactor = resolution.redactor
    if request.earlier is not None:
        return change_options(request.earlier.submission.get_submit_options(), request, resolution)
    project = request.get_project_folder()
    configuration = request.configuration if request.runconfig_name is None else None
    command = resolution.configuration.command
    names_script = command is None and (request.script is not None or configuration is not None)
    script, *arguments = map(escape_non_utf8, redactor.redact_arguments(resolution.argv)) if names_script else (None,)
    names_command = request.command is not None or configuration is not None
    runconfig, mode = request.runconfig_name, request.environment_mode
    if resolution.runconfig is not None and not request.path.is_dir():
        runconfig = str(resolution.runconfig)
    if mode is None and resolution.choice.mode is not EnvironmentMode.PINNED:
        mode = resolution.choice
    build = resolution.environment.plan.build
    if mode is not None and build is not None and build.day is not None:
        mode = mode._replace(day=date.fromisoformat(build.day))  # a later commit must not change it
    return SubmitOptions(
        runconfig=runconfig,
        source_directory=None if resolution.source == project else escape_non_utf8(str(resolution.source)),
        script=script,
        arguments=tuple(arguments),
        command=_redact_command(command, redactor) if names_command and command is not None else None,
        target=request.target or (None if configuration is None else configuration.target),
        conda_file=_find_conda_file(request, project, resolution.source),
        environment_mode=mode,
        tags=request.tags,
        variables=redactor.redact_variables(request.variables),
        time_limit_seconds=request.time_limit_seconds,
        absent_flags=tuple(request.absent_flags),
        is_whole=configuration is None or _is_expressible_as_options(configuration),
    )


def change_options(options: SubmitOptions, request: SubmitRequest, resolution: Resolution) -> SubmitOptions:
    """Return the options of an earlier run or of a template, changed as the request specifies."""
    redactor = resolution.redactor
    if request.command is not None:
        command = _redact_command(request.command, redactor)
        options = options._replace(script=None, arguments=(), command=command)
    elif request.script is not None:
        script, *arguments = map(escape_non_utf8, redactor.redact_arguments(resolution.argv))
        options = options._replace(script=script, arguments=tuple(arguments), command=None)
    return options._replace(
        target=request.target or options.target,
        tags=request.tags,
        variables={**options.variables, **redactor.redact_variables(request.variables)},
        time_limit_seconds=request.time_limit_seconds or options.time_limit_seconds,
        absent_flags=tuple(request.absent_flags),
    )


def _find_conda_file(request: SubmitRequest, project: Path, source: Path) -> str | None:
    """Return the absolute path of a request's conda file, which need not exist, or None if the request has none."""
    if request.conda_dependencies is None:
        return None
    try:
        return escape_non_utf8(str(resolve_conda_file(request.conda_dependencies, project, source)))
    except UsageError:
        return escape_non_utf8(str(request.conda_dependencies.absolute()))


def _is_expressible_as_options(configuration: RunConfiguration) -> bool:
    """Return whether submit options and the defaults of an SDK configuration can fully express a configuration.

    Ineffective settings do not count: an image without Docker, and conda dependencies of a user-managed environment.
    """
    rest, variables = configuration.get_non_default_entries(), configuration.environment_variables
    plain = RunConfiguration(
        script=configuration.script,
        arguments=configuration.arguments,
        command=configuration.command,
        target=configuration.target,
        max_run_duration_seconds=configuration.max_run_duration_seconds,
        environment_variables=variables,
        python=configuration.python,
        rest=configuration.rest,
    )
    return (
        configuration == plain
        and configuration.python.user_managed_dependencies
        and configuration.max_run_duration_seconds in {None, DEFAULT_LIMIT_SECONDS}
        and rest.keys() <= {"environment.docker.baseImage"}
        and variables.keys() <= {"EXAMPLE_ENV_VAR"}
    )


def _redact_command(command: tuple[str, ...] | str, redactor: Redactor) -> tuple[str, ...] | str:
    redacted = redactor.redact_command(command)
    return escape_non_utf8(redacted) if isinstance(redacted, str) else tuple(map(escape_non_utf8, redacted))


def escape_non_utf8(argument: str) -> str:
    r"""Return an argument or a path as valid Unicode; bytes that are not UTF-8 are escaped, as in `\udcff`."""
    return argument.encode("utf-8", "backslashreplace").decode("utf-8")
