from __future__ import annotations

import pytest

from mlrun_cli.cli.output.relative_time import age, clock


@pytest.mark.parametrize(
    ("seconds", "shown"), [(-1, "0:00:00"), (59.9, "0:00:59"), (3600, "1:00:00"), (360_061, "100:01:01")]
)
def test_a_clock_counts_hours_without_end(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-5, "just now"), (59, "just now"), (60, "1 min ago"), (3_600, "1 h ago"), (86_400, "1 d ago")],
)
def test_an_age_has_one_unit(seconds: float, shown: str) -> None:
    assert age(seconds) == shown
