"""The runconfigs of a folder: which there are, what each says, and whether it would run."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mlrun_cli.compute.compute_target import LOCAL_TARGET
from mlrun_cli.core.problems import each_problem, problem_record
from mlrun_cli.core.redaction import Redaction
from mlrun_cli.environments.environment import EnvironmentPlan
from mlrun_cli.environments.mode import EnvironmentChoice
from mlrun_cli.errors import MissingFile, MlrunError
from mlrun_cli.folders.project_config import CONFIGURATION_FOLDERS, find_project_config
from mlrun_cli.runconfigs.lookup import find_runconfig, folder_of_runconfig, name_of_runconfig
from mlrun_cli.runconfigs.run_configuration import RunConfiguration
from mlrun_cli.runconfigs.runconfig import read_runconfig
from mlrun_cli.runconfigs.schema import complete_document
from mlrun_cli.runconfigs.search import find_runconfigs
from mlrun_cli.submit.runconfig_review import review
from mlrun_cli.submit.runconfigs import load_runconfig
from mlrun_cli.workspace import Workspace

if TYPE_CHECKING:
    from mlrun_cli.submit.resolve import Resolving

_NO_SCRIPT = "SCRIPT"
_ANY_EXPERIMENT = "experiment"


class Verdict(NamedTuple):
    """What a runconfig comes to.

    Attributes:
        file: its path, relative to the folder where it is inside.
        would_run_as: the command line with environment and target; None when it would not run.
        refused_because: why it would not run, in one line; None when it would.
        hint: what to do about that.
        missing: files that it names and that are not there.
        notes: one line for each thing that is skipped or done otherwise.
        problems: all that is wrong, missing files too: `{"file", "line", "message", "hint"}`.
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
    def is_good(self) -> bool:
        """Whether a submit would start it as it is."""
        return not self.problems

    @property
    def reason_without_file(self) -> str | None:
        """Why it would not run, for those who see the file's name beside it."""
        if self.refused_because is None:
            return None
        more = len(self.problems) - len(self.missing) - 1
        return without_file(self.refused_because, self.file) + (f" (and {more} more)" if more > 0 else "")

    @property
    def first_note(self) -> str | None:
        """The first of the notes, likewise, and how many more there are."""
        if not self.notes:
            return None
        first, more = without_file(self.notes[0], self.file), len(self.notes) - 1
        return f"{first} (and {more} more)" if more else first

    def to_json(self) -> dict[str, Any]:
        """A JSON object for those who ask."""
        lists = {name: list(getattr(self, name)) for name in ("missing", "notes", "problems")}
        return {**self._asdict(), **lists}


def without_file(text: str, file: str) -> str:
    """What is said of a runconfig, for those who see its path beside it."""
    return re.sub(rf"^\S.*/{re.escape(os.path.basename(file))}(, |: | )", "", text)


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
    file: Path,
    folder: Path,
    *,
    workspace: Workspace | None,
    home: Path,
    environment: Mapping[str, str],
    choice: EnvironmentChoice | None = None,
) -> Verdict:
    """Whether a submit of a runconfig would start something, and what.

    Args:
        file: the runconfig.
        folder: what paths are shown relative to.
        workspace: where targets, environments and data are looked up; without one they are taken for granted.
        home: where environments are kept.
        environment: the variables of who asks.
        choice: how far the environment has to be met; None for what `MLRUN_ENVIRONMENT` says.
    """
    from mlrun_cli.submit.resolve import Resolving  # noqa: PLC0415
    from mlrun_cli.submit.submit import SubmitRequest  # noqa: PLC0415 — `runconfig list` starts nothing

    shown = str(file.relative_to(folder)) if file.is_relative_to(folder) else str(file)
    request = SubmitRequest(
        path=file,
        experiment_name=_ANY_EXPERIMENT,
        runconfig_name=str(file),
        source_directory=_project_of(file),
        environment=environment,
        environment_mode=choice,
    )
    resolving = Resolving(workspace, home, request, _project_of(file))
    resolving.resolve(is_script_needed=False)
    resolving.look_further()
    problems = list(resolving.problems)
    missing = tuple(one.name for one in problems if isinstance(one, MissingFile))
    refusal = next((one for one in problems if not isinstance(one, MissingFile)), None)
    return Verdict(
        file=shown,
        loads=resolving.is_read,
        would_run_as=_run_line(resolving, workspace, environment) if refusal is None else None,
        refused_because=None if refusal is None else refusal.message,
        hint=None if refusal is None else refusal.hint,
        missing=missing,
        notes=tuple(resolving.notes) if resolving.is_read else (),
        problems=tuple(map(problem_record, problems)),
    )


def _project_of(file: Path) -> Path:
    """The folder that paths are relative to: the attached one, also for a runconfig in `config` or the like."""
    config = None if file.parent.name in CONFIGURATION_FOLDERS else find_project_config(file.parent)
    return folder_of_runconfig(file) if config is None else config.folder


def _run_line(resolving: Resolving, workspace: Workspace | None, environment: Mapping[str, str]) -> str:
    """The command line, environment and target of a run."""
    configuration = resolving.configuration
    plan = None if resolving.environment is None else resolving.environment.plan
    words = [_program(configuration, plan), *_words(configuration, Redaction.from_environment(environment))]
    place = _place(configuration, is_looked_up=workspace is not None)
    return f"{shlex.join(words)} in {_surroundings(configuration, plan)} on {place}"


def _place(configuration: RunConfiguration, *, is_looked_up: bool) -> str:
    target = configuration.target
    several = "" if configuration.node_count == 1 else f", {configuration.node_count} nodes"
    if target == LOCAL_TARGET:
        return f"this machine{several}"
    doubt = "" if is_looked_up else " (not looked up)"
    return f"'{target}'{several}{doubt}"


def _words(configuration: RunConfiguration, redaction: Redaction) -> list[str]:
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
        # That its environment is only named is no fault: it may be registered.
        review(configuration.without_environment_name(), search_path=os.environ.get("PATH", ""))
    except MlrunError as error:
        first, *more = each_problem(error)
        return {**record, "reason": first.message + (f" (and {len(more)} more)" if more else "")}
    return {**record, "ok": True}
