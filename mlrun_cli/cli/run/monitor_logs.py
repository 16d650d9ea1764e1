"""`run monitor-logs`: follow the log of a run."""

from __future__ import annotations

from mlrun_cli.cli.command import Result, command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.option_values import (
    parse_on_interrupt,
)
from mlrun_cli.cli.run import app
from mlrun_cli.cli.run.exit_code import get_exit_code
from mlrun_cli.cli.run.options import (
    ExperimentName,
    OnInterruptOption,
    RunId,
)
from mlrun_cli.cli.run.selection import get_run


@command(
    app,
    "monitor-logs",
    examples=[
        ("Follow the newest run", "mlrun run monitor-logs -r @latest"),
        ("Search the log of a run that has ended", "mlrun run monitor-logs -r @latest | grep loss"),
    ],
)
def monitor_logs(
    shared: GlobalOptions,
    run_id: RunId,
    experiment_name: ExperimentName = None,
    interrupt: OnInterruptOption = None,
) -> object:
    """Print a run's log from the start and follow it until the run has ended.

    The log goes to stdout. The exit code is 0 if the run completed, and 1 if not. Ctrl-C does not stop the run.
    """
    from mlrun_cli.cli.run.stream import stream_log  # noqa: PLC0415

    when_interrupted = parse_on_interrupt(interrupt)
    context = open_context(shared)
    with context.workspace as workspace:
        run = get_run(context, run_id, experiment_name)
        streamed = stream_log(workspace, run, shared, when_interrupted)
        return Result(None, exit_code=get_exit_code([streamed.run], streamed.signal))
