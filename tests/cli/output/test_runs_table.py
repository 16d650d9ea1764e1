from __future__ import annotations

import io
from datetime import datetime, timezone
from typing import Any

import pytest
from rich.cells import cell_len

from mlrun_cli.cli.output.columns import Layout, TableColumn, print_layout, print_layout_as_markdown, render_layout
from mlrun_cli.cli.output.record_table import Field, build_fields_layout
from mlrun_cli.cli.output.runs_table import build_runs_layout, build_value_columns
from mlrun_cli.cli.run.listing import METRICS, Listing
from mlrun_cli.runs.order import RunOrder
from mlrun_cli.runs.status import RunStatus

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)

ROWS: list[dict[str, Any]] = [
    {
        "run_id": "testexperiment_1767322800_0123abcd",
        "status": "Running",
        "_experiment_name": "testexperiment",
        "target": "local",
        "created_utc": "2026-01-02T03:00:00.000000Z",
        "start_time_utc": "2026-01-02T03:00:01.500000Z",
        "tags": {"quality": "fantastic run", "seen": None},
    },
    {
        "run_id": "日本語_1767236400_0123abcd",
        "status": "Completed",
        "_experiment_name": "日本語",
        "target": "a-rather-long-target-name",
        "created_utc": "2026-01-01T03:00:00.000000Z",
        "start_time_utc": "2026-01-01T03:00:01.000000Z",
        "end_time_utc": "2026-01-02T05:00:01.000000Z",
        "tags": {"evil": "\x1b[31m\x07\n\u202e"},
    },
    {"run_id": "waits_1", "status": "Queued", "created_utc": "2026-01-02T03:04:05.000000Z", "tags": {}},
]


def table(
    rows: list[dict[str, Any]], *, width: int | None = None, encoding: str = "utf-8", colour: bool = False
) -> list[str]:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    print_layout(build_runs_layout(rows, encoding, NOW), file=file, width=width, colour=colour)
    file.seek(0)
    return file.read().splitlines()


def test_a_run_is_a_line() -> None:
    heading, running, completed, queued = table(ROWS)
    assert heading.split() == ["Status", "Run", "Experiment", "Target", "Duration", "Age", "Tags"]
    assert running.split("  ")[0] == "● Running"
    assert running.endswith("0:04:03  4 min ago  quality=fantastic run, seen")
    assert "26:00:00  1 d ago" in completed
    assert queued.split() == ["◌", "Queued", "waits_1", "just", "now"]


def test_a_queued_run_says_what_it_waits_for_as_far_as_there_is_room() -> None:
    queued = {**ROWS[2], "waiting_for": "2 runs before it, 2 of the 2 nodes of 'cpu-cluster' taken"}
    assert table([*ROWS[:2], queued])[0].endswith("  Tags                         Waits for")
    assert table([*ROWS[:2], queued])[3].endswith("  2 runs before it, 2 of the 2 nodes of 'cpu-cluster' taken")
    for width in range(20, 160, 7):
        heading, running, _, waiting = table([*ROWS[:2], queued], width=width)
        assert max(map(cell_len, (heading, running, waiting))) <= width
        assert (width < 80) or "  2 runs before it" in waiting
        assert (width < 90) or ROWS[0]["run_id"] in running


def test_what_steers_a_terminal_is_spelled_out() -> None:
    completed = table(ROWS)[2]
    assert completed.endswith(r"evil=\x1b[31m\x07\n\u202e")


@pytest.mark.parametrize("width", range(20, 160, 7))
def test_lines_fit_the_width(width: int) -> None:
    lines = table(ROWS, width=width)
    assert len(lines) == 4
    assert max(map(cell_len, lines)) <= width


@pytest.mark.parametrize("width", [50, 60, 70, 80, 120])
def test_the_run_id_stays_whole_as_long_as_it_can(width: int) -> None:
    assert ROWS[0]["run_id"] in table(ROWS, width=width)[1]


@pytest.mark.parametrize("width", [70, 80])
def test_age_and_tags_are_kept_in_80_columns_and_fewer(width: int) -> None:
    heading, running, *_ = table(ROWS, width=width)
    assert heading.split()[-2:] == ["Age", "Tags"]
    assert "4 min ago  qual" in running


@pytest.mark.parametrize("width", [34, 36])
def test_a_run_id_that_is_cut_loses_its_beginning(width: int) -> None:
    assert "_1767322800_0123abcd" in table(ROWS, width=width)[1]
    assert "…" in table(ROWS, width=width)[1]
    assert "..." in table(ROWS, width=width, encoding="ascii")[1]


