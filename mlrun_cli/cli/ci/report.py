"""Reporting the end of a run to a CI system: an error with its source line, and a summary."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from mlrun_cli.cli.ci.systems import CiSystem
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.wire.run_error import describe_error
from mlrun_cli.workspace import Workspace


def report_end(workspace: Workspace, run: Run, ci: CiSystem | None) -> None:
    """Report to the CI system, if there is one, how a run ended: a failure on stderr, and a summary of the run."""
    if ci is None:
        return
    from mlrun_cli.cli.ci.source_line import find_failed_line  # noqa: PLC0415 - most runs are streamed elsewhere
    from mlrun_cli.cli.ci.summary import build_summary  # noqa: PLC0415

    where = find_failed_line(workspace, run, os.environ.get(ci.repository_variable))
    if run.status is not RunStatus.COMPLETED:
        message = describe_error(run.error) or f"The run ended {run.status.value}."
        _write_line(ci.format_error(f"{run.run_id}: {run.status.value}", message, where))
    with suppress(OSError):  # no summary is worth the step's failure
        line = ci.add_summary(run.run_id, build_summary(workspace, run, where))
        if line is not None:
            _write_line(line)


def _write_line(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
