"""`pipeline pipeline-runs-list`."""

from __future__ import annotations

from mlrun_cli.actions.schedules import list_scheduled_runs, resolve_schedule_id
from mlrun_cli.cli.command import command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.output.record_table import TIME_WIDTH, Field, build_listing, build_time_formatter
from mlrun_cli.cli.pipeline import app
from mlrun_cli.cli.pipeline.options import ScheduleId
from mlrun_cli.runs.run import build_run_record

_FIELDS = (
    Field("Run id", "run_id", 12, is_id=True),
    Field("Status", "status"),
    Field("Created", build_time_formatter("created_utc"), TIME_WIDTH),
    Field("Experiment", "experiment_name"),
)


@command(
    app,
    "pipeline-runs-list",
    query_words=True,
    examples=[
        ("List the runs of a schedule", "mlrun pipeline pipeline-runs-list -s ID -o table"),
        ("List only their ids", "mlrun pipeline pipeline-runs-list -s ID --query '[].run_id' -o tsv"),
    ],
)
def list_runs(global_options: GlobalOptions, schedule_id: ScheduleId) -> object:
    """List the runs that a schedule has submitted, newest first."""
    with open_context(global_options, only_reads=True).workspace as workspace:
        records = [
            build_run_record(run) for run in list_scheduled_runs(workspace, resolve_schedule_id(workspace, schedule_id))
        ]
    return build_listing(global_options, records, _FIELDS, empty_message="The schedule has submitted no runs yet.")
