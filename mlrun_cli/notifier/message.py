"""The message about an ended run."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from mlrun_cli.actions.last_lines import read_last_lines
from mlrun_cli.actions.logs import find_decisive_log
from mlrun_cli.actions.sweep_overview import list_sweep_summary_items
from mlrun_cli.core.durations import format_clock
from mlrun_cli.core.time import now
from mlrun_cli.notifications.spool import NotificationMessage
from mlrun_cli.runs.run import Run, describe_end
from mlrun_cli.wire.run_error import describe_error
from mlrun_cli.workspace import Workspace

_MAX_METRICS = 10
_LAST_LINES = 20


def build_message(workspace: Workspace, run: Run, *, includes_log: bool) -> NotificationMessage:
    """Return the message about an ended run: status, duration, error, metrics and, if wanted, the end of its log."""
    redact = workspace.redactor.redact_prose
    title = redact(f"{run.display_name or run.run_id}: {describe_end(run, now())}")
    text = redact("\n".join(_iterate_message_lines(workspace, run, includes_log=includes_log)))
    seconds = run.compute_elapsed_seconds(now())
    values = {
        "run": run.run_id,
        "name": redact(run.display_name or run.run_id),
        "experiment": run.experiment_name,
        "status": run.status.value,
        "duration": "" if seconds is None else format_clock(seconds),
        "title": title,
        "text": text,
    }
    return NotificationMessage(title, text, values)


def _iterate_message_lines(workspace: Workspace, run: Run, *, includes_log: bool) -> Iterator[str]:
    """Yield the lines of the message about an ended run."""
    yield f"Run: {run.run_id}"
    yield f"Experiment: {run.experiment_name}"
    yield f"Status: {describe_end(run, now())}"
    yield from (f"{label}: {text}" for label, text in list_sweep_summary_items(workspace, run))
    definition = run.definition or {}
    script = run.script_name or definition.get("script")
    if script:
        yield f"Script: {shlex.join([script, *map(str, definition.get('arguments') or [])])}"
    if run.error is not None:
        yield f"Error: {describe_error(run.error)}"
    summaries = workspace.metric_summaries.list(run.key, limit=_MAX_METRICS, with_resources=False)
    numbers = [each for each in summaries if each.last is not None and each.minimum is not None]
    if numbers:
        yield ""
        yield from (
            f"{each.name}: {each.last:.6g} (min {each.minimum:.6g}, max {each.maximum:.6g})" for each in numbers
        )
    if not includes_log:
        return
    log = find_decisive_log(workspace, run)
    lines = read_last_lines(workspace, log, _LAST_LINES)
    if lines:
        yield ""
        yield f"The last lines of {log.name}:"
        yield from (f"  {line}" for line in lines)
