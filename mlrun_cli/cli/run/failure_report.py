"""Printing of a run's failure, for `run monitor-logs --failed`."""

from __future__ import annotations

import sys

from mlrun_cli.actions.failure_report import get_failed_run, read_failure_report
from mlrun_cli.cli.command import Result
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.run.exit_code import get_exit_code
from mlrun_cli.core.time import now
from mlrun_cli.errors import RunNotEnded
from mlrun_cli.runs.run import Run, describe_end
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.wire.run_output import make_printable
from mlrun_cli.workspace import Workspace


def print_failure_report(workspace: Workspace, run: Run, global_options: GlobalOptions) -> Result:
    """Print the failure of a run, or return it as data if requested; for a completed run, only print a note.

    For a sweep or pipeline it is the failure of the first of its runs that failed.

    Raises:
        RunNotEnded: the run goes on.
    """
    exit_code = get_exit_code([run])
    if not run.status.is_terminal:
        raise RunNotEnded(
            f"The run '{run.run_id}' has not ended: it is {run.status.value}.",
            hint="Follow its log without --failed.",
            target=run.run_id,
        )
    failed = get_failed_run(workspace, run)
    if failed.status is RunStatus.COMPLETED:
        global_options.notes.info(f"The run {run.run_id} has not failed: it completed.")
        return Result(None)
    if failed.key != run.key:
        global_options.notes.info(f"The first run of {run.run_id} that failed is {failed.run_id}:")
        run = failed
    failure = read_failure_report(workspace, run)
    if global_options.wants_structured_output:
        return Result({"run_id": run.run_id, "status": run.status.value, **failure._asdict()}, exit_code=exit_code)
    end = f"{describe_end(run, now())}{f': {failure.error}' if failure.error else ''}"
    for line in [*failure.last_lines, *failure.traceback.splitlines(), *end.splitlines()]:
        sys.stdout.write("\t".join(map(make_printable, line.split("\t"))) + "\n")
    return Result(None, exit_code=exit_code)
