"""The step-by-step resolution of a submit request, which collects all problems."""

from __future__ import annotations

import math
import os
import shlex
from collections.abc import Iterator, Set
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mlrun_cli.actions.compute_targets import check_target_exists
from mlrun_cli.compute.compute_target import LOCAL_TARGET
from mlrun_cli.compute.unknown_targets import is_created_for_each_run, should_run_unknown_targets_here
from mlrun_cli.core.names import check_display_name, check_experiment_name
from mlrun_cli.core.problems import Problems
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.environments.docker_section import is_docker_enabled
from mlrun_cli.environments.environment import EnvironmentPlan
from mlrun_cli.environments.mode import EnvironmentChoice, EnvironmentMode
from mlrun_cli.environments.planned_environment import PlannedEnvironment
from mlrun_cli.environments.user_managed import check_interpreter_path
from mlrun_cli.errors import (
    ComputeTargetNotFound,
    InvalidPath,
    MlrunError,
    RunNotRepeatable,
    ScriptNotFound,
    TargetKindNotFound,
    Unsupported,
)
from mlrun_cli.processes.launch import Launch
from mlrun_cli.runconfigs.communicators import resolve_launch
from mlrun_cli.runconfigs.run_configuration import PythonSection, RunConfiguration
from mlrun_cli.runs.shared_folder import SharedFolder
from mlrun_cli.runs.submit_options import list_redacted_words
from mlrun_cli.snapshots.limits import SnapshotLimits
from mlrun_cli.submit.admission import Admission, build_gpu_request, determine_admission
from mlrun_cli.submit.environment_plan import determine_environment_choice, plan_environment, read_environment_choice
from mlrun_cli.submit.references import resolve_references
from mlrun_cli.submit.request import SubmitRequest
from mlrun_cli.submit.resolution import Resolution, build_run_redactor, uses_data
from mlrun_cli.submit.review import review_configuration
from mlrun_cli.submit.script import build_argv, build_resolved_argv, check_script_in_snapshot
from mlrun_cli.submit.script_environment import list_reserved_variables
from mlrun_cli.targets.base import Target
from mlrun_cli.targets.lookup import get_target
from mlrun_cli.workspace import Workspace

if TYPE_CHECKING:  # start-up: few submissions repeat an earlier run, or have data or arguments of Docker
    from mlrun_cli.environments.docker_arguments import Volume
    from mlrun_cli.snapshots.plan import PlannedSnapshot
    from mlrun_cli.submit.earlier_runs import EarlierRun
    from mlrun_cli.submit.run_data import RunData

_SCRIPT_KEYS = ("script", "command")
_DEFAULTS = RunConfiguration(python=PythonSection(user_managed_dependencies=True))


