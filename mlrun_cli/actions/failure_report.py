"""The failure of a run: the error, the traceback of the user's code, and the preceding lines of the log."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.actions.logs import find_decisive_log
from mlrun_cli.core.log_tail import read_tail, remove_overwritten_text, shorten_line
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.runs.attempt import find_attempt_start
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.stack_trace import shorten_stack_trace
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.wire.run_error import describe_error
from mlrun_cli.workspace import Workspace

_LINES = 20
_LINES_BEFORE_TRACE = 5


class FailureReport(NamedTuple):
    """The error that ended a run, with its traceback and the end of the log.

    Attributes:
        log: the path of the log that shows it.
        last_lines: the last lines of that log, without the traceback; long ones are cut.
        traceback: the traceback with only the frames of the user's code, and paths relative to the source folder; an
            empty text if there is none.
        error: the exception or other reason, an empty text if it is unknown.
    """

    log: str
    last_lines: Sequence[str]
    traceback: str
    error: str


def read_failure_report(workspace: Workspace, run: Run) -> FailureReport:
    """Return a report on why a run failed or was canceled."""
    log = find_decisive_log(workspace, run)
    trace = _get_stack_trace(run.error)
    tail = read_tail(log).replace("\r\n", "\n").rstrip()
    first = trace.partition("\n")[0]
    start = tail.rfind(first) if first else -1
    count = _LINES if start < 0 else _LINES_BEFORE_TRACE
    before = (tail if start < 0 else tail[:start]).rstrip()
    if run.attempts:
        before = before[find_attempt_start(before) :]
    lines = before.split("\n")[-count:]
    shown = [shorten_line(remove_overwritten_text(line)) for line in lines]
    # The working folder is a copy: the user knows the file by its path in the source folder.
    relative = re.sub(rf'File "[^"]*/{re.escape(run.run_id)}/work/', 'File "', trace)
    return FailureReport(str(log), shown, shorten_stack_trace(relative), describe_error(run.error))


def get_failed_run(workspace: Workspace, run: Run) -> Run:
    """Return the first failed descendant of an ended sweep or pipeline that has no failed child, or the run itself."""
    while run.controller is not None and run.status.is_terminal:
        children = workspace.child_runs.list_children(run.key)
        key = next((child.key for child in children if child.status is RunStatus.FAILED), None)
        if key is None:
            break
        run = workspace.runs.get_by_key(key)
    return run


def _get_stack_trace(error: Mapping[str, Any] | None) -> str:
    inner: Mapping[str, Any] = (error or {}).get("error") or {}
    return str((inner.get("debugInfo") or {}).get("stackTrace") or "").rstrip()
