"""`run show`: show the record of a run."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, TextIO

from mlrun_cli.cli.command import Result, command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.run import app
from mlrun_cli.cli.run.options import ExperimentName, RunIds
from mlrun_cli.cli.run.selection import get_runs
from mlrun_cli.wire.flat_records import RUN_COLUMNS

if TYPE_CHECKING:
    from mlrun_cli.cli.output.columns import Layout


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

    now = datetime.now(timezone.utc)

    def write_table(*, file: TextIO, width: int | None, colour: bool) -> None:  # noqa: ARG001 - as a table is printed
        from mlrun_cli.cli.output.run_details import print_run  # noqa: PLC0415

        print_run(records[0], file=file, width=width, now=now)

    def build_layout(encoding: str) -> Layout:
        from mlrun_cli.cli.output.runs_table import build_runs_layout  # noqa: PLC0415

        return build_runs_layout(records, encoding, now)

    if len(records) == 1:
        return Result(records[0], table=write_table)
    return Result(records, layout=build_layout, first_columns=RUN_COLUMNS)
