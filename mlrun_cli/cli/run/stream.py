"""Streaming of a run's logs to the terminal, followed by a summary of how the run ended."""

from __future__ import annotations

import signal
import sys
from codecs import getincrementaldecoder
from collections.abc import Callable
from contextlib import ExitStack, suppress
from types import FrameType
from typing import TextIO

from mlrun_cli.actions.log_selection import WHOLE_LOG, LineStamper, LogSelection, LogStart, find_log_start
from mlrun_cli.actions.logs import follow_logs
from mlrun_cli.actions.run_ends import cancel_run
from mlrun_cli.actions.studio_urls import build_run_url
from mlrun_cli.cli.ci.log_groups import LogGroups
from mlrun_cli.cli.ci.report import report_end
from mlrun_cli.cli.ci.systems import CiSystem
from mlrun_cli.cli.context import format_command_line
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.option_values import OnInterrupt
from mlrun_cli.cli.output.progress import Spinner
from mlrun_cli.cli.run.ending import print_ending, print_failure_log, print_summary
from mlrun_cli.cli.run.queue_messages import QueueMessages
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.owned_file import OwnedFile
from mlrun_cli.errors import OperatingSystemError, StreamInterrupted
from mlrun_cli.processes.interruptions import Interruptions
from mlrun_cli.runs.cancellation import GRACE_SECONDS
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.script_input import ScriptInput
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runs.stream_lock import acquire_stream_lock
from mlrun_cli.wire.run_folder import ENVIRONMENT_LOG
from mlrun_cli.wire.run_output import format_header, format_title, make_lines_printable
from mlrun_cli.workspace import Workspace

_WAITS = {
    RunStatus.NOT_STARTED: "Starting",
    RunStatus.PREPARING: "Preparing the environment and the working copy",
}
_BEFORE_SCRIPT = frozenset({RunStatus.QUEUED, RunStatus.STARTING, *_WAITS})
_WITH_SCRIPT = frozenset({RunStatus.RUNNING, RunStatus.FINALIZING})


class StreamResult(NamedTuple):
    """A run after it has been streamed to its end, and the signal that canceled it, if any."""

    run: Run
    signal: int | None = None


