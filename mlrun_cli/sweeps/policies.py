"""Early termination of the runs of a sweep that perform worse than others.

A decision depends on the values of the primary metric alone that runs have logged, and is made at each number of
values `n` that is a multiple of `evaluation_interval` and at least `delay_evaluation`. Of all runs, including the one
that is judged, only the values 1 to n count, and runs without a value count not at all. Formulas are Azure's; where
its documents say nothing, in short:

- Minimizing is maximizing of the negative values.
- A value or mean that is not a number is worse than all others; a limit that is none ends nobody.
- `slack_factor` s, maximizing: the limit is B / (1 + s), and B * (1 + s) for a negative best value B, so that it is
  always worse than B.
- `truncation_percentage`: the percentage is rounded down to a number of runs, and a run is among the worst k of m only
  if m - k runs are better, so that ties end nobody.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import InvalidValue
from mlrun_cli.metrics.goal import Goal

DEFAULT, BANDIT, MEDIAN, TRUNCATION = "Default", "Bandit", "MedianStopping", "TruncationSelection"
POLICIES = {DEFAULT: "NoTerminationPolicy", **{name: f"{name}Policy" for name in (BANDIT, MEDIAN, TRUNCATION)}}
"""The names of policies in Azure's documents, with those in its configuration files and in the SDK."""

_TIMES = ("evaluation_interval", "delay_evaluation")
_PROPERTIES = {
    DEFAULT: (),
    BANDIT: (*_TIMES, "slack_factor", "slack_amount"),
    MEDIAN: _TIMES,
    TRUNCATION: (*_TIMES, "truncation_percentage"),
}


class Termination(NamedTuple):
    """The decision to end a run.

    Attributes:
        run_id: the run.
        value_count: n, the number of its values after which it was judged.
        best: the best of these.
        limit: what they had to reach; for truncation the worst value that stays.
        policy: the name of the policy, one of `POLICIES`.
    """

    run_id: str
    value_count: int
    best: float
    limit: float
    policy: str

    def format_reason(self, metric_name: str) -> str:
        """Return the reason for the termination as text; `metric_name` is the name of the primary metric."""
        values = "value" if self.value_count == 1 else "values"
        return (
            f"Ended early by {POLICIES[self.policy]}: after {self.value_count} {values} the best {metric_name} was"
            f" {self.best:.6g}, and {self.limit:.6g} was needed."
        )


class Policy(NamedTuple):
    """A checked policy; attributes that its kind does not have are None.

    Attributes:
        name: one of `POLICIES`.
        evaluation_interval: the number of values between two decisions.
        delay_evaluation: the number of values before the first decision.
    """

    name: str = DEFAULT
    evaluation_interval: int = 1
    delay_evaluation: int = 0
    slack_factor: float | None = None
    slack_amount: float | None = None
    truncation_percentage: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the policy as a JSON-compatible dict in the format of Azure's `policy_config`."""
        properties = {name: getattr(self, name) for name in _PROPERTIES[self.name] if getattr(self, name) is not None}
        if self.name == TRUNCATION:
            properties["exclude_finished_jobs"] = False
        return {"name": self.name, **({"properties": properties} if properties else {})}


def build_policy(name: str, properties: Mapping[str, Any]) -> Policy:
    """Return a validated policy; properties that are None are ignored.

    Raises:
        InvalidValue: there is no such policy, or a property is missing, wrong, or not one of this policy; `target` is
            its name.
    """
    if name not in _PROPERTIES:
        raise InvalidValue(f"'{name}' is not a policy.", hint=f"There are: {', '.join(POLICIES)}.", target="name")
    given = {key: value for key, value in properties.items() if value is not None}
    for key, value in given.items():
        if key not in _PROPERTIES[name]:
            raise InvalidValue(
                f"{POLICIES[name]} has no {key}.",
                hint=f"It takes: {', '.join(_PROPERTIES[name]) or 'nothing'}.",
                target=key,
            )
        _check_property(key, value)
    if name == BANDIT and len(given.keys() & {"slack_factor", "slack_amount"}) != 1:
        raise InvalidValue(
            "BanditPolicy takes one of slack_factor and slack_amount.",
            hint="Use slack_factor: 0.1 for a share of the best value, slack_amount: 0.1 for units of the metric.",
            target="slack_factor",
        )
    if name == TRUNCATION and "truncation_percentage" not in given:
        raise InvalidValue(
            "TruncationSelectionPolicy needs truncation_percentage.",
            hint="Use a whole number from 1 to 99.",
            target="truncation_percentage",
        )
    return Policy(name, **given)


def policy_from_json(document: Mapping[str, Any]) -> Policy:
    """Create a policy from Azure's `policy_config`; the policy's name is case-insensitive.

    Raises:
        InvalidValue: as `build_policy`.
    """
    name = str(document.get("name"))
    names = {known.lower(): known for known in POLICIES}
    properties = dict(document.get("properties") or {})
    if properties.pop("exclude_finished_jobs", False):
        raise InvalidValue(
            "Runs that have ended count in TruncationSelectionPolicy; they cannot be excluded.",
            hint="Set exclude_finished_jobs to false.",
            target="exclude_finished_jobs",
        )
    return build_policy(names.get(name.lower(), name), properties)


