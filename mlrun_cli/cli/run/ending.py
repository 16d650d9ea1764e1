"""Messages about how a run ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mlrun_cli.actions.logs import find_decisive_log
from mlrun_cli.actions.studio_urls import build_run_url
from mlrun_cli.cli.output.messages import Level, Messages
from mlrun_cli.core.log_tail import read_tail
from mlrun_cli.core.time import now
from mlrun_cli.runs.run import Run, describe_end
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.wire.bookkeeping_tags import SWEEP_RUN
from mlrun_cli.wire.run_error import describe_error
from mlrun_cli.wire.run_output import format_summary
from mlrun_cli.workspace import Workspace

_LAST_LINES = 10


def print_summary(workspace: Workspace, run: Run, messages: Messages, *, with_url: bool = True) -> None:
    """Print a summary below the log: the run's status, duration, warnings, error and path of the log.

    If only errors are shown, it is one line for a run that did not complete, and nothing for one that did. The URL of
    the run's page is left out where nobody can open it.
    """
    if messages.level is Level.ERRORS:
        if run.status is not RunStatus.COMPLETED:
            print_ending(workspace, run, messages)
        return
    lines = [f"Status: {describe_end(run, now())}", *list_sweep_lines(workspace, run)]
    lines.extend(f"Warning: {warning}" for warning in run.warnings)
    if run.error is not None:
        lines.append(f"Error: {describe_error(run.error)}")
    if run.status is not RunStatus.COMPLETED:
        lines.append(f"Log: {find_decisive_log(workspace, run)}")
    messages.info(format_summary(run.run_id, build_run_url(workspace, run.run_id) if with_url else None, lines))


def list_sweep_lines(workspace: Workspace, run: Run) -> Sequence[str]:
    """Return lines that summarize a sweep's runs and its best run; empty for other runs."""
    if run.run_type != SWEEP_RUN:
        return ()
    from mlrun_cli.actions.sweep_overview import list_sweep_summary_items  # noqa: PLC0415 - start-up

    return [f"{label}: {text}" for label, text in list_sweep_summary_items(workspace, run)]


def print_failure_log(workspace: Workspace, run: Run, print_text: Callable[[str], None]) -> None:
    """Print the end of the log that explains a failure, unless that log was streamed."""
    folder = workspace.get_run_folder(run.run_id)
    if find_decisive_log(workspace, run) not in {folder.stdout, folder.environment_log}:
        print_text("")
        print_last_lines(workspace, run, print_text)


def print_last_lines(workspace: Workspace, run: Run, print_text: Callable[[str], None]) -> None:
    """Print the last lines of the log that explains how a run ended."""
    log = find_decisive_log(workspace, run)
    lines = read_tail(log).rstrip().splitlines()[-_LAST_LINES:]
    if lines:
        print_text("\n".join([f"The last lines of {run.run_id}, {log.name}:", *(f"  {line}" for line in lines)]))


def print_ending(workspace: Workspace, run: Run, messages: Messages) -> None:
    """Print how and why a run failed or was canceled, and the path of its log, at every message level."""
    log = find_decisive_log(workspace, run)
    where = f"\nLog: {log}" if log.exists() else ""  # a run without a script has none
    messages.report_unsuccessful_run(f"{format_ending(run)}{where}")


def format_ending(run: Run) -> str:
    """Return a line about how and why a run ended."""
    reason = "" if run.error is None else f": {describe_error(run.error)}"
    return f"{run.run_id}: {describe_end(run, now())}{reason}"