class _Signalled(BaseException):
    """Raised by a signal handler to stop the streaming."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def stream_submitted_run(
    workspace: Workspace,
    run: Run,
    global_options: GlobalOptions,
    interrupt: OnInterrupt,
    interruptions: Interruptions,
    *,
    script_input: ScriptInput | None = None,
    ci: CiSystem | None = None,
) -> StreamResult:
    """Stream a newly submitted run to stderr, between a heading and a summary, and return the result.

    The output of the environment's installer comes first, then that of the script, each below a title. Interruptions
    that were blocked while the run was submitted are unblocked, and `script_input` is filled. In a job of a CI system,
    each log is a group, the end is reported to it, and no URL is shown, since nobody could open it.

    Raises:
        StreamInterrupted: SIGINT, SIGTERM or SIGHUP arrived; the run continues, or was asked to stop.
    """
    report = global_options.notes.info
    report(f"{format_header(run.run_id, build_run_url(workspace, run.run_id) if ci is None else None)}\n")
    titles = _LogTitles(report, sys.stderr, are_shown=True) if ci is None else LogGroups(ci, sys.stderr)
    streaming = _LogStreamer(workspace, run, sys.stderr, titles, global_options, interrupt, script_input)
    streamed = streaming.stream_until_end(interruptions)
    print_failure_log(workspace, streamed.run, report)
    print_summary(workspace, streamed.run, global_options.notes, with_url=ci is None)
    report_end(workspace, streamed.run, ci, global_options.notes)
    return streamed


def stream_log(
    workspace: Workspace,
    run: Run,
    global_options: GlobalOptions,
    interrupt: OnInterrupt,
    selection: LogSelection = WHOLE_LOG,
    ci: CiSystem | None = None,
) -> StreamResult:
    """Stream a run's log to stdout and, unless the run completed, print to stderr how it ended.

    If an environment was built for the run, the installer's output comes first, and both have a title.

    Args:
        workspace: the workspace of the run.
        run: the run.
        global_options: the global options.
        interrupt: the effect of an interruption on the run.
        selection: the part of the log to stream.
        ci: the CI system that the logs are grouped for; None for none.

    Raises:
        InvalidValue: the run has no node of the selection.
        LogTimesNotFound: the selection needs times that were not recorded.
        StreamInterrupted: SIGINT, SIGTERM or SIGHUP arrived; the run continues, or was asked to stop.
    """
    start = find_log_start(workspace, run, selection)
    with ExitStack() as stack:
        interruptions = stack.enter_context(Interruptions())
        interruptions.block()
        if interrupt is OnInterrupt.CANCEL and run.owner_lock is None and not run.status.is_terminal:
            stack.enter_context(_acquire_stream_lock(workspace, run))
        terminal = sys.stdout if sys.stdout.isatty() else None
        titles = _LogTitles(_print_to_stdout, terminal, are_shown=False) if ci is None else LogGroups(ci, sys.stdout)
        streaming = _LogStreamer(workspace, run, sys.stdout, titles, global_options, interrupt, start=start)
        if selection.has_times:
            streaming.stamper = LineStamper(workspace, run, start)
        streamed = streaming.stream_until_end(interruptions)
    ended = streamed.run
    if ended.status is not RunStatus.COMPLETED:
        print_failure_log(workspace, ended, global_options.notes.info)
        print_ending(workspace, ended, global_options.notes)
    return streamed


def _acquire_stream_lock(workspace: Workspace, run: Run) -> OwnedFile:
    """Acquire the lock that binds a run to this command; raise OperatingSystemError if it cannot be created."""
    try:
        return acquire_stream_lock(workspace.get_run_folder(run.run_id))
    except OSError as error:
        raise OperatingSystemError(
            f"The run {run.run_id} cannot be bound to this command: {error.strerror}.",
            hint="Make room on the disk of its folder, or follow it with --on-interrupt detach.",
            target=run.run_id,
        ) from error


class _LogTitles:
    """Prints log titles, either for each log or only if the environment's log is also shown.

    A last line without a line break is given one in `completed`, since other lines follow there; None for nowhere.
    """

    def __init__(self, report: Callable[[str], None], completed: TextIO | None, *, are_shown: bool) -> None:
        self._report = report
        self._completed = completed
        self._are_shown = are_shown
        self._log_name: str | None = None

    def begin(self, log_name: str, *, ends_mid_line: bool) -> None:
        """Print the title of a log before its first line, unless that log is already being shown."""
        if log_name == self._log_name:
            return
        self.end(ends_mid_line=ends_mid_line)
        self._are_shown = self._are_shown or log_name == ENVIRONMENT_LOG
        if self._are_shown:
            gap = "" if self._log_name is None else "\n"
            self._report(f"{gap}{format_title(log_name)}")
        self._log_name = log_name

    def end(self, *, ends_mid_line: bool) -> None:
        """Complete the last line of the last log."""
        if ends_mid_line and self._completed is not None:
            self._completed.write("\n")
            self._completed.flush()


class _LogStreamer:
    """Streams a run's logs to `output`, and handles signals, messages and the script's input.

    `stamper` writes times in front of lines; None for none.
    """

    def __init__(
        self,
        workspace: Workspace,
        run: Run,
        output: TextIO,
        titles: _LogTitles | LogGroups,
        global_options: GlobalOptions,
        interrupt: OnInterrupt,
        script_input: ScriptInput | None = None,
        start: LogStart | None = None,
    ) -> None:
        self._workspace = workspace
        self._start = start or LogStart(workspace.get_run_folder(run.run_id).stdout_name)
        self.stamper: LineStamper | None = None
        self._script_input = script_input
        self._run = run
        self._output = output
        self._titles = titles
        self._decoder = getincrementaldecoder("utf-8")("replace")
        self._shared = global_options
        self._cancels = interrupt is OnInterrupt.CANCEL
        self._spinner = Spinner(enabled=global_options.shows_progress)
        self._queue_messages = QueueMessages(workspace, run, global_options.notes.info)
        self._signal: int | None = None
        self._asked_to_stop = False
        self._is_leaving = False
        self._has_script_output = False
        self._is_in_line = False

    def stream_until_end(self, interruptions: Interruptions) -> StreamResult:
        """Copy the logs until the run has ended; return the run with the signal that canceled it, if any.

        Raises:
            StreamInterrupted: a signal arrived that does not cancel the run, or a second one.
        """
        self._output.flush()
        before = {
            number: signal.signal(number, self._on_signal)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
            if signal.getsignal(number) is not signal.SIG_IGN  # as under `nohup`
        }
        try:
            with self._spinner:
                interruptions.unblock()
                if self._script_input is not None:
                    self._script_input.start_copying()
                ended = follow_logs(
                    self._workspace, self._run, self._write_log_chunk, watch=self._handle_status, start=self._start
                )
                self._is_leaving = True
                if ended.started_at is not None:  # the title stands there, even if the script has printed nothing
                    self._begin_log(self._start.log_name)
                return StreamResult(ended, self._signal)
        except _Signalled as signalled:
            raise self._cancel_and_build_error(signalled.number) from None
        finally:
            self._titles.end(ends_mid_line=self._is_in_line)
            for number, handler in before.items():
                signal.signal(number, handler)
            if self._script_input is not None:
                self._script_input.close()

    def _on_signal(self, signal_number: int, _frame: FrameType | None) -> None:
        if self._is_leaving:
            return
        if self._cancels and self._signal is None:
            # Not from here: the program may stand within a transaction.
            self._signal = signal_number
            return
        self._is_leaving = True
        raise _Signalled(signal_number)

    def _write_log_chunk(self, log_name: str, chunk: bytes) -> None:
        self._spinner.stop()
        self._begin_log(log_name)
        if self.stamper is not None:
            chunk = self.stamper.stamp(log_name, chunk)
        if log_name == ENVIRONMENT_LOG:  # packages of strangers have their say in it
            chunk = make_lines_printable(self._decoder.decode(chunk)).encode()
        else:
            self._has_script_output = True
        self._is_in_line = not chunk.endswith(b"\n")
        self._output.buffer.write(chunk)
        self._output.buffer.flush()
        self._cancel_if_signalled()

    def _begin_log(self, log_name: str) -> None:
        self._titles.begin(log_name, ends_mid_line=self._is_in_line)

    def _handle_status(self, status: RunStatus) -> None:
        """Cancel the run if a signal has arrived, and update the display for a status."""
        self._cancel_if_signalled()
        if self._has_script_output and status in _BEFORE_SCRIPT:
            return  # the output of a script on a node is here before the collector has stored that it runs
        if status in _WAITS:
            self._spinner.update(_WAITS[status])
            return
        self._spinner.stop()
        self._queue_messages.print_changes()
        if status in _WITH_SCRIPT:
            self._begin_log(self._start.log_name)
            if self._script_input is not None:
                self._script_input.close_read_end()

    def _cancel_if_signalled(self) -> None:
        if self._signal is None or self._asked_to_stop:
            return
        self._cancel_run()
        self._spinner.stop()
        name = signal.Signals(self._signal).name
        self._shared.notes.info(
            f"\n{name}: the run {self._run.run_id} has been asked to stop; once more leaves without waiting for it."
        )

    def _cancel_run(self) -> None:
        cancel_run(self._workspace, self._run, GRACE_SECONDS)
        self._asked_to_stop = True

    def _cancel_and_build_error(self, signal_number: int) -> StreamInterrupted:
        """Cancel the run if the signal is to cancel it; return the error that ends the streaming."""
        name, run_id = signal.Signals(signal_number).name, self._run.run_id
        follow = format_command_line(self._workspace, "run", "monitor-logs", "-r", run_id)
        if self._cancels and not self._asked_to_stop:
            self._cancel_run()
        with suppress(OSError):  # the terminal may be gone
            sys.stderr.write("\n")
        self._is_in_line = False
        if self._cancels:
            message = f"{name}: the run {run_id} has been asked to stop."
            return StreamInterrupted(signal_number, message, hint=f"See how it ends: {follow}", target=run_id)
        stop = format_command_line(self._workspace, "run", "cancel", "-r", run_id)
        return StreamInterrupted(
            signal_number,
            f"{name}: no longer streaming; the run {run_id} goes on.",
            hint=f"Follow it: {follow}\nStop it: {stop}",
            target=run_id,
        )


def _print_to_stdout(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
