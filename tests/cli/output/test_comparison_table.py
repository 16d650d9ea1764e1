from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from mlrun_cli.actions.run_comparison import RUN, ComparisonRow
from mlrun_cli.cli.output.columns import Layout, TableColumn, render_layout
from mlrun_cli.cli.output.comparison_table import build_comparison_layout
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus

TIME = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


def list_cells(*values: Any) -> list[str]:
    """Return the cells of a row of times in a table of as many runs."""
    columns: dict[str, Any] = dict.fromkeys(Run._fields) | {"status": RunStatus.COMPLETED}
    runs = [Run(**{**columns, "run_id": f"run_{number}"}) for number in range(len(values))]
    layout = build_comparison_layout(runs, [ComparisonRow(RUN, "created", values)])
    return [column.cells[0] for column in layout.columns[2:]]


def test_times_are_local_and_to_the_minute_unless_they_would_look_alike() -> None:
    first, same_minute, later = "2026-01-02T03:04:05.000001Z", "2026-01-02T03:04:05.000002Z", "2026-01-02T04:04:05Z"
    local = TIME.astimezone().strftime("%Y-%m-%d %H:%M")
    assert list_cells(first, later)[0] == local
    assert list_cells(first, same_minute) == [first, same_minute]


def test_headings_have_no_control_characters_and_fit_the_encoding() -> None:
    name = "evil\x1b[31m\n\u202eé"
    for encoding, shown in (("utf-8", r"evil\x1b[31m\n\u202eé"), ("ascii", r"evil\x1b[31m\n\u202e?")):
        layout = Layout([TableColumn(name, ["1"])], [[(name, 5)]])
        text = render_layout(layout, encoding=encoding, width=80, colour=True)
        assert text.splitlines()[0] == f"\x1b[1m{shown}\x1b[0m"
    narrow = render_layout(Layout([TableColumn(name, ["1"])], [[(name, 5)]]), encoding="utf-8", width=6, colour=False)
    assert narrow.splitlines()[0] == "evil\\…"
