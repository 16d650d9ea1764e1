"""`run restore`: bring deleted runs back from the trash."""

from __future__ import annotations

from typing import Annotated

from mlrun_cli.actions.trash import get_deleted_runs, restore_runs
from mlrun_cli.cli.command import command
from mlrun_cli.cli.confirmation import UnusedYes
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.run import app
from mlrun_cli.cli.run.options import ExperimentName
from mlrun_cli.cli.run.records import build_records_result
from mlrun_cli.errors import OneOptionRequired
from mlrun_cli.runs.run import build_run_record

_RunIds = Annotated[
    list[str] | None,
    Option(
        "--run",
        "-r",
        metavar="ID",
        help="Id of a deleted run, its first characters, its display name, or @latest, the newest in the trash.",
    ),
]
_All = Annotated[bool, Option("--all", help="All deleted runs of the experiment.")]


@command(
    app,
    "restore",
    examples=[
        ("Restore a deleted run, with the child runs deleted with it", "mlrun run restore -r ID"),
        ("Restore all deleted runs of an experiment", "mlrun run restore --all -e testexperiment"),
    ],
)
def restore(
    global_options: GlobalOptions,
    run_ids: _RunIds = None,
    experiment_name: ExperimentName = None,
    is_all: _All = False,
    yes: UnusedYes = False,  # noqa: ARG001
) -> object:
    """Restore deleted runs with their logs, files, metrics and child runs.

    'mlrun run list --deleted' shows them. They are there until 'mlrun workspace prune' removes those that were deleted
    over 30 days ago.
    """
    if bool(run_ids) == is_all:
        raise OneOptionRequired("Name deleted runs, or choose all.", hint="Use either -r ID, or --all.", target="--run")
    context = open_context(global_options)
    with context.workspace as workspace:
        if is_all:
            deleted = workspace.trash.list_runs(experiment_name=context.get_experiment_name(experiment_name))
        else:
            name = experiment_name or context.attached_experiment
            deleted = get_deleted_runs(workspace, run_ids or [], experiment_name=name)
        restored = restore_runs(workspace, deleted)
    return build_records_result([build_run_record(run) for run in restored])
