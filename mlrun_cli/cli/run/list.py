"""`run list`: list runs of an experiment, newest first."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Annotated

import typer

from mlrun_cli.actions import runs as actions
from mlrun_cli.actions.parameters import depends_on_parameters, read_parameters_of_older_runs
from mlrun_cli.cli.command import Result, command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.run import app
from mlrun_cli.cli.run.deleted import list_deleted_runs
from mlrun_cli.cli.run.filters import NO_FILTERS, FilterOptions
from mlrun_cli.cli.run.options import (
    ExperimentName,
    Last,
    NoPager,
)
from mlrun_cli.cli.run.selection import build_run_filter
from mlrun_cli.errors import ConflictingOptions
from mlrun_cli.runs.run import build_minimal_record, build_run_record
from mlrun_cli.wire.flat_records import RUN_COLUMNS

if TYPE_CHECKING:
    from mlrun_cli.cli.output.columns import Layout

DEFAULT_LAST = 10


@command(
    app,
    "list",
    query_words=True,
    examples=[
        ("List the newest runs, as a table", "mlrun run list -o table"),
        (
            "Print the ids of the last 50 failed runs",
            "mlrun run list --last 50 --status failed --query '[].run_id' -o tsv",
        ),
    ],
)
def list_runs(
    shared: GlobalOptions,
    experiment_name: ExperimentName = None,
    last: Last = DEFAULT_LAST,
    filters: FilterOptions = NO_FILTERS,
    pipeline_run_id: Annotated[
        str | None, typer.Option("--pipeline-run-id", metavar="ID", help="Step runs of this pipeline run.")
    ] = None,
    is_deleted: Annotated[
        bool, typer.Option("--deleted", help="Runs in the trash, the last deleted first; see 'mlrun run restore'.")
    ] = False,
    minimal: Annotated[bool, typer.Option("--minimal", help="Show fewer keys: RunId, Status, StartTime, …")] = False,
    no_pager: NoPager = False,
) -> object:
    """List runs of an experiment, newest first.

    Child runs are listed if you specify their parent. Without --query, -o table prints a more readable table.
    """
    if pipeline_run_id is not None:
        if "parent" in filters.texts:
            raise ConflictingOptions(
                "--parent-run-id and --pipeline-run-id both name a parent.",
                hint="Leave one of them out.",
                target="--pipeline-run-id",
            )
        filters = FilterOptions({**filters.texts, "parent": [pipeline_run_id]})
    context = open_context(shared)
    if is_deleted:
        return list_deleted_runs(shared, context, experiment_name, filters, last=last)
    with context.workspace as workspace:
        which = build_run_filter(context, experiment_name, filters, last=last)
        if depends_on_parameters(which) and not read_parameters_of_older_runs(workspace):
            shared.notes.warning(
                "The parameters of some runs of an older version have not been read yet, and those runs may be missing;"
                " each such list reads more of them, and 'mlrun workspace repair' reads all."
            )
        found = actions.list_runs(workspace, which)
        if not found and experiment_name is not None and workspace.experiments.find(experiment_name) is None:
            shared.notes.warning(f"There is no experiment '{experiment_name}' yet.")
    records = [build_run_record(run) for run in found]

    def build_layout(encoding: str) -> Layout:
        from mlrun_cli.cli.output.runs_table import build_runs_layout  # noqa: PLC0415

        return build_runs_layout(records, encoding, datetime.now(timezone.utc))

    if not found and shared.is_for_people:
        shared.notes.info("No runs.")
    if minimal:
        return [build_minimal_record(run) for run in found]
    return Result(records, layout=build_layout, pages=not no_pager, first_columns=RUN_COLUMNS)
