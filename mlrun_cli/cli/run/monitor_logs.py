"""`run monitor-logs`: follow the log of a run."""

from __future__ import annotations

from typing import Annotated

from mlrun_cli.cli.ci.ci_name import CiName
from mlrun_cli.cli.command import Result, command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.option_values import OnInterrupt, resolve_on_interrupt
from mlrun_cli.cli.run import app
from mlrun_cli.cli.run.exit_code import get_exit_code
from mlrun_cli.cli.run.options import (
    ExperimentName,
    OnInterruptOption,
    RunId,
)
from mlrun_cli.cli.run.selection import get_run
from mlrun_cli.core.time import now
from mlrun_cli.errors import ConflictingOptions


@command(
    app,
    "monitor-logs",
    examples=[
        ("Follow the newest run from its last 20 lines on", "mlrun run monitor-logs -r @latest --tail 20"),
        ("Search the log of a run that has ended", "mlrun run monitor-logs -r @latest | grep loss"),
    ],
    default_output="table, which is the log; others go with --failed",
)
def monitor_logs(
    global_options: GlobalOptions,
    run_id: RunId,
    experiment_name: ExperimentName = None,
    tail: Annotated[int | None, Option("--tail", metavar="N", min=0, help="Start with the last N lines.")] = None,
    since: Annotated[
        str | None,
        Option("--since", metavar="TIME", help="Start with what was printed since: 10m, 2h, or a time."),
    ] = None,
    shows_times: Annotated[
        bool, Option("--timestamps", help="Begin each line with the time at which it was printed, in UTC.")
    ] = False,
    node: Annotated[
        int | None, Option("--node", metavar="N", help="The log of this node's first process, counted from 0.")
    ] = None,
    is_failed: Annotated[
        bool, Option("--failed", help="Only the traceback, the last lines and the error of a failed run.")
    ] = False,
    interrupt: OnInterruptOption = None,
    ci: Annotated[CiName, Option("--ci", help="Show the logs as groups of this CI system.")] = CiName.NONE,
) -> object:
    """Print a run's log, by default from the start, and follow it until the run has ended.

    The log goes to stdout. The exit code is 0 if the run completed, and 1 if not. Ctrl-C does not stop the run. Times
    of lines are known to the second.
    """
    from mlrun_cli.actions.log_selection import WHOLE_LOG, LogSelection  # noqa: PLC0415
    from mlrun_cli.cli.ci.systems import find_ci_system  # noqa: PLC0415
    from mlrun_cli.cli.run.failure_report import print_failure_report  # noqa: PLC0415
    from mlrun_cli.cli.run.stream import stream_log  # noqa: PLC0415
    from mlrun_cli.core.durations import parse_time  # noqa: PLC0415

    on_interrupt = resolve_on_interrupt(interrupt)
    selection = LogSelection(tail, None if since is None else parse_time(since, now()), node, shows_times)
    if is_failed and selection != WHOLE_LOG:
        raise ConflictingOptions(
            "--failed chooses the lines itself.",
            hint="Leave out --tail, --since, --timestamps and --node, or --failed.",
            target="--failed",
        )
    context = open_context(global_options, only_reads=on_interrupt is not OnInterrupt.CANCEL)
    with context.workspace as workspace:
        run = get_run(context, run_id, experiment_name)
        if is_failed:
            return print_failure_report(workspace, run, global_options)
        streamed = stream_log(workspace, run, global_options, on_interrupt, selection, find_ci_system(ci))
        return Result(None, exit_code=get_exit_code([streamed.run], streamed.signal))
