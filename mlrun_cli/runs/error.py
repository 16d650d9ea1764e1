"""The error of a run, in Azure's format."""

from __future__ import annotations

import re
from enum import Enum
from typing import Any

USER_ERROR = "UserError"
SERVICE_ERROR = "ServiceError"


class EndReason(str, Enum):
    """A stable code, stored as `innerError.code`, for the end of a run that its script did not cause.

    If an `MlrunError` ended the run, that error's code is used instead; the end of a script itself has no reason.
    """

    CONTROLLER_FAILED = "ControllerFailed"
    JOB_CANCELED = "JobCanceled"
    JOB_LOST = "JobLost"
    JOB_NOT_STARTED = "JobNotStarted"
    JOB_PREEMPTED = "JobPreempted"
    MACHINE_RESTARTED = "MachineRestarted"
    NODE_LOST = "NodeLost"
    OUT_OF_MEMORY = "OutOfMemory"
    PARENT_FAILED = "ParentFailed"
    PREDECESSOR_NOT_COMPLETED = "PredecessorNotCompleted"
    RUN_FOLDER_REMOVED = "RunFolderRemoved"
    RUN_NOT_RECOVERABLE = "RunNotRecoverable"
    SESSION_DIED = "SessionDied"
    STREAM_KILLED = "StreamKilled"
    SUPERVISOR_DIED = "SupervisorDied"
    SUPERVISOR_NOT_STARTED = "SupervisorNotStarted"
    SUPERVISOR_STOPPED = "SupervisorStopped"
    TIME_LIMIT_REACHED = "TimeLimitReached"

    def __str__(self) -> str:
        return self.value


_TRACEBACK = "Traceback (most recent call last):"
_MAX_LINES = 200
_MAX_TRACE = 64_000
_LONGEST_LINE = 500
_SYNTAX_ERROR = r"(?m)^  File \"[^\n]+\", line \d+\n(?:    .*\n)+(?=(?:Syntax|Indentation|Tab)Error: )"
_EXCEPTION_LINE = r"(?s)^([A-Za-z_][\w.]*)(?::\s?(.*))?$"


def build_run_error(
    message: str,
    *,
    code: str = USER_ERROR,
    reason: EndReason | str | None = None,
    kind: str | None = None,
    stack_trace: str | None = None,
) -> dict[str, Any]:
    """Return a run's error in Azure's format, `{"error": {"code", "message", "details", "innerError", "debugInfo"}}`.

    Args:
        message: what happened, and why.
        code: who is at fault, in Azure's words: `UserError` or `ServiceError`.
        reason: the inner error's code, an `EndReason` or the code of an `MlrunError`.
        kind: the name of the script's exception.
        stack_trace: the stack trace of that exception.

    The messages of exceptions may contain credentials: `Redactor.redact_error` keeps them out of records.
    """
    debug_info = {"type": kind, "message": message, "stackTrace": stack_trace}
    return {
        "error": {
            "code": code,
            "message": message,
            "details": [],
            **({} if reason is None else {"innerError": {"code": str(reason)}}),
            "debugInfo": {name: value for name, value in debug_info.items() if value is not None},
        }
    }


def build_exception_error(error: BaseException) -> dict[str, Any]:
    """Return the error of a run that ended with an exception in this process."""
    import traceback  # noqa: PLC0415 — not on the way of `run list`

    trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    message = str(error) or type(error).__name__
    return build_run_error(
        _escape_surrogates(message), kind=type(error).__name__, stack_trace=_escape_surrogates(trace[-_MAX_TRACE:])
    )


def _escape_surrogates(text: str) -> str:
    """Return text with lone surrogates escaped, since neither files nor databases accept them."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def build_error_from_log(log_tail: str, end_description: str, *, is_uncaught: bool = True) -> dict[str, Any]:
    """Return the error of a failed script, derived from the last traceback in its output or else its last line.

    Args:
        log_tail: the end of the script's output.
        end_description: how it ended, as in `exit code 1`, which becomes the message if there is no traceback.
        is_uncaught: whether a traceback is that of the exception that ended the script. Otherwise the exception was
            caught, and nothing of the output is part of the error if it has a traceback.
    """
    trace = _find_last_traceback(log_tail)
    if not trace:
        last_line = _find_message_line(log_tail)
        more = "" if last_line is None else f" Its last line: {last_line}"
        return build_run_error(f"The script ended with {end_description}.{more}")
    exception = next((line for line in trace[1:] if line and not line.startswith(" ")), None)
    if not is_uncaught or exception is None:
        stack_trace = "\n".join(trace) if is_uncaught else None
        return build_run_error(f"The script ended with {end_description}.", stack_trace=stack_trace)
    match = re.match(_EXCEPTION_LINE, exception)
    kind = match[1] if match else exception
    message = (match[2] if match else None) or exception
    return build_run_error(message.strip(), kind=kind.rpartition(".")[2], stack_trace="\n".join(trace))


def _find_message_line(text: str) -> str | None:
    """Return the last line with a letter, without styles; None if there is none, or it is too long or unprintable.

    That is what `argparse` and `sys.exit("text")` print. A line is not cut, which could hide that it has a secret.
    """
    from mlrun_cli.core.log_tail import remove_styles  # noqa: PLC0415 - start-up: commands do not read logs' ends

    for line in reversed(text.splitlines()):
        shown = " ".join(remove_styles(line).split())
        if any(map(str.isalpha, shown)):
            return shown if len(shown) <= _LONGEST_LINE and shown.isprintable() else None
    return None


def _find_last_traceback(text: str) -> list[str]:
    """Return the last traceback in `text` and the lines after it, at most `_MAX_LINES`; an empty list if there is none.

    The exception's message may span lines. A syntax error of the script itself is shown without the usual first line.
    """
    start = text.rfind(_TRACEBACK)
    if start < 0:
        found = list(re.finditer(_SYNTAX_ERROR, text))
        if not found:
            return []
        start = found[-1].start()
    return text[start:].rstrip().splitlines()[:_MAX_LINES]
