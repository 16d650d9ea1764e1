"""`run resume`: submit an earlier run again, with the files that it has written."""

from __future__ import annotations

from mlrun_cli.cli.command import command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.run import app
from mlrun_cli.cli.run.new_run_options import NewRunOptions
from mlrun_cli.cli.run.options import DryRun, ExperimentName, OnInterruptOption, RunId
from mlrun_cli.cli.run.rerun import (
    Arguments,
    Async,
    CurrentCode,
    Set,
    TargetOption,
    build_changes,
    resubmit_run,
)
from mlrun_cli.cli.run.selection import get_run


@command(
    app,
    "resume",
    script=True,
    examples=[
        ("Go on with the newest run from its checkpoints", "mlrun run resume -r @latest"),
        ("Go on for more epochs", "mlrun run resume -r ID --set epochs=20"),
    ],
)
def resume(
    global_options: GlobalOptions,
    run_id: RunId,
    experiment_name: ExperimentName = None,
    settings: Set = None,
    target: TargetOption = None,
    current_code: CurrentCode = False,
    is_async: Async = False,
    is_dry_run: DryRun = False,
    interrupt: OnInterruptOption = None,
    *,
    new_run_options: NewRunOptions,
    arguments: Arguments = None,
) -> object:
    """Submit an ended run again, with the files of its outputs folder in place.

    The script finds what the earlier run wrote to ./outputs, such as checkpoints, in its own ./outputs. All else is as
    for 'mlrun run rerun'.
    """
    description = new_run_options.parse()
    changes = build_changes(description, settings, arguments, target, uses_current_code=current_code, resumes=True)
    context = open_context(global_options, only_reads=is_dry_run)
    description = description.resolve_predecessor(context)
    run = get_run(context, run_id, experiment_name)
    return resubmit_run(
        context, run, changes, description, global_options, interrupt, is_async=is_async, is_dry_run=is_dry_run
    )
