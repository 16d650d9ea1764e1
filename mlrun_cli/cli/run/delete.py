"""`run delete`: move runs that have ended to the trash, or remove them permanently."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from mlrun_cli.actions.run_deletion import (
    check_deletable,
    check_runs_not_needed,
    list_runs_with_descendants,
    remove_runs,
)
from mlrun_cli.actions.runs import LATEST
from mlrun_cli.actions.trash import (
    DAYS_KEPT,
    get_deleted_runs,
    list_unavailable_folders,
    move_to_trash,
    remove_from_trash,
)
from mlrun_cli.cli.command import command
from mlrun_cli.cli.confirmation import Yes, confirm
from mlrun_cli.cli.context import Context, open_context
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.run import app
from mlrun_cli.cli.run.filter_options import NO_FILTERS, FilterOptions
from mlrun_cli.cli.run.options import (
    All,
    ExperimentName,
    Last,
    SomeRunIds,
)
from mlrun_cli.cli.run.selection import (
    PICK,
    check_no_filters,
    choose_runs,
    describe_chosen_runs,
    get_runs,
    warn_of_unknown_experiment,
)
from mlrun_cli.errors import RunNotFound
from mlrun_cli.runs.run import Run
from mlrun_cli.store.trash import TrashedRun
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
        bool,
        Option(
            "--permanently", help="Free the disk space at once, also of runs in the trash; they cannot be restored."
        ),
    ] = False,
    last: Last = None,
    filters: FilterOptions = NO_FILTERS,
) -> object:
    """Move runs that have ended to the trash, with their logs, files, metrics and child runs.

    'mlrun run restore' brings them back until 'mlrun workspace prune' removes what was deleted over 30 days ago. On a
    terminal, the command asks for confirmation; otherwise it requires --yes. With filters, runs that have not
    ended are skipped. With --permanently, -r also names runs in the trash.
    """
    context = open_context(global_options)
    is_final = permanently or leave_files
    with context.workspace as workspace:
        named = _find_trashed_runs(context, run_ids or [], experiment_name) if permanently and not is_all else {}
        if named:
            check_no_filters(filters, last)
        stored_ids = [run_id for run_id in run_ids or [] if run_id not in named]
        chosen: Sequence[Run] = ()
        if stored_ids or not named:
            chosen = choose_runs(
                context,
                stored_ids,
                experiment_name,
                is_all=is_all,
                has_ended=True,
                last=last,
                filters=filters,
                report=global_options.notes.info,
            )
        if is_all and not chosen:
            warn_of_unknown_experiment(workspace, experiment_name, global_options)
        doomed = list_runs_with_descendants(workspace, chosen)
        check_runs_not_needed(workspace, doomed)  # before any of them is ended by force
        trashed = _add_trashed_descendants(workspace, doomed, list(named.values())) if is_final else ()
        if (doomed or trashed) and not yes:
            question = _build_delete_question(workspace, [*doomed, *(each.run for each in trashed)], is_final=is_final)
            confirm(global_options, question, declined_message="Nothing was deleted.")
        if force:
            from mlrun_cli.actions.forced_ends import force_end_runs  # noqa: PLC0415

            doomed = force_end_runs(workspace, doomed)
        check_deletable(workspace, doomed, force=force)
        left: Sequence[Path] = ()
        if is_final:
            left = _remove_permanently(workspace, doomed, trashed, global_options, leave_files=leave_files)
        else:
            move_to_trash(workspace, doomed)
    for folder in sorted({path.parent for path in left}):
        global_options.notes.warning(f"Left, should it come back: the files of the runs in '{folder}'.")
    return [*(run.run_id for run in doomed), *(each.run.run_id for each in trashed)]


def _find_trashed_runs(
    context: Context, run_ids: Sequence[str], experiment_name: str | None
) -> Mapping[str, TrashedRun]:
    """Return the trashed runs whose typed ids match no stored run, keyed by what was typed."""
    found = {}
    for run_id in run_ids:
        if run_id in {PICK, LATEST}:
            continue
        try:
            get_runs(context, [run_id], experiment_name)
        except RunNotFound:
            with suppress(RunNotFound):
                (each,) = get_deleted_runs(context.workspace, [run_id])
                if experiment_name in {None, each.run.experiment_name}:
                    found[run_id] = each
    return found


def _add_trashed_descendants(
    workspace: Workspace, runs: Sequence[Run], deleted_runs: Sequence[TrashedRun]
) -> Sequence[TrashedRun]:
    """Return trashed runs, together with the trashed descendants of these and of the given stored runs."""
    below = workspace.trash.list_deleted_descendants([run.key for run in (*runs, *(each.run for each in deleted_runs))])
    return list({each.run.key: each for each in (*deleted_runs, *below)}.values())


def _remove_permanently(
    workspace: Workspace,
    runs: Sequence[Run],
    deleted_runs: Sequence[TrashedRun],
    global_options: GlobalOptions,
    *,
    leave_files: bool,
) -> Sequence[Path]:
    """Remove stored and trashed runs permanently; return the folders whose files are left."""
    left = list_unavailable_folders(workspace, deleted_runs) if leave_files else ()
    remove_from_trash(workspace, deleted_runs, report=global_options.notes.warning, leave_files=leave_files)
    return [*left, *remove_runs(workspace, runs, leave_files=leave_files)]


def _build_delete_question(workspace: Workspace, runs: Sequence[Run], *, is_final: bool) -> str:
    """Return the text that asks the user to confirm the deletion of runs."""
    where = describe_chosen_runs(workspace, runs)
    return f"Delete {where} for good?" if is_final else f"Delete {where}, restorable for {DAYS_KEPT} days?"
