"""Runs that are started from a template.

A process that starts runs from a template may be killed at any moment: the next start of the same run id goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from types import MappingProxyType
from typing import Any

from mlrun_cli.actions.compute_targets import check_target_exists
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import DiskFull, FileNotWritable, MlrunError, StoreError, StoreUnavailable
from mlrun_cli.processes.interruptions import Interruptions
from mlrun_cli.runs.error import SERVICE_ERROR, build_run_error
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.job_problems import JobProblems
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.runs.run import SCRIPT_RUN, Run
from mlrun_cli.runs.shared_folder import remove_secrets
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runtime.finish import build_failure_outcome, record_outcome
from mlrun_cli.runtime.queue import wake_dispatcher
from mlrun_cli.runtime.supervisor_start import start_supervisor
from mlrun_cli.runtime.unfinished_submissions import remove_unfinished_submission
from mlrun_cli.submit.new_run import NewRun, RecordedRun, TemplateAttributes, build_secrets, record_run
from mlrun_cli.submit.new_run_folder import NewRunFolder
from mlrun_cli.submit.options import change_options, escape_non_utf8
from mlrun_cli.submit.request import SubmitRequest
from mlrun_cli.submit.resolution import Resolution, build_run_redactor
from mlrun_cli.submit.script import build_argv
from mlrun_cli.submit.shared_run import SharedLocation, write_stored_run
from mlrun_cli.submit.start import (
    bind_run_data,
    build_environment_here,
    prepare_shared_location,
)
from mlrun_cli.submit.start_on_node import start_batch_on_nodes, start_on_node
from mlrun_cli.submit.template import RunTemplate
from mlrun_cli.targets.base import Target
from mlrun_cli.targets.engine import EngineTarget
from mlrun_cli.targets.errors import EngineUnavailable, SharedFolderUnavailable
from mlrun_cli.targets.lookup import get_target
from mlrun_cli.targets.package_copies import ensure_sdk_copy
from mlrun_cli.workspace import Workspace

_READERS_SECONDS = 0.5


_MAX_TOGETHER = 100
"""How many runs are recorded, each with its lock held, before an engine is called for all of them."""


class TemplateRun(NamedTuple):
    """A run to start from a template, and the values that extend or replace the template's values.

    Attributes:
        run_id: the id of the run; a run with this id is started only once.
        parent_run_id: the id of the parent run.
        run_type: the type of the run.
        arguments: the arguments of the script; None leaves those of the template. Placeholders for data are replaced.
        command: the command instead of that of the template, as in a `RunConfiguration`.
        variables: environment variables of the script besides those of the template.
        sections: data sections of a runconfig by name (`data`, `dataReferences`, `outputData`), with entries that are
            added to those of the template.
        tags, properties: those of the run, besides those of the template.
        display_name: the run's name for people; None leaves that of the template.
        resumed_run_id: the id of a run whose `outputs` the script finds in its own.
        absent_flags: flags, such as `--fp16`, that are false for the run, and that its arguments leave out.
    """

    run_id: str
    parent_run_id: str | None = None
    run_type: str = SCRIPT_RUN
    arguments: Sequence[str] | None = None
    command: str | tuple[str, ...] | None = None
    variables: Mapping[str, str] = MappingProxyType({})
    sections: Mapping[str, Mapping[str, object]] = MappingProxyType({})
    tags: Mapping[str, str | None] = MappingProxyType({})
    properties: Mapping[str, str] = MappingProxyType({})
    display_name: str | None = None
    resumed_run_id: str | None = None
    absent_flags: Sequence[str] = ()


def start_from_template(workspace: Workspace, template: RunTemplate, run: TemplateRun) -> Run:
    """Record a run and queue it, here or in its target's engine, or complete an interrupted start; return the run.

    Only one process may start a run id at a time. If that is killed at any moment, the next call completes what is
    missing.

    Raises:
        MlrunError: the run cannot be recorded, or the engine refuses it; nothing of it remains, unless it was recorded
            by an earlier call.
        OSError: files of an earlier call cannot be removed.
    """
    if workspace.runs.find_key(run.run_id) is None:
        _record_run(workspace, template, run)
    else:
        _complete_start_on_node(workspace, template, run)
    stored = workspace.runs.get(run.run_id)
    if not stored.status.is_terminal:
        with suppress(OSError, StoreUnavailable):  # the next look at a run calls again
            wake_dispatcher(workspace, template.target)
    return stored


def start_or_fail_from_template(workspace: Workspace, template: RunTemplate, run: TemplateRun) -> Run:
    """Start a run like `start_from_template`, or record it as Failed if it can never be started; return the run.

    Raises:
        StoreError, DiskFull, FileNotWritable, EngineUnavailable, SharedFolderUnavailable, OSError: something is away,
            and a later call may succeed.
    """
    try:
        return start_from_template(workspace, template, run)
    except (StoreError, DiskFull, FileNotWritable, EngineUnavailable, SharedFolderUnavailable):
        raise
    except MlrunError as error:
        key = workspace.runs.find_key(run.run_id)
        if key is not None:
            _fail_unstarted_run(workspace, workspace.runs.get_by_key(key), error)
        else:
            failure = build_run_error(error.message, code=SERVICE_ERROR, reason=error.code)
            with NewRunFolder(workspace.get_run_folder(run.run_id)) as folder, Interruptions() as interruptions:
                new = _build_new_run(workspace, None, template, run._replace(resumed_run_id=None))
                from_template = TemplateAttributes(run.run_type, template.git_properties, failure)
                record_run(workspace, new._replace(template=from_template), folder, interruptions)
                folder.is_in_store = True
        return workspace.runs.get(run.run_id)


def _fail_unstarted_run(workspace: Workspace, run: Run, error: MlrunError) -> None:
    """Record the failure of an already recorded run that could not be started, unless it has started after all."""
    if run.status is RunStatus.NOT_STARTED:
        remove_secrets(workspace.get_run_folder(run.run_id))
        outcome = build_failure_outcome(error.message, code=SERVICE_ERROR, reason=error.code)
        record_outcome(workspace, run, outcome)


def start_batch_from_template(workspace: Workspace, template: RunTemplate, runs: Sequence[TemplateRun]) -> None:
    """Start several runs in a single call to the target's engine; without support for job arrays, start none.

    Runs whose ids exist, and those that cannot be started so, are left to `start_from_template`, which has to be called
    for each, and which returns those that this function has started. Runs are recorded in their order: if one cannot
    be, no later one is.

    Raises:
        EngineUnavailable: the engine does not answer, and may have all of the jobs or none; the runs are kept.
        StoreError: the store cannot be used.
    """
    target = get_target(workspace, template.target)
    if isinstance(target, EngineTarget) and target.has_job_arrays:
        new_runs = [run for run in runs if workspace.runs.find_key(run.run_id) is None]
        for start in range(0, len(new_runs), _MAX_TOGETHER):
            part = new_runs[start : start + _MAX_TOGETHER]
            if _start_batch(workspace, target, template, part) < len(part):
                return


def _start_batch(workspace: Workspace, target: EngineTarget, template: RunTemplate, runs: Sequence[TemplateRun]) -> int:
    """Record runs, up to the first that cannot be recorded, and start them; return the number of recorded runs."""
    with ExitStack() as stack:
        recorded = []
        with suppress(MlrunError, OSError):  # whoever starts the runs alone meets it again
            build_environment_here(target, template.request, template.resolution, None)
            place = prepare_shared_location(workspace, target, template.snapshot)
            for run in runs:
                new, row, _ = _record_new_run(workspace, target, template, run, place, stack)
                recorded.append((new, row))
        start_batch_on_nodes(target, recorded)
        return len(recorded)


def _record_new_run(
    workspace: Workspace,
    target: Target,
    template: RunTemplate,
    run: TemplateRun,
    place: SharedLocation | None,
    stack: ExitStack,
) -> tuple[NewRun, RecordedRun, NewRunFolder]:
    """Record a new run; return it and its folder. Until `stack` closes, its lock is held and signals are blocked."""
    remove_unfinished_submission(workspace, run.run_id)
    with ExitStack() as own:
        folder = own.enter_context(NewRunFolder(workspace.get_run_folder(run.run_id), place))
        interruptions = own.enter_context(Interruptions())
        new = _build_new_run(workspace, target, template, run, place)
        recorded = record_run(workspace, new, folder, interruptions)
        folder.is_in_store = True
        stack.enter_context(own.pop_all())
    return new, recorded, folder


def record_reused_run(
    workspace: Workspace,
    template: RunTemplate,
    run: TemplateRun,
    source_run: Run,
    copy_results: Callable[[RunFolder], None],
) -> Run:
    """Record a run as Completed with the results of another run, unless its id already exists; return the run.

    Args:
        workspace: the workspace of both runs.
        template: the template of the run.
        run: the run, which is not started.
        source_run: the other run.
        copy_results: copies the other run's files into the folder of the run.

    Raises:
        MlrunError: the run cannot be recorded.
        OSError: files of an earlier call cannot be removed.
    """
    if workspace.runs.find_key(run.run_id) is None:
        remove_unfinished_submission(workspace, run.run_id)
        with NewRunFolder(workspace.get_run_folder(run.run_id)) as folder, Interruptions() as interruptions:
            copy_results(workspace.get_run_folder(run.run_id))
            new = _build_new_run(workspace, None, template, run)
            from_template = TemplateAttributes(run.run_type, template.git_properties, reused=source_run)
            record_run(workspace, new._replace(template=from_template), folder, interruptions)
            folder.is_in_store = True
    return workspace.runs.get(run.run_id)


def apply_run_to_template(template: RunTemplate, run: TemplateRun) -> RunTemplate:
    """Return a copy of a template with the arguments, variables and other settings of a run applied."""
    request, resolution = _apply_changes(template, run)
    return template._replace(request=request, resolution=resolution)


def _record_run(workspace: Workspace, template: RunTemplate, run: TemplateRun) -> None:
    check_target_exists(workspace, template.target)  # else the kind of a deleted target would be that of this machine
    target = get_target(workspace, template.target)
    build_environment_here(target, template.request, template.resolution, None)
    place = prepare_shared_location(workspace, target, template.snapshot)
    with ExitStack() as stack:
        new, recorded, folder = _record_new_run(workspace, target, template, run, place, stack)
        if place is not None:
            start_on_node(target, new, recorded, folder)


def _build_new_run(
    workspace: Workspace,
    target: Target | None,
    template: RunTemplate,
    run: TemplateRun,
    place: SharedLocation | None = None,
) -> NewRun:
    """Return the new run to record; its folder must exist, since data are copied into the folder.

    Without a target, no data are bound.
    """
    request, resolution = _apply_changes(template, run)
    if run.resumed_run_id is not None:
        request = request._replace(resumed_run=workspace.runs.get(run.resumed_run_id))
    request = resolution.redact_request(request)
    options = change_options(template.submission.get_submit_options(), request, resolution)
    if target is not None:
        resolution = bind_run_data(target, request, resolution, run.run_id)
    sdk_folder = ensure_sdk_copy(workspace.home / "sdk") if place is None else place.sdk_folder
    submission = template.submission._replace(
        run_id=run.run_id,
        argv=tuple(map(escape_non_utf8, resolution.redactor.redact_arguments(resolution.argv))),
        sdk_folder=str(sdk_folder),
        options=options,
        data_links=resolution.data_links,
    )
    from_template = TemplateAttributes(run.run_type, template.git_properties)
    return NewRun(request, resolution, submission, resolution.redactor, template.gpus, place, from_template)


def _apply_changes(template: RunTemplate, run: TemplateRun) -> tuple[SubmitRequest, Resolution]:
    """Return the request and the resolution of a template with a run's changes applied."""
    configuration, argv = template.resolution.configuration, template.resolution.argv
    variables = {**configuration.environment_variables, **run.variables}
    rest = {**configuration.rest}
    for section, entries in run.sections.items():
        before: Any = rest.get(section)
        rest[section] = {**(before if isinstance(before, Mapping) else {}), **entries}
    configuration = configuration._replace(environment_variables=variables, rest=rest)
    request = template.request._replace(
        parent_run_id=run.parent_run_id,
        predecessor=None,
        begin_at=None,
        tags={**template.request.tags, **run.tags},
        properties={**template.request.properties, **run.properties},
        variables={**template.request.variables, **run.variables},
        display_name=run.display_name or template.request.display_name,
        absent_flags=(*template.submission.get_submit_options().absent_flags, *run.absent_flags),
    )
    if run.command is not None:
        configuration = configuration.replace_fields(command=run.command)
        argv = build_argv(configuration)
        is_named = template.submission.get_submit_options().command is not None  # rather than by a runconfig file
        request = request._replace(command=run.command if is_named else None)
    elif run.arguments is not None and configuration.command is None:
        arguments = tuple(run.arguments)
        configuration = configuration.replace_fields(arguments=arguments)
        argv = (argv[0], *arguments)
        request = request._replace(script=argv[0], arguments=arguments)
    redactor = build_run_redactor(request.environment, configuration)
    return request, template.resolution._replace(configuration=configuration, argv=argv, redactor=redactor)


