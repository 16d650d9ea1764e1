"""`pipeline show`."""

from __future__ import annotations

from mlrun_cli.actions.published_pipelines import describe_graph, get_pipeline, resolve_pipeline_id
from mlrun_cli.cli.command import command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.pipeline import app
from mlrun_cli.cli.pipeline.options import OutputFile, PipelineId, build_pipeline_record, write_output_file


@command(
    app,
    "show",
    examples=[
        ("Show a published pipeline", "mlrun pipeline show -i ID"),
        ("Print the times of its schedules", "mlrun pipeline show -i ID --query 'schedules[].times' -o tsv"),
    ],
)
def show(global_options: GlobalOptions, pipeline_id: PipelineId, output_file: OutputFile = None) -> object:
    """Show a published pipeline with its parameters, its steps and its schedules."""
    with open_context(global_options, only_reads=True).workspace as workspace:
        pipeline = get_pipeline(workspace, resolve_pipeline_id(workspace, pipeline_id))
        record = build_pipeline_record(workspace, pipeline)
        return write_output_file(output_file, {**record, **describe_graph(workspace, pipeline.pipeline_id)})
