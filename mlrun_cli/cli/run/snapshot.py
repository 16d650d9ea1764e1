"""`run snapshot`: write, list or print the source files of a run as they were submitted."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, BinaryIO

from mlrun_cli.cli.command import Result, command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.run import app
from mlrun_cli.cli.run.options import ExperimentName, RunId
from mlrun_cli.cli.run.selection import get_run
from mlrun_cli.errors import ConflictingOptions


@command(
    app,
    "snapshot",
    examples=[
        ("Write the files of the newest run to a new folder", "mlrun run snapshot -r @latest -d code"),
        ("Print its script", "mlrun run snapshot -r @latest --cat train.py"),
    ],
)
def export_snapshot(
    global_options: GlobalOptions,
    run_id: RunId,
    output_dir: Annotated[
        Path | None,
        Option("--output-dir", "-d", metavar="FOLDER", help="Write the files to this new or empty folder."),
    ] = None,
    is_list: Annotated[bool, Option("--list", help="List the files, their sizes and digests. The default.")] = False,
    name: Annotated[str | None, Option("--cat", metavar="FILE", help="Print the content of a file to stdout.")] = None,
    experiment_name: ExperimentName = None,
    overwrite: Annotated[
        bool, Option("--overwrite", help="Write to a folder with files, and replace those of the same names.")
    ] = False,
) -> object:
    """List, write or print the source files of a run, as they were when it was submitted.

    Without -d and --cat, the files are listed. Executable bits and times of the files are kept. A run that was not
    submitted, such as one of a notebook, has none.
    """
    from mlrun_cli.actions import snapshots as actions  # noqa: PLC0415

    if sum((output_dir is not None, is_list, name is not None)) > 1:
        raise ConflictingOptions(
            "Only one thing can be done with the snapshot.",
            hint="Use one of -d FOLDER, --list and --cat FILE.",
            target="--output-dir",
        )
    context = open_context(global_options, only_reads=True)
    with context.workspace as workspace:
        run = get_run(context, run_id, experiment_name)
        if output_dir is not None:
            return list(map(str, actions.export_run_snapshot(workspace, run, output_dir, overwrite=overwrite)))
        if name is not None:
            with actions.open_snapshot_file(workspace, run, name) as file:
                _print_file(file)
            return None
        return _build_files_result(global_options, actions.list_snapshot_files(workspace, run))


def _print_file(file: BinaryIO) -> None:
    sys.stdout.flush()
    shutil.copyfileobj(file, sys.stdout.buffer)
    sys.stdout.buffer.flush()


def _build_files_result(global_options: GlobalOptions, records: Sequence[dict[str, Any]]) -> Result:
    from mlrun_cli.cli.output.record_table import Field, build_listing  # noqa: PLC0415
    from mlrun_cli.core.sizes import format_size  # noqa: PLC0415

    fields = [
        Field("Path", "path", 20, keeps_end=True),
        Field("Size", lambda record: format_size(record["size"]) if "size" in record else ""),
        Field("Kind", lambda record: "executable" if record.get("executable") else record["kind"]),
        Field("Target", "target"),
    ]
    return build_listing(global_options, records, fields, empty_message="The snapshot is empty.")
