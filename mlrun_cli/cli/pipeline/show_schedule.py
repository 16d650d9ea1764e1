"""`pipeline show-schedule`."""

from __future__ import annotations

from mlrun_cli.actions.schedules import get_schedule, resolve_schedule_id
from mlrun_cli.cli.command import command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.pipeline import app
from mlrun_cli.cli.pipeline.options import ScheduleId, build_schedule_result


@command(
    app,
    "show-schedule",
    examples=[
        ("Show a schedule", "mlrun pipeline show-schedule -s ID"),
        ("Print the time of its next run", "mlrun pipeline show-schedule -s ID --query nextTime -o tsv"),
    ],
)
def show(global_options: GlobalOptions, schedule_id: ScheduleId) -> object:
    """Show a schedule: its times, the next one, and why the last submission failed, if it did."""
    with open_context(global_options, only_reads=True).workspace as workspace:
        return build_schedule_result(workspace, get_schedule(workspace, resolve_schedule_id(workspace, schedule_id)))
