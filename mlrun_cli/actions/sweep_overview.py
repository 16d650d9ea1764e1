"""The state of a sweep: its runs, best first, with their sampled parameters, and its progress."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.actions.runs import get_reconciled_runs
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.time import MICROSECONDS, now
from mlrun_cli.metrics.goal import Goal
from mlrun_cli.metrics.metric import MetricSummary
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.sweeps.definition import SweepDefinition
from mlrun_cli.sweeps.records import TERMINATION_PROPERTY
from mlrun_cli.sweeps.run_tags import find_definition, find_run_number, get_sampled_values
from mlrun_cli.wire.bookkeeping_tags import SWEEP_RUN
from mlrun_cli.workspace import Workspace

_SECONDS_PER_MINUTE = 60
_DIGITS = 6
_MOST_TELLING_FIRST = sorted(
    RunStatus, key=[RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELED, *RunStatus].index
)


class SweepRun(NamedTuple):
    """A run of a sweep.

    Attributes:
        run: the run.
        number: its number in the sweep; None for a run that the sweep has not sampled.
        values: what was sampled for it.
        best: the best of all values of the primary metric that it has logged; None if it has logged no number.
        last: the last of these.
        value_count: how many it has logged.
    """

    run: Run
    number: int | None
    values: Mapping[str, Any]
    best: float | None
    last: float | None
    value_count: int

    @property
    def reason(self) -> str | None:
        """The reason why a policy ended the run early, or None if none did."""
        return self.run.properties.get(TERMINATION_PROPERTY)

    def to_record(self) -> dict[str, Any]:
        """Return the run as a JSON-compatible dict."""
        return {
            "run_id": self.run.run_id,
            "number": self.number,
            "status": self.run.status.value,
            "values": dict(self.values),
            "best": self.best,
            "last": self.last,
            "value_count": self.value_count,
            "reason": self.reason,
        }


class SweepOverview(NamedTuple):
    """The state of a sweep.

    Attributes:
        definition: its definition.
        runs: its runs, or the first of them, best first; those without the primary metric come last, and equal ones in
            the order of numbers.
        status_counts: how many of all its runs have each status, keyed by its name.
        total: how many runs it will have unless it is canceled.
        remaining_seconds: an estimate of the time until its end, or None if it has ended or too little is known.
    """

    definition: SweepDefinition
    runs: Sequence[SweepRun]
    status_counts: Mapping[str, int]
    total: int
    remaining_seconds: float | None

    @property
    def parameters(self) -> Sequence[str]:
        """The names of the sampled parameters."""
        return list(self.definition.sampling.space)

    @property
    def run_count(self) -> int:
        """The number of runs submitted so far."""
        return sum(self.status_counts.values())

    @property
    def ended_count(self) -> int:
        """The number of runs that have ended."""
        return _count_ended_runs(self.status_counts)

    @property
    def best(self) -> SweepRun | None:
        """The best run; None if no run has logged the primary metric."""
        return self.runs[0] if self.runs and self.runs[0].best is not None else None

    def list_summary_items(self) -> Sequence[tuple[str, str]]:
        """Return label and value pairs that summarize the sweep's runs and its best run, if there is one."""
        items = (("Child runs", self.describe_runs()), ("Best run", self.describe_best()))
        return [(label, text) for label, text in items if text]

    def describe_runs(self) -> str:
        """Return the number of runs by status as text, such as `2 of 3 completed, 1 failed`."""
        counts = {status: self.status_counts.get(status.value, 0) for status in _MOST_TELLING_FIRST}
        parts = [(count, _describe_status(status)) for status, count in counts.items() if count]
        if self.total > self.run_count:
            parts.append((self.total - self.run_count, "not submitted"))
        whole = sum(count for count, _ in parts)
        first = [f"{count} {what}" if count == whole else f"{count} of {whole} {what}" for count, what in parts[:1]]
        return ", ".join([*first, *(f"{count} {what}" for count, what in parts[1:])]) or "none"

    def describe_best(self) -> str:
        """Return the id, metric and sampled values of the best run as text, or an empty string if there is none."""
        if self.best is None:
            return ""
        values = ", ".join(f"{name} = {_format_value(value)}" for name, value in self.best.values.items())
        metric = f"{self.definition.metric.name} = {_format_value(self.best.best)}"
        return f"{self.best.run.run_id}: {metric}{f' with {values}' if values else ''}"


