"""The state of a sweep: its runs, best first, with what was drawn for them, and how far it is."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.actions.runs import list_runs
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.time import MICROSECONDS, now
from mlrun_cli.metrics.goal import Goal
from mlrun_cli.runs.filter import RunFilter
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.sweeps.definition import SweepDefinition
from mlrun_cli.sweeps.records import TERMINATION_PROPERTY
from mlrun_cli.sweeps.run_tags import find_definition, find_number, list_drawn_values
from mlrun_cli.workspace import Workspace

_SECONDS_PER_MINUTE = 60


class SweepRun(NamedTuple):
    """A run of a sweep.

    Attributes:
        run: the run.
        number: its number in the sweep; None for a run that the sweep has not drawn.
        values: what was drawn for it.
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
        """The reason why a policy has ended it, or None."""
        return self.run.properties.get(TERMINATION_PROPERTY)

    def to_record(self) -> dict[str, Any]:
        """Return the JSON object for the run."""
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
        runs: its runs, best first; those without the primary metric come last, each in the order of numbers.
        total: how many runs it will have unless it is canceled.
        remaining_seconds: an estimate of the time until its end, or None if it has ended or too little is known.
    """

    definition: SweepDefinition
    runs: Sequence[SweepRun]
    total: int
    remaining_seconds: float | None

    @property
    def parameters(self) -> Sequence[str]:
        """The names of the parameters that are drawn."""
        return list(self.definition.sampling.space)

    @property
    def status_counts(self) -> Mapping[str, int]:
        """How many runs have each status, keyed by its name."""
        return Counter(each.run.status.value for each in self.runs)

    @property
    def ended_count(self) -> int:
        """How many runs have ended."""
        return sum(each.run.status.is_terminal for each in self.runs)


def find_sweep_overview(workspace: Workspace, sweep: Run) -> SweepOverview | None:
    """Return the state of a sweep, or None if the tags of its run do not hold a definition."""
    definition = find_definition(sweep.tags)
    if definition is None:
        return None
    children = list_runs(workspace, RunFilter(parent_run_id=sweep.run_id))
    summaries = workspace.metric_summaries.list_for_runs([run.key for run in children], [definition.metric.name])
    drawn = list_drawn_values(sweep.run_id, sweep.tags)
    runs = []
    for run in children:
        number = find_number(sweep.run_id, run.run_id)
        summary = summaries.get((run.key, definition.metric.name))
        best = summary and (summary.minimum if definition.metric.goal is Goal.MINIMIZE else summary.maximum)
        values = {} if number is None else drawn.get(number, {})
        last, count = (None, 0) if summary is None else (summary.last, summary.value_count)
        runs.append(SweepRun(run, number, values, best, last, count))
    total = definition.max_total if definition.resume_child_runs else definition.total
    seconds = None if sweep.status.is_terminal else _estimate_remaining_seconds(sweep, definition, runs, total)
    return SweepOverview(definition, sort_runs(runs, definition.metric.goal), total, seconds)


def sort_runs(runs: Sequence[SweepRun], goal: Goal) -> Sequence[SweepRun]:
    """Return runs best first; those without the primary metric come last, and equal ones in the order of numbers."""
    sign = 1.0 if goal is Goal.MINIMIZE else -1.0
    return sorted(
        runs, key=lambda each: (each.best is None, sign * (each.best or 0.0), each.number is None, each.number or 0)
    )


def _estimate_remaining_seconds(
    sweep: Run, definition: SweepDefinition, runs: Sequence[SweepRun], total: int
) -> float | None:
    """Return the time that the runs to come take at the pace of those that have ended, at most to the time limit."""
    ended = [each.run for each in runs if each.run.status in {RunStatus.COMPLETED, RunStatus.CANCELED}]
    durations = [run.elapsed_seconds(now()) or 0.0 for run in ended]
    elapsed = 0.0 if sweep.started_at is None else (now() - sweep.started_at) / MICROSECONDS
    limit = math.inf
    if definition.max_duration_minutes is not None:
        limit = max(0.0, definition.max_duration_minutes * _SECONDS_PER_MINUTE - elapsed)
    if not durations:
        return None
    left = total - sum(each.run.status.is_terminal for each in runs)
    waves = math.ceil(left / min(definition.max_concurrent, max(1, left)))
    return min(limit, waves * sum(durations) / len(durations))


def build_sweep_record(overview: SweepOverview, limit: int | None = None) -> dict[str, Any]:
    """Return the JSON object for the state of a sweep, with its first `limit` runs."""
    return {
        "definition": overview.definition.to_json(),
        "total": overview.total,
        "ended": overview.ended_count,
        "statuses": dict(overview.status_counts),
        "remaining_seconds": overview.remaining_seconds,
        "run_count": len(overview.runs),
        "runs": [each.to_record() for each in overview.runs[:limit]],
    }
