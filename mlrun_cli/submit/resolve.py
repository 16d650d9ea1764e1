"""What a submit comes to: all that is known before something is made, and all that is wrong with it."""

from __future__ import annotations

import difflib
import os
import shlex
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlrun_cli.actions.compute_targets import check_target
from mlrun_cli.compute.compute_target import LOCAL_TARGET
from mlrun_cli.compute.unknown_targets import are_sent_here
from mlrun_cli.core.names import check_experiment_name
from mlrun_cli.core.problems import Problems
from mlrun_cli.data.binding import stands_for_data
from mlrun_cli.data.dataset import Dataset
from mlrun_cli.environments.docker_arguments import Volume
from mlrun_cli.environments.mode import EnvironmentChoice, EnvironmentMode
from mlrun_cli.environments.planned_environment import PlannedEnvironment
from mlrun_cli.errors import ComputeTargetNotFound, MissingFile, UsageError
from mlrun_cli.processes.launch import Launch
from mlrun_cli.runconfigs.communicators import launch_in
from mlrun_cli.runconfigs.lookup import folder_of_runconfig
from mlrun_cli.runconfigs.run_configuration import PythonSection, RunConfiguration
from mlrun_cli.runs.submit_options import redacted_words
from mlrun_cli.snapshots.limits import SnapshotLimits
from mlrun_cli.snapshots.plan import PlannedSnapshot, plan_snapshot
from mlrun_cli.submit.admission import Place, gpu_wish, place_for
from mlrun_cli.submit.runconfig_references import resolve_references
from mlrun_cli.submit.runconfig_review import review
from mlrun_cli.submit.runconfigs import environment_choice, examine_named_runconfig, plan_environment
from mlrun_cli.submit.script_environment import names_set_by_run
from mlrun_cli.submit.without_container import without_container
from mlrun_cli.workspace import Workspace

if TYPE_CHECKING:
    from mlrun_cli.submit.data import BoundData
    from mlrun_cli.submit.earlier_runs import EarlierRun
    from mlrun_cli.submit.submit import SubmitRequest

_OF_THE_SCRIPT = ("script", "command")
_DEFAULTS = RunConfiguration(python=PythonSection(user_managed_dependencies=True))


