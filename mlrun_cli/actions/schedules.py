"""Schedules of published pipelines: create, change, enable and disable them, and list their runs."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from mlrun_cli.actions.boot_service import get_boot_service_status
from mlrun_cli.actions.datastores import get_datastore
from mlrun_cli.actions.id_prefixes import resolve_id_prefix
from mlrun_cli.actions.pipeline_endpoints import get_endpoint
from mlrun_cli.actions.published_pipelines import check_status, get_pipeline, read_published_graph
from mlrun_cli.actions.runs import get_runs
from mlrun_cli.actions.schedule_secrets import extract_secrets, remove_secrets, restore_secrets
from mlrun_cli.core.guid import generate_guid
from mlrun_cli.core.names import check_experiment_name, check_title
from mlrun_cli.core.time import MICROSECONDS, now
from mlrun_cli.errors import InvalidValue, MlrunError, ScheduleNotFound, UsageError
from mlrun_cli.pipelines.expressions import ExpressionContext
from mlrun_cli.pipelines.graph import DATA_PATH_TYPE, Graph, ParameterValue
from mlrun_cli.pipelines.json_reader import JsonReader
from mlrun_cli.pipelines.parameter_values import assign_parameters, resolve_expressions
from mlrun_cli.pipelines.published import ACTIVE, DISABLED
from mlrun_cli.pipelines.schedule import Schedule, ScheduledRun, ScheduleSettings
from mlrun_cli.processes.host import get_user_name
from mlrun_cli.runs.rebuild_files import NAMES
from mlrun_cli.runs.run import Run
from mlrun_cli.runtime.schedule_keepers import wake_schedule_keeper
from mlrun_cli.workspace import Workspace

_FILE_SETTINGS = {"path_on_datastore": "path_on_datastore", "data_path_parameter": "data_path_parameter_name"}
"""Settings of schedules that watch files, with their names in Azure."""


def create_schedule(workspace: Workspace, values: Mapping[str, Any]) -> Schedule:
    """Create a schedule, which is active at once, and return it.

    Args:
        workspace: the workspace of the schedule and its pipeline.
        values: the fields of `ScheduleSettings`, as JSON.

    Raises:
        UsageError: a value is not valid.
        PipelineNotFound, PipelineEndpointNotFound, DatastoreNotFound: there is no such thing.
    """
    settings = _prepare_settings(workspace, ScheduleSettings.from_json(JsonReader(values, "schedule")))
    created_at = now()
    schedule = Schedule(
        schedule_id=generate_guid(),
        status=ACTIVE,
        settings=settings,
        created_at=created_at,
        anchor_at=created_at,
        next_at=settings.compute_first_time(created_at),
    )
    with workspace.transaction(durable=True):
        workspace.schedules.add(schedule)
    wake_schedule_keeper(workspace)
    return schedule


def update_schedule(workspace: Workspace, schedule_id: str, changes: Mapping[str, Any]) -> Schedule:
    """Update the given fields of a schedule, which may include `status`; return the schedule.

    Times are counted anew from now on, and times that have passed while it was disabled are not made up for.

    Raises:
        ScheduleNotFound: there is none.
        UsageError: a value is not valid, or another process has changed it meanwhile.
        PipelineNotFound, DatastoreNotFound: there is no such thing.
    """
    before = get_schedule(workspace, schedule_id)
    status = changes.get("status", before.status)
    check_status(status)
    if status == DISABLED and set(changes) == {"status"}:
        with workspace.transaction(durable=True):
            workspace.schedules.disable(schedule_id)
            workspace.schedules.clear_problem(schedule_id)
        wake_schedule_keeper(workspace)
        return get_schedule(workspace, schedule_id)
    check_settings_are_readable(before)
    settings = _apply_changes(workspace, before.settings, changes, is_active=status == ACTIVE)
    moment = now()
    has_new_times = settings.recurrence != before.settings.recurrence
    anchor_at = moment if has_new_times or not before.is_active else before.anchor_at
    next_at = None
    if status == ACTIVE and settings.datastore is not None:
        next_at = moment  # the first look remembers what there is
    elif status == ACTIVE and has_new_times:
        next_at = settings.compute_first_time(moment)
    elif status == ACTIVE and not before.is_active:
        next_at = settings.compute_time_after_enabling(moment)
    elif status == ACTIVE:
        next_at = settings.compute_next_time(moment, anchor_at)
    schedule = before._replace(status=status, settings=settings, anchor_at=anchor_at, next_at=next_at)
    with workspace.transaction(durable=True):
        is_replaced = workspace.schedules.replace(schedule, before)
        if is_replaced:
            workspace.schedules.clear_problem(schedule_id)
    if settings.secrets_id != before.settings.secrets_id:
        remove_secrets(workspace, before.settings if is_replaced else settings)
    if not is_replaced:
        raise UsageError(
            f"The schedule '{before.settings.name}' has been changed by another process.", hint="Try again."
        )
    wake_schedule_keeper(workspace)
    return schedule


def _apply_changes(
    workspace: Workspace, current: ScheduleSettings, changes: Mapping[str, Any], *, is_active: bool
) -> ScheduleSettings:
    """Return settings with changes applied and secrets moved to a file; unchanged settings keep their secrets file."""
    former = current if "parameters" in changes else restore_secrets(workspace, current)
    changed = {**former.to_json(), **{name: value for name, value in changes.items() if name != "status"}}
    if changes.get("recurrence") is None and changes.get("datastore") is not None:
        changed["recurrence"] = None
    elif changes.get("recurrence") is not None and changes.get("datastore") is None:
        changed |= {**dict.fromkeys(_FILE_SETTINGS), "datastore": None, **changes}
        changed.pop("status", None)
    settings = ScheduleSettings.from_json(JsonReader(changed, "schedule"))
    if is_active or settings != former:  # one that is not valid any more can be disabled
        return _prepare_settings(workspace, settings)
    return current


def get_schedule(workspace: Workspace, schedule_id: str) -> Schedule:
    """Return the schedule with this id.

    Raises:
        ScheduleNotFound: there is none.
    """
    found = workspace.schedules.find(schedule_id)
    if found is None:
        raise ScheduleNotFound(schedule_id)
    return _remove_stored_secrets(workspace, found)


def resolve_schedule_id(workspace: Workspace, id_or_prefix: str) -> str:
    """Return the id of the schedule with this id, or with the only id that starts with this prefix.

    Raises:
        ScheduleNotFound: there is none.
        AmbiguousId: several ids have this prefix.
    """
    found = resolve_id_prefix(id_or_prefix, workspace.schedules.list_ids(id_or_prefix), "schedules")
    if found is None:
        raise ScheduleNotFound(id_or_prefix)
    return found


def list_schedules(
    workspace: Workspace,
    *,
    active_only: bool = True,
    pipeline_id: str | None = None,
    endpoint_id: str | None = None,
) -> Sequence[Schedule]:
    """Return schedules, newest first: of all pipelines, or of one pipeline or endpoint; by default only active ones."""
    found = workspace.schedules.list(active_only=active_only, pipeline_id=pipeline_id, endpoint_id=endpoint_id)
    return [_remove_stored_secrets(workspace, schedule) for schedule in found]


def _remove_stored_secrets(workspace: Workspace, schedule: Schedule) -> Schedule:
    """Remove secrets that an older version stored with a schedule, if possible; return the schedule."""
    settings = schedule.settings
    if settings.secrets_id is not None or not any(isinstance(value, str) for value in settings.parameters.values()):
        return schedule
    hidden = settings
    try:
        pipeline_id = get_scheduled_pipeline_id(workspace, settings)
        values = _compute_values(read_published_graph(workspace, pipeline_id), settings)
        hidden = extract_secrets(workspace, settings, pipeline_id, values)
        if hidden == settings:
            return schedule
        with workspace.transaction(durable=True):
            is_replaced = workspace.schedules.replace_settings(schedule, hidden)
            if is_replaced:  # the transaction then writes the file anew, without earlier lines
                (workspace.folder / NAMES).unlink(missing_ok=True)
    except (MlrunError, OSError):  # the pipeline is not what it was, or nothing can be written now
        is_replaced = False
    if not is_replaced:
        remove_secrets(workspace, hidden)
        return schedule
    return schedule._replace(settings=hidden)


def list_scheduled_runs(workspace: Workspace, schedule_id: str) -> Sequence[Run]:
    """Return the runs that a schedule has submitted and that still exist, newest first.

    Raises:
        ScheduleNotFound: there is no such schedule.
    """
    get_schedule(workspace, schedule_id)
    ids = [run.run_id for run in workspace.schedules.list_runs(schedule_id)]
    return get_runs(workspace, [run_id for run_id in ids if workspace.runs.find_key(run_id) is not None])


def find_failed_last_submission(workspace: Workspace, schedule_id: str) -> ScheduledRun | None:
    """Return a schedule's last submission if it failed, otherwise None."""
    newest = workspace.schedules.find_newest_run(schedule_id)
    return newest if newest is not None and newest.error is not None else None


