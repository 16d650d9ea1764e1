"""`run cancel`: request that runs be canceled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from mlrun_cli.actions.run_ends import cancel_run, count_running_children
from mlrun_cli.cli.command import command
from mlrun_cli.cli.confirmation import Yes, confirm_on_terminal
from mlrun_cli.cli.context import format_command_line, open_context
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.option_values import (
    parse_seconds,
)
from mlrun_cli.cli.run import app
from mlrun_cli.cli.run.filter_options import NO_FILTERS, FilterOptions
from mlrun_cli.cli.run.options import (
    All,
    ExperimentName,
    Last,
    SomeRunIds,
)
from mlrun_cli.cli.run.records import build_records_result
from mlrun_cli.cli.run.selection import choose_runs, describe_chosen_runs, warn_of_unknown_experiment
from mlrun_cli.runs.cancellation import GRACE_SECONDS
from mlrun_cli.runs.run import Run, build_run_record
from mlrun_cli.workspace import Workspace

_MAX_LINES = 3


@command(
    app,
    "cancel",
    examples=[
        ("Cancel the newest run", "mlrun run cancel -r @latest"),
        ("Cancel all runs of an experiment that have not ended", "mlrun run cancel --all -e testexperiment"),
    ],
)
def cancel(
    global_options: GlobalOptions,
    run_ids: SomeRunIds = None,
    experiment_name: ExperimentName = None,
    is_all: All = False,
    yes: Yes = False,
    grace: Annotated[
        str, Option("--grace", metavar="TIME", help="Time between SIGTERM and SIGKILL.")
    ] = f"{GRACE_SECONDS:g}s",
    force: Annotated[
        bool, Option("--force", help="Send SIGKILL immediately, even if a run's supervisor does not respond.")
    ] = False,
    last: Last = None,
    filters: FilterOptions = NO_FILTERS,
) -> object:
    """Request cancellation of runs.

    Returns immediately: a run has the status CancelRequested until its script has ended; use 'mlrun run wait' to
    wait for that. The script and all processes started by it get SIGTERM, and SIGKILL if they have not ended after
    the grace period. Submitted child runs continue; --all with --parent-run-id cancels them. On a terminal, --all asks
    for confirmation; elsewhere it needs none, so that scripts written without --yes go on working.
    """
    seconds = parse_seconds(grace, "--grace")
    context = open_context(global_options)
    with context.workspace as workspace:
        chosen = choose_runs(
            context,
            run_ids,
            experiment_name,
            is_all=is_all,
            has_ended=False,
            last=last,
            filters=filters,
            report=global_options.notes.info,
        )
        if not chosen:
            warn_of_unknown_experiment(workspace, experiment_name, global_options)
        elif is_all:
            question = f"Cancel {describe_chosen_runs(workspace, chosen)}?"
            confirm_on_terminal(global_options, question, yes=yes, declined_message="Nothing was canceled.")
        canceled = _cancel_runs(workspace, chosen, None if force else seconds, global_options)
        _print_children_note(workspace, canceled, global_options)
    records = [build_run_record(run) for run in canceled]
    return build_records_result(records, is_list=is_all)


def _cancel_runs(
    workspace: Workspace, runs: Sequence[Run], grace_seconds: float | None, global_options: GlobalOptions
) -> Sequence[Run]:
    """Cancel runs, or kill them if the grace period is None, and return them; warn of those that have ended already."""
    from mlrun_cli.actions.forced_ends import force_end_runs  # noqa: PLC0415

    for run in runs:
        if run.status.is_terminal:
            global_options.notes.warning(f"The run {run.run_id} has ended already: {run.status.value}.")
    if grace_seconds is None:
        return force_end_runs(workspace, runs)
    return [run if run.status.is_terminal else cancel_run(workspace, run, grace_seconds) for run in runs]


def _print_children_note(workspace: Workspace, canceled_runs: Sequence[Run], global_options: GlobalOptions) -> None:
    going = count_running_children(workspace, canceled_runs)
    if not going:
        return
    count = sum(going.values())
    what = "1 child run continues" if count == 1 else f"{count} child runs continue"
    lines = [format_command_line(workspace, "run", "cancel", "--all", "--parent-run-id", parent) for parent in going]
    more = "; …" if len(lines) > _MAX_LINES else ""
    global_options.notes.info(f"{what}: {'; '.join(lines[:_MAX_LINES])}{more}")
