"""`pipeline create`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from mlrun_cli.actions.published_pipelines import publish_pipeline
from mlrun_cli.cli.command import command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.option_values import parse_boolean
from mlrun_cli.cli.pipeline import app
from mlrun_cli.cli.pipeline.options import OutputFile, build_pipeline_result
from mlrun_cli.core.atomic_files import check_writable
from mlrun_cli.pipelines.yaml_file import read_pipeline_file


@command(
    app,
    "create",
    examples=[
        ("Publish the pipeline of a file", "mlrun pipeline create -y pipeline.yml -n training"),
        (
            "Publish it and print its id",
            "mlrun pipeline create -y pipeline.yml -n training --query id -o tsv",
        ),
    ],
)
def create(
    global_options: GlobalOptions,
    file: Annotated[Path, Option("--pipeline-yaml", "-y", metavar="FILE", help="YAML file of the pipeline.")],
    name: Annotated[str, Option("--name", "-n", metavar="NAME", help="Name of the published pipeline.")],
    description: Annotated[
        str | None, Option("--description", "-d", metavar="TEXT", help="Description. Default: that of the file.")
    ] = None,
    version: Annotated[str | None, Option("--version", "-v", metavar="TEXT", help="Version, any text.")] = None,
    continue_on_failure: Annotated[
        str | None,
        Option("--continue", "-c", metavar="true|false", help="Whether other steps go on when a step fails."),
    ] = None,
    output_file: OutputFile = None,
) -> object:
    """Publish a pipeline: store it with copies of its source folders, so that it can be submitted later, unchanged.

    Submit it by 'run submit-pipeline -i ID', or at certain times by 'pipeline create-schedule'.
    """
    if output_file is not None:
        check_writable(output_file)
    read = read_pipeline_file(file, Path.cwd())
    for note in read.notes:
        global_options.notes.warning(note)
    with open_context(global_options, creates=True).workspace as workspace:
        pipeline = publish_pipeline(
            workspace,
            read.graph,
            dict(os.environ),
            name=name,
            description=description,
            version=version,
            continue_on_step_failure=None
            if continue_on_failure is None
            else parse_boolean(continue_on_failure, "--continue"),
        )
        return build_pipeline_result(workspace, pipeline, output_file)
