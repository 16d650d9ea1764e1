"""`run view`: show a run as a human-readable page."""

from __future__ import annotations

import sys
from typing import Annotated

from mlrun_cli.cli.command import Result, command, measure_terminal_width
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.output.messages import wants_colour
from mlrun_cli.cli.run import app
from mlrun_cli.cli.run.options import ExperimentName, RunId
from mlrun_cli.cli.run.page import build_runs_result
from mlrun_cli.cli.run.selection import get_run


@command(
    app,
    "view",
    examples=[
        ("View the newest run", "mlrun run view -r @latest"),
        ("View why it failed", "mlrun run view -r @latest --failed"),
    ],
    default_output="table, which is the page",
)
def view(
    global_options: GlobalOptions,
    run_id: RunId,
    experiment_name: ExperimentName = None,
    is_failed: Annotated[
        bool, Option("--failed", help="Only the traceback, the last lines and the error of a failed run.")
    ] = False,
) -> object:
    """View a run: status, parameters, metrics, environment, resources, files, and what to type next.

    It is the page that `run show -o table` prints. With -o json, other formats than table, or --query, it prints the
    record that `run show` prints.
    """
    context = open_context(global_options, only_reads=True)
    with context.workspace as workspace:
        run = get_run(context, run_id, experiment_name)
        if is_failed:
            from mlrun_cli.cli.run.failure_report import print_failure_report  # noqa: PLC0415

            return print_failure_report(workspace, run, global_options)
        result = build_runs_result(
            context.workspace, [run], is_human_readable=not global_options.wants_structured_output
        )
    if result.table is None:
        return result
    if global_options.metadata_file is not None:
        global_options.metadata_file.write(result.value)
    result.table(file=sys.stdout, width=measure_terminal_width(), colour=wants_colour(sys.stdout))
    return Result(None)
