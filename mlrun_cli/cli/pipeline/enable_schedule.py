"""`pipeline enable-schedule`."""

from __future__ import annotations

from mlrun_cli.actions.schedules import resolve_schedule_id, update_schedule
from mlrun_cli.cli.command import command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.pipeline import app
from mlrun_cli.cli.pipeline.options import ScheduleId, report_changed_schedule
from mlrun_cli.pipelines.published import ACTIVE


@command(
    app,
    "enable-schedule",
    examples=[
        ("Enable a schedule", "mlrun pipeline enable-schedule -s ID"),
        ("Do so without printing anything", "mlrun pipeline enable-schedule -s ID -o none"),
    ],
)
def enable(global_options: GlobalOptions, schedule_id: ScheduleId) -> object:
    """Let a disabled schedule submit runs again; times missed meanwhile are not made up for."""
    with open_context(global_options).workspace as workspace:
        schedule = update_schedule(workspace, resolve_schedule_id(workspace, schedule_id), {"status": ACTIVE})
        return report_changed_schedule(global_options, workspace, schedule)
