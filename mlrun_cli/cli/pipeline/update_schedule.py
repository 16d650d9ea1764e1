"""`pipeline update-schedule`."""

from __future__ import annotations

from typing import Annotated, Any

from mlrun_cli.actions.schedules import resolve_schedule_id, update_schedule
from mlrun_cli.cli.command import command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.pipeline import app
from mlrun_cli.cli.pipeline.options import ScheduleFile, ScheduleId, report_changed_schedule
from mlrun_cli.pipelines.schedule_file import read_schedule_file


@command(
    app,
    "update-schedule",
    examples=[
        ("Change the times of a schedule", "mlrun pipeline update-schedule -s ID -y schedule.yml"),
        ("Rename a schedule", "mlrun pipeline update-schedule -s ID -n weekly"),
    ],
)
def update(
    global_options: GlobalOptions,
    schedule_id: ScheduleId,
    name: Annotated[str | None, Option("--name", "-n", metavar="NAME", help="New name of the schedule.")] = None,
    status: Annotated[
        str | None, Option("--status", "-t", metavar="Active|Disabled", help="New status of the schedule.")
    ] = None,
    schedule_file: ScheduleFile = None,
) -> object:
    """Change a schedule's name, status, or the settings given in a file; others are kept."""
    changes: dict[str, Any] = {} if schedule_file is None else read_schedule_file(schedule_file)
    changes |= {key: value for key, value in (("name", name), ("status", status)) if value is not None}
    with open_context(global_options).workspace as workspace:
        schedule = update_schedule(workspace, resolve_schedule_id(workspace, schedule_id), changes)
        return report_changed_schedule(global_options, workspace, schedule)
