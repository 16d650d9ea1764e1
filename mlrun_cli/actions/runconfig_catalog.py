"""The runconfigs of a folder: which there are, what each says, and whether it would run."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from mlrun_cli.actions.compute_targets import check_target
from mlrun_cli.actions.data_bindings import preview_data
from mlrun_cli.actions.runconfig_references import is_file_name, resolve_references
from mlrun_cli.actions.runconfigs import environment_mode, find_named_file, load_runconfig, plan_environment
from mlrun_cli.domain.compute_target import LOCAL_TARGET
from mlrun_cli.domain.environment import EnvironmentPlan
from mlrun_cli.domain.environment_mode import EnvironmentMode
from mlrun_cli.domain.redaction import Redaction
from mlrun_cli.domain.run_configuration import RunConfiguration
from mlrun_cli.errors import MlrunError, UsageError
from mlrun_cli.execution.launch import launch_in
from mlrun_cli.execution.runconfig_review import review
from mlrun_cli.files.project_config import CONFIGURATION_FOLDERS, find_project_config
from mlrun_cli.files.runconfig import read_runconfig
from mlrun_cli.files.runconfig_lookup import find_runconfig, folder_of_runconfig, name_of_runconfig
from mlrun_cli.files.runconfig_schema import complete_document
from mlrun_cli.files.runconfig_search import find_runconfigs
from mlrun_cli.workspace import Workspace

_NO_SCRIPT = "SCRIPT"


class Verdict(NamedTuple):
    """What a runconfig comes to.

    Attributes:
        file: its path, relative to the folder where it is inside.
        would_run_as: the command line with environment and target; None when it would not run.
        refused_because: why it would not run, in one line; None when it would.
        hint: what to do about that.
        missing: files that it names and that are not there.
        notes: one line for each thing that is skipped or done otherwise.
    """

    file: str
    loads: bool
    would_run_as: str | None = None
    refused_because: str | None = None
    hint: str | None = None
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether a submit would start it as it is."""
        return self.refused_because is None and not self.missing

    @property
    def reason_without_file(self) -> str | None:
        """Why it would not run, for those who see the file's name beside it."""
        return None if self.refused_because is None else self._without_file(self.refused_because)

    @property
    def first_note(self) -> str | None:
        """The first of the notes, likewise, and how many more there are."""
        if not self.notes:
            return None
        first, more = self._without_file(self.notes[0]), len(self.notes) - 1
        return f"{first} (and {more} more)" if more else first

    def _without_file(self, text: str) -> str:
        name = re.escape(os.path.basename(self.file))
        return re.sub(rf"^\S.*/{name}(, |: | )", "", text)

    def to_json(self) -> dict[str, Any]:
        """A JSON object for those who ask."""
        return {**self._asdict(), "missing": list(self.missing), "notes": list(self.notes)}


def list_runconfigs(folder: Path, home: Path) -> Sequence[dict[str, Any]]:
    """A record for each runconfig under a folder, by the name that `-c` takes; what is wrong with one stands in it.

    Args:
        folder: the attached folder, or any other.
        home: where runs are kept, which is not looked into.
    """
    return sorted((_record(folder, file) for file in find_runconfigs(folder, exclude=home)), key=itemgetter("name"))


