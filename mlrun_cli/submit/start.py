"""The start of a resolved run: take the snapshot, record the run and start its supervisor."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.problems import Problems
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.errors import OperatingSystemError, StoreUnavailable
from mlrun_cli.processes.inheritance import get_limits, get_niceness, list_limit_warnings, read_umask
from mlrun_cli.processes.interruptions import Interruptions
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.script_input import ScriptInput
from mlrun_cli.runs.stream_lock import acquire_stream_lock
from mlrun_cli.runs.submission import Submission
from mlrun_cli.runtime.queue import wake_dispatcher
from mlrun_cli.snapshots.content_store import SnapshotStore
from mlrun_cli.snapshots.limits import SnapshotLimits
from mlrun_cli.snapshots.pruning import prevent_pruning
from mlrun_cli.snapshots.snapshot import Snapshot
from mlrun_cli.snapshots.take import take_snapshot
from mlrun_cli.submit.admission import build_gpu_request
from mlrun_cli.submit.new_run import NewRun, record_run
from mlrun_cli.submit.new_run_folder import NewRunFolder
from mlrun_cli.submit.options import build_resubmit_options, escape_non_utf8
from mlrun_cli.submit.request import SubmitRequest
from mlrun_cli.submit.resolution import Resolution
from mlrun_cli.submit.script import check_script_in_snapshot
from mlrun_cli.submit.submitted import Progress, Submitted
from mlrun_cli.submit.supervisor_start import SupervisorStart
from mlrun_cli.targets.base import Target
from mlrun_cli.targets.lookup import get_target
from mlrun_cli.targets.package_copies import ensure_sdk_copy
from mlrun_cli.workspace import Workspace

if TYPE_CHECKING:
    from mlrun_cli.submit.shared_run import SharedLocation


class Source(NamedTuple):
    """The snapshot of a run's source, and lines about it."""

    snapshot: Snapshot
    notes: tuple[str, ...] = ()


def start_run(
    workspace: Workspace,
    request: SubmitRequest,
    resolution: Resolution,
    problems: Problems,
    interruptions: Interruptions,
    start: SupervisorStart,
    *,
    progress: Progress | None,
    report: Callable[[str], None] | None,
) -> Submitted | None:
    """Take a resolved run's snapshot, record the run and start it; return None if the source has problems."""
    with prevent_pruning(workspace.snapshots_folder, report):
        source = prepare_source(workspace, request, resolution, problems, progress)
        if source is None:
            return None
        return _record_and_start(workspace, request, resolution, interruptions, start, source, report)


def prepare_source(
    workspace: Workspace,
    request: SubmitRequest,
    resolution: Resolution,
    problems: Problems,
    progress: Progress | None,
) -> Source | None:
    """Return a new snapshot, or that of the earlier run to repeat, with notes; None if the source has problems."""
    store = SnapshotStore(workspace.snapshots_folder)
    if request.earlier is not None:
        earlier = store.read_manifest(request.earlier.snapshot.snapshot_id)
        store.mark_used(earlier.snapshot_id)
        return Source(earlier)
    with problems.collect_errors():
        snapshot, notes = take_snapshot(
            resolution.source,
            store,
            limits=SnapshotLimits.from_environment(request.environment),
            exclude=[workspace.home],
            progress=progress,
        )
        if resolution.configuration.command is None:
            check_script_in_snapshot((entry.path for entry in snapshot.entries), resolution.source, resolution.argv[0])
        return Source(snapshot, tuple(notes))
    return None


def _record_and_start(
    workspace: Workspace,
    request: SubmitRequest,
    resolution: Resolution,
    interruptions: Interruptions,
    start: SupervisorStart,
    source: Source,
    report: Callable[[str], None] | None,
) -> Submitted:
    request = resolution.redact_request(request)
    target = get_target(workspace, resolution.configuration.target)
    gpus = build_gpu_request(workspace, target.name, request)
    build_environment_here(target, request, resolution, report)
    place = prepare_shared_location(workspace, target, source.snapshot)
    sdk_folder = str(ensure_sdk_copy(workspace.home / "sdk") if place is None else place.sdk_folder)
    folder = workspace.get_run_folder(start.run_id)
    redactor = resolution.redactor
    with NewRunFolder(folder, place) as new:
        submission = build_submission(
            workspace, request, resolution, redactor, start.run_id, source.snapshot, sdk_folder
        )
        resolution = bind_run_data(target, request, resolution, start.run_id)
        submission = submission._replace(
            argv=tuple(map(escape_non_utf8, redactor.redact_arguments(resolution.argv))),
            data_links=resolution.data_links,
        )
        held = acquire_stream_lock(folder) if request.ends_with_stream else None
        script_input = ScriptInput(folder.stdin) if request.is_reading else None
        run = NewRun(request, resolution, submission, redactor, gpus, place)
        recorded = record_run(workspace, run, new, interruptions)
        new.is_in_store = True
        if place is not None:
            from mlrun_cli.submit.start_on_node import start_on_node  # noqa: PLC0415 - start-up: few runs are

            start_on_node(target, run, recorded, new)
        elif not recorded.admission.is_queued:
            _start_supervisor(workspace, start, workspace.runs.get_by_key(recorded.key), new.lock)
    if place is not None or recorded.admission.is_queued:
        with suppress(OSError, StoreUnavailable):  # the next look at a run calls again
            wake_dispatcher(workspace, submission.target)
    notes = (*resolution.notes, *recorded.admission.notes, *source.notes, *list_limit_warnings(submission.limits))
    details = _list_report_lines(resolution, source.snapshot)
    run_redactor = recorded.secrets.build_redactor()
    return Submitted(workspace.runs.get_by_key(recorded.key), notes, details, held, script_input, run_redactor)


