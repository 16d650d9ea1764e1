"""The check whether submitting a runconfig would start a run, and with which command line."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlrun_cli.compute.compute_target import LOCAL_TARGET
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.problems import build_problem_record
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.environments.environment import EnvironmentPlan
from mlrun_cli.environments.mode import EnvironmentChoice
from mlrun_cli.errors import MissingFile
from mlrun_cli.folders.project_config import CONFIGURATION_FOLDERS, find_project_config
from mlrun_cli.runconfigs.lookup import get_project_folder
from mlrun_cli.runconfigs.run_configuration import RunConfiguration
from mlrun_cli.submit.catalog import strip_path
from mlrun_cli.submit.request import SubmitRequest
from mlrun_cli.submit.resolve import Resolver
from mlrun_cli.workspace import Workspace

_NO_SCRIPT = "SCRIPT"
_ANY_EXPERIMENT = "experiment"


class Verdict(NamedTuple):
    """The result of a check of a runconfig.

    Attributes:
        file: the path of the runconfig, relative to the folder if it is inside.
        loads: whether the file can be read as a runconfig.
        would_run_as: the command line with environment and target; None if it would not run.
        refused_because: the reason why it would not run, in one line; None if it would.
        hint: advice on how to solve the problem.
        missing: the files that the runconfig refers to and that do not exist.
        notes: a line for each setting that is skipped or handled differently.
        problems: all problems, including missing files: `{"file", "line", "message", "hint"}`.
    """

    file: str
    loads: bool
    would_run_as: str | None = None
    refused_because: str | None = None
    hint: str | None = None
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    problems: tuple[Mapping[str, Any], ...] = ()

    @property
    def is_submittable(self) -> bool:
        """True if a submission would start a run."""
        return not self.problems

    @property
    def short_reason(self) -> str | None:
        """The first problem without the file's path, and the number of other problems; None if there is no problem."""
        if self.refused_because is None:
            return None
        more = len(self.problems) - len(self.missing) - 1
        return strip_path(self.refused_because, self.file) + (f" (and {more} more)" if more > 0 else "")

    @property
    def first_note(self) -> str | None:
        """The first note without the file's path, and the number of other notes; None if there is no note."""
        if not self.notes:
            return None
        first, more = strip_path(self.notes[0], self.file), len(self.notes) - 1
        return f"{first} (and {more} more)" if more else first

    def to_json(self) -> dict[str, Any]:
        """Return the verdict as a JSON-compatible dict."""
        lists = {name: list(getattr(self, name)) for name in ("missing", "notes", "problems")}
        return {**self._asdict(), **lists}


def check_runconfig(
    file: Path,
    folder: Path,
    *,
    workspace: Workspace | None,
    home: Path,
    environ: Mapping[str, str],
    environment_choice: EnvironmentChoice | None = None,
) -> Verdict:
    """Return a verdict on whether submitting a runconfig would start a run, and with which command line.

    Args:
        file: the runconfig.
        folder: the folder that displayed paths are relative to.
        workspace: where to look up targets, environments and data; None assumes that they exist.
        home: the folder in which environments are built.
        environ: the submitter's variables.
        environment_choice: how exactly the environment must be matched; None uses `MLRUN_ENVIRONMENT`.
    """
    shown = str(file.relative_to(folder)) if file.is_relative_to(folder) else str(file)
    request = SubmitRequest(
        path=file,
        experiment_name=_ANY_EXPERIMENT,
        runconfig_name=str(file),
        source_directory=_get_project_folder(file),
        environment=environ,
        environment_mode=environment_choice,
    )
    resolver = Resolver(workspace, home, request, _get_project_folder(file))
    resolver.resolve(is_script_needed=False)
    resolver.preview()
    problems = list(resolver.problems)
    missing = tuple(one.target for one in problems if isinstance(one, MissingFile) and one.target is not None)
    refusal = next((one for one in problems if not isinstance(one, MissingFile)), None)
    return Verdict(
        file=shown,
        loads=resolver.is_read,
        would_run_as=_describe_run(resolver, workspace, resolver.redactor) if refusal is None else None,
        refused_because=None if refusal is None else refusal.message,
        hint=None if refusal is None else refusal.hint,
        missing=missing,
        notes=tuple(resolver.notes) if resolver.is_read else (),
        problems=tuple(map(build_problem_record, problems)),
    )


def _get_project_folder(file: Path) -> Path:
    """Return the folder that paths in a runconfig are relative to, usually the attached folder."""
    config = None if file.parent.name in CONFIGURATION_FOLDERS else find_project_config(file.parent)
    return get_project_folder(file) if config is None else config.folder


def _describe_run(resolver: Resolver, workspace: Workspace | None, redactor: Redactor) -> str:
    """Return the command line, environment and target of a run in one line."""
    configuration = resolver.configuration
    plan = None if resolver.environment is None else resolver.environment.plan
    words = [_describe_program(configuration, plan), *_list_arguments(configuration, redactor)]
    target = _describe_target(configuration, is_verified=workspace is not None)
    return f"{shlex.join(words)} in {_describe_environment(configuration, plan)} on {target}"


def _describe_target(configuration: RunConfiguration, *, is_verified: bool) -> str:
    target = configuration.target
    several = "" if configuration.node_count == 1 else f", {configuration.node_count} nodes"
    if target == LOCAL_TARGET:
        return f"this machine{several}"
    doubt = "" if is_verified else " (not looked up)"
    return f"'{target}'{several}{doubt}"


def _list_arguments(configuration: RunConfiguration, redactor: Redactor) -> list[str]:
    if isinstance(configuration.command, str):
        return redactor.redact_arguments(["/bin/sh", "-c", configuration.command])[1:]
    if configuration.command is not None:
        return redactor.redact_arguments(configuration.command)[1:]
    return [configuration.script or _NO_SCRIPT, *redactor.redact_arguments(configuration.arguments)]


def _describe_program(configuration: RunConfiguration, plan: EnvironmentPlan | None) -> str:
    if configuration.command is not None:
        return "/bin/sh" if isinstance(configuration.command, str) else configuration.command[0]
    return "python" if plan is None or not plan.starter else plan.starter[0]


def _describe_environment(configuration: RunConfiguration, plan: EnvironmentPlan | None) -> str:
    if plan is None:
        named = configuration.python.conda_dependencies_file or configuration.environment_reference
        return f"an environment of {named}"
    if plan.build is None:
        return f"the environment of {plan.interpreter}"
    count = len(plan.build.requirements) + len(plan.build.packages)
    return f"an environment with {count} package{'' if count == 1 else 's'}"
