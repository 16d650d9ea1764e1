"""Clocks of programs that are wrong, by libfaketime."""

from __future__ import annotations

from pathlib import Path


def describe_wrong_clock(skew: str) -> dict[str, str]:
    """Return the environment of a program whose clock is wrong by e.g. `+10m`, but not the times of files."""
    (library,) = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME": skew,
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }
