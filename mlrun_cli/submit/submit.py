"""Submit a script: resolve what was asked for, keep the source, write the run, start its supervisor."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlrun_cli.compute.slurm_job import slurm_properties
from mlrun_cli.core.disk_room import FULL_FOR_RUNS_BYTES, full_disk
from mlrun_cli.core.held_file import HeldFile
from mlrun_cli.core.json_files import write_json
from mlrun_cli.core.redaction import Redaction
from mlrun_cli.environments.mode import EnvironmentChoice, EnvironmentMode
from mlrun_cli.environments.planned_environment import PlannedEnvironment
from mlrun_cli.errors import MlrunError, StoreUnavailable, UsageError
from mlrun_cli.experiments.experiment import Experiment
from mlrun_cli.processes.host import this_origin, user_name
from mlrun_cli.processes.inheritance import limit_notes, own_limits, own_niceness, own_umask
from mlrun_cli.processes.interruptions import Interruptions
from mlrun_cli.processes.launch import Launch
from mlrun_cli.runconfigs.run_configuration import RunConfiguration
from mlrun_cli.runs.error import SERVICE_ERROR
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.runs.run import SCRIPT_RUN, Run
from mlrun_cli.runs.script_input import ScriptInput
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runs.stream_lock import stream_lock
from mlrun_cli.runs.submission import Secrets, Submission
from mlrun_cli.runs.submit_options import SubmitOptions
from mlrun_cli.runtime.finish import outcome_of_failure, record_outcome
from mlrun_cli.runtime.liveness import lease_end
from mlrun_cli.runtime.queue import call_dispatcher
from mlrun_cli.runtime.supervisor_start import start_supervisor
from mlrun_cli.runtime.unfinished_submits import submitting
from mlrun_cli.snapshots.content_store import SnapshotStore
from mlrun_cli.snapshots.git import git_properties
from mlrun_cli.snapshots.limits import SnapshotLimits
from mlrun_cli.snapshots.plan import PlannedSnapshot
from mlrun_cli.snapshots.pruning import using_snapshots
from mlrun_cli.snapshots.snapshot import SNAPSHOT_PROPERTY, Snapshot
from mlrun_cli.snapshots.take import take_snapshot
from mlrun_cli.submit.admission import GpuWish, Place, gpu_wish, place_for
from mlrun_cli.submit.resolve import Resolution, Resolving, check_that_script_is_in, project_of
from mlrun_cli.submit.run_definition import run_definition
from mlrun_cli.submit.runconfigs import find_conda_file
from mlrun_cli.submit.script_environment import script_environment
from mlrun_cli.submit.sdk_copy import sdk_copy
from mlrun_cli.targets.registry import find_target
from mlrun_cli.workspace import Workspace

if TYPE_CHECKING:
    from mlrun_cli.submit.earlier_runs import EarlierRun

Progress = Callable[[int, int], None]

_LIMIT_OF_PYTHON_SECONDS = 30 * 24 * 60 * 60
"""What azureml.core asks for where nobody has asked for another limit."""


@dataclass(frozen=True, slots=True)
class SubmitRequest:
    """What the user asked for.

    Attributes:
        path: the attached folder, or a runconfig.
        experiment_name: where the run belongs.
        runconfig_name: as after `-c`; None means the defaults.
        configuration: what a runconfig would say, from who has none as a file.
        source_directory: what the snapshot is taken of; None means `path`.
        script: relative to the source directory; replaces the runconfig's.
        arguments: of the script; where there are any, they replace the runconfig's.
        target: replaces the runconfig's.
        conda_dependencies: a conda file that replaces the runconfig's.
        environment: the submitter's variables, which the script gets.
        parent_run_id: the run that it is a child of.
        display_name: what people see.
        tags, properties: those that the run has from its start.
        gpu_count: how many GPUs of this machine it is to have for itself.
        environment_mode: how far its environment has to be met; None for what `MLRUN_ENVIRONMENT` says.
        unknown_target: `local` sends a run here whose target is not in the workspace; None for what `MLRUN_TARGETS`
            says.
        is_reading: whether the script has this process's standard input, of which `Submitted` has the way there.
        earlier: a run whose snapshot and environment it has, whatever its folder and runconfig say now; script, with
            all of its arguments, and target may be others.
        ends_with_stream: it is to be canceled when this process, which goes on to stream it, is killed.
    """

    path: Path
    experiment_name: str
    runconfig_name: str | None = None
    configuration: RunConfiguration | None = None
    source_directory: Path | None = None
    script: str | None = None
    arguments: Sequence[str] = ()
    target: str | None = None
    conda_dependencies: Path | None = None
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    parent_run_id: str | None = None
    display_name: str | None = None
    tags: Mapping[str, str | None] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    gpu_count: int = 0
    environment_mode: EnvironmentChoice | None = None
    unknown_target: str | None = None
    is_reading: bool = False
    earlier: EarlierRun | None = None
    ends_with_stream: bool = False


@dataclass(frozen=True, slots=True)
class Submitted:
    """The run as it was written, lines for stderr, and what it was made of for those who want to know more.

    Of a run that ends with the stream, `stream_lock` is to be held until that has ended in order. Where the
    script has a standard input, who streams the run fills `script_input`.
    """

    run: Run
    notes: tuple[str, ...]
    details: tuple[str, ...]
    stream_lock: HeldFile | None = None
    script_input: ScriptInput | None = None


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """What `submit` would start, as far as it is known before.

    Attributes:
        configuration: that of the runconfig, with what the request replaces, and the data's paths in it.
        runconfig: the file, if any.
        source: what the snapshot would be taken of.
        argv: as in a submission.
        environment: what would be made, if it is not there.
        launch: the processes.
        place: whether it would wait.
        data: `data` and `outputData` of the run's definition.
        snapshot: what the snapshot would hold.
        notes: lines about what is skipped or done otherwise.
    """

    configuration: RunConfiguration
    runconfig: Path | None
    source: Path
    argv: tuple[str, ...]
    environment: PlannedEnvironment
    launch: Launch
    place: Place
    data: Mapping[str, Sequence[Mapping[str, Any]]]
    snapshot: PlannedSnapshot
    notes: tuple[str, ...]


def plan(workspace: Workspace, request: SubmitRequest) -> PlannedRun:
    """Find out what `submit` would do; nothing is started, made or stored.

    Raises:
        MlrunError: whatever `submit` would raise before it starts the run.
    """
    resolving = Resolving(workspace, workspace.home, request, project_of(request))
    with _noting(resolving.notes):
        resolved = resolving.resolve()
        resolving.look_further()
        resolving.problems.raise_if_any()
    bound, place, snapshot = resolving.bound, resolving.place, resolving.snapshot
    assert resolved is not None and place is not None and snapshot is not None
    if bound is not None:
        resolved = resolved.with_data(bound)
    return PlannedRun(
        configuration=resolved.configuration,
        runconfig=resolved.runconfig,
        source=resolved.source,
        argv=resolved.argv,
        environment=resolved.environment,
        launch=resolved.launch,
        place=place,
        data=resolved.data or {"data": [], "outputData": []},
        snapshot=snapshot,
        notes=(*resolved.notes, *place.notes, *snapshot.notes),
    )


def submit(
    workspace: Workspace,
    request: SubmitRequest,
    interruptions: Interruptions,
    *,
    progress: Progress | None = None,
    say: Callable[[str], None] | None = None,
) -> Submitted:
    """Start a run, detached; returns when its supervisor has been started.

    Nothing is left behind when it fails before that.

    Args:
        workspace: where the run is kept.
        request: what to run.
        interruptions: held from the moment at which the run is written, so that what is written is started too;
            for the caller to release, who can then say which run it is.
        progress: told of files and bytes of the snapshot, as they are done.
        say: told what is waited for, if that takes long.

    Raises:
        UsageError: the request cannot be right, or the source is too large for a snapshot.
        ComputeTargetNotFound: no such target.
        SeveralProblems: more than one of these.
        MlrunError: the environment cannot be had, or something cannot be stored.
    """
    _check_room(workspace)
    resolving = Resolving(workspace, workspace.home, request, project_of(request))
    with _noting(resolving.notes):
        resolved = resolving.resolve()
        if resolved is not None:
            with using_snapshots(workspace.snapshots_folder, say):
                taken = _taken_snapshot(workspace, request, resolved, resolving, progress)
                if taken is not None:
                    return _submit(workspace, request, resolved, interruptions, taken)
        resolving.look_further()
        raise resolving.problems.as_one()


def _check_room(workspace: Workspace) -> None:
    full = full_disk(workspace.folder, FULL_FOR_RUNS_BYTES)
    if full is not None:
        raise MlrunError(
            f"No run can be started: {full}.",
            hint="Make room there, as with 'mlrun run delete' or 'mlrun workspace prune', then submit again.",
        )


def _taken_snapshot(
    workspace: Workspace,
    request: SubmitRequest,
    resolved: Resolution,
    resolving: Resolving,
    progress: Progress | None,
) -> tuple[Snapshot, list[str]] | None:
    """The snapshot, or that of an earlier run, and notes on it; None where there are problems with it."""
    store = SnapshotStore(workspace.snapshots_folder)
    if request.earlier is not None:
        earlier = store.read_manifest(request.earlier.snapshot.snapshot_id)
        store.mark_used(earlier.snapshot_id)
        return earlier, []
    with resolving.problems.collecting():
        snapshot, notes = take_snapshot(
            resolved.source,
            store,
            limits=SnapshotLimits.from_environment(request.environment),
            exclude=[workspace.home],
            progress=progress,
        )
        if resolved.configuration.command is None:
            check_that_script_is_in((entry.path for entry in snapshot.entries), resolved.source, resolved.argv[0])
        return snapshot, notes
    return None


def _submit(
    workspace: Workspace,
    request: SubmitRequest,
    resolved: Resolution,
    interruptions: Interruptions,
    taken: tuple[Snapshot, list[str]],
) -> Submitted:
    snapshot, snapshot_notes = taken
    wish = gpu_wish(workspace, request)
    sdk_folder = sdk_copy(workspace.home)
    run_id = f"{request.experiment_name}_{int(time.time())}_{os.urandom(4).hex()}"
    redaction = Redaction.from_environment(request.environment)
    with _NewRunFolder(workspace.run_folder(run_id)) as new:
        options = _submit_options(request, resolved, redaction)
        limits = own_limits()
        resolved = _with_data(workspace, request, resolved, run_id)
        submission = Submission(
            run_id=run_id,
            experiment_name=request.experiment_name,
            workspace_name=workspace.identity.name,
            resource_group=workspace.identity.resource_group,
            subscription_id=workspace.identity.subscription_id,
            snapshot_id=snapshot.snapshot_id,
            is_command=resolved.configuration.command is not None,
            argv=tuple(map(_as_text, redaction.arguments(resolved.argv))),
            environment=resolved.environment.plan,
            sdk_folder=str(sdk_folder),
            target=resolved.configuration.target,
            max_run_duration_seconds=resolved.configuration.max_run_duration_seconds,
            launch=resolved.launch,
            folder=str(project_of(request)),
            runconfig=None if resolved.runconfig is None else str(resolved.runconfig),
            umask=own_umask(),
            niceness=own_niceness(),
            limits=limits,
            options=options,
        )
        held = stream_lock(workspace.run_folder(run_id)) if request.ends_with_stream else None
        script_input = ScriptInput(workspace.run_folder(run_id).stdin) if request.is_reading else None
        key, place = _write_run(workspace, request, resolved, submission, snapshot, redaction, interruptions, wish, new)
        new.is_in_store = True
        if not place.is_queued:
            _start(workspace, workspace.runs.get_by_key(key), new.lock)
    if place.is_queued:
        with suppress(OSError, StoreUnavailable):  # the next look at a run calls again
            call_dispatcher(workspace, submission.target)
    notes = (*resolved.notes, *place.notes, *snapshot_notes, *limit_notes(limits))
    return Submitted(workspace.runs.get_by_key(key), notes, _details(resolved, snapshot), held, script_input)


def _submit_options(request: SubmitRequest, resolved: Resolution, redaction: Redaction) -> SubmitOptions:
    """Return the options that resubmit the run; placeholders for data stay in them."""
    if request.earlier is not None:
        return _changed_options(request, request.earlier, redaction)
    project = project_of(request)
    configuration = request.configuration if request.runconfig_name is None else None
    names_script = resolved.configuration.command is None and (request.script is not None or configuration is not None)
    script, *arguments = map(_as_text, redaction.arguments(resolved.argv)) if names_script else (None,)
    runconfig, mode = request.runconfig_name, request.environment_mode
    if resolved.runconfig is not None and not request.path.is_dir():
        runconfig = str(resolved.runconfig)
    if mode is None and resolved.choice.mode is not EnvironmentMode.PINNED:
        mode = resolved.choice
    build = resolved.environment.plan.build
    if mode is not None and build is not None and build.day is not None:
        mode = mode._replace(day=date.fromisoformat(build.day))  # a later commit does not change what was asked for
    return SubmitOptions(
        runconfig=runconfig,
        source_directory=None if resolved.source == project else _as_text(str(resolved.source)),
        script=script,
        arguments=tuple(arguments),
        target=request.target or (None if configuration is None else configuration.target),
        conda_file=_conda_file(request, project, resolved.source),
        environment_mode=mode,
        tags=redaction.document(request.tags),
        is_whole=configuration is None or _is_plain(configuration),
    )


def _changed_options(request: SubmitRequest, earlier: EarlierRun, redaction: Redaction) -> SubmitOptions:
    """Return the options of an earlier run, with what the request replaces."""
    options = earlier.submission.submit_options()
    if request.script is not None:
        script, *arguments = map(_as_text, redaction.arguments((request.script, *request.arguments)))
        options = options._replace(script=script, arguments=tuple(arguments))
    return options._replace(target=request.target or options.target, tags=redaction.document(request.tags))


def _conda_file(request: SubmitRequest, project: Path, source: Path) -> str | None:
    """Where the conda file is that the request names; a run that needs no environment does not need it either."""
    if request.conda_dependencies is None:
        return None
    try:
        return _as_text(str(find_conda_file(request.conda_dependencies, project, source)))
    except UsageError:
        return _as_text(str(request.conda_dependencies.absolute()))


def _is_plain(configuration: RunConfiguration) -> bool:
    """Whether it says no more than a script with its arguments and target, and what Python's configurations begin with.

    An image means nothing while Docker is off, and conda dependencies nothing to a user-managed environment.
    """
    rest, variables = configuration.changed(), configuration.environment_variables
    plain = RunConfiguration(
        script=configuration.script,
        arguments=configuration.arguments,
        target=configuration.target,
        max_run_duration_seconds=configuration.max_run_duration_seconds,
        environment_variables=variables,
        python=configuration.python,
        rest=configuration.rest,
    )
    return (
        configuration == plain
        and configuration.python.user_managed_dependencies
        and configuration.max_run_duration_seconds in {None, _LIMIT_OF_PYTHON_SECONDS}
        and rest.keys() <= {"environment.docker.baseImage"}
        and variables.keys() <= {"EXAMPLE_ENV_VAR"}
    )


def _with_data(workspace: Workspace, request: SubmitRequest, resolved: Resolution, run_id: str) -> Resolution:
    """With the paths of its data in place of what stands for them; the run's folder is there."""
    if not resolved.has_data:
        return resolved
    from mlrun_cli.submit.data import bind_data  # noqa: PLC0415 — most runs have none

    configuration, source, volumes = resolved.configuration, resolved.source, resolved.volumes
    bound = bind_data(
        workspace,
        configuration,
        run_id,
        source,
        volumes,
        environment=request.environment,
        earlier_run_id=None if request.earlier is None else request.earlier.run.run_id,
    )
    return resolved.with_data(bound)


def _details(resolved: Resolution, snapshot: Snapshot) -> tuple[str, ...]:
    plan = resolved.environment.plan
    return (
        *(() if resolved.runconfig is None else (f"Runconfig: {resolved.runconfig}",)),
        f"Interpreter: {plan.interpreter}" if plan.build is None else f"Environment: {plan.build.key}",
        f"Snapshot: {snapshot.snapshot_id}, {len(snapshot.entries)} entries, {snapshot.size} bytes",
    )


class _NewRunFolder:
    """The folder of a new run with its lock taken; gone again unless the run has got into the store."""

    lock: OwnerLock

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._is_locked = False
        self.is_in_store = False

    def __enter__(self) -> _NewRunFolder:
        try:
            self._submitting = submitting(self._folder)
        except OSError as error:
            raise _not_written(self._folder, error) from error
        try:
            self._folder.make()
            self.lock = OwnerLock.open_new(self._folder.lock)
            self._is_locked = True
        except BaseException as error:
            self._remove()
            if isinstance(error, OSError):
                raise _not_written(self._folder, error) from error
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        self.let_go()
        self._remove()
        if isinstance(error, OSError):
            raise _not_written(self._folder, error) from error

    def _remove(self) -> None:
        with self._submitting:
            if not self.is_in_store:
                shutil.rmtree(self._folder.path, ignore_errors=True)

    def let_go(self) -> None:
        """Let go of the lock; as soon as the run is in a queue, whoever starts it must find it free."""
        if self._is_locked:
            self._is_locked = False
            self.lock.close()


def _not_written(folder: RunFolder, error: OSError) -> MlrunError:
    return MlrunError(
        f"The run's folder {folder.path} cannot be written: {error.strerror}.",
        hint="Nothing was started. Make room there, or set MLRUN_HOME to a folder on another disk.",
    )


@contextmanager
def _noting(notes: Sequence[str]) -> Iterator[None]:
    """Let an error have the lines for stderr that were noted before it."""
    try:
        yield
    except MlrunError as error:
        error.notes = (*notes, *error.notes)
        raise


def _write_run(
    workspace: Workspace,
    request: SubmitRequest,
    resolved: Resolution,
    submission: Submission,
    snapshot: Snapshot,
    redaction: Redaction,
    interruptions: Interruptions,
    wish: GpuWish,
    new: _NewRunFolder,
) -> tuple[int, Place]:
    """Put the run into its folder and, last of all, into the store; its key, and its place.

    Its target is asked within the transaction: it may have been changed or deleted meanwhile.
    """
    properties = {
        SNAPSHOT_PROPERTY: snapshot.snapshot_id,
        "_azureml.ComputeTargetType": find_target(workspace, submission.target).azure_type,
        "azureml.runsource": "experiment",
        **request.properties,
        **_git_properties(request, resolved, redaction),
        **slurm_properties(request.environment),
    }
    folder = workspace.run_folder(submission.run_id)
    if len(submission.launch.log_names) > 1:
        folder.make_logs(submission.launch.log_names)
    write_json(folder.submission, submission.to_json())
    write_json(folder.environment_plan, submission.environment.to_json())
    origin = this_origin()
    parent = None if request.parent_run_id is None else workspace.runs.get(request.parent_run_id)
    with workspace.transaction(durable=True):
        interruptions.hold()
        place = place_for(workspace, resolved.configuration, request, wish)
        experiment, run_number = workspace.experiments.take_run_number(request.experiment_name)
        _write_secrets(workspace, request, resolved, submission, experiment, run_number)
        key = workspace.runs.insert(
            experiment,
            run_number,
            submission.run_id,
            run_type=SCRIPT_RUN,
            status=RunStatus.NOT_STARTED,
            parent_key=None if parent is None else parent.key,
            root_key=None if parent is None else parent.root_key or parent.key,
            display_name=request.display_name,
            user_name=user_name(),
            script_name=None if submission.is_command else submission.argv[0],
            target=submission.target,
            definition={**run_definition(resolved.configuration, submission, redaction), **resolved.data},
            host_id=origin.host_id,
            boot_id=origin.boot_id,
            pid_namespace=origin.pid_namespace,
            lease_until=lease_end(),
            node_count=resolved.configuration.node_count,
            gpu_count=wish.wanted,
            visible_gpus=wish.visible,
        )
        if place.is_queued:
            workspace.runs.change_status(key, {RunStatus.NOT_STARTED}, RunStatus.QUEUED)
            new.let_go()
        workspace.runs.add_properties(key, properties)
        workspace.runs.set_tags(key, request.tags)
        for dataset in resolved.datasets:
            workspace.datasets.insert(dataset.definition, dataset_id=dataset.dataset_id)
    return key, place


def _git_properties(request: SubmitRequest, resolved: Resolution, redaction: Redaction) -> Mapping[str, str]:
    if request.earlier is not None:
        return request.earlier.git_properties()
    return git_properties(resolved.source, request.environment, redaction)


def _write_secrets(
    workspace: Workspace,
    request: SubmitRequest,
    resolved: Resolution,
    submission: Submission,
    experiment: Experiment,
    run_number: int,
) -> None:
    folder = workspace.run_folder(submission.run_id)
    environment = script_environment(
        request.environment,
        resolved.configuration.environment_variables,
        identity=workspace.identity,
        home=workspace.home,
        sdk_folder=Path(submission.sdk_folder),
        run_id=submission.run_id,
        run_number=run_number,
        folder=folder,
        experiment_name=experiment.name,
        experiment_id=experiment.experiment_id,
    )
    write_json(folder.secrets, Secrets(environment, resolved.argv, resolved.environment.secrets).to_json())


def _start(workspace: Workspace, run: Run, lock: OwnerLock) -> None:
    try:
        start_supervisor(find_target(workspace, run.target), run, [lock.descriptor])
    except OSError as error:
        message = f"No supervisor could be started: {error.strerror}."
        workspace.run_folder(run.run_id).secrets.unlink(missing_ok=True)
        record_outcome(workspace, run, outcome_of_failure(message, code=SERVICE_ERROR))
        raise MlrunError(message, hint=f"The run {run.run_id} is recorded as Failed.") from error


def _as_text(argument: str) -> str:
    r"""What a record can hold of an argument or a path: bytes that are no UTF-8 as `\\udcff`."""
    return argument.encode("utf-8", "backslashreplace").decode("utf-8")
