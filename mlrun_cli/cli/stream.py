"""Stream a run's log to the terminal, and say at its end how it went."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TextIO

from mlrun_cli.actions.logs import follow_log
from mlrun_cli.actions.runs import cancel_run
from mlrun_cli.cli.arguments import OnInterrupt
from mlrun_cli.cli.duration import clock
from mlrun_cli.cli.progress import Spinner
from mlrun_cli.cli.shared import Shared
from mlrun_cli.domain.moment import now
from mlrun_cli.domain.run import GRACE_SECONDS, Run
from mlrun_cli.domain.run_error import error_kind, error_message
from mlrun_cli.domain.run_status import RunStatus
from mlrun_cli.errors import MlrunError
from mlrun_cli.execution.interruptions import Interruptions
from mlrun_cli.files.log_tail import tail_of
from mlrun_cli.files.run_folder import STDOUT_NAME
from mlrun_cli.workspace import Workspace

_LAST_LINES = 10
_WAITS = {
    RunStatus.NOT_STARTED: "Starting",
    RunStatus.PREPARING: "Preparing the environment and the working copy",
}


class InterruptedStreamError(MlrunError):
    """SIGINT or SIGTERM while attached; the exit code is what a shell expects."""

    def __init__(self, number: int, message: str, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.exit_code = 128 + number


class _Signalled(BaseException):
    """Raised where the program stands when a signal arrives."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def stream_submitted(
    workspace: Workspace, run: Run, shared: Shared, interrupt: OnInterrupt, interruptions: Interruptions
) -> Run:
    """Stream a run that has just been submitted, to stderr, between its head and its summary; the run as it ended.

    Interruptions that have been held since it was written are released.

    Raises:
        InterruptedStreamError: SIGINT or SIGTERM; the run goes on, or was told to stop.
    """
    say = shared.notes.say
    _print_head(workspace, run, say)
    ended = _stream(workspace, run, sys.stderr, shared, interrupt, interruptions)
    if ended.status is RunStatus.FAILED and ended.started_at is None:  # nothing has been streamed
        print_last_lines(workspace, ended, say)
    _print_summary(workspace, ended, say)
    return ended


def stream_log(workspace: Workspace, run: Run, shared: Shared, interrupt: OnInterrupt) -> Run:
    """Stream a run's log to stdout, and say on stderr how it ended unless it completed; the run as it ended.

    Raises:
        InterruptedStreamError: SIGINT or SIGTERM; the run goes on, or was told to stop.
    """
    with Interruptions() as interruptions:
        interruptions.hold()
        ended = _stream(workspace, run, sys.stdout, shared, interrupt, interruptions)
    if ended.status is RunStatus.FAILED and ended.started_at is None:
        print_last_lines(workspace, ended, shared.notes.say)
    if ended.status is not RunStatus.COMPLETED:
        print_ending(workspace, ended, shared.notes.say)
    return ended


def _stream(
    workspace: Workspace,
    run: Run,
    output: TextIO,
    shared: Shared,
    interrupt: OnInterrupt,
    interruptions: Interruptions,
) -> Run:
    """Copy the run's log to `output` until the run has ended."""
    with Spinner(enabled=shared.shows_progress) as spinner:

        def write(piece: bytes) -> None:
            spinner.stop()
            output.buffer.write(piece)
            output.buffer.flush()

        def watch(status: RunStatus) -> None:
            if status in _WAITS:
                spinner.turn(_WAITS[status])
            else:
                spinner.stop()

        output.flush()
        before = {number: signal.signal(number, _raise) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            interruptions.release()
            return follow_log(workspace, run, write, watch=watch)
        except _Signalled as signalled:
            spinner.stop()
            raise _interrupted(workspace, run, signalled.number, interrupt) from None
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _print_head(workspace: Workspace, run: Run, say: Callable[[str], None]) -> None:
    """What stands above the log."""
    streaming = f"Streaming {STDOUT_NAME}"
    say(f"RunId: {run.run_id}\nWeb View: {_address(workspace, run)}\n\n{streaming}\n{'=' * len(streaming)}\n")


def _print_summary(workspace: Workspace, run: Run, say: Callable[[str], None]) -> None:
    """What stands below the log: how the run ended, how long it took, why it failed and where the whole log is."""
    lines = ["", "Execution Summary", "=================", f"RunId: {run.run_id}"]
    lines.append(f"Web View: {_address(workspace, run)}")
    lines.append(f"Status: {ending(run)}")
    lines.extend(f"Warning: {warning}" for warning in run.warnings)
    if run.error is not None:
        lines.append(f"Error: {_reason(run)}")
    if run.status is not RunStatus.COMPLETED:
        lines.append(f"Log: {_telling_log(workspace, run)}")
    say("\n".join([*lines, ""]))


def print_last_lines(workspace: Workspace, run: Run, say: Callable[[str], None]) -> None:
    """The end of the log of a run whose log has not been streamed, or of the installer's if it got no further."""
    log = _telling_log(workspace, run)
    lines = tail_of(log).rstrip().splitlines()[-_LAST_LINES:]
    if lines:
        say("\n".join([f"The last lines of {run.run_id}, {log.name}:", *(f"  {line}" for line in lines)]))


def print_ending(workspace: Workspace, run: Run, say: Callable[[str], None]) -> None:
    """How a run ended that did not complete, why, and where its whole log is."""
    reason = "" if run.error is None else f": {_reason(run)}"
    say(f"{run.run_id}: {ending(run)}{reason}\nLog: {_telling_log(workspace, run)}")


def _telling_log(workspace: Workspace, run: Run) -> Path:
    """The log that says why a run failed: the installer's when its environment could not be built."""
    folder = workspace.run_folder(run.run_id)
    is_unbuilt = run.status is RunStatus.FAILED and run.started_at is None and folder.environment_log.exists()
    return folder.environment_log if is_unbuilt else folder.stdout


def _address(workspace: Workspace, run: Run) -> str:
    return workspace.run_folder(run.run_id).path.as_uri()


def _reason(run: Run) -> str:
    """The message of the run's error, behind the exception's name if there is one."""
    kind, message = error_kind(run.error), error_message(run.error) or ""
    return message if kind is None or kind == message else f"{kind}: {message}"


def ending(run: Run) -> str:
    """`Failed (exit code 3) after 0:01:05`."""
    how = f" (signal {run.signal})" if run.signal else ""
    if run.exit_code:
        how = f" (exit code {run.exit_code})"
    elapsed = run.elapsed_seconds(now())
    return f"{run.status.value}{how}" + ("" if elapsed is None else f" after {clock(elapsed)}")


def _raise(number: int, _frame: FrameType | None) -> None:
    raise _Signalled(number)


def _interrupted(workspace: Workspace, run: Run, number: int, interrupt: OnInterrupt) -> InterruptedStreamError:
    name = signal.Signals(number).name
    if interrupt is OnInterrupt.CANCEL:
        cancel_run(workspace, run, GRACE_SECONDS)
        return InterruptedStreamError(
            number,
            f"{name}: the run {run.run_id} has been asked to stop.",
            f"See how it ends with 'mlrun run monitor-logs -r {run.run_id}'.",
        )
    sys.stderr.write("\n")
    return InterruptedStreamError(
        number,
        f"{name}: no longer streaming; the run {run.run_id} goes on.",
        f"Follow it with 'mlrun run monitor-logs -r {run.run_id}', stop it with 'mlrun run cancel -r {run.run_id}'.",
    )