def _complete_start_on_node(workspace: Workspace, template: RunTemplate, run: TemplateRun) -> None:
    """Submit a recorded run to its engine if an earlier submission was interrupted before it reached the engine.

    One that the engine has not answered is repeated by the collector, once it is sure that there is no job.
    """
    stored = workspace.runs.get(run.run_id)
    target = get_target(workspace, template.target)
    if stored.status is not RunStatus.NOT_STARTED or not isinstance(target, EngineTarget):
        return
    folder = workspace.get_run_folder(run.run_id)
    with closing(OwnerLock.open(folder.lock)) as lock:
        # While the lock is held, the collector does not look for the job of the run.
        if not lock.acquire_within(_READERS_SECONDS) or JobProblems.read(folder).unanswered:
            return
        stored = workspace.runs.get(run.run_id)  # it may have been started until here
        if stored.status is not RunStatus.NOT_STARTED or target.job_property in stored.properties:
            return
        if target.find_job_id(run.run_id) is not None:
            return
        place = prepare_shared_location(workspace, target, template.snapshot)
        new = _build_new_run(workspace, target, template, run, place)
        experiment = workspace.experiments.get(stored.experiment_name)
        secrets = build_secrets(workspace, new, experiment, stored.run_number)
        if place is not None:
            with place.convert_errors():
                write_stored_run(workspace, stored, place.shared.get_run_folder(run.run_id), secrets)
        start_supervisor(target, stored, [])
