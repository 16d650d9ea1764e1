"""The width of text in columns of a terminal is what rich takes it for."""

from __future__ import annotations

import subprocess
import sys

import pytest
from rich.cells import cell_len, set_cell_size

from mlrun_cli.cli.output.cells import fit_width, measure_width
from mlrun_cli.runs.status import RunStatus

TEXTS = [
    "",
    "a b ",
    "○◌◔◑●◕⊘✓✗‖…",
    "✓ Completed",
    "日本語 text",
    "e\u0301clair",
    "\U0001f469\u200d\U0001f467 family",
    "\u200bzero",
    "ü",
]
TABLE = """
import sys
from datetime import datetime, timezone
from mlrun_cli.cli.output.columns import render_layout
from mlrun_cli.cli.output.runs_table import build_runs_layout
rows = [{"run_id": f"long name {status}", "status": status, "tags": {"a": "b" * 200}} for status in sys.argv[1:]]
layout = build_runs_layout(rows, "utf-8", datetime.now(timezone.utc))
print(render_layout(layout, encoding="utf-8", width=60, colour=True).count("\\n"), "rich" in sys.modules)
"""


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_as_wide_as_rich_says(text: str) -> None:
    assert measure_width(text) == cell_len(text)
    for width in range(15):
        assert fit_width(text, width) == set_cell_size(text, width)


def test_a_table_of_runs_does_without_rich() -> None:
    statuses = [status.value for status in RunStatus]
    printed = subprocess.run(
        [sys.executable, "-c", TABLE, *statuses], capture_output=True, text=True, check=True
    ).stdout
    assert printed == f"{len(statuses) + 1} False\n"