class Resolver:
    """The resolution of a request in several steps, which continues even after a step that finds problems.

    Attributes:
        notes: lines about settings that are skipped or handled differently.
        problems: all problems that were found.
        redactor: the redactor of the run's secrets, including those in the submitter's variables.
        is_read: whether the file could be read as a runconfig, even if parts of it are not valid.
        configuration: the configuration as far as it is known; the defaults if the runconfig cannot be read.
        environment: the plan of the environment; None until it is known.
        data: the values for data placeholders; None if there are no data.
        admission: whether the run would go through the queue; None until it is known.
        snapshot: a preview of the snapshot; None until it is known.
    """

    def __init__(
        self, workspace: Workspace | None, home: Path, request: SubmitRequest, project: Path | None = None
    ) -> None:
        """Initialize the resolution of a request.

        Args:
            workspace: where to look up targets, environments and data; None assumes that they exist.
            home: the folder in which environments are built.
            request: the request to resolve.
            project: the attached folder; None means the folder of the request.
        """
        self.redactor = Redactor.from_environment(request.environment)
        self.notes: list[str] = []
        self.problems = Problems()
        self.configuration = request.configuration or _DEFAULTS
        self.environment: PlannedEnvironment | None = None
        self.data: RunData | None = None
        self.admission: Admission | None = None
        self.snapshot: PlannedSnapshot | None = None
        self._workspace = workspace
        self._home = home
        self._request = request
        self._project = project or request.get_project_folder()
        self._source = (request.source_directory or self._project).absolute()
        self._runconfig: Path | None = None
        self.is_read = True
        self._choice = EnvironmentChoice()
        self._argv: tuple[str, ...] | None = None
        self._launch: Launch | None = None
        self._volumes: tuple[Volume, ...] = ()
        self._target: Target | None = None

    @contextmanager
    def add_notes_to_errors(self) -> Iterator[None]:
        """Add the notes collected so far to an error that is raised in the block."""
        try:
            yield
        except MlrunError as error:
            error.notes = (*self.notes, *error.notes)
            raise

    def resolve(self, *, is_script_needed: bool = True) -> Resolution | None:
        """Return the resolved request, or None if there are problems; `preview` performs the remaining checks.

        Args:
            is_script_needed: False if the script may be specified later.
        """
        with self.problems.collect_errors():
            check_experiment_name(self._request.experiment_name)
        with self.problems.collect_errors():
            check_display_name(self._request.display_name)
        if self._request.earlier is None:
            self._resolve_from_runconfig(is_script_needed=is_script_needed)
        else:
            self._resolve_from_earlier_run(self._request.earlier)
        self._resolve_data()
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
            redactor=build_run_redactor(self._request.environment, self.configuration),
            notes=tuple(self.notes),
            volumes=self._volumes,
        )

    def _resolve_from_runconfig(self, *, is_script_needed: bool) -> None:
        self._read_runconfig()
        self._check_target()
        self._check_source()
        self._plan_environment()
        if is_script_needed or self.configuration.script or self.configuration.command:
            self._resolve_script()

    def _resolve_from_earlier_run(self, earlier: EarlierRun) -> None:
        """Reuse the resolution of an earlier run, changed as the request specifies."""
        request, submission = self._request, earlier.submission
        self.configuration = earlier.restore_configuration()
        if request.adapt is not None:
            self.configuration = request.adapt(self.configuration)
        self._apply_overrides()
        if request.command is not None:
            self._replace_script_with_command(request.command)
        elif request.script is not None:
            arguments = tuple(request.arguments)
            self.configuration = self.configuration.replace_fields(
                script=request.script, arguments=arguments, command=None
            )
        self._check_target()
        script = self.configuration.script
        with self.problems.collect_errors():
            if hidden := list_redacted_words(build_argv(self.configuration)):
                raise RunNotRepeatable(
                    f"No record holds the secret in {shlex.join(hidden)}, which '{earlier.run.run_id}' was given.",
                    hint="Give it with --set, or name the script and all of its arguments."
                    if request.adapt is None
                    else "Submit the pipeline's file again, or have it written: "
                    f"mlrun pipeline clone -i {earlier.run.run_id} -p cloned.yml",
                    target=earlier.run.run_id,
                )
            if script is not None and earlier.find_file(script) is None:
                raise ScriptNotFound(
                    f"There is no script '{script}' in the snapshot of '{earlier.run.run_id}'.",
                    hint="Its page has the names of the files, under Snapshot.",
                    target=script,
                )
        self._runconfig = None if submission.runconfig is None else Path(submission.runconfig)
        self._argv = build_argv(self.configuration)
        self._choice = submission.get_submit_options().environment_mode or EnvironmentChoice()
        plan = submission.environment.relocate(self._environments_home / "environments")
        self.environment, self._launch = PlannedEnvironment(plan), submission.launch
        if request.adapt is not None:  # the variables, and the number of processes or nodes, may be others
            from mlrun_cli.submit.earlier_runs import check_variables  # noqa: PLC0415 - start-up

            with self.problems.collect_errors():
                check_variables(earlier.run, self.configuration.environment_variables, request.variables)
                self._resolve_launch(plan)
        with self.problems.collect_errors():
            self._check_container(plan)
        if submission.environment.container is None:
            self._apply_docker_arguments()

    def preview(self) -> None:
        """Preview the admission and the snapshot; an actual submission determines both when it starts the run."""
        from mlrun_cli.snapshots.plan import PlannedSnapshot, plan_snapshot  # noqa: PLC0415 - start-up

        workspace, request = self._workspace, self._request
        if workspace is None:
            return
        if not self.problems.has_problem_about("target"):
            with self.problems.collect_errors():
                gpus = build_gpu_request(workspace, self.configuration.target, request)
                self.admission = determine_admission(workspace, self.configuration, request, gpus)
        if request.earlier is not None:
            self.snapshot = PlannedSnapshot.from_snapshot(request.earlier.snapshot)
        elif self._source.is_dir():
            with self.problems.collect_errors():
                limits = SnapshotLimits.from_environment(request.environment)
                self.snapshot = plan_snapshot(self._source, limits, [workspace.home])
                if self._argv is not None and self.configuration.command is None:
                    check_script_in_snapshot(self.snapshot.files, self._source, self._argv[0])

    def _read_runconfig(self) -> None:
        request = self._request
        if request.runconfig_name is not None:
            self.is_read = False
            from mlrun_cli.submit.runconfig_file import examine_named_runconfig  # noqa: PLC0415 - start-up

            with self.problems.collect_errors():
                self._runconfig, reading = examine_named_runconfig(request.path, request.runconfig_name)
                self.configuration = reading.configuration
                self.notes += reading.notes
                self.is_read = True
                reading.problems.raise_if_any()
        if request.adapt is not None:
            self.configuration = request.adapt(self.configuration)
        if request.command is not None:
            self._replace_script_with_command(request.command)
        elif request.script is not None:
            self.configuration = self.configuration.replace_fields(script=request.script, command=None)
        if request.arguments:
            self.configuration = self.configuration.replace_fields(arguments=tuple(request.arguments))
        self._apply_overrides()

    def _replace_script_with_command(self, command: tuple[str, ...] | str) -> None:
        self.configuration = self.configuration.replace_fields(command=command, script=None, arguments=())

    def _apply_overrides(self) -> None:
        """Apply the request's overrides of settings that do not depend on a script."""
        request = self._request
        if request.target is not None:
            self.configuration = self.configuration.replace_fields(target=request.target)
        if request.time_limit_seconds is not None:
            seconds = math.ceil(request.time_limit_seconds)  # whole ones, as in a runconfig
            self.configuration = self.configuration.replace_fields(max_run_duration_seconds=seconds)
        if request.variables:
            variables = {**self.configuration.environment_variables, **request.variables}
            self.configuration = self.configuration._replace(environment_variables=variables)

    def _check_target(self) -> None:
        if self._workspace is None or (self.problems.has_problem_about("target") and self._request.target is None):
            return
        target = self.configuration.target
        with self.problems.collect_errors(), self.configuration.locate_errors("target"):
            is_sent_here = should_run_unknown_targets_here(self._request.unknown_target, self._request.environment)
            try:
                check_target_exists(self._workspace, target)
            except ComputeTargetNotFound:
                if not (is_sent_here or is_created_for_each_run(target)):
                    raise
                self.configuration = self.configuration.replace_fields(target=LOCAL_TARGET)
                self.notes.append(f"target: there is no '{target}' here: the run is sent to this machine.")
            with suppress(TargetKindNotFound):  # the admission raises it
                self._target = get_target(self._workspace, self.configuration.target)
            self._check_queue_options()
            if self._shared_folder is not None and self._request.is_reading:
                raise Unsupported(
                    f"--stdin: '{target}' runs scripts on nodes, which standard input cannot be passed to.",
                    hint="Put the input into a file of the source folder.",
                    target="--stdin",
                )

    def _check_queue_options(self) -> None:
        """Raise if the target's engine has its own queue and does not support the requested order or delay."""
        request, target = self._request, self._target
        if target is None or self._shared_folder is None:
            return
        if request.begin_at is not None and not target.takes_queue_options:
            raise Unsupported(
                f"--begin: '{target.name}' has a queue of its own, in which runs are not held back.",
                hint="Wait until then, and submit.",
                target="--begin",
            )
        if request.priority > 0 or (request.priority and not target.takes_queue_options):
            raise Unsupported(
                f"--priority: the engine of '{target.name}' decides which run comes first.",
                hint="Submit those that may wait with '--priority low'."
                if target.takes_queue_options
                else "Leave it out.",
                target="--priority",
            )

    def _check_source(self) -> None:
        source = self._source
        with self.problems.collect_errors():
            if not source.is_dir():
                raise InvalidPath(
                    f"The source folder '{source}' {'is a file' if source.exists() else 'does not exist'}.",
                    hint="Name the folder that the script is in with --source-directory.",
                    target=source,
                )

    def _plan_environment(self) -> None:
        request = self._request
        with self.problems.collect_errors():
            self._choice = request.environment_mode or read_environment_choice(request.environment) or self._choice
        is_named, is_current = False, self._choice.mode is EnvironmentMode.CURRENT
        with self.problems.collect_errors():
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
            if request.environment_mode is None:
                self._choice = determine_environment_choice(self.configuration, request.environment)
        if not is_named or self.problems.has_problem_about("environment"):
            described, search_path = self.configuration.remove_environment_name(), request.environment.get("PATH", "")
            with self.problems.collect_errors():
                self.notes += review_configuration(described, mode=self._choice.mode, search_path=search_path)
            return
        with self.problems.collect_errors():
            planned, review_notes = plan_environment(
                self.configuration,
                runconfig=self._runconfig,
                project=self._project,
                source=self._source,
                conda_file=request.conda_dependencies,
                home=self._environments_home,
                environ=request.environment,
                redactor=self.redactor,
                environment_choice=self._choice,
            )
            self._check_container(planned.plan)
            if planned.plan.build is None and planned.plan.container is None:
                named = self.configuration.python.interpreter_path if not is_current else None
                if self._shared_folder is not None and self._shared_folder.is_mirror:
                    # Only the other machine knows where its interpreters are.
                    planned = planned._replace(plan=planned.plan._replace(interpreter=named or "python"), notes=())
                elif planned.notes and self.configuration.python.user_managed_dependencies:
                    check_interpreter_path(named, self._project)
            self.notes += (*review_notes, *planned.notes)
            self.environment = planned
            self._plan_launch(planned)

    @property
    def _shared_folder(self) -> SharedFolder | None:
        """The folder that the target shares with its nodes; None if there are no nodes or the target is unknown."""
        return None if self._target is None else self._target.shared_folder

    @property
    def _environments_home(self) -> Path:
        """The folder whose `environments` subfolder environments are built in; the nodes, if any, can access it."""
        return self._home.absolute() if self._shared_folder is None else self._shared_folder.path

    def _check_container(self, plan: EnvironmentPlan) -> None:
        """Raise if the script would run in a container on a node, since this is not supported."""
        if self._shared_folder is not None and plan.container is not None:
            raise Unsupported(
                f"environment.docker: '{self.configuration.target}' runs scripts on nodes, where containers are not"
                " started yet.",
                hint="Set environment.docker.useDocker to false, or use '--environment current'.",
                target="environment.docker",
            )

    def _plan_launch(self, planned: PlannedEnvironment) -> None:
        """Determine the script's launch, environment variables and volumes."""
        variables = {**planned.variables, **self.configuration.environment_variables}
        self.configuration = self.configuration._replace(environment_variables=variables)
        if planned.plan.container is None:
            self.notes += self._apply_docker_arguments()
        self._resolve_launch(planned.plan)

    def _resolve_launch(self, plan: EnvironmentPlan) -> None:
        """Determine the script's launch, and drop the environment variables that every run sets itself."""
        self._launch = resolve_launch(
            self.configuration,
            plan.interpreter,
            self._request.environment.get("PATH", ""),
            is_in_image=plan.container is not None,
        )
        self.configuration, skipped = _drop_reserved_variables(
            self.configuration, list_reserved_variables(self._launch)
        )
        self.notes += skipped

    def _apply_docker_arguments(self) -> tuple[str, ...]:
        """Apply the Docker arguments that work without a container; return notes about the other arguments."""
        if not is_docker_enabled(self.configuration):
            return ()
        from mlrun_cli.submit.container_fallback import apply_docker_arguments  # noqa: PLC0415 - start-up

        self.configuration, self._volumes, notes = apply_docker_arguments(self.configuration, self._project)
        return notes

    def _resolve_script(self) -> None:
        is_known = self.is_read and not self.problems.has_problem_about(*_SCRIPT_KEYS)
        if (is_known or self._request.script is not None) and self._source.is_dir():
            with self.problems.collect_errors(), self.configuration.locate_errors("script"):
                self._argv = build_resolved_argv(self.configuration, self._source)
                self._check_program(self._argv[0])

    def _check_program(self, program: str) -> None:
        """Raise if the program of a command is missing, unless this cannot be determined before the run starts."""
        planned, variables = self.environment, self.configuration.environment_variables
        is_here = self._target is not None and self._shared_folder is None
        if self.configuration.command is None or planned is None or not is_here:
            return
        if planned.plan.build is None and planned.plan.container is None:
            from mlrun_cli.submit.program import check_program  # noqa: PLC0415 - start-up: most runs have a script

            search_path = variables.get("PATH", self._request.environment.get("PATH", os.defpath))
            check_program(program, self._source, search_path)

    def _resolve_data(self) -> None:
        if self._workspace is None or not (self._volumes or uses_data(self.configuration)):
            return
        from mlrun_cli.submit.data import preview_data  # noqa: PLC0415 - start-up: most runs have none

        with self.problems.collect_errors():
            self.data = preview_data(
                self._workspace,
                self.configuration,
                self._source,
                self._volumes,
                environ=self._request.environment,
                earlier=self._request.earlier,
                target=self._target,
            )


def _drop_reserved_variables(configuration: RunConfiguration, names: Set[str]) -> tuple[RunConfiguration, list[str]]:
    """Return a configuration without these environment variables, which every run sets, and a note on each of them."""
    kept = {name: value for name, value in configuration.environment_variables.items() if name not in names}
    skipped = [name for name in configuration.environment_variables if name in names]
    notes = [f"environmentVariables.{name} is skipped: each run sets it by itself." for name in skipped]
    return configuration._replace(environment_variables=kept) if skipped else configuration, notes
