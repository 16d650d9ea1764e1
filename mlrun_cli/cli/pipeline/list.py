"""`pipeline list`."""

from __future__ import annotations

from typing import Annotated

from mlrun_cli.actions.published_pipelines import list_pipelines
from mlrun_cli.cli.command import command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.output.record_table import build_listing
from mlrun_cli.cli.pipeline import app
from mlrun_cli.cli.pipeline.options import PIPELINE_FIELDS, OutputFile, build_pipeline_record, write_output_file


@command(
    app,
    "list",
    query_words=True,
    examples=[
        ("List the published pipelines", "mlrun pipeline list -o table"),
        ("List the ids of their schedules", "mlrun pipeline list --query '[].schedules[].id' -o tsv"),
    ],
)
def list_published_pipelines(
    global_options: GlobalOptions,
    is_all: Annotated[bool, Option("--all", help="Disabled ones, too.")] = False,
    output_file: OutputFile = None,
) -> object:
    """List the published pipelines that are not disabled, newest first, with their schedules."""
    with open_context(global_options, only_reads=True).workspace as workspace:
        found = list_pipelines(workspace, active_only=not is_all)
        records = [build_pipeline_record(workspace, pipeline) for pipeline in found]
        has_disabled = not found and bool(list_pipelines(workspace, active_only=False))
    write_output_file(output_file, records)
    message = "No published pipelines." if not has_disabled else "All pipelines are disabled; --all lists them."
    return build_listing(global_options, records, PIPELINE_FIELDS, empty_message=message)