def _check_property(key: str, value: object) -> None:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if key.startswith("slack_"):
        is_number = is_whole or isinstance(value, float)
        if not is_number or not 0 <= float(str(value)) < math.inf:
            raise InvalidValue(f"{key} needs a number of 0 or more, and has {value!r}.", target=key)
        return
    least, most = {"evaluation_interval": (1, None), "delay_evaluation": (0, None)}.get(key, (1, 99))
    if not is_whole or int(str(value)) < least or (most is not None and int(str(value)) > most):
        wanted = f"of {least} or more" if most is None else f"from {least} to {most}"
        raise InvalidValue(f"{key} needs a whole number {wanted}, and has {value!r}.", target=key)


class PolicyEvaluator:
    """Decides which runs of a sweep end early, given all values of the primary metric that the runs have logged.

    Decisions are a function of these values: what was added in which order makes no difference. Each takes time in
    proportion to the number of runs.

    Args:
        policy: the policy.
        goal: of the primary metric.
        histories: values that runs have already logged, in order.
    """

    def __init__(self, policy: Policy, goal: Goal, histories: Mapping[str, Iterable[float]] | None = None) -> None:
        self._policy = policy
        self._sign = -1.0 if goal is Goal.MINIMIZE else 1.0
        self._scores: dict[str, _Scores] = {}
        for run_id, values in (histories or {}).items():
            self.add_values(run_id, values)

    def add_values(self, run_id: str, values: Iterable[float]) -> None:
        """Append the next values of the primary metric that a run has logged."""
        scores = self._scores.setdefault(run_id, _Scores())
        for value in values:
            scores.add(-math.inf if math.isnan(value) else self._sign * value)

    def find_termination_at(self, run_id: str, value_count: int) -> Termination | None:
        """Return the decision to terminate a run after its first `value_count` values, or None if it may continue."""
        policy, scores = self._policy, self._scores.get(run_id)
        if scores is None or policy.name == DEFAULT or not 0 < value_count <= len(scores.bests):
            return None
        if value_count % policy.evaluation_interval or value_count < policy.delay_evaluation:
            return None
        best, limit = scores.bests[value_count - 1], self._compute_limit(value_count)
        is_worse = best < limit  # false if the limit is not a number
        if not is_worse:
            return None
        return Termination(run_id, value_count, self._sign * best, self._sign * limit, policy.name)

    def find_termination(self, run_id: str, judged_count: int = 0) -> Termination | None:
        """Return the first decision to terminate a run after more than its first `judged_count` values, or None."""
        scores = self._scores.get(run_id)
        if scores is None or self._policy.name == DEFAULT:
            return None
        decisions = (
            self.find_termination_at(run_id, count) for count in range(judged_count + 1, len(scores.bests) + 1)
        )
        return next((decision for decision in decisions if decision is not None), None)

    def _compute_limit(self, value_count: int) -> float:
        """Return the score below which a run is terminated after `value_count` values."""
        policy = self._policy
        counted = [scores for scores in self._scores.values() if scores.bests]
        if policy.name == MEDIAN:
            return _compute_median(sorted(scores.get_mean(value_count) for scores in counted))
        bests = [scores.get_best(value_count) for scores in counted]
        if policy.truncation_percentage is not None:
            return sorted(bests)[len(bests) * policy.truncation_percentage // 100]
        best = max(bests)
        if policy.slack_factor is None:
            return best - (policy.slack_amount or 0)
        share = 1 + policy.slack_factor
        return best / share if best >= 0 else best * share


class _Scores:
    """The scores of a run, of which higher ones are better: the maximum and the sum of the first 1, 2, … scores."""

    def __init__(self) -> None:
        self.bests: list[float] = []
        self._sums: list[float] = []

    def add(self, score: float) -> None:
        self.bests.append(max(self.bests[-1], score) if self.bests else score)
        self._sums.append(self._sums[-1] + score if self._sums else score)

    def get_best(self, value_count: int) -> float:
        """Return the best of the first `value_count` scores, or of all if there are fewer."""
        return self.bests[min(value_count, len(self.bests)) - 1]

    def get_mean(self, value_count: int) -> float:
        """Return the mean of the first `value_count` scores, or of all if there are fewer; -inf if it is NaN."""
        used = min(value_count, len(self._sums))
        mean = self._sums[used - 1] / used
        return -math.inf if math.isnan(mean) else mean


def _compute_median(means: Sequence[float]) -> float:
    middle = len(means) // 2
    if len(means) % 2:
        return means[middle]
    low, high = means[middle - 1], means[middle]
    return low if low == high else (low + high) / 2
