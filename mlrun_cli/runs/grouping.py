"""Groups of runs that have the same values, such as runs that differ only in their seed, with aggregated metrics."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import InvalidValue
from mlrun_cli.runs.run import Run

Value = float | int | str | None


def _compute_mean(numbers: Sequence[float]) -> float:
    return _compute_sum(numbers) / len(numbers)


def _compute_standard_deviation(numbers: Sequence[float]) -> float | None:
    """Return the sample standard deviation, or None for a single number."""
    if len(numbers) < 2:
        return None
    if min(numbers) == max(numbers) and math.isfinite(_to_float(numbers[0])):
        return 0.0  # rounding the mean would leave a rest
    mean = _compute_mean(numbers)
    deviations = [_to_float(number) - mean for number in numbers]
    return math.sqrt(_compute_sum([deviation * deviation for deviation in deviations]) / (len(numbers) - 1))


def _compute_sum(numbers: Sequence[float]) -> float:
    try:
        return math.fsum(numbers)
    except (ValueError, OverflowError):  # of infinities or integers that are too large
        return sum(map(_to_float, numbers))


def _to_float(number: float) -> float:
    """Return a number as a float; an integer that is too large becomes infinite."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


AGGREGATES: Mapping[str, Callable[[Sequence[float]], float | None]] = {
    "mean": _compute_mean,
    "std": _compute_standard_deviation,
    "min": min,
    "max": max,
    "count": len,
}
"""Functions of the numbers of a group, at least one, keyed by name."""
DIRECTED = frozenset({"mean", "min", "max"})
"""The aggregates in which a group is better or worse than another one."""


class RunGroup(NamedTuple):
    """Runs with the same values.

    Attributes:
        values: the values, keyed by name; None for those that the runs do not have.
        runs: the runs, in the order in which they were given.
        metrics: the aggregates of each metric, keyed by name of metric and of aggregate; a metric without numbers in
            the group is omitted.
    """

    values: Mapping[str, Value]
    runs: Sequence[Run]
    metrics: Mapping[str, Mapping[str, float | int | None]]

    def count_statuses(self) -> dict[str, int]:
        """Return the number of runs of each status."""
        return dict(Counter(run.status.value for run in self.runs))

    def build_record(self) -> dict[str, Any]:
        """Return the record of the group that commands print."""
        return {
            "group": dict(self.values),
            "run_count": len(self.runs),
            "run_ids": [run.run_id for run in self.runs],
            "statuses": self.count_statuses(),
            "metrics": {name: dict(aggregates) for name, aggregates in self.metrics.items()},
        }


def parse_aggregates(text: str) -> Sequence[str]:
    """Parse a comma-separated list of aggregates such as `mean,std`; return their distinct names.

    Raises:
        InvalidValue: one of them does not exist.
    """
    names = list(dict.fromkeys(word.strip().lower() for word in text.split(",")))
    for name in names:
        if name not in AGGREGATES:
            raise InvalidValue(
                f"--agg: '{name}' is not an aggregate.", hint=f"Use {', '.join(AGGREGATES)}.", target="--agg"
            )
    return names


def group_runs(
    runs: Sequence[Run],
    values: Sequence[Mapping[str, Value]],
    metrics: Sequence[Mapping[str, Any]],
    aggregates: Sequence[str],
) -> list[RunGroup]:
    """Return the groups of runs that have the same values, sorted by these values.

    Args:
        runs: the runs.
        values: the values of each run by which it is grouped, keyed by name, with the same names for all runs.
        metrics: the metrics of each run, keyed by name; what is not a number is left out, as NaN is.
        aggregates: names of `AGGREGATES`.
    """
    members: dict[tuple[Value, ...], list[int]] = {}
    for place, its_values in enumerate(values):
        members.setdefault(tuple(its_values.values()), []).append(place)
    return [
        RunGroup(
            values[places[0]],
            [runs[place] for place in places],
            _compute_aggregates([metrics[place] for place in places], aggregates),
        )
        for _, places in sorted(members.items(), key=lambda item: [_get_sort_key(value) for value in item[0]])
    ]


def _compute_aggregates(metrics: Sequence[Mapping[str, Any]], aggregates: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the aggregates of each metric over the runs, keyed by metric and aggregate; NaN is ignored."""
    found: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(name for of_run in metrics for name in of_run):
        given = [of_run.get(name) for of_run in metrics]
        numbers = [value for value in given if isinstance(value, int | float) and not math.isnan(value)]
        if numbers:
            found[name] = {aggregate: AGGREGATES[aggregate](numbers) for aggregate in aggregates}
    return found


def _get_sort_key(value: Value) -> tuple[int, float, str]:
    """Return a sort key that puts numbers first, then texts, then missing values."""
    if value is None:
        return 2, 0, ""
    return (1, 0, value) if isinstance(value, str) else (0, value, "")
