"""`pipeline enable`."""

from __future__ import annotations

from mlrun_cli.actions.published_pipelines import resolve_pipeline_id, set_pipeline_status
from mlrun_cli.cli.command import command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.pipeline import app
from mlrun_cli.cli.pipeline.options import OutputFile, PipelineId, build_pipeline_result
from mlrun_cli.pipelines.published import ACTIVE


@command(
    app,
    "enable",
    examples=[
        ("Enable a published pipeline", "mlrun pipeline enable -i ID"),
        ("Do so without printing anything", "mlrun pipeline enable -i ID -o none"),
    ],
)
def enable(global_options: GlobalOptions, pipeline_id: PipelineId, output_file: OutputFile = None) -> object:
    """Allow a published pipeline to be submitted again."""
    with open_context(global_options).workspace as workspace:
        pipeline = set_pipeline_status(workspace, resolve_pipeline_id(workspace, pipeline_id), ACTIVE)
        return build_pipeline_result(workspace, pipeline, output_file)
