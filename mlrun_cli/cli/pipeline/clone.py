"""`pipeline clone`."""

from __future__ import annotations

import os
from typing import Annotated

from mlrun_cli.cli.command import command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.pipeline import app
from mlrun_cli.cli.pipeline.options import DefinitionFile, OutputFile, Overwrite, SourcesFolder, write_output_file
from mlrun_cli.cli.run.selection import get_runs


@command(
    app,
    "clone",
    examples=[
        ("Write the file of the pipeline of a run", "mlrun pipeline clone -i ID -p cloned.yml"),
        ("Write it with the scripts as they ran", "mlrun pipeline clone -i ID -p cloned.yml --sources scripts"),
    ],
)
def clone(
    global_options: GlobalOptions,
    run_id: Annotated[
        str, Option("--pipeline-run-id", "-i", metavar="ID", help="Id of the pipeline's run, or @latest.")
    ],
    file: DefinitionFile,
    sources: SourcesFolder = None,
    overwrite: Overwrite = False,
    output_file: OutputFile = None,
) -> object:
    """Write the pipeline of a run to a YAML file for 'run submit-pipeline' and 'pipeline create'.

    It has the defaults of the parameters, not the values that the run got, and names the folders and runconfigs that
    the run was submitted from; with --sources, copies of the files as they were then.
    """
    from mlrun_cli.submit.pipeline_definition import write_pipeline_of_run  # noqa: PLC0415 - start-up

    context = open_context(global_options, only_reads=True)
    with context.workspace as workspace:
        (run,) = get_runs(context, [run_id], None)
        notes = write_pipeline_of_run(workspace, run, file, sources, overwrite=overwrite)
    for note in notes:
        global_options.notes.warning(note)
    return write_output_file(output_file, {"path": os.path.abspath(file), "runId": run.run_id})