@dataclass(frozen=True, slots=True)
class Resolution:
    """All of a request that is known before its run is made.

    Attributes:
        configuration: that of the runconfig, with what the request replaces.
        runconfig: the file, if any.
        source: what the snapshot is taken of.
        argv: as in a submission.
        environment: what is made, if it is not there.
        launch: the processes.
        choice: how far the environment has to be met.
        notes: lines about what is skipped or done otherwise.
        volumes: of a container that is not made.
        data: `data`, `outputData` and `dataReferences` of the run's definition.
        datasets: to be stored with the run.
    """

    configuration: RunConfiguration
    runconfig: Path | None
    source: Path
    argv: tuple[str, ...]
    environment: PlannedEnvironment
    launch: Launch
    choice: EnvironmentChoice
    notes: tuple[str, ...]
    volumes: tuple[Volume, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    datasets: Sequence[Dataset] = ()

    @property
    def has_data(self) -> bool:
        """Whether it has data, or something in it stands for data."""
        return bool(self.volumes) or names_data(self.configuration)

    def with_data(self, bound: BoundData) -> Resolution:
        """Return the same with the paths of its data in place of what stands for them."""
        configuration = replace(
            self.configuration,
            arguments=bound.arguments,
            command=bound.command,
            environment_variables=bound.variables,
        )
        return replace(
            self,
            configuration=configuration,
            argv=(self.argv[0], *bound.arguments) if bound.command is None else _argv(configuration, None),
            data={"data": bound.inputs, "outputData": bound.outputs, "dataReferences": bound.references},
            datasets=bound.datasets,
            notes=(*self.notes, *bound.notes),
        )


class Resolving:
    """Finds out what a request comes to, step by step; what is wrong does not keep the next steps from being taken.

    Attributes:
        notes: lines about what is skipped or done otherwise.
        problems: all that is wrong.
        is_read: whether the runconfig is one, be it wrong in places.
        configuration: as far as it is known; the defaults where the runconfig cannot be read.
        environment: what would be made; None while it is not known.
        bound: what would be put in place of data; None where there is none.
        place: whether the run would wait; None while it is not known.
        snapshot: what it would hold; likewise.
    """

    def __init__(self, workspace: Workspace | None, home: Path, request: SubmitRequest, project: Path) -> None:
        """Begin.

        Args:
            workspace: where targets, environments and data are looked up; without one they are taken for granted.
            home: where environments are kept.
            request: what was asked for.
            project: the attached folder.
        """
        self.notes: list[str] = []
        self.problems = Problems()
        self.configuration = request.configuration or _DEFAULTS
        self.environment: PlannedEnvironment | None = None
        self.bound: BoundData | None = None
        self.place: Place | None = None
        self.snapshot: PlannedSnapshot | None = None
        self._workspace = workspace
        self._home = home
        self._request = request
        self._project = project
        self._source = (request.source_directory or project).absolute()
        self._runconfig: Path | None = None
        self.is_read = True
        self._choice = EnvironmentChoice()
        self._argv: tuple[str, ...] | None = None
        self._launch: Launch | None = None
        self._volumes: tuple[Volume, ...] = ()

    def resolve(self, *, is_script_needed: bool = True) -> Resolution | None:
        """Take all steps but those of `look_further`; None where there are problems.

        Args:
            is_script_needed: False where a script may be named later.
        """
        with self.problems.collecting():
            check_experiment_name(self._request.experiment_name)
        if self._request.earlier is None:
            self._find_anew(is_script_needed=is_script_needed)
        else:
            self._find_earlier(self._request.earlier)
        self._find_data()
        if self.problems or self.environment is None or self._launch is None:
            return None
        return Resolution(
            configuration=self.configuration,
            runconfig=self._runconfig,
            source=self._source,
            argv=self._argv or (),
            environment=self.environment,
            launch=self._launch,
            choice=self._choice,
            notes=tuple(self.notes),
            volumes=self._volumes,
        )

    def _find_anew(self, *, is_script_needed: bool) -> None:
        self._read()
        self._check_target()
        self._check_source()
        self._find_environment()
        if is_script_needed or self.configuration.script or self.configuration.command:
            self._find_script()

    def _find_earlier(self, earlier: EarlierRun) -> None:
        """Find what an earlier run came to, with what the request has instead."""
        request, submission = self._request, earlier.submission
        self.configuration = earlier.configuration()
        if request.target is not None:
            self.configuration = self.configuration.overridden(target=request.target)
        if request.script is not None:
            arguments = tuple(request.arguments)
            self.configuration = self.configuration.overridden(script=request.script, arguments=arguments, command=None)
        self._check_target()
        script = self.configuration.script
        with self.problems.collecting():
            if request.script is None and (hidden := redacted_words(submission.argv)):
                raise UsageError(
                    f"No record holds the secret in {shlex.join(hidden)}, which '{earlier.run.run_id}' was given.",
                    hint="Name the script and all of its arguments.",
                )
            if script is not None and earlier.find_file(script) is None:
                raise UsageError(
                    f"There is no script '{script}' in the snapshot of '{earlier.run.run_id}'.",
                    hint="Its page has the names of the files, under Snapshot.",
                )
        self._runconfig = None if submission.runconfig is None else Path(submission.runconfig)
        self._argv = _argv(self.configuration, None)
        self._choice = submission.submit_options().environment_mode or EnvironmentChoice()
        self.environment, self._launch = PlannedEnvironment(submission.environment), submission.launch
        if submission.environment.container is None:
            self.configuration, self._volumes, _ = without_container(self.configuration, self._project)

    def look_further(self) -> None:
        """Find place and snapshot, which a submit finds when it takes them."""
        workspace, request = self._workspace, self._request
        if workspace is None:
            return
        if not self.problems.are_about("target"):
            with self.problems.collecting():
                self.place = place_for(workspace, self.configuration, request, gpu_wish(workspace, request))
        if request.earlier is not None:
            self.snapshot = PlannedSnapshot.of(request.earlier.snapshot)
        elif self._source.is_dir():
            with self.problems.collecting():
                limits = SnapshotLimits.from_environment(request.environment)
                self.snapshot = plan_snapshot(self._source, limits, [workspace.home])
                if self._argv is not None and self.configuration.command is None:
                    check_that_script_is_in(self.snapshot.files, self._source, self._argv[0])

    def _read(self) -> None:
        request = self._request
        if request.runconfig_name is not None:
            self.is_read = False
            with self.problems.collecting():
                self._runconfig, reading = examine_named_runconfig(request.path, request.runconfig_name)
                self.configuration = reading.configuration
                self.notes += reading.notes
                self.is_read = True
                reading.problems.raise_if_any()
        if request.target is not None:
            self.configuration = self.configuration.overridden(target=request.target)
        if request.script is not None:
            self.configuration = self.configuration.overridden(script=request.script, command=None)
        if request.arguments:
            self.configuration = self.configuration.overridden(arguments=tuple(request.arguments))

    def _check_target(self) -> None:
        if self._workspace is None or (self.problems.are_about("target") and self._request.target is None):
            return
        target = self.configuration.target
        with self.problems.collecting(), self.configuration.telling_place("target"):
            is_sent_here = are_sent_here(self._request.unknown_target, self._request.environment)
            try:
                check_target(self._workspace, target)
            except ComputeTargetNotFound:
                if not is_sent_here:
                    raise
                self.configuration = self.configuration.overridden(target=LOCAL_TARGET)
                self.notes.append(f"target: there is no '{target}' here: the run is sent to this machine.")

    def _check_source(self) -> None:
        source = self._source
        with self.problems.collecting():
            if not source.is_dir():
                raise UsageError(
                    f"The source folder '{source}' is {'a file' if source.exists() else 'not there'}.",
                    hint="--source-directory takes the folder that the script is in.",
                )

    def _find_environment(self) -> None:
        request = self._request
        with self.problems.collecting():
            self._choice = request.environment_mode or environment_choice(request.environment)
        is_named, is_current = False, self._choice.mode is EnvironmentMode.CURRENT
        with self.problems.collecting():
            self.configuration, notes = resolve_references(
                self._workspace,
                self.configuration,
                runconfig=self._runconfig,
                project=self._project,
                source=self._source,
                is_environment_given=is_current or request.conda_dependencies is not None,
            )
            self.notes += notes
            is_named = True
        if not is_named or self.problems.are_about("environment"):
            described, search_path = self.configuration.without_environment_name(), request.environment.get("PATH", "")
            with self.problems.collecting():
                self.notes += review(described, mode=self._choice.mode, search_path=search_path).notes
            return
        with self.problems.collecting():
            planned, review_notes = plan_environment(
                self.configuration,
                runconfig=self._runconfig,
                project=self._project,
                source=self._source,
                conda_file=request.conda_dependencies,
                home=self._home,
                environment=request.environment,
                choice=self._choice,
            )
            self.notes += (*review_notes, *planned.notes)
            self.environment = planned
            self._find_surroundings(planned)

    def _find_surroundings(self, planned: PlannedEnvironment) -> None:
        """What the script finds around it: variables, volumes, other processes."""
        variables = {**planned.variables, **self.configuration.environment_variables}
        self.configuration = replace(self.configuration, environment_variables=variables)
        if planned.plan.container is None:
            self.configuration, self._volumes, notes = without_container(self.configuration, self._project)
            self.notes += notes
        self._launch = launch_in(
            self.configuration,
            planned.plan.interpreter,
            self._request.environment.get("PATH", ""),
            is_in_image=planned.plan.container is not None,
        )
        self.configuration, skipped = _without_variables(self.configuration, names_set_by_run(self._launch))
        self.notes += skipped

    def _find_script(self) -> None:
        is_known = self.is_read and not self.problems.are_about(*_OF_THE_SCRIPT)
        if (is_known or self._request.script is not None) and self._source.is_dir():
            with self.problems.collecting(), self.configuration.telling_place("script"):
                self._argv = _argv(self.configuration, self._source)

    def _find_data(self) -> None:
        if self._workspace is None or not (self._volumes or names_data(self.configuration)):
            return
        from mlrun_cli.submit.data import preview_data  # noqa: PLC0415 — most runs have none

        with self.problems.collecting():
            self.bound = preview_data(
                self._workspace,
                self.configuration,
                self._source,
                self._volumes,
                environment=self._request.environment,
            )


def project_of(request: SubmitRequest) -> Path:
    """Return the folder that a request is about; that of an earlier run may be gone."""
    is_folder = request.earlier is not None or request.path.is_dir()
    return request.path.absolute() if is_folder else folder_of_runconfig(request.path)


def names_data(configuration: RunConfiguration) -> bool:
    """Return whether it has data, or something in it stands for data."""
    if any(configuration.rest.get(section) for section in ("data", "dataReferences", "outputData")):
        return True
    command = configuration.command or ()
    words = (*configuration.arguments, *((command,) if isinstance(command, str) else command))
    return any(map(stands_for_data, words))


def check_that_script_is_in(paths: Iterable[str], source: Path, script: str) -> None:
    """The script may be a link, or lie in a folder that is one.

    Raises:
        UsageError: the snapshot does not hold it.
    """
    path = _real(source / script).relative_to(_real(source)).as_posix()
    if path not in paths:
        raise UsageError(
            f"The script '{script}' is left out of the snapshot, so the run would not have it.",
            hint="See what .amlignore says or, where there is none, .gitignore.",
        )


def _without_variables(configuration: RunConfiguration, names: Set[str]) -> tuple[RunConfiguration, list[str]]:
    """Without what every run sets by itself, and a note on each of those."""
    kept = {name: value for name, value in configuration.environment_variables.items() if name not in names}
    skipped = [name for name in configuration.environment_variables if name in names]
    notes = [f"environmentVariables.{name} is skipped: each run sets it by itself." for name in skipped]
    return replace(configuration, environment_variables=kept) if skipped else configuration, notes


def _argv(configuration: RunConfiguration, source: Path | None) -> tuple[str, ...]:
    """Return what is started in the working folder: a script, without its interpreter, is looked for in `source`."""
    command = configuration.command
    if command is not None:
        # Azure hands text to a shell, and users write `a && b`; words are started as they are.
        return ("/bin/sh", "-c", command) if isinstance(command, str) else command
    if configuration.script is None:
        raise UsageError(
            "There is no script to run.",
            hint="Name one, as in 'mlrun run submit-script train.py', or as 'script:' of the runconfig.",
        )
    script = configuration.script if source is None else _checked_script(source, configuration.script)
    return (script, *configuration.arguments)


def _checked_script(source: Path, script: str) -> str:
    """The script relative to the source folder.

    Raises:
        UsageError: it is not there, not readable, no file, or outside.
    """
    path = Path(os.path.normpath(source / script))
    is_inside = path.is_relative_to(os.path.normpath(source)) and _real(path).is_relative_to(_real(source))
    if not is_inside:
        raise UsageError(
            f"The script '{script}' is outside of the source folder {source}, so no snapshot would hold it.",
            hint="Name a script in that folder, or choose another with --source-directory.",
        )
    if path.is_symlink() and not path.exists():
        raise UsageError(
            f"The script '{script}' in {source} is a link that leads to no file.",
            hint="Name the script itself, or correct the link ('ls -l' shows where it leads).",
        )
    if not path.exists():
        nearest = _nearest_script(path)
        guess = "" if nearest is None else f"Did you mean '{os.path.relpath(nearest, source)}'? "
        raise MissingFile(
            script,
            f"There is no script '{script}' in {source}.",
            hint=f"{guess}Paths of scripts are relative to the source folder ({source}).",
        )
    if not path.is_file():
        raise UsageError(
            f"The script '{script}' in {source} is not a file.",
            hint="Name a script, as in 'mlrun run submit-script train.py'.",
        )
    if not os.access(path, os.R_OK):
        raise UsageError(f"The script {path} cannot be read.", hint="Check its permissions ('ls -l').")
    relative = os.path.relpath(path, source)
    # Python would take it for an option.
    return f"./{relative}" if relative.startswith("-") else relative


def _real(path: Path) -> Path:
    """The path without links; unlike `Path.resolve`, it raises nothing of a link that leads in a circle."""
    return Path(os.path.realpath(path))


def _nearest_script(path: Path) -> Path | None:
    """The script in the same folder whose name is nearest."""
    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.suffix in {".py", path.suffix}]
    except OSError:
        return None
    nearest = difflib.get_close_matches(path.name, names, n=1)
    return path.with_name(nearest[0]) if nearest else None
