from __future__ import annotations

import io
import math
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from mlrun_cli.actions.failure_report import FailureReport
from mlrun_cli.actions.run_overview import MetricOverview, RunOverview
from mlrun_cli.cli.output.run_page import draw_sparkline, print_run_page
from mlrun_cli.metrics.metric import ROW, VALUE, MetricSummary
from mlrun_cli.runs.error import build_run_error

GOLDEN = Path(__file__).parents[2] / "data" / "cli"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
RECORD: dict[str, Any] = {
    "run_id": "exp_1767322800_0123abcd",
    "display_name": "first try",
    "_experiment_name": "exp",
    "status": "Failed",
    "exit_code": 1,
    "error": build_run_error("boom", kind="ValueError"),
    "created_utc": "2026-01-02T03:00:00.000000Z",
    "start_time_utc": "2026-01-02T03:00:01.000000Z",
    "end_time_utc": "2026-01-02T03:04:01.000000Z",
    "target": "local",
    "script_name": "train.py",
    "run_definition": {"arguments": ["--lr", "0.1", "--name", "a b"]},
    "parameters": {"lr": 0.1, "name": "a b"},
    "resources": {"peak_memory_bytes": 210_000_000, "cpu_seconds": 4.25, "read_bytes": 0, "written_bytes": 10_000},
    "tags": {"quality": "poor"},
    "properties": {"ContentSnapshotId": "x"},
    "warnings": [{"message": "The disk was full."}],
    "web_view": "http://localhost:8642/w/s/g/w/runs/exp_1767322800_0123abcd",
}
LOSSES = [math.exp(-number / 9) for number in range(40)]
OVERVIEW = RunOverview(
    metrics=[
        MetricOverview(MetricSummary("loss", VALUE, 40, LOSSES[-1], min(LOSSES), 1.0), LOSSES[-1], LOSSES),
        MetricOverview(MetricSummary("gap", VALUE, 3, None, 1.0, 2.0), math.nan, [1.0, math.nan, 2.0]),
        MetricOverview(MetricSummary("one", VALUE, 1, 3.0, 3.0, 3.0), 3.0, ()),
        MetricOverview(MetricSummary("words", VALUE, 1), "hello\x1b[1m", ()),
        MetricOverview(MetricSummary("row", ROW, 1), None, ()),
    ],
    metric_count=7,
    environment=["Python 3.11.7", "43 packages", "built by uv"],
    files={"changed.py": 10, **{f"outputs/{number}.bin": 5000 for number in range(9)}},
    failure=FailureReport(
        "/log",
        ["epoch 1", "\tloss 0.5"],
        "Traceback (most recent call last):\n"
        + '  File "train.py", line 9, in a_function_whose_name_is_long_enough_to_be_'
        "wrapped\n    fit()\n  (3 frames of libraries)\nValueError: boom",
        "ValueError: boom",
    ),
)
COMMANDS = ["mlrun run monitor-logs -r exp_1767322800_0123abcd --failed"]


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def page(*, width: int | None = 80, encoding: str = "utf-8", colour: bool = False) -> str:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    print_run_page(RECORD, OVERVIEW, COMMANDS, file=file, width=width, colour=colour, now=NOW)
    file.seek(0)
    return file.read()


def test_the_page_of_a_run_is_as_agreed() -> None:
    assert page() == (GOLDEN / "run_view.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_a_page_fits_the_terminal_and_has_colours_only_if_asked_for(width: int) -> None:
    lines = page(width=width).splitlines()
    assert max(cell_len(line) for line in lines if not line.startswith(("Web view", "Script", "Next"))) <= width
    assert all(lines)
    assert "\x1b" not in page(width=width)
    assert "\x1b[31m✗ Failed" in page(width=width, colour=True)
    assert page(encoding="ascii").isascii()


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ([], ""),
        ([1.0], ""),
        ([0.0, 7.0], "▁█"),
        ([2.0, 2.0, 2.0], "▄▄▄"),
        ([math.nan, 1.0, math.inf, 2.0], " ▁ █"),
        ([math.nan, math.nan], ""),
        ([1e308, -1e308, 0.0], "█▁▅"),
        ([float(number) for number in range(80)], "▁▂▃▄▅▆▇█"),
    ],
)
def test_a_sparkline_rises_and_falls_with_the_numbers(values: list[float], line: str) -> None:
    assert draw_sparkline(values, 8) == line
