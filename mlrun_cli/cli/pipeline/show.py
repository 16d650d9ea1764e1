"""`pipeline show`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, TextIO

from mlrun_cli.actions.published_pipelines import describe_graph, get_pipeline, resolve_pipeline_id
from mlrun_cli.cli.command import Result, command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.output.record_table import TIME_WIDTH, Field, build_time_formatter
from mlrun_cli.cli.pipeline import app
from mlrun_cli.cli.pipeline.options import OutputFile, PipelineId, build_pipeline_record, write_output_file
from mlrun_cli.errors import StoredFilesLost

_FIELDS = (
    Field("Id", "id", 8, is_id=True),
    Field("Name", "name"),
    Field("Version", "version"),
    Field("Status", "status"),
    Field("Created", build_time_formatter("dateCreated"), TIME_WIDTH),
    Field("Description", "description"),
)
_PARAMETER_FIELDS = (Field("Parameter", "name"), Field("Type", "type"), Field("Default", "default"))
_STEP_FIELDS = (
    Field("Step", "name"),
    Field("Type", "type"),
    Field("Script", "script"),
    Field("After", lambda record: ", ".join(record["after"])),
)
_SCHEDULE_FIELDS = (
    Field("Schedule", "name"),
    Field("Id", "id", 8, is_id=True),
    Field("Status", "status"),
    Field("Times", "times", 12),
)


@command(
    app,
    "show",
    examples=[
        ("Show a published pipeline", "mlrun pipeline show -i ID"),
        ("Print the times of its schedules", "mlrun pipeline show -i ID --query 'schedules[].times' -o tsv"),
    ],
)
def show(global_options: GlobalOptions, pipeline_id: PipelineId, output_file: OutputFile = None) -> object:
    """Show a published pipeline with its parameters, its steps and its schedules.

    If its files are gone, 'parameters' and 'steps' are null.
    """
    with open_context(global_options, only_reads=True).workspace as workspace:
        pipeline = get_pipeline(workspace, resolve_pipeline_id(workspace, pipeline_id))
        record = build_pipeline_record(workspace, pipeline)
        try:
            record |= describe_graph(workspace, pipeline.pipeline_id)
        except StoredFilesLost as error:
            record |= {"parameters": None, "steps": None}
            global_options.notes.warning(error.one_line)
    write_output_file(output_file, record)
    return Result(record, table=partial(_print_page, record))


def _print_page(record: Mapping[str, Any], *, file: TextIO, width: int | None, colour: bool) -> None:
    """Print the fields of a pipeline, then tables of its parameters, its steps and its schedules."""
    from mlrun_cli.cli.output.columns import print_layout  # noqa: PLC0415 - start-up
    from mlrun_cli.cli.output.record_table import build_fields_layout  # noqa: PLC0415

    parameters = [{"name": name, **each} for name, each in (record["parameters"] or {}).items()]
    for records, fields in (
        ([record], _FIELDS),
        (parameters, _PARAMETER_FIELDS),
        (record["steps"] or [], _STEP_FIELDS),
        (record["schedules"], _SCHEDULE_FIELDS),
    ):
        if records:
            if records[0] is not record:
                file.write("\n")
            print_layout(build_fields_layout(records, fields), file=file, width=width, colour=colour)
