"""`pipeline disable`."""

from __future__ import annotations

from mlrun_cli.actions.published_pipelines import resolve_pipeline_id, set_pipeline_status
from mlrun_cli.cli.command import command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.pipeline import app
from mlrun_cli.cli.pipeline.options import OutputFile, PipelineId, build_pipeline_result
from mlrun_cli.pipelines.published import DISABLED


@command(
    app,
    "disable",
    examples=[
        ("Disable a published pipeline", "mlrun pipeline disable -i ID"),
        ("Do so without printing anything", "mlrun pipeline disable -i ID -o none"),
    ],
)
def disable(global_options: GlobalOptions, pipeline_id: PipelineId, output_file: OutputFile = None) -> object:
    """Hide a published pipeline from 'list', and refuse to submit it; its schedules start no runs."""
    with open_context(global_options).workspace as workspace:
        pipeline = set_pipeline_status(workspace, resolve_pipeline_id(workspace, pipeline_id), DISABLED)
        return build_pipeline_result(workspace, pipeline, output_file)