def build_environment_here(
    target: Target, request: SubmitRequest, resolution: Resolution, report: Callable[[str], None] | None
) -> None:
    """Build a run's environment on this machine if the target requires it and the environment does not exist.

    Raises:
        EnvironmentNotBuilt: the build failed.
    """
    build = resolution.environment.plan.build
    if build is None or not target.builds_environments_here:
        return
    from mlrun_cli.environments.folder import EnvironmentFolder  # noqa: PLC0415 - start-up: few runs need it
    from mlrun_cli.submit.environment_build import build_planned_environment  # noqa: PLC0415 - start-up

    if EnvironmentFolder(Path(build.folder)).is_complete():
        return
    if report is not None:
        report(f"Building the environment in {build.folder} …")
    build_planned_environment(resolution.environment, request.environment, "The environment of the run")


def prepare_shared_location(workspace: Workspace, target: Target, snapshot: Snapshot) -> SharedLocation | None:
    """Prepare the target's shared folder for a run; return the run's location in it, or None if there is none."""
    shared = target.shared_folder
    if shared is None:
        return None
    from mlrun_cli.submit.shared_run import prepare_shared_folder  # noqa: PLC0415 - start-up: few targets have one

    return prepare_shared_folder(workspace, target.name, shared, snapshot)


def build_submission(
    workspace: Workspace,
    request: SubmitRequest,
    resolution: Resolution,
    redactor: Redactor,
    run_id: str,
    snapshot: Snapshot,
    sdk_folder: str,
) -> Submission:
    """Return the submission of a run; its command line and options still contain placeholders for data."""
    identity, configuration = workspace.identity, resolution.configuration
    return Submission(
        run_id=run_id,
        experiment_name=request.experiment_name,
        workspace_name=identity.name,
        resource_group=identity.resource_group,
        subscription_id=identity.subscription_id,
        snapshot_id=snapshot.snapshot_id,
        is_command=configuration.command is not None,
        argv=tuple(map(escape_non_utf8, redactor.redact_arguments(resolution.argv))),
        environment=resolution.environment.plan,
        sdk_folder=sdk_folder,
        target=configuration.target,
        max_run_duration_seconds=configuration.max_run_duration_seconds,
        launch=resolution.launch,
        folder=str(request.get_project_folder()),
        runconfig=None if resolution.runconfig is None else str(resolution.runconfig),
        umask=read_umask(),
        niceness=get_niceness(),
        limits=get_limits(),
        options=build_resubmit_options(request, resolution),
        retry=request.retry,
        keeps_outputs_only=request.keeps_outputs_only,
    )


def bind_run_data(target: Target, request: SubmitRequest, resolution: Resolution, run_id: str) -> Resolution:
    """Return the resolution with data placeholders replaced with the paths of the data; the run's folder must exist."""
    if not resolution.has_data:
        return resolution
    from mlrun_cli.submit.data import bind_data  # noqa: PLC0415 - start-up: most runs have none

    data = bind_data(
        target.workspace,
        resolution.configuration,
        run_id,
        resolution.source,
        resolution.volumes,
        environ=request.environment,
        earlier=request.earlier,
        target=target,
    )
    return resolution.replace_data_placeholders(data)


def _list_report_lines(resolution: Resolution, snapshot: Snapshot) -> tuple[str, ...]:
    """Return the lines to report when a run starts: runconfig, interpreter or environment, and snapshot."""
    plan = resolution.environment.plan
    return (
        *(() if resolution.runconfig is None else (f"Runconfig: {resolution.runconfig}",)),
        f"Interpreter: {plan.interpreter}" if plan.build is None else f"Environment: {plan.build.key}",
        f"Snapshot: {snapshot.snapshot_id}, {len(snapshot.entries)} entries, {snapshot.size} bytes",
    )


def _start_supervisor(workspace: Workspace, start: SupervisorStart, run: Run, lock: OwnerLock) -> None:
    try:
        start.start(run, [lock.descriptor])
    except OSError as error:
        from mlrun_cli.runs.error import SERVICE_ERROR, EndReason  # noqa: PLC0415 - start-up
        from mlrun_cli.runtime.finish import build_failure_outcome, record_outcome  # noqa: PLC0415 - start-up

        message = f"No supervisor could be started: {error.strerror}."
        workspace.get_run_folder(run.run_id).secrets.unlink(missing_ok=True)
        reason = EndReason.SUPERVISOR_NOT_STARTED
        record_outcome(workspace, run, build_failure_outcome(message, code=SERVICE_ERROR, reason=reason))
        raise OperatingSystemError(message, hint=f"The run {run.run_id} is recorded as Failed.") from error