def build_schedule_record(workspace: Workspace, schedule: Schedule) -> dict[str, Any]:
    """Return the record of a schedule, including the problem of its latest submission, if any."""
    return {**schedule.build_record(), "problem": find_schedule_problem(workspace, schedule)}


def find_schedule_problem(workspace: Workspace, schedule: Schedule) -> str | None:
    """Return why a schedule cannot be read, or else why its last run was not submitted; None if there is no problem."""
    last = find_failed_last_submission(workspace, schedule.schedule_id)
    return schedule.unreadable or (None if last is None else last.error)


def check_settings_are_readable(schedule: Schedule) -> None:
    """Raise InvalidValue if the stored settings of a schedule cannot be read."""
    if schedule.unreadable is not None:
        raise InvalidValue(
            schedule.unreadable,
            hint=f"Disable it ('mlrun pipeline disable-schedule -s {schedule.schedule_id}'), and create it anew.",
            target=schedule.schedule_id,
        )


def list_ignored_setting_notes(settings: ScheduleSettings) -> list[str]:
    """Return a note on each setting that has no effect, since the schedule has times and watches no files."""
    if settings.recurrence is None:
        return []
    given = [azure_name for name, azure_name in _FILE_SETTINGS.items() if getattr(settings, name) is not None]
    return [
        f"{name} has no effect in the schedule '{settings.name}': it has a recurrence, and watches no files."
        for name in given
    ]


