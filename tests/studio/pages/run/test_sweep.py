"""The tab of a sweep: its runs, best first, what was drawn for them, how far it is, and why runs ended early."""

from __future__ import annotations

import json
import re
from typing import Any

from playwright.sync_api import Page, expect

from mlrun_cli.core.time import now
from mlrun_cli.metrics.metric import VALUE, LoggedValue
from mlrun_cli.runs.status import RunStatus
from tests.sdk.sweeps import DEFINITION, VALUES
from tests.studio.run_maker import RunMaker, query
from tests.studio.serving import Studio

SWEEP = "HD_1"
REASON = "Ended early by BanditPolicy: after 2 values the best acc was 0.2, and 0.75 was needed."
MINUTE = 60_000_000


def _make_sweep(make: RunMaker, **changes: Any) -> list[str]:
    """Make a sweep with two completed runs, one that was ended early, a failed one and a live one."""
    tags = {key: json.dumps(value) for key, value in {**DEFINITION, **changes}.items()}
    tags |= {f"{SWEEP}_{number}": json.dumps(values) for number, values in VALUES.items() if number < 5}
    make(run_id=SWEEP, run_type="hyperdrive", status=RunStatus.RUNNING, tags=tags, started_at=now() - 4 * MINUTE)
    histories = [[0.5, 0.75], [0.1, 0.9], [0.2, 0.15], [], [0.3]]
    statuses = [RunStatus.COMPLETED, RunStatus.COMPLETED, RunStatus.CANCELED, RunStatus.FAILED, RunStatus.RUNNING]
    ids = []
    for number, (history, status) in enumerate(zip(histories, statuses, strict=True)):
        properties = {"termination_reason": REASON} if status is RunStatus.CANCELED else {}
        ended_at = None if status is RunStatus.RUNNING else 3 * MINUTE
        times: dict[str, Any] = {"started_at": MINUTE, "ended_at": ended_at}
        run_id = f"{SWEEP}_{number}"
        ids.append(make(parent=SWEEP, run_id=run_id, status=status, properties=properties, **times))
        make.log(run_id, *(LoggedValue(VALUE, "acc", at, None, value, None) for at, value in enumerate(history)))
    return ids


def _read_rows(page: str) -> list[list[str]]:
    table = page[page.index('id="sweep-runs"') :]
    rows = re.findall(r'<tr data-row id="run-\d+">(.*?)</tr>', table, flags=re.DOTALL)
    cells = [re.findall(r"<td.*?</td>", row, flags=re.DOTALL) for row in rows]
    return [[re.sub(r"<[^>]*>|\s+", " ", cell).strip() for cell in row] for row in cells]


def test_the_tab_is_readable_without_scripts(make: RunMaker, studio: Studio) -> None:
    _make_sweep(make)
    details = studio.get(studio.urls.run(SWEEP)).text
    assert studio.urls.run(SWEEP, "sweep").removeprefix(studio.origin) in details
    page = studio.get(studio.urls.run(SWEEP, "sweep")).text
    rows = _read_rows(page)
    assert [row[0] for row in rows] == ["1", "0", "4", "2", "3"]
    assert [row[1] for row in rows] == ["Completed", "Completed", "Running", "Canceled", "Failed"]
    assert [row[4] for row in rows] == ["0.9", "0.75", "0.3", "0.2", ""]
    assert rows[3][2:4] == ["0.01", "a"]
    assert rows[3][-1] == REASON
    assert "4 of 8 runs have ended: 1 Canceled, 2 Completed, 1 Failed, 1 Running" in page
    assert re.search(r"about 0:0[4-9]:\d\d left", page)  # four of eight took four minutes
    for fact in ("acc, maximize", "loguniform(-7, 0)", "NoTerminationPolicy", "at most 8, 2 at a time", "168:00:00"):
        assert fact in page


def test_only_sweeps_have_the_tab_and_one_without_its_tags_says_so(make: RunMaker, studio: Studio) -> None:
    other = make()
    assert ">Sweep</a>" not in studio.get(studio.urls.run(other)).text
    make(run_id="HD_9", run_type="hyperdrive", status=RunStatus.COMPLETED)
    assert "do not hold the definition" in studio.get(studio.urls.run("HD_9", "sweep")).text
    tags = {key: json.dumps(value) for key, value in DEFINITION.items()}
    make(run_id="HD_8", run_type="hyperdrive", status=RunStatus.RUNNING, tags=tags)
    page = studio.get(studio.urls.run("HD_8", "sweep")).text
    assert "0 of 8 runs have ended" in page
    assert "No run has been started yet." in page


def test_details_show_no_tag_of_what_a_sweep_records(make: RunMaker, studio: Studio) -> None:
    _make_sweep(make)
    page = studio.get(studio.urls.run(SWEEP)).text
    assert "generator_config" not in page
    assert f"{SWEEP}_4" not in page


def test_tags_of_what_a_sweep_records_are_no_columns(make: RunMaker, studio: Studio) -> None:
    _make_sweep(make)
    other = make(tags={"team": "a", "HDD": "b"})
    for found in ("", "?find=D"):
        page = studio.get(studio.urls.runs() + found).text
        tags = set(re.findall(r'value="tag:([^"]*)"', page))
        assert tags == ({"HDD"} if found else {"HDD", "team"})
    compared = studio.get(studio.urls.comparison(query(("run", SWEEP), ("run", other)))).text
    assert ">team<" in compared and "generator_config" not in compared and f"{SWEEP}_4" not in compared


def test_curves_and_parallel_coordinates_are_drawn_and_follow_the_sweep(
    make: RunMaker, studio: Studio, tab: Page
) -> None:
    _make_sweep(make)
    tab.goto(studio.urls.run(SWEEP, "sweep"))
    expect(tab.locator(".chart-title")).to_have_text("acc")
    expect(tab.locator("#chart-grid canvas")).to_have_count(1)
    lines = tab.locator("#parallel path.line")
    expect(lines).to_have_count(4)
    expect(tab.locator("#parallel")).to_contain_text("--lr")
    make.end(f"{SWEEP}_4")
    expect(tab.locator("#sweep-state")).to_contain_text("5 of 8 runs have ended")
    make.log(f"{SWEEP}_3", LoggedValue(VALUE, "acc", 1, None, 0.95, None))
    expect(tab.locator("#sweep-runs tbody tr").first).to_contain_text("0.95")
    expect(lines).to_have_count(5)


def test_curves_of_a_sweep_are_told_apart_by_the_numbers_of_its_runs(make: RunMaker, studio: Studio, tab: Page) -> None:
    sweep = "HD_b743bcae-1754-4c5d-951f-1281d10df1f6"
    tags = {key: json.dumps(value) for key, value in DEFINITION.items()}
    tags |= {f"{sweep}_{number}": json.dumps(VALUES[number]) for number in (0, 1)}
    make(run_id=sweep, run_type="hyperdrive", status=RunStatus.COMPLETED, tags=tags)
    for number in (0, 1):
        make(parent=sweep, run_id=f"{sweep}_{number}", status=RunStatus.COMPLETED)
        logged = [LoggedValue(VALUE, "acc", at, None, value, None) for at, value in enumerate((0.1, number))]
        make.log(f"{sweep}_{number}", *logged)
    tab.goto(studio.urls.run(sweep, "sweep"))
    expect(tab.locator(".legend-name")).to_have_text(["HD_b743bcae…_1", "HD_b743bcae…_0"])
