"""`pipeline list-schedules`."""

from __future__ import annotations

from typing import Annotated

from mlrun_cli.actions import schedules as actions
from mlrun_cli.actions.published_pipelines import resolve_pipeline_id
from mlrun_cli.cli.command import command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.output.record_table import build_listing
from mlrun_cli.cli.pipeline import app
from mlrun_cli.cli.pipeline.options import SCHEDULE_FIELDS, OutputFile, write_output_file


@command(
    app,
    "list-schedules",
    query_words=True,
    examples=[
        ("List the schedules with the times of their next runs", "mlrun pipeline list-schedules -o table"),
        ("Print the ids of those that have a problem", "mlrun pipeline list-schedules --query '[?problem].id' -o tsv"),
    ],
)
def list_schedules(
    global_options: GlobalOptions,
    pipeline_id: Annotated[
        str | None,
        Option("--pipeline-id", "-i", metavar="ID", help="Only those of this published pipeline."),
    ] = None,
    is_all: Annotated[bool, Option("--all", help="Disabled ones, too.")] = False,
    output_file: OutputFile = None,
) -> object:
    """List the schedules that are not disabled, newest first, with the times of their next runs."""
    with open_context(global_options, only_reads=True).workspace as workspace:
        wanted = None if pipeline_id is None else resolve_pipeline_id(workspace, pipeline_id)
        found = actions.list_schedules(workspace, active_only=not is_all, pipeline_id=wanted)
        records = [actions.build_schedule_record(workspace, schedule) for schedule in found]
        has_disabled = not found and bool(actions.list_schedules(workspace, active_only=False, pipeline_id=wanted))
    write_output_file(output_file, records)
    message = "No schedules." if not has_disabled else "All schedules are disabled; --all lists them."
    return build_listing(global_options, records, SCHEDULE_FIELDS, empty_message=message)
