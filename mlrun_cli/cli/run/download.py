"""`run download`: copy files of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from mlrun_cli.cli.command import command
from mlrun_cli.cli.context import format_command_line, open_context
from mlrun_cli.cli.declarations import Argument, Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.run import app
from mlrun_cli.cli.run.options import (
    ExperimentName,
    Overwrite,
    RunId,
)
from mlrun_cli.cli.run.selection import get_run
from mlrun_cli.errors import NotFound


@command(
    app,
    "download",
    examples=[
        (
            "Download the outputs of the newest run",
            "mlrun run download -r @latest outputs -d results",
        ),
        ("Download everything", "mlrun run download -r @latest -d results"),
    ],
)
def download(
    global_options: GlobalOptions,
    run_id: RunId,
    output_dir: Annotated[
        Path,
        Option("--output-dir", "-d", metavar="FOLDER", help="Destination folder. Created if it does not exist."),
    ],
    experiment_name: ExperimentName = None,
    paths: Annotated[
        list[str] | None,
        Argument(metavar="[PATH]...", help="Files or folders of the run. Default: all."),
    ] = None,
    overwrite: Overwrite = False,
) -> object:
    """Download files of a run and print the files written."""
    from mlrun_cli.actions.artifacts import download_files  # noqa: PLC0415
    from mlrun_cli.cli.output.progress import show_copy_progress  # noqa: PLC0415

    context = open_context(global_options, only_reads=True)
    with context.workspace as workspace, show_copy_progress(global_options):
        run = get_run(context, run_id, experiment_name)
        try:
            downloaded = download_files(workspace, run, paths or [], output_dir, overwrite=overwrite)
            return [str(path) for path in downloaded]
        except NotFound as error:
            if run.run_id in (error.hint or ""):  # no name is near
                error.hint = f"See: {format_command_line(workspace, 'run', 'files', '-r', run.run_id)}"
            raise