@pytest.mark.parametrize("width", [28, 34, 40, 60])
@pytest.mark.parametrize("kept", [(), ("lr",)])
def test_columns_that_nobody_asked_for_leave_before_a_run_id_is_cut(width: int, kept: tuple[str, ...]) -> None:
    run_id = "exp_1767322800_0123abcd"
    rows = [
        {**row, "run_id": run_id, "display_name": "a good name", "parameters": {"lr": 0.5, "optimizer": "adam"}}
        for row in ROWS[:2]
    ]
    layout = build_runs_layout(rows, "utf-8", NOW, kept=kept)
    heading, running, _ = render_layout(layout, encoding="utf-8", width=width, colour=False).splitlines()
    assert max(cell_len(heading), cell_len(running)) <= width
    assert (run_id in running) == (width > 30 or not kept)
    assert ("lr" in heading.split()) == (width == 60 or bool(kept))


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_no_run_id_is_cut_for_columns_of_which_some_do_not_fit_anyway(width: int) -> None:
    run_id, names = "exp_1767322800_0123abcd", [f"param{number}" for number in range(40)]
    rows = [{**row, "run_id": run_id, "parameters": dict.fromkeys(names, "value")} for row in ROWS[:2]]
    layout = build_runs_layout(rows, "utf-8", NOW, kept=names)
    heading, running, _ = render_layout(layout, encoding="utf-8", width=width, colour=False).splitlines()
    assert max(cell_len(heading), cell_len(running)) <= width
    assert run_id in running
    shown = [name for name in names if name in heading.split()]
    assert shown == names[: len(shown)] != []


def test_an_id_is_whole_as_long_as_another_column_fits_beside_it() -> None:
    records = [{"id": "bfa0e4c6-5b2f-4ab7-9d5c-1b4b8c7a2f10", "name": "train and register", "version": "12"}]
    fields = (Field("Id", "id", 8, is_id=True), Field("Name", "name"), Field("Version", "version"))
    lines = {
        width: render_layout(
            build_fields_layout(records, fields), encoding="utf-8", width=width, colour=False
        ).splitlines()
        for width in (40, 46, 60)
    }
    assert lines[60][1] == f"{records[0]['id']}  train and re…  12"
    assert lines[46][1] == f"{records[0]['id']}  train a…"
    assert lines[40][1].split("  ")[1:] == ["train a…", "12"]


def test_a_column_that_says_the_same_in_every_line_goes_first() -> None:
    alike = [{**row, "_experiment_name": "mnist", "target": "local"} for row in ROWS]
    assert table(alike, width=140)[0].split() == table(ROWS)[0].split()
    wide = max(map(cell_len, table(alike)))
    assert table(alike, width=wide - 1)[0].split() == ["Status", "Run", "Target", "Duration", "Age", "Tags"]
    assert "quality=fantastic run, seen" in table(alike, width=wide - 1)[1]
    assert table(alike, width=wide - 13)[0].split() == ["Status", "Run", "Duration", "Age", "Tags"]


def test_a_long_experiment_is_shortened_with_an_ellipsis() -> None:
    row = {**ROWS[0], "_experiment_name": "a very long name of an experiment indeed", "tags": {}}
    assert "a very long name …" in table([row, ROWS[2]], width=100)[1]
    assert "a very long nam..." in table([row, ROWS[2]], width=100, encoding="ascii")[1]


@pytest.mark.parametrize("status", list(RunStatus))
def test_every_status_has_a_look_in_every_encoding(status: RunStatus) -> None:
    row: dict[str, Any] = {"run_id": "é_1", "status": status.value, "tags": {}}
    assert table([row])[1].endswith(f" {status.value}  é_1")
    assert table([row], encoding="ascii")[1].endswith(f" {status.value}  ?_1")


def test_colour_is_the_callers_choice() -> None:
    assert "\x1b[" not in "".join(table(ROWS))
    assert "\x1b[31m" in table([{**ROWS[2], "status": "Failed"}], colour=True)[1]


def test_no_runs_print_nothing() -> None:
    assert table([]) == []


def test_marked_cells_are_bold_or_have_an_asterisk() -> None:
    file = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    for colour in (False, True):
        columns = [TableColumn("Run", ["a", "b"]), TableColumn("rmse", ["0.5", "0.25"], is_right=True, marked={1})]
        print_layout(Layout(columns, narrowings=()), file=file, width=None, colour=colour)
    columns = [TableColumn("Run", ["a", "b"]), TableColumn("rmse", ["0.5", "0.25"], is_right=True, marked={1})]
    print_layout_as_markdown(Layout(columns, narrowings=()), file=file)
    file.seek(0)
    lines = file.read().splitlines()
    assert lines[:3] == ["Run   rmse", "a     0.5", "b    0.25*"]
    assert lines[5] == "b    \x1b[1;32m0.25\x1b[0m"
    assert lines[8:] == ["| a   |      0.5 |", "| b   | **0.25** |"]


@pytest.mark.parametrize(
    ("order", "marked"),
    [
        ("metric:acc:max", {"acc": {1}, "max(acc)": {1}, "height": set(), "max(height)": set()}),
        ("-metric:acc:max", {"acc": {1}, "max(acc)": {1}, "height": set(), "max(height)": set()}),
        ("metric:height:max", {"acc": {1}, "max(acc)": {1}, "height": {0}, "max(height)": {0}}),
        ("-metric:height:max", {"acc": {1}, "max(acc)": {1}, "height": {1}, "max(height)": {1}}),
    ],
)
def test_the_best_value_is_that_of_the_name_or_else_of_the_order(order: str, marked: dict[str, set[int]]) -> None:
    rows = [
        {"acc": 0.5, "max(acc)": 0.6, "height": 1, "max(height)": 3},
        {"acc": 0.7, "max(acc)": 0.9, "height": 2, "max(height)": 4},
    ]
    goals = Listing([], {}, RunOrder.parse(order)).get_sort_goals()
    assert {each.heading: each.marked for each in build_value_columns(rows, None, METRICS, goals)} == marked
