"""`run list`: list runs of an experiment, newest first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Annotated

from mlrun_cli.actions.parameters import backfill_parameters, depends_on_parameters
from mlrun_cli.cli.command import Result, command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.option_values import add_option_to_errors
from mlrun_cli.cli.run import app
from mlrun_cli.cli.run.deleted import list_deleted_runs
from mlrun_cli.cli.run.filter_options import NO_FILTERS, FilterOptions
from mlrun_cli.cli.run.listing import METRICS, PARAMETERS, Listing, parse_column_choices, read_listing
from mlrun_cli.cli.run.options import (
    AllExperiments,
    ExperimentName,
    NoPager,
)
from mlrun_cli.cli.run.records import list_csv_rows
from mlrun_cli.cli.run.selection import build_run_filter, find_parent_id_of_match, warn_of_unknown_experiment
from mlrun_cli.errors import ConflictingOptions, InvalidFilter, MissingOption
from mlrun_cli.runs.filter import RunFilter
from mlrun_cli.runs.order import METRIC, NEWEST_FIRST, PARAMETER, RunOrder
from mlrun_cli.runs.run import build_minimal_record
from mlrun_cli.runs.status import ACTIVE
from mlrun_cli.workspace import Workspace

if TYPE_CHECKING:
    from mlrun_cli.cli.run.grouped_list import Grouping
    from mlrun_cli.runs.where.column_choice import ColumnChoice

DEFAULT_LAST = 10
_NEEDED = {"--descending": "--sort", "--agg": "--group-by"}
_CONFLICTS = {
    "--deleted": ("--include-children", "--sort", "--metrics", "--params", "--group-by", "--watch"),
    "--group-by": ("--watch", "--minimal"),
    "--watch": ("--minimal",),
    "--minimal": ("--metrics", "--params"),
}


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
    default_output="json; with --watch on a terminal, table",
)
def list_runs(
    global_options: GlobalOptions,
    experiment_name: ExperimentName = None,
    last: Annotated[
        int | None,
        Option("--last", metavar="N", help="The newest N runs. Default: 10, and all with --group-by."),
    ] = None,
    filters: FilterOptions = NO_FILTERS,
    all_experiments: AllExperiments = False,
    active: Annotated[bool, Option("--active", help="Runs that have not ended: --status active.")] = False,
    includes_children: Annotated[
        bool, Option("--include-children", help="Child runs too: those of sweeps, pipelines and other runs.")
    ] = False,
    pipeline_run_id: Annotated[
        str | None, Option("--pipeline-run-id", metavar="ID", help="Step runs of this pipeline run.")
    ] = None,
    is_deleted: Annotated[
        bool, Option("--deleted", help="Runs in the trash, the last deleted first; see 'mlrun run restore'.")
    ] = False,
    sort: Annotated[
        str | None,
        Option("--sort", metavar="NAME", help="Sort by a metric, parameter or field: loss, max(acc), created."),
    ] = None,
    descending: Annotated[bool, Option("--descending", help="With --sort, the greatest first.")] = False,
    metrics: Annotated[
        str | None,
        Option("--metrics", metavar="NAMES|all|best", help="Add metrics: loss,max(acc). best: the most common."),
    ] = None,
    parameters: Annotated[
        str | None,
        Option(
            "--params", metavar="NAMES|all|differing", help="Add parameters. differing: those in which the runs differ."
        ),
    ] = None,
    group_by: Annotated[
        str | None,
        Option("--group-by", metavar="NAMES", help="List groups of runs with the same parameters or tag.KEY."),
    ] = None,
    aggregates: Annotated[
        str | None,
        Option("--agg", metavar="NAMES", help="With --group-by: mean,std,min,max,count of metrics. Default: mean,std."),
    ] = None,
    watch: Annotated[
        bool, Option("--watch", help="Show changes of the listed runs until all have ended; Ctrl-C leaves.")
    ] = False,
    minimal: Annotated[bool, Option("--minimal", help="Show fewer keys: RunId, Status, StartTime, …")] = False,
    no_pager: NoPager = False,
) -> object:
    """List runs of an experiment, newest first.

    Child runs are listed with --include-children, or if you specify their parent. With --sort, --last is the number of
    runs from the first in this order, and runs without a value come last. With --group-by, all matching runs are in the
    groups unless --last is given. Without --query, -o table prints a more readable table.
    """
    filters = _add_shortcut_filters(filters, pipeline_run_id, active=active)
    _check_options(
        {
            "--deleted": is_deleted,
            "--include-children": includes_children,
            "--sort": sort,
            "--descending": descending,
            "--metrics": metrics,
            "--params": parameters,
            "--group-by": group_by,
            "--agg": aggregates,
            "--watch": watch,
            "--minimal": minimal,
        }
    )
    grouping = None if group_by is None else _parse_grouping(group_by, aggregates)
    choices = parse_column_choices(
        metrics or _get_default_choice(METRICS, global_options, None if grouping is None else "best"),
        parameters or (_get_default_choice(PARAMETERS, global_options, None) if grouping is None else None),
    )
    uses_default_last = last is None and grouping is None
    if uses_default_last:
        last = DEFAULT_LAST
    context = open_context(global_options, only_reads=True)
    if is_deleted:
        return list_deleted_runs(global_options, context, experiment_name, filters, last=last)
    with context.workspace as workspace:
        which = build_run_filter(context, experiment_name, filters, last=last, all_experiments=all_experiments)
        which = which._replace(include_children=which.include_children or includes_children)
        order = None if sort is None else _parse_order(workspace, sort, descending=descending)
        if grouping is None and global_options.is_human_readable and _sorts_by_metric(order):
            choices = {**parse_column_choices(None, "differing"), **choices}
        _warn_if_parameters_are_unread(workspace, which, order, global_options)
        listing = read_listing(workspace, which, order, choices)
        _explain_missing_runs(workspace, listing, which, experiment_name, global_options, sort)
        _warn_of_unknown_columns(workspace, choices, global_options)
        if uses_default_last and global_options.is_human_readable and listing.has_more:
            global_options.notes.info(f"{DEFAULT_LAST} runs are shown; --last N shows more.")
        if grouping is not None:
            return grouping.build_result(workspace, listing, global_options.notes.warning, uses_pager=not no_pager)
        if watch:
            return _watch_list(
                workspace, lambda kept: read_listing(workspace, which, order, choices, kept), global_options
            )
    if minimal:
        return [build_minimal_record(run) for run in listing.runs]
    return _build_result(listing, uses_pager=not no_pager)


def _get_default_choice(key: str, global_options: GlobalOptions, default: str | None) -> str | None:
    """Return the given choice of columns or, if it is None and the query names their key, `all`."""
    query = global_options.query
    return default if default is not None or query is None or not query.reads_key(key) else "all"


def _build_result(listing: Listing, *, uses_pager: bool = False) -> Result:
    records = listing.build_records()
    return Result(
        records,
        rows=list_csv_rows(records),
        layout=listing.build_layout,
        uses_pager=uses_pager,
        first_columns=listing.first_columns,
    )


def _watch_list(
    workspace: Workspace, read_listing: Callable[[Collection[int]], Listing], global_options: GlobalOptions
) -> Result:
    """Show the list until all listed runs have ended, and return the last list as a result.

    A run that was seen alive stays in the list, even if its end takes it out of the filter, as with `--active`.
    """
    from mlrun_cli.cli.run.live_list import can_show_screen, watch_listing  # noqa: PLC0415 - start-up

    on_screen = can_show_screen(global_options)
    seen_alive: set[int] = set()

    def read_and_keep_live_runs() -> Listing:
        listing = read_listing(seen_alive)
        seen_alive.update(run.key for run in listing.runs if not run.status.is_terminal)
        return listing

    listing, exit_code = watch_listing(workspace, read_and_keep_live_runs, global_options, on_screen=on_screen)
    return _build_result(listing)._replace(exit_code=exit_code, prefers_table=on_screen)


def _parse_grouping(names: str, aggregates: str | None) -> Grouping:
    from mlrun_cli.cli.run.grouped_list import DEFAULT_AGGREGATES, Grouping  # noqa: PLC0415 - start-up

    return Grouping.parse(names, aggregates or DEFAULT_AGGREGATES)


def _check_options(options: Mapping[str, object]) -> None:
    """Raise a UsageError if options conflict, or lack another option that they need.

    Args:
        options: whether each option is given, keyed by name.
    """
    for name, needed in _NEEDED.items():
        if options[name] and not options[needed]:
            raise MissingOption(f"{name} needs {needed}.", hint=f"Add {needed} NAME.", target=needed)
    for name, others in _CONFLICTS.items():
        for other in others:
            if options[name] and options[other]:
                raise ConflictingOptions(
                    f"{name} and {other} do not go together.", hint="Leave one of them out.", target=name
                )


def _add_shortcut_filters(filters: FilterOptions, pipeline_run_id: str | None, *, active: bool) -> FilterOptions:
    """Return the filters, extended by those that `--pipeline-run-id` and `--active` stand for."""
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


def _warn_if_parameters_are_unread(
    workspace: Workspace, run_filter: RunFilter, order: RunOrder | None, global_options: GlobalOptions
) -> None:
    if depends_on_parameters(run_filter, order or NEWEST_FIRST) and not backfill_parameters(workspace):
        global_options.notes.warning(
            "The parameters of some runs of an older version have not been read yet, and those runs may be missing;"
            " each such list reads more of them, and 'mlrun workspace repair' reads all."
        )


def _explain_missing_runs(
    workspace: Workspace,
    listing: Listing,
    run_filter: RunFilter,
    experiment_name: str | None,
    global_options: GlobalOptions,
    sort: str | None,
) -> None:
    """Warn about names that do not exist, and print a note if the table is empty."""
    if not listing.runs:
        warn_of_unknown_experiment(workspace, experiment_name, global_options)
    if run_filter.where is not None or sort is not None:
        from mlrun_cli.actions.run_values import list_unknown_names  # noqa: PLC0415 - start-up

        for name in list_unknown_names(workspace, run_filter, sort):
            global_options.notes.warning(_describe_unknown_name(workspace, name, METRIC, PARAMETER))
    if not listing.runs:
        parent = find_parent_id_of_match(workspace, run_filter)
        if parent is not None:
            global_options.notes.info(
                f"Only child runs match: add --include-children, or list those of a parent: --parent-run-id {parent}"
            )
        elif global_options.is_human_readable:
            global_options.notes.info(_describe_empty_list(workspace, run_filter))


def _describe_empty_list(workspace: Workspace, run_filter: RunFilter) -> str:
    """Return a note that there are no runs, and which options list those of other experiments and of the trash."""
    name = run_filter.experiment_name
    if name is not None and workspace.runs.list(RunFilter(experiment_name=name, last=1)):
        return f"No runs in experiment '{name}' match."
    others = []
    if name is not None and workspace.runs.list(RunFilter(last=1)):
        others.append("--all-experiments lists those of other experiments")
    if workspace.trash.list_runs(experiment_name=name, limit=1):
        others.append("--deleted lists those in the trash")
    return " ".join(
        ["No runs." if name is None else f"No runs in experiment '{name}'.", *(f"{each}." for each in others)]
    )


def _warn_of_unknown_columns(
    workspace: Workspace, choices: Mapping[str, ColumnChoice], global_options: GlobalOptions
) -> None:
    if not any(choice.names for choice in choices.values()):
        return
    from mlrun_cli.actions.run_values import is_unknown_parameter  # noqa: PLC0415 - start-up

    for key, choice in choices.items():
        for each in choice.names:
            if key == METRICS and not workspace.metric_summaries.has_numbers(each.name):
                global_options.notes.warning(_describe_unknown_name(workspace, each.name, METRIC))
            elif key == PARAMETERS and is_unknown_parameter(workspace, each.name):
                global_options.notes.warning(_describe_unknown_name(workspace, each.name, PARAMETER))


def _describe_unknown_name(workspace: Workspace, name: str, *kinds: str) -> str:
    from mlrun_cli.actions.run_values import find_similar_name  # noqa: PLC0415 - not on the way of what succeeds

    similar = find_similar_name(workspace, name, kinds)
    meant = "" if similar is None else f" Did you mean '{similar}'?"
    return f"No run in this workspace has a {' or a '.join(kinds)} '{name}'.{meant}"


def _sorts_by_metric(order: RunOrder | None) -> bool:
    return order is not None and order.column.startswith(f"{METRIC}:")


def _parse_order(workspace: Workspace, text: str, *, descending: bool) -> RunOrder:
    from mlrun_cli.actions.run_values import parse_run_order  # noqa: PLC0415 - start-up

    with add_option_to_errors("--sort"):
        if text.startswith("-"):
            raise InvalidFilter(
                f"'{text}' begins with a minus sign, which no bare name does.",
                hint=f"For the greatest first: --sort '{text[1:]}' --descending.",
                target=text,
            )
        return parse_run_order(workspace, text, descending=descending)
