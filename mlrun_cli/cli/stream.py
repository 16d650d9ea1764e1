"""Stream a run's log to the terminal, and say at its end how it went."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import NamedTuple, TextIO

from mlrun_cli.actions.logs import follow_log
from mlrun_cli.actions.runs import cancel_run
from mlrun_cli.cli.arguments import OnInterrupt
from mlrun_cli.cli.context import line_to_type
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
from mlrun_cli.workspace import Workspace

_LAST_LINES = 10
_PATIENCE_SECONDS = 1.0
_WAITS = {
    RunStatus.NOT_STARTED: "Starting",
    RunStatus.PREPARING: "Preparing the environment and the working copy",
}


class InterruptedStreamError(MlrunError):
    """SIGINT or SIGTERM ended the streaming before the run; the exit code is what a shell expects."""

    def __init__(self, number: int, message: str, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.exit_code = 128 + number


class Streamed(NamedTuple):
    """A run as it ended, and the signal that had it canceled meanwhile."""

    run: Run
    signal: int | None = None


class _Signalled(BaseException):
    """Raised where the program stands when a signal arrives."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def stream_submitted(
    workspace: Workspace, run: Run, shared: Shared, interrupt: OnInterrupt, interruptions: Interruptions
) -> Streamed:
    """Stream a run that has just been submitted, to stderr, between its head and its summary.

    Interruptions that have been held since it was written are released.

    Raises:
        InterruptedStreamError: SIGINT or SIGTERM; the run goes on, or was told to stop.
    """
    say = shared.notes.say
    _print_head(workspace, run, say)
    streamed = _Streaming(workspace, run, sys.stderr, shared, interrupt).to_the_end(interruptions)
    ended = streamed.run
    if _failed_before_its_script(ended):  # nothing has been streamed
        print_last_lines(workspace, ended, say)
    _print_summary(workspace, ended, say)
    return streamed


def stream_log(workspace: Workspace, run: Run, shared: Shared, interrupt: OnInterrupt) -> Streamed:
    """Stream a run's log to stdout, and say on stderr how it ended unless it completed.

    Raises:
        InterruptedStreamError: SIGINT or SIGTERM; the run goes on, or was told to stop.
    """
    with Interruptions() as interruptions:
        interruptions.hold()
        streamed = _Streaming(workspace, run, sys.stdout, shared, interrupt).to_the_end(interruptions)
    ended = streamed.run
    if _failed_before_its_script(ended):
        print_last_lines(workspace, ended, shared.notes.say)
    if ended.status is not RunStatus.COMPLETED:
        print_ending(workspace, ended, shared.notes.say)
    return streamed


class _Streaming:
    """A log on its way to `output`, and what is said and done meanwhile."""

    def __init__(self, workspace: Workspace, run: Run, output: TextIO, shared: Shared, interrupt: OnInterrupt) -> None:
        self._workspace = workspace
        self._run = run
        self._output = output
        self._shared = shared
        self._cancels = interrupt is OnInterrupt.CANCEL
        self._spinner = Spinner(enabled=shared.shows_progress)
        self._preparing_since: float | None = None
        self._told_of_environment = False
        self._signal: int | None = None
        self._asked_to_stop = False
        self._is_leaving = False

    def to_the_end(self, interruptions: Interruptions) -> Streamed:
        """Copy the log until the run has ended.

        Raises:
            InterruptedStreamError: a signal that does not cancel the run, or a second one.
        """
        self._output.flush()
        before = {number: signal.signal(number, self._on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            with self._spinner:
                interruptions.release()
                ended = follow_log(self._workspace, self._run, self._write, watch=self._watch)
                self._is_leaving = True
                return Streamed(ended, self._signal)
        except _Signalled as signalled:
            raise self._interrupted(signalled.number) from None
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self._is_leaving:
            return
        if self._cancels and self._signal is None:
            # Not from here: the program may stand within a transaction.
            self._signal = number
            return
        self._is_leaving = True
        raise _Signalled(number)

    def _write(self, piece: bytes) -> None:
        self._spinner.stop()
        self._output.buffer.write(piece)
        self._output.buffer.flush()
        self._cancel_if_signalled()

    def _watch(self, status: RunStatus) -> None:
        self._cancel_if_signalled()
        if status not in _WAITS:
            self._spinner.stop()
            return
        self._spinner.turn(_WAITS[status])
        if status is RunStatus.PREPARING and not (self._shared.shows_progress or self._told_of_environment):
            self._tell_of_environment()

    def _tell_of_environment(self) -> None:
        """Say once what takes so long, where no line may move."""
        log = self._workspace.run_folder(self._run.run_id).environment_log
        moment = time.monotonic()
        self._preparing_since = self._preparing_since or moment
        if moment - self._preparing_since > _PATIENCE_SECONDS and log.exists():
            self._told_of_environment = True
            self._shared.notes.say(f"Building the environment; the installer's output: {log}")

    def _cancel_if_signalled(self) -> None:
        if self._signal is None or self._asked_to_stop:
            return
        self._cancel()
        self._spinner.stop()
        name = signal.Signals(self._signal).name
        self._shared.notes.say(
            f"\n{name}: the run {self._run.run_id} has been asked to stop; once more leaves without waiting for it."
        )

    def _cancel(self) -> None:
        cancel_run(self._workspace, self._run, GRACE_SECONDS)
        self._asked_to_stop = True

    def _interrupted(self, number: int) -> InterruptedStreamError:
        name, run_id = signal.Signals(number).name, self._run.run_id
        follow = line_to_type(self._workspace, "run", "monitor-logs", "-r", run_id)
        sys.stderr.write("\n")
        if self._cancels:
            if not self._asked_to_stop:
                self._cancel()
            return InterruptedStreamError(
                number, f"{name}: the run {run_id} has been asked to stop.", f"See how it ends: {follow}"
            )
        stop = line_to_type(self._workspace, "run", "cancel", "-r", run_id)
        return InterruptedStreamError(
            number,
            f"{name}: no longer streaming; the run {run_id} goes on.",
            f"Follow it: {follow}\nStop it: {stop}",
        )


def _print_head(workspace: Workspace, run: Run, say: Callable[[str], None]) -> None:
    """What stands above the log."""
    streaming = f"Streaming {workspace.run_folder(run.run_id).stdout_name}"
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
    log = _telling_log(workspace, run)
    where = f"\nLog: {log}" if log.exists() else ""  # a run without a script has none
    say(f"{run.run_id}: {ending(run)}{reason}{where}")


def _telling_log(workspace: Workspace, run: Run) -> Path:
    """The log that says why a run failed: the installer's when its environment could not be built."""
    folder = workspace.run_folder(run.run_id)
    is_unbuilt = _failed_before_its_script(run) and folder.environment_log.exists()
    return folder.environment_log if is_unbuilt else folder.stdout


def _failed_before_its_script(run: Run) -> bool:
    return run.status is RunStatus.FAILED and run.started_at is None


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
