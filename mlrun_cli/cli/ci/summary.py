"""The summary of a run in Markdown."""

from __future__ import annotations

import html
import re
import shlex
from collections.abc import Iterator, Sequence

from mlrun_cli.actions.last_lines import read_last_lines
from mlrun_cli.actions.logs import find_decisive_log
from mlrun_cli.actions.sweep_overview import list_sweep_summary_items
from mlrun_cli.cli.ci.source_line import SourceLine
from mlrun_cli.core.time import now
from mlrun_cli.metrics.metric import MetricSummary
from mlrun_cli.runs.resources import describe_resources, read_resources
from mlrun_cli.runs.run import Run, describe_end
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.wire.run_error import describe_error
from mlrun_cli.wire.run_output import make_printable
from mlrun_cli.workspace import Workspace

_MAX_METRICS = 20
_LAST_LINES = 30


def build_summary(workspace: Workspace, run: Run, location: SourceLine | None) -> str:
    """Return the Markdown summary of an ended run: outcome, metrics and, if it failed, the end of its log."""
    redact = workspace.redactor.redact_prose
    properties = _iterate_properties(workspace, run, location)
    rows = "".join(f"| {name} | {_escape_cell(redact(value))} |\n" for name, value in properties)
    parts = [
        f"### {_escape_cell(redact(run.display_name or run.run_id))}: {run.status.value}\n\n| | |\n|---|---|\n{rows}"
    ]
    summaries = workspace.metric_summaries.list(run.key, limit=_MAX_METRICS + 1, with_resources=False)
    numbers = [summary for summary in summaries if summary.has_numbers]
    if numbers:
        parts.append(_format_metrics(numbers))
    if run.status is not RunStatus.COMPLETED:
        parts.append(_format_log(workspace, run))
    return "\n".join(filter(None, parts)) + "\n"


def _iterate_properties(workspace: Workspace, run: Run, location: SourceLine | None) -> Iterator[tuple[str, str]]:
    """Yield the name and the value of each row of the summary's table."""
    yield "Run", run.run_id
    yield "Experiment", run.experiment_name
    yield "Status", describe_end(run, now())
    yield from list_sweep_summary_items(workspace, run)
    definition = run.definition or {}
    script = run.script_name or definition.get("script")
    if script:
        yield "Script", shlex.join([script, *map(str, definition.get("arguments") or [])])
    if run.error is not None:
        yield "Error", describe_error(run.error)
    if location is not None:
        yield "Where", f"{location.file}:{location.line}"
    used = read_resources(workspace.get_run_folder(run.run_id))
    if used is not None:
        yield "Used", describe_resources(used)
    for warning in run.warnings:
        yield "Warning", warning


def _format_metrics(summaries: Sequence[MetricSummary]) -> str:
    lines = ["| Metric | Last | Min | Max |", "|---|---|---|---|"]
    for each in summaries[:_MAX_METRICS]:
        last, minimum, maximum = map(_format_number, (each.last, each.minimum, each.maximum))
        lines.append(f"| {_escape_cell(each.name)} | {last} | {minimum} | {maximum} |")
    more = ["", "The run has more metrics."] if len(summaries) > _MAX_METRICS else []
    return "\n".join([*lines, *more, ""])


def _format_log(workspace: Workspace, run: Run) -> str:
    log = find_decisive_log(workspace, run)
    lines = read_last_lines(workspace, log, _LAST_LINES)
    if not lines:
        return ""
    text = "\n".join(lines)
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"<details><summary>The last lines of {log.name}</summary>\n\n{fence}text\n{text}\n{fence}\n\n</details>\n"


def _format_number(number: float | None) -> str:
    return "" if number is None else f"{number:.6g}"


def _escape_cell(text: str) -> str:
    """Return text for a table cell: on one line, with HTML and Markdown characters escaped."""
    return re.sub(r"([\\`*_|~\[\]])", r"\\\1", html.escape(make_printable(" ".join(text.split())), quote=False))