def list_trigger_notes(workspace: Workspace) -> list[str]:
    """Return notes for users on what triggers active schedules; empty if the boot service is installed."""
    if get_boot_service_status(workspace.home, Path(sys.executable))["installed"]:
        return []
    return [
        "A process of this machine keeps the time of schedules. After a reboot nothing does until the next command "
        "that looks at runs; 'mlrun service install' has it started then."
    ]


def _prepare_settings(workspace: Workspace, settings: ScheduleSettings) -> ScheduleSettings:
    """Validate settings, write their secrets to a file, and return them without secrets."""
    check_title("the name of the schedule", settings.name)
    check_experiment_name(settings.experiment_name)
    pipeline_id = get_scheduled_pipeline_id(workspace, settings)
    graph = read_published_graph(workspace, pipeline_id)
    values = _compute_values(graph, settings)
    _check_times(settings)
    if settings.datastore is not None:
        get_datastore(workspace, settings.datastore).resolve_path(settings.path_on_datastore)
        if settings.data_path_parameter is not None:
            _check_data_path_parameter(graph, settings.data_path_parameter)
    return extract_secrets(workspace, settings, pipeline_id, values)


def _compute_values(graph: Graph, settings: ScheduleSettings) -> dict[str, ParameterValue]:
    """Return the values of all parameters of a pipeline, keyed by name, with expressions evaluated as of now.

    Raises:
        InvalidValue: a value does not fit, or an expression cannot be evaluated.
        SeveralProblems: there are several such errors.
    """
    context = ExpressionContext(now(), now(), generate_guid(), get_user_name())
    return assign_parameters(graph, resolve_expressions(graph, settings.parameters, context))


def _check_times(settings: ScheduleSettings) -> None:
    """Raise unless the first two times of a schedule exist and are not after the year 9999."""
    moment = now()
    try:
        first = settings.compute_first_time(moment)
        for timestamp in (first, settings.compute_next_time(first, moment)):
            datetime.fromtimestamp(timestamp / MICROSECONDS, timezone.utc)
    except (ValueError, OverflowError, OSError) as error:
        raise InvalidValue(
            "The schedule has times that no calendar has: its start time or its interval is too large or too small.",
            hint="Choose a smaller interval, and a start time of this century.",
        ) from error


def get_scheduled_pipeline_id(workspace: Workspace, settings: ScheduleSettings) -> str:
    """Return the id of the published pipeline that a schedule currently submits.

    Raises:
        PipelineNotFound, PipelineEndpointNotFound: there is no such pipeline or endpoint.
    """
    if settings.pipeline_id is not None:
        return get_pipeline(workspace, settings.pipeline_id).pipeline_id
    endpoint = get_endpoint(workspace, endpoint_id=settings.endpoint_id)
    return endpoint.pipeline_ids[endpoint.default_version]


def _check_data_path_parameter(graph: Graph, name: str) -> None:
    parameter = graph.parameters.get(name)
    if parameter is None or parameter.kind != DATA_PATH_TYPE:
        known = [one for one, value in graph.parameters.items() if value.kind == DATA_PATH_TYPE]
        raise InvalidValue(
            f"The pipeline has no parameter '{name}' of type {DATA_PATH_TYPE}.",
            hint=f"It has: {', '.join(known)}." if known else "It has none of this type.",
            target=name,
        )
