"""`run show`: show the record of a run."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TextIO

from mlrun_cli.cli.command import Result, command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.run import app
from mlrun_cli.cli.run.options import ExperimentName, RunIds
from mlrun_cli.cli.run.selection import get_runs, unwrap_single


@command(
    app,
    "show",
    examples=[
        ("Show a run", "mlrun run show -r @latest"),
        ("Print the status of the newest run", "mlrun run show -r @latest --query status -o tsv"),
    ],
)
def show(shared: GlobalOptions, run_ids: RunIds, experiment_name: ExperimentName = None) -> object:
    """Show a run: status, times, tags, properties, submitted settings, used resources, and the URL of its studio page.

    Several runs are printed as a list.
    """
    from mlrun_cli.actions.studio_urls import build_printed_record  # noqa: PLC0415

    context = open_context(shared)
    with context.workspace as workspace:
        records = [build_printed_record(workspace, run) for run in get_runs(context, run_ids, experiment_name)]

    def write_table(*, file: TextIO, width: int | None, colour: bool) -> None:
        from mlrun_cli.cli.output.run_details import print_run  # noqa: PLC0415
        from mlrun_cli.cli.output.runs_table import print_runs_table  # noqa: PLC0415

        now = datetime.now(timezone.utc)
        if len(records) == 1:
            print_run(records[0], file=file, width=width, now=now)
        else:
            print_runs_table(records, file=file, width=width, now=now, colour=colour)

    return Result(unwrap_single(records), table=write_table)
