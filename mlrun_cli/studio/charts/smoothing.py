"""Smoothing of curves by an exponential moving average over all logged values, not only over the points drawn."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence

from mlrun_cli.store.metric_curves import CurvePiece

_MIN_WEIGHT = 0.01
"""Earlier values whose weights sum up to less are left out."""


def compute_window_length(weight: float) -> int:
    """Return the number of earlier values that the average at a point includes, for a `weight` between 0 and 1."""
    return math.ceil(math.log(_MIN_WEIGHT) / math.log(weight))


def smooth_curve(pieces: Iterable[CurvePiece], weight: float, positions: Sequence[float]) -> Sequence[float]:
    """Return the exponential moving average at each position, interpolated linearly between the ends of pieces.

    Args:
        pieces: at least one piece of a curve, in any order.
        weight: the share of earlier values in the average after each value.
        positions: positions on the same axis as the ends of pieces.
    """
    ends, means = [], []
    total = weights = 0.0
    for piece in sorted(pieces, key=lambda piece: piece.end):
        kept = weight**piece.size
        total = total * kept + piece.mean * (1 - kept)
        weights = weights * kept + (1 - kept)
        ends.append(piece.end)
        means.append(total / weights)
    return [_interpolate(ends, means, position) for position in positions]


def _interpolate(ends: Sequence[float], means: Sequence[float], position: float) -> float:
    """Return the mean at a position by linear interpolation between the ends of pieces."""
    after = bisect_right(ends, position)
    if after in {0, len(ends)}:
        return means[max(0, after - 1)]
    share = (position - ends[after - 1]) / (ends[after] - ends[after - 1])
    return means[after - 1] * (1 - share) + means[after] * share
