"""`run delete`: move runs that have ended to the trash, or remove them permanently."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from mlrun_cli.actions.run_deletion import check_deletable, check_not_needed, list_runs_with_descendants, remove_runs
from mlrun_cli.actions.trash import DAYS_KEPT, move_to_trash
from mlrun_cli.cli.command import command
from mlrun_cli.cli.confirmation import confirm
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.run import app
from mlrun_cli.cli.run.filters import NO_FILTERS, FilterOptions
from mlrun_cli.cli.run.options import (
    All,
    ExperimentName,
    Last,
    SomeRunIds,
    Yes,
)
from mlrun_cli.cli.run.selection import choose_runs, describe_chosen_runs
from mlrun_cli.runs.run import Run
from mlrun_cli.workspace import Workspace


@command(
    app,
    "delete",
    examples=[
        ("Delete a run", "mlrun run delete -r ID"),
        ("Delete all failed runs without confirmation", "mlrun run delete --all --status failed --yes"),
    ],
)
def delete(
    global_options: GlobalOptions,
    run_ids: SomeRunIds = None,
    experiment_name: ExperimentName = None,
    is_all: All = False,
    yes: Yes = False,
    force: Annotated[
        bool,
        Option(
            "--force",
            help="Also delete kept runs and runs that a model comes from; runs given by -r are ended first.",
        ),
    ] = False,
    leave_files: Annotated[
        bool,
        Option(
            "--leave-files",
            help="Also delete, for good, runs of a target whose shared folder is gone; files there are left.",
        ),
    ] = False,
    permanently: Annotated[
        bool, Option("--permanently", help="Free the disk space at once; the runs cannot be restored.")
    ] = False,
    last: Last = None,
    filters: FilterOptions = NO_FILTERS,
) -> object:
    """Move runs that have ended to the trash, with their logs, files, metrics and child runs.

    'mlrun run restore' brings them back until 'mlrun workspace prune' removes what was deleted over 30 days ago. On a
    terminal, the command asks for confirmation; otherwise it requires --yes. With filters, runs that have not
    ended are skipped.
    """
    context = open_context(global_options)
    is_final = permanently or leave_files
    with context.workspace as workspace:
        chosen = choose_runs(
            context,
            run_ids,
            experiment_name,
            is_all=is_all,
            has_ended=True,
            last=last,
            filters=filters,
        )
        doomed = list_runs_with_descendants(workspace, chosen)
        check_not_needed(workspace, doomed)  # before any of them is ended by force
        if doomed and not yes:
            question = _build_delete_question(workspace, doomed, is_final=is_final)
            confirm(global_options, question, declined_message="Nothing was deleted.")
        if force:
            from mlrun_cli.actions.forced_ends import force_end_runs  # noqa: PLC0415

            doomed = force_end_runs(workspace, doomed)
        check_deletable(workspace, doomed, force=force)
        left: Sequence[Path] = ()
        if is_final:
            left = remove_runs(workspace, doomed, leave_files=leave_files)
        else:
            move_to_trash(workspace, doomed)
    for folder in sorted({path.parent for path in left}):
        global_options.notes.warning(f"Left, should it come back: the files of the runs in '{folder}'.")
    return [run.run_id for run in doomed]


def _build_delete_question(workspace: Workspace, runs: Sequence[Run], *, is_final: bool) -> str:
    """Return the text that asks the user to confirm the deletion of runs."""
    where = describe_chosen_runs(workspace, runs)
    return f"Delete {where} for good?" if is_final else f"Delete {where}, restorable for {DAYS_KEPT} days?"
