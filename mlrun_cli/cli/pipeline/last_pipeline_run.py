"""`pipeline last-pipeline-run`."""

from __future__ import annotations

from mlrun_cli.actions.schedules import list_scheduled_runs, resolve_schedule_id
from mlrun_cli.cli.command import command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.pipeline import app
from mlrun_cli.cli.pipeline.options import ScheduleId
from mlrun_cli.cli.run.records import build_records_result
from mlrun_cli.errors import NoRunsYet


@command(
    app,
    "last-pipeline-run",
    examples=[
        ("Show the newest run of a schedule", "mlrun pipeline last-pipeline-run -s ID"),
        ("Print its status", "mlrun pipeline last-pipeline-run -s ID --query status -o tsv"),
    ],
)
def show(global_options: GlobalOptions, schedule_id: ScheduleId) -> object:
    """Show the newest run that a schedule submitted."""
    from mlrun_cli.actions.studio_urls import build_run_show_record  # noqa: PLC0415 - start-up

    with open_context(global_options, only_reads=True).workspace as workspace:
        schedule_id = resolve_schedule_id(workspace, schedule_id)
        runs = list_scheduled_runs(workspace, schedule_id)
        if not runs:
            hint = f"'mlrun pipeline show-schedule -s {schedule_id}' says when it starts the next one."
            raise NoRunsYet(f"schedule '{schedule_id}'", hint)
        record = build_run_show_record(workspace, runs[0])
    return build_records_result([record], is_list=False)
