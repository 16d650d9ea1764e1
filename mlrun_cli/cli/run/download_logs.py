"""`run download-logs`: copy the logs of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from mlrun_cli.cli.command import command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.run import app
from mlrun_cli.cli.run.options import (
    ExperimentName,
    Overwrite,
    RunId,
)
from mlrun_cli.cli.run.selection import get_run


@command(
    app,
    "download-logs",
    examples=[
        ("Download the logs of the newest run", "mlrun run download-logs -r @latest -d logs"),
        ("Print the names of the files", "mlrun run download-logs -r @latest -d logs --query '[]' -o tsv"),
    ],
)
def download_logs(
    global_options: GlobalOptions,
    run_id: RunId,
    output_dir: Annotated[
        Path,
        Option("--output-dir", "-d", metavar="FOLDER", help="Destination folder. Created if it does not exist."),
    ],
    experiment_name: ExperimentName = None,
    overwrite: Overwrite = False,
) -> object:
    """Download the logs of a run and print the files written."""
    from mlrun_cli.actions.artifacts import download_logs as download  # noqa: PLC0415
    from mlrun_cli.cli.output.progress import show_copy_progress  # noqa: PLC0415

    context = open_context(global_options, only_reads=True)
    with context.workspace as workspace, show_copy_progress(global_options):
        run = get_run(context, run_id, experiment_name)
        return [str(path) for path in download(workspace, run, output_dir, overwrite=overwrite)]
