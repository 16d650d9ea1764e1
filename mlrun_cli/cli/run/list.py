"""`run list`: list runs of an experiment, newest first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from mlrun_cli.actions import runs as actions
from mlrun_cli.actions.parameters import depends_on_parameters, read_parameters_of_older_runs
from mlrun_cli.cli.command import Result, command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.option_values import add_option_to_errors
from mlrun_cli.cli.run import app
from mlrun_cli.cli.run.deleted import list_deleted_runs
from mlrun_cli.cli.run.filters import NO_FILTERS, FilterOptions
from mlrun_cli.cli.run.options import (
    AllExperiments,
    ExperimentName,
    Last,
    NoPager,
)
from mlrun_cli.cli.run.selection import build_run_filter
from mlrun_cli.errors import ConflictingOptions, MissingOption
from mlrun_cli.runs.filter import RunFilter
from mlrun_cli.runs.order import NEWEST_FIRST, RunOrder
from mlrun_cli.runs.run import Run, build_minimal_record, build_run_record
from mlrun_cli.runs.status import ACTIVE
from mlrun_cli.wire.flat_records import RUN_COLUMNS
from mlrun_cli.workspace import Workspace

if TYPE_CHECKING:
    from mlrun_cli.actions.run_columns import RunColumns
    from mlrun_cli.cli.output.columns import Layout
    from mlrun_cli.runs.where.column_choice import ColumnChoice

    ReadColumns: TypeAlias = Callable[[Workspace, Sequence[Run], ColumnChoice], RunColumns]

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
    all_experiments: AllExperiments = False,
    active: Annotated[bool, typer.Option("--active", help="Runs that have not ended: --status active.")] = False,
    pipeline_run_id: Annotated[
        str | None, typer.Option("--pipeline-run-id", metavar="ID", help="Step runs of this pipeline run.")
    ] = None,
    is_deleted: Annotated[
        bool, typer.Option("--deleted", help="Runs in the trash, the last deleted first; see 'mlrun run restore'.")
    ] = False,
    sort: Annotated[
        str | None,
        typer.Option("--sort", metavar="NAME", help="Sort by a metric, parameter or field: loss, max(acc), created."),
    ] = None,
    descending: Annotated[bool, typer.Option("--descending", help="With --sort, the greatest first.")] = False,
    metrics: Annotated[
        str | None,
        typer.Option("--metrics", metavar="NAMES|all|best", help="Add metrics: loss,max(acc). best: the most common."),
    ] = None,
    parameters: Annotated[
        str | None,
        typer.Option(
            "--params", metavar="NAMES|all|differing", help="Add parameters. differing: those in which the runs differ."
        ),
    ] = None,
    minimal: Annotated[bool, typer.Option("--minimal", help="Show fewer keys: RunId, Status, StartTime, …")] = False,
    no_pager: NoPager = False,
) -> object:
    """List runs of an experiment, newest first.

    Child runs are listed if you specify their parent. With --sort, --last is the number of runs from the first in this
    order, and runs without a value come last. Without --query, -o table prints a more readable table.
    """
    filters = _add_filters(filters, pipeline_run_id, active=active)
    if descending and sort is None:
        raise MissingOption("--descending needs an order.", hint="Add --sort NAME.", target="--sort")
    added = _parse_choices(metrics, parameters)
    context = open_context(shared)
    if is_deleted:
        if sort is not None or added:
            raise ConflictingOptions(
                "The runs in the trash are not sorted and have no columns.",
                hint="Leave --sort, --metrics and --params out, or --deleted.",
                target="--deleted",
            )
        return list_deleted_runs(shared, context, experiment_name, filters, last=last)
    with context.workspace as workspace:
        which = build_run_filter(context, experiment_name, filters, last=last, all_experiments=all_experiments)
        order = None if sort is None else _parse_order(workspace, sort, descending=descending)
        if depends_on_parameters(which, order or NEWEST_FIRST) and not read_parameters_of_older_runs(workspace):
            shared.notes.warning(
                "The parameters of some runs of an older version have not been read yet, and those runs may be missing;"
                " each such list reads more of them, and 'mlrun workspace repair' reads all."
            )
        found = actions.list_runs(workspace, which) if order is None else _list_sorted(workspace, which, order)
        if not found and experiment_name is not None and workspace.experiments.find(experiment_name) is None:
            shared.notes.warning(f"There is no experiment '{experiment_name}' yet.")
        if which.where is not None:
            _warn_of_unknown_names(workspace, which, shared)
        columns = {key: read(workspace, found, choice) for key, (read, choice) in added.items()}
    records = [
        {**build_run_record(run), **{key: each.get_record(run) for key, each in columns.items()}} for run in found
    ]

    def build_layout(encoding: str) -> Layout:
        from mlrun_cli.cli.output.runs_table import build_runs_layout  # noqa: PLC0415

        names = {key: each.names for key, each in columns.items()}
        return build_runs_layout(records, encoding, datetime.now(timezone.utc), names=names)

    if not found and shared.is_for_people:
        shared.notes.info("No runs.")
    if minimal:
        return [build_minimal_record(run) for run in found]
    return Result(records, layout=build_layout, pages=not no_pager, first_columns=RUN_COLUMNS)


def _add_filters(filters: FilterOptions, pipeline_run_id: str | None, *, active: bool) -> FilterOptions:
    """Return the filters extended by the options that are shortcuts for other filters."""
    texts = dict(filters.texts)
    if pipeline_run_id is not None:
        if "parent" in texts:
            raise ConflictingOptions(
                "--parent-run-id and --pipeline-run-id both name a parent.",
                hint="Leave one of them out.",
                target="--pipeline-run-id",
            )
        texts["parent"] = [pipeline_run_id]
    if active:
        if "status" in texts:
            raise ConflictingOptions(
                "--active and --status both choose statuses.", hint="Leave one of them out.", target="--active"
            )
        texts["status"] = [ACTIVE]
    return FilterOptions(texts)


def _list_sorted(workspace: Workspace, which: RunFilter, order: RunOrder) -> Sequence[Run]:
    from mlrun_cli.actions.run_pages import list_sorted_runs  # noqa: PLC0415 - start-up

    return list_sorted_runs(workspace, which, order)


def _warn_of_unknown_names(workspace: Workspace, which: RunFilter, shared: GlobalOptions) -> None:
    from mlrun_cli.actions.run_values import list_unknown_names  # noqa: PLC0415 - start-up

    for name in list_unknown_names(workspace, which):
        shared.notes.warning(f"No run in this workspace has a metric or a parameter '{name}'.")


def _parse_order(workspace: Workspace, text: str, *, descending: bool) -> RunOrder:
    from mlrun_cli.actions.run_values import parse_run_order  # noqa: PLC0415 - start-up

    with add_option_to_errors("--sort"):
        return parse_run_order(workspace, text, descending=descending)


def _parse_choices(metrics: str | None, parameters: str | None) -> Mapping[str, tuple[ReadColumns, ColumnChoice]]:
    """Return the column choices and the functions that read the columns, keyed by record key."""
    if metrics is None and parameters is None:
        return {}
    from mlrun_cli.actions.run_columns import read_metric_columns, read_parameter_columns  # noqa: PLC0415 - start-up
    from mlrun_cli.runs.where.column_choice import parse_metric_choice, parse_parameter_choice  # noqa: PLC0415

    found: dict[str, tuple[ReadColumns, ColumnChoice]] = {}
    if metrics is not None:
        with add_option_to_errors("--metrics"):
            found["metrics"] = read_metric_columns, parse_metric_choice(metrics)
    if parameters is not None:
        with add_option_to_errors("--params"):
            found["parameters"] = read_parameter_columns, parse_parameter_choice(parameters)
    return found
