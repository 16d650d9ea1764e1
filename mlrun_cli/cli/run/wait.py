"""`run wait`: wait until runs have ended."""

from __future__ import annotations

from typing import Annotated

from mlrun_cli.cli.ci.ci_name import CiName
from mlrun_cli.cli.command import command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.option_values import (
    parse_seconds,
)
from mlrun_cli.cli.run import app
from mlrun_cli.cli.run.options import (
    Ci,
    ExperimentName,
    RunIds,
)
from mlrun_cli.cli.run.selection import get_runs
from mlrun_cli.cli.run.waiting import wait_and_report


@command(
    app,
    "wait",
    examples=[
        ("Wait for the newest run", "mlrun run wait -r @latest"),
        ("Wait for two runs, 90 minutes at most", "mlrun run wait -r ID1 -r ID2 --timeout 90m"),
    ],
)
def wait(
    global_options: GlobalOptions,
    run_ids: RunIds,
    experiment_name: ExperimentName = None,
    timeout: Annotated[
        str | None, Option("--timeout", metavar="TIME", help="Maximum time to wait, such as 90m, 2h or 45s.")
    ] = None,
    ci: Ci = CiName.AUTO,
) -> object:
    """Wait until runs have ended.

    The exit code is 0 if all runs completed, 1 if not, and 124 if the timeout expired.
    """
    seconds = None if timeout is None else parse_seconds(timeout, "--timeout")
    context = open_context(global_options, only_reads=True)
    with context.workspace as workspace:
        return wait_and_report(workspace, get_runs(context, run_ids, experiment_name), seconds, global_options, ci)
