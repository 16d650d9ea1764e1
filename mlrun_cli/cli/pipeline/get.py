"""`pipeline get`."""

from __future__ import annotations

import os
from typing import Annotated

from mlrun_cli.cli.command import command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.pipeline import app
from mlrun_cli.cli.pipeline.options import DefinitionFile, Overwrite, SourcesFolder
from mlrun_cli.errors import OneOptionRequired, Unsupported


@command(
    app,
    "get",
    examples=[
        ("Write the file of a published pipeline", "mlrun pipeline get -i ID -p published.yml"),
        ("Write it with copies of its scripts", "mlrun pipeline get -i ID -p published.yml --sources scripts"),
    ],
)
def get(
    global_options: GlobalOptions,
    file: DefinitionFile,
    pipeline_id: Annotated[
        str | None,
        Option("--pipeline-id", "-i", metavar="ID", help="Id of the published pipeline, or its unique beginning."),
    ] = None,
    draft_id: Annotated[
        str | None, Option("--pipeline-draft-id", "-d", metavar="ID", help="Only in Azure: there are no drafts here.")
    ] = None,
    sources: SourcesFolder = None,
    overwrite: Overwrite = False,
) -> object:
    """Write a published pipeline to a YAML file for 'run submit-pipeline' and 'pipeline create'.

    It says all that the pipeline does, also of one that was published in Python; then it has keys that Azure does not
    know. Secrets that the pipeline holds are in it, and only you may read it.
    """
    from mlrun_cli.actions.published_pipelines import resolve_pipeline_id  # noqa: PLC0415 - start-up
    from mlrun_cli.submit.pipeline_definition import write_published_pipeline  # noqa: PLC0415 - start-up

    if draft_id is not None:
        raise Unsupported("There are no drafts of pipelines here.", hint="Name a published one by -i.", target=draft_id)
    if pipeline_id is None:
        raise OneOptionRequired(
            "No pipeline is named.", hint="Name one by -i; 'mlrun pipeline list' shows their ids.", target="-i"
        )
    with open_context(global_options, only_reads=True).workspace as workspace:
        pipeline_id = resolve_pipeline_id(workspace, pipeline_id)
        notes = write_published_pipeline(workspace, pipeline_id, file, sources, overwrite=overwrite)
    for note in notes:
        global_options.notes.info(note)
    return {"path": os.path.abspath(file), "pipelineId": pipeline_id}