def find_sweep_overview(workspace: Workspace, sweep: Run, limit: int | None = None) -> SweepOverview | None:
    """Return an overview of a sweep, or None if the tags of its run contain no readable definition.

    Args:
        workspace: the workspace of the sweep.
        sweep: the run of the sweep, with its status reconciled.
        limit: the number of runs to read; None for all.
    """
    definition = find_definition(sweep.tags)
    if definition is None:
        return None
    children = workspace.child_runs.list_children(sweep.key)
    metric = definition.metric
    summaries = workspace.metric_summaries.get_for_runs([child.key for child in children], [metric.name])
    measured: dict[int, _ChildSummary] = {}
    for child in children:
        summary = summaries.get((child.key, metric.name))
        best = summary and (summary.minimum if metric.goal is Goal.MINIMIZE else summary.maximum)
        measured[child.key] = _ChildSummary(find_run_number(sweep.run_id, child.run_id), best, summary)
    sign = 1.0 if metric.goal is Goal.MINIMIZE else -1.0
    ordered = sorted(measured, key=lambda key: measured[key].get_sort_key(sign))
    runs = get_reconciled_runs(workspace, workspace.runs.list_by_keys(ordered[:limit]))
    sampled = get_sampled_values(sweep.run_id, sweep.tags)
    total = definition.max_total if definition.resume_child_runs else definition.total_runs
    counts = Counter(child.status.value for child in children)
    return SweepOverview(
        definition,
        [measured[run.key].build_sweep_run(run, sampled) for run in runs],
        counts,
        total,
        _estimate_remaining_seconds(sweep, definition, total, _count_ended_runs(counts)),
    )


class _ChildSummary(NamedTuple):
    """The number of a sweep's child run and its values of the primary metric."""

    number: int | None
    best: float | None
    summary: MetricSummary | None

    def get_sort_key(self, sign: float) -> tuple[object, ...]:
        """Return the sort key of the run: better metric values first, runs without a value last."""
        return self.best is None, sign * (self.best or 0.0), self.number is None, self.number or 0

    def build_sweep_run(self, run: Run, parameters_by_number: Mapping[int, Mapping[str, Any]]) -> SweepRun:
        """Return the run with its metric values and with the parameter values that were sampled for its run number."""
        values = {} if self.number is None else parameters_by_number.get(self.number, {})
        last, count = (None, 0) if self.summary is None else (self.summary.last, self.summary.value_count)
        return SweepRun(run, self.number, values, self.best, last, count)


def list_sweep_summary_items(workspace: Workspace, run: Run) -> Sequence[tuple[str, str]]:
    """Return label and value pairs that summarize a sweep's runs and its best run; empty for other runs."""
    overview = find_sweep_overview(workspace, run, limit=1) if run.run_type == SWEEP_RUN else None
    return [] if overview is None else overview.list_summary_items()


def _describe_status(status: RunStatus) -> str:
    """Return the words of a status in lower case, such as `not responding`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", status.value).lower()


def _format_value(value: object) -> str:
    return f"{value:.{_DIGITS}g}" if isinstance(value, float) else str(value)


def _count_ended_runs(status_counts: Mapping[str, int]) -> int:
    return sum(count for status, count in status_counts.items() if RunStatus(status).is_terminal)


def _estimate_remaining_seconds(
    sweep: Run, definition: SweepDefinition, total_runs: int, ended_runs: int
) -> float | None:
    """Return the estimated seconds until a sweep ends at its pace so far, capped by its time limit; None if unknown."""
    if sweep.status.is_terminal or sweep.started_at is None or not ended_runs:
        return None
    elapsed = (now() - sweep.started_at) / MICROSECONDS
    left = max(0, total_runs - ended_runs) * elapsed / ended_runs
    if definition.max_duration_minutes is None:
        return left
    return min(left, max(0.0, definition.max_duration_minutes * _SECONDS_PER_MINUTE - elapsed))


def build_sweep_record(overview: SweepOverview) -> dict[str, Any]:
    """Return the overview of a sweep as a JSON-compatible dict."""
    return {
        "definition": overview.definition.to_json(),
        "total": overview.total,
        "ended": overview.ended_count,
        "statuses": dict(overview.status_counts),
        "remaining_seconds": overview.remaining_seconds,
        "run_count": overview.run_count,
        "runs": [each.to_record() for each in overview.runs],
    }
