"""`pipeline list-steps`."""

from __future__ import annotations

from typing import Annotated

from mlrun_cli.cli.command import command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.output.record_table import TIME_WIDTH, Field, build_listing, build_time_formatter
from mlrun_cli.cli.pipeline import app
from mlrun_cli.cli.pipeline.options import OutputFile, write_output_file
from mlrun_cli.cli.run.selection import get_runs
from mlrun_cli.runs.run import build_run_record

_FIELDS = (
    Field("Step", "display_name"),
    Field("Status", "status"),
    Field("Started", build_time_formatter("start_time_utc"), TIME_WIDTH),
    Field("Run id", "run_id", 12, is_id=True),
    Field("Earlier results", lambda record: record["properties"].get("mlrun.reuse", ""), 12),
)


@command(
    app,
    "list-steps",
    query_words=True,
    examples=[
        ("List the steps of a pipeline's run", "mlrun pipeline list-steps -r ID -o table"),
        (
            "Print the ids of those that failed",
            "mlrun pipeline list-steps -r ID '[?status==`Failed`].run_id' -o tsv",
        ),
    ],
)
def list_steps(
    global_options: GlobalOptions,
    run_id: Annotated[str, Option("--run", "-r", metavar="ID", help="Id of the pipeline's run, or @latest.")],
    output_file: OutputFile = None,
) -> object:
    """List the started steps of a pipeline run, newest first, with the earlier runs whose results they reuse."""
    from mlrun_cli.submit.pipeline_runs import list_step_runs, read_run_graph  # noqa: PLC0415 - start-up

    context = open_context(global_options, only_reads=True)
    with context.workspace as workspace:
        (run,) = get_runs(context, [run_id], None)
        read_run_graph(workspace, run)
        records = [build_run_record(step) for step in list_step_runs(workspace, run)]
    write_output_file(output_file, records)
    return build_listing(global_options, records, _FIELDS, empty_message="No step has started yet.")
