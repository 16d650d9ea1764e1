"""`run wait`: wait until runs have ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from mlrun_cli.actions.run_ends import wait_for_runs
from mlrun_cli.cli.command import Result, command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.option_values import (
    parse_seconds,
)
from mlrun_cli.cli.run import app
from mlrun_cli.cli.run.exit_code import get_exit_code
from mlrun_cli.cli.run.options import (
    ExperimentName,
    RunIds,
)
from mlrun_cli.cli.run.selection import get_runs
from mlrun_cli.runs.run import build_run_record
from mlrun_cli.runs.status import RunStatus

_MOST_LINES = 3


@command(
    app,
    "wait",
    examples=[
        ("Wait for the newest run", "mlrun run wait -r @latest"),
        ("Wait for two runs, 90 minutes at most", "mlrun run wait -r ID1 -r ID2 --timeout 90m"),
    ],
)
def wait(
    shared: GlobalOptions,
    run_ids: RunIds,
    experiment_name: ExperimentName = None,
    timeout: Annotated[
        str | None, typer.Option("--timeout", metavar="TIME", help="Maximum time to wait, such as 90m, 2h or 45s.")
    ] = None,
) -> object:
    """Wait until runs have ended.

    The exit code is 0 if all runs completed, 1 if not, and 124 if the timeout expired.
    """
    from mlrun_cli.cli.output.progress import Spinner  # noqa: PLC0415
    from mlrun_cli.cli.run.stream import print_ending, print_last_lines  # noqa: PLC0415

    seconds = None if timeout is None else parse_seconds(timeout, "--timeout")
    context = open_context(shared)
    with context.workspace as workspace:
        runs = get_runs(context, run_ids, experiment_name)
        with Spinner(enabled=shared.shows_progress) as spinner:
            ended = wait_for_runs(
                workspace,
                runs,
                seconds,
                watch=lambda statuses: spinner.update(_describe_wait(statuses)),
                say=shared.notes.info,
            )
        for run in ended:
            if run.status is not RunStatus.COMPLETED:
                print_last_lines(workspace, run, shared.notes.info)
                print_ending(workspace, run, shared.notes)
        return Result([build_run_record(run) for run in ended], exit_code=get_exit_code(ended))


def _describe_wait(statuses: Mapping[str, RunStatus]) -> str:
    """Return a progress text such as `Waiting for 5 runs: ID1 Running, ID2 Queued, ID3 Queued, …`."""
    shown = [f"{run_id} {status.value}" for run_id, status in list(statuses.items())[:_MOST_LINES]]
    more = ", …" if len(statuses) > _MOST_LINES else ""
    return f"Waiting for {'1 run' if len(statuses) == 1 else f'{len(statuses)} runs'}: {', '.join(shown)}{more}"
