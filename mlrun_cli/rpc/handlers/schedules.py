"""Handlers of requests about schedules."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlrun_cli.actions import schedules as actions
from mlrun_cli.pipelines.schedule import Schedule
from mlrun_cli.pipelines.schedule_file import read_schedule_file
from mlrun_cli.rpc.context import RequestContext
from mlrun_cli.rpc.registry import handler
from mlrun_cli.runs.run import build_run_record


@handler("schedules.create")
def create_schedule(context: RequestContext, values: Mapping[str, Any]) -> dict[str, Any]:
    """Create a schedule; return its record, and notes for the user."""
    schedule = actions.create_schedule(context.workspace, values)
    return _build_response(context, schedule)


@handler("schedules.update")
def update_schedule(context: RequestContext, schedule_id: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Update the given fields of a schedule; return its record, and notes for the user."""
    schedule = actions.update_schedule(context.workspace, schedule_id, changes)
    return _build_response(context, schedule)


@handler("schedules.get", only_reads=True)
def get_schedule(context: RequestContext, schedule_id: str) -> dict[str, Any]:
    """Return the record of a schedule."""
    return actions.build_schedule_record(context.workspace, actions.get_schedule(context.workspace, schedule_id))


@handler("schedules.list", only_reads=True)
def list_schedules(
    context: RequestContext,
    active_only: bool = True,
    pipeline_id: str | None = None,
    pipeline_endpoint_id: str | None = None,
) -> list[dict[str, Any]]:
    """Return the records of the schedules, newest first, optionally only those of one pipeline or one endpoint."""
    found = actions.list_schedules(
        context.workspace, active_only=active_only, pipeline_id=pipeline_id, endpoint_id=pipeline_endpoint_id
    )
    return [actions.build_schedule_record(context.workspace, schedule) for schedule in found]


@handler("schedules.list_runs", only_reads=True)
def list_scheduled_runs(context: RequestContext, schedule_id: str) -> list[dict[str, Any]]:
    """Return the records of the runs that a schedule has submitted, newest first."""
    return list(map(build_run_record, actions.list_scheduled_runs(context.workspace, schedule_id)))


@handler("schedules.load", only_reads=True)
def load_schedule_file(context: RequestContext, path: str) -> dict[str, Any]:  # noqa: ARG001 - every handler takes a context
    """Return the fields of the schedule defined in a YAML file, named as in Azure's SDK."""
    return read_schedule_file(Path(path))


def _build_response(context: RequestContext, schedule: Schedule) -> dict[str, Any]:
    """Return the record of a schedule as `schedule`, and notes for the user as `notes`."""
    notes = actions.list_ignored_setting_notes(schedule.settings)
    notes += actions.list_trigger_notes(context.workspace) if schedule.is_active else []
    return {"schedule": actions.build_schedule_record(context.workspace, schedule), "notes": notes}
