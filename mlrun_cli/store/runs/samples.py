"""Samples of runs."""

from __future__ import annotations

from collections.abc import Sequence

_GOLDEN_RATIO = 0.6180339887498949


def list_sample_keys(newest_key: int, count: int) -> Sequence[int]:
    """Return up to `count` sorted keys, spread evenly but not at equal distances, which might match a pattern."""
    return sorted({1 + int(number * _GOLDEN_RATIO % 1 * newest_key) for number in range(min(count, newest_key))})
