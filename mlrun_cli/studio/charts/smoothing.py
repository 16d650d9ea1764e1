"""Smooth curves: an exponential moving mean of all that was logged, not of the points that are drawn."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence

from mlrun_cli.store.metric_curves import CurvePiece

_LEAST_SHARE = 0.01
"""What lies so far back that all of it weighs less is left out."""


def reach(weight: float) -> int:
    """How many numbers before one have a say in the mean there; `weight` is above 0 and below 1."""
    return math.ceil(math.log(_LEAST_SHARE) / math.log(weight))


def smoothed(pieces: Iterable[CurvePiece], weight: float, places: Sequence[float]) -> Sequence[float]:
    """The mean at each of these places of the axis, straight between the ends of pieces.

    Args:
        pieces: of a curve, at least one of them; of any order.
        weight: what each number leaves to those before it.
        places: on the axis on which the pieces end.
    """
    ends, means = [], []
    total = weights = 0.0
    for piece in sorted(pieces, key=lambda piece: piece.end):
        kept = weight**piece.size
        total = total * kept + piece.mean * (1 - kept)
        weights = weights * kept + (1 - kept)
        ends.append(piece.end)
        means.append(total / weights)
    return [_between(ends, means, place) for place in places]


def _between(ends: Sequence[float], means: Sequence[float], place: float) -> float:
    after = bisect_right(ends, place)
    if after in {0, len(ends)}:
        return means[max(0, after - 1)]
    share = (place - ends[after - 1]) / (ends[after] - ends[after - 1])
    return means[after - 1] * (1 - share) + means[after] * share