def show_runconfig(folder: Path, name: str, redaction: Redaction) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What a runconfig says, with the defaults for what it leaves out, and lines for stderr; secrets hidden.

    Raises:
        UsageError: there is no such file, or it cannot be read as a runconfig.
    """
    _, configuration, notes = load_runconfig(folder, name)
    return complete_document(configuration, redaction), notes


def named_runconfigs(folder: Path, names: Sequence[str]) -> list[Path]:
    """The files of the names.

    Raises:
        UsageError: one of them is not there.
    """
    return [find_runconfig(folder, name)[0] for name in names]


def judge_runconfig(
    file: Path, folder: Path, *, workspace: Workspace | None, home: Path, environment: Mapping[str, str]
) -> Verdict:
    """Whether a submit of a runconfig would start something, and what.

    Args:
        file: the runconfig.
        folder: what paths are shown relative to.
        workspace: where targets, environments and data are looked up; without one they are taken for granted.
        home: where environments are kept.
        environment: the variables of who asks.
    """
    shown = str(file.relative_to(folder)) if file.is_relative_to(folder) else str(file)
    try:
        configuration, notes = read_runconfig(file)
    except MlrunError as error:
        return Verdict(shown, loads=False, refused_because=error.message, hint=error.hint)
    judgement = _Judgement(configuration, file, workspace, home, environment)
    try:
        would_run_as = judgement.run_line()
    except MlrunError as error:
        reason, hint = error.message, error.hint
        return Verdict(shown, True, None, reason, hint, tuple(judgement.missing), (*notes, *judgement.notes))
    return Verdict(shown, True, would_run_as, None, None, tuple(judgement.missing), (*notes, *judgement.notes))


class _Judgement:
    def __init__(
        self,
        configuration: RunConfiguration,
        file: Path,
        workspace: Workspace | None,
        home: Path,
        environment: Mapping[str, str],
    ) -> None:
        self.missing: list[str] = []
        self.notes: list[str] = []
        self._configuration = configuration
        self._file = file
        self._workspace = workspace
        self._home = home
        self._environment = environment

    def run_line(self) -> str:
        """The command line, environment and target of a run; fills `missing` and `notes`."""
        self._look_for(self._reference(), "environment")
        if not self.missing:
            self._resolve()
        configuration = self._configuration
        if configuration.script is not None and not (self._project / configuration.script).is_file():
            self.missing.append(configuration.script)
        python = configuration.python
        if not python.user_managed_dependencies:
            self._look_for(python.conda_dependencies_file, "conda dependencies")
        plan = self._plan()
        self._check_workspace()
        words = [_program(configuration, plan), *self._words()]
        return f"{shlex.join(words)} in {_surroundings(configuration, plan)} on {self._place()}"

    @cached_property
    def _project(self) -> Path:
        """The folder that paths are relative to: the attached one, also for a runconfig in `config` or the like."""
        in_configuration_folder = self._file.parent.name in CONFIGURATION_FOLDERS
        config = None if in_configuration_folder else find_project_config(self._file.parent)
        return folder_of_runconfig(self._file) if config is None else config.folder

    def _place(self) -> str:
        target = self._configuration.target
        several = "" if self._configuration.node_count == 1 else f", {self._configuration.node_count} nodes"
        if target == LOCAL_TARGET:
            return f"this machine{several}"
        doubt = " (not looked up)" if self._workspace is None else ""
        return f"'{target}'{several}{doubt}"

    def _reference(self) -> str | None:
        reference = self._configuration.environment_reference
        return reference if reference is not None and is_file_name(reference) else None

    def _look_for(self, name: str | None, what: str) -> None:
        if name is None:
            return
        try:
            find_named_file(name, what, self._file, self._project, self._project)
        except UsageError:
            self.missing.append(name)

    def _resolve(self) -> None:
        self._configuration, notes = resolve_references(
            self._workspace,
            self._configuration,
            runconfig=self._file,
            project=self._project,
            source=self._project,
            is_environment_given=environment_mode(self._environment) is EnvironmentMode.CURRENT,
        )
        self.notes.extend(notes)

    def _plan(self) -> EnvironmentPlan | None:
        """The environment; None when files that say what is in it are not there."""
        configuration = self._configuration
        search_path = self._environment.get("PATH", "")
        if any(name != configuration.script for name in self.missing):
            reviewed = replace(configuration, environment_reference=None)
            self.notes.extend(review(reviewed, search_path=search_path).notes)
            return None
        planned, notes = plan_environment(
            configuration,
            runconfig=self._file,
            project=self._project,
            source=self._project,
            conda_file=None,
            home=self._home,
            environment=self._environment,
        )
        self.notes.extend((*notes, *planned.notes))
        launch_in(configuration, planned.plan, search_path)
        return planned.plan

    def _check_workspace(self) -> None:
        if self._workspace is None:
            return
        with self._configuration.telling_place("target"):
            check_target(self._workspace, self._configuration.target)
        self.notes.extend(preview_data(self._workspace, self._configuration, self._project).notes)

    def _words(self) -> list[str]:
        configuration = self._configuration
        redaction = Redaction.from_environment(self._environment)
        if isinstance(configuration.command, str):
            return redaction.arguments(["/bin/sh", "-c", configuration.command])[1:]
        if configuration.command is not None:
            return redaction.arguments(configuration.command)[1:]
        return [configuration.script or _NO_SCRIPT, *redaction.arguments(configuration.arguments)]


def _program(configuration: RunConfiguration, plan: EnvironmentPlan | None) -> str:
    if configuration.command is not None:
        return "/bin/sh" if isinstance(configuration.command, str) else configuration.command[0]
    return "python" if plan is None or not plan.starter else plan.starter[0]


def _surroundings(configuration: RunConfiguration, plan: EnvironmentPlan | None) -> str:
    if plan is None:
        named = configuration.python.conda_dependencies_file or configuration.environment_reference
        return f"an environment of {named}"
    if plan.build is None:
        return f"the environment of {plan.interpreter}"
    count = len(plan.build.requirements) + len(plan.build.packages)
    return f"an environment with {count} package{'' if count == 1 else 's'}"


def _record(folder: Path, file: Path) -> dict[str, Any]:
    """A record of a runconfig that is read, and of which nothing is looked up."""
    record: dict[str, Any] = {
        "name": name_of_runconfig(folder, file),
        "path": str(file.relative_to(folder)),
        "target": None,
        "script": None,
        "ok": False,
        "reason": None,
    }
    try:
        configuration, _ = read_runconfig(file)
        record.update(target=configuration.target, script=configuration.script)
        _review(configuration)
    except MlrunError as error:
        return {**record, "reason": error.message}
    return {**record, "ok": True}


def _review(configuration: RunConfiguration) -> None:
    """Review a configuration; that its environment is only named is no fault, since it may be registered."""
    rest = {key_path: value for key_path, value in configuration.rest.items() if key_path != "environment.name"}
    review(replace(configuration, environment_reference=None, rest=rest), search_path=os.environ.get("PATH", ""))
