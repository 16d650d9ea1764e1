"""A second implementation of early termination, written from the descriptions of Azure's documents.

It is slow and literal: everything is computed anew from the values that runs have logged, and minimizing is spelled
out beside maximizing.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

Histories = Mapping[str, Sequence[float]]


def is_ended(policy: Mapping[str, Any], maximize: bool, histories: Histories, run: str, n: int) -> bool:
    """Whether a policy, as `policy_config`, ends a run after n of its values."""
    properties = policy.get("properties", {})
    if policy["name"] == "Default":
        return False
    if n % properties["evaluation_interval"] != 0 or n < properties["delay_evaluation"]:
        return False
    seen = {one: list(values)[:n] for one, values in histories.items() if len(values) > 0}
    decide: Callable[..., bool] = {"Bandit": _bandit, "MedianStopping": _median, "TruncationSelection": _truncation}[
        policy["name"]
    ]
    return decide(properties, maximize, seen, run)


def _best(maximize: bool, values: Sequence[float]) -> float:
    """The best value; infinitely bad if none is a number."""
    numbers = [value for value in values if not math.isnan(value)]
    return (max if maximize else min)(numbers, default=_worst(maximize))


def _worst(maximize: bool) -> float:
    return -math.inf if maximize else math.inf


def _bandit(properties: Mapping[str, Any], maximize: bool, seen: Histories, run: str) -> bool:
    own = _best(maximize, seen[run])
    best = _best(maximize, [_best(maximize, values) for values in seen.values()])
    if "slack_amount" in properties:
        amount = float(properties["slack_amount"])
        return own < best - amount if maximize else own > best + amount
    factor = float(properties["slack_factor"])
    if maximize:
        return own < (best / (1 + factor) if best >= 0 else best * (1 + factor))
    return own > (best * (1 + factor) if best > 0 else best / (1 + factor))


def _median(_properties: Mapping[str, Any], maximize: bool, seen: Histories, run: str) -> bool:
    means = [_mean(maximize, values) for values in seen.values()]
    own, median = _best(maximize, seen[run]), statistics.median(means)
    return own < median if maximize else own > median


def _mean(maximize: bool, values: Sequence[float]) -> float:
    mean = sum(_worst(maximize) if math.isnan(value) else value for value in values) / len(values)
    return _worst(maximize) if math.isnan(mean) else mean


def _truncation(properties: Mapping[str, Any], maximize: bool, seen: Histories, run: str) -> bool:
    """Whether so many runs are better that, of all runs, only the lowest percentage is left for this one."""
    own = _best(maximize, seen[run])
    others = [_best(maximize, values) for one, values in seen.items() if one != run]
    better = sum(other > own if maximize else other < own for other in others)
    lowest = math.floor(Fraction(len(seen) * properties["truncation_percentage"], 100))
    return lowest > 0 and better >= len(seen) - lowest
