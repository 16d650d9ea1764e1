"""Reporting the end of a run to a CI system: an error with its source line, and a summary."""

from __future__ import annotations

import os
import sys

from mlrun_cli.cli.ci.systems import CiSystem
from mlrun_cli.cli.output.messages import Messages
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.wire.run_error import describe_error
from mlrun_cli.workspace import Workspace


def report_end(workspace: Workspace, run: Run, ci: CiSystem | None, notes: Messages) -> None:
    """Report to the CI system, if there is one, how a run ended: a failure on stderr, and a summary of the run.

    A summary that cannot be written is a warning in `notes`, since none is worth the step's failure.
    """
    if ci is None:
        return
    from mlrun_cli.cli.ci.source_line import find_failed_line  # noqa: PLC0415 - most runs are streamed elsewhere
    from mlrun_cli.cli.ci.summary import build_summary  # noqa: PLC0415

    where = find_failed_line(workspace, run, os.environ.get(ci.repository_variable))
    if run.status is not RunStatus.COMPLETED:
        message = describe_error(run.error) or f"The run ended {run.status.value}."
        _write_line(ci.format_error(f"{run.run_id}: {run.status.value}", message, where))
    try:
        line = ci.add_summary(run.run_id, build_summary(workspace, run, where))
    except OSError as error:
        reason = f"{error.filename}: {error.strerror}" if error.filename else f"{error.strerror or error}"
        notes.warning(f"The summary of {run.run_id} could not be written: {reason}.")
    else:
        if line is not None:
            _write_line(line)


def _write_line(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
