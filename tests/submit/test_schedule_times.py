"""The times of schedules, taken by several processes, and those that have passed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mlrun_cli.actions.datastores import get_datastore
from mlrun_cli.actions.schedules import find_failed_last_submission
from mlrun_cli.core.guid import generate_guid
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.core.time import MICROSECONDS
from mlrun_cli.errors import InvalidValue
from mlrun_cli.pipelines.published import ACTIVE, DISABLED
from mlrun_cli.pipelines.recurrence import Recurrence
from mlrun_cli.pipelines.schedule import Schedule, ScheduleSettings
from mlrun_cli.submit.published_pipeline import submit_scheduled_run
from mlrun_cli.submit.schedule_times import record_due_runs
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, locate_workspace

HOUR = 3600 * MICROSECONDS
START = 1_800_000_000 * MICROSECONDS


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """A new workspace."""
    locator = locate_workspace(tmp_path / "home", WorkspaceIdentity("s", "g", "w"))
    with Workspace.open(locator, redactor=Redactor(), create=True) as opened:
        yield opened


def add_schedule(workspace: Workspace, status: str = ACTIVE) -> Schedule:
    settings = ScheduleSettings("hourly", "exp", pipeline_id=generate_guid(), recurrence=Recurrence("Hour", 1))
    next_at = START if status == ACTIVE else None
    schedule = Schedule(generate_guid(), status, settings, START, START, next_at)
    workspace.schedules.add(schedule)
    return schedule


def list_due_times(workspace: Workspace, schedule: Schedule) -> list[int]:
    return [run.due_at for run in workspace.schedules.list_runs(schedule.schedule_id)]


def test_each_time_is_taken_once_and_missed_ones_together(workspace: Workspace) -> None:
    schedule, disabled = add_schedule(workspace), add_schedule(workspace, DISABLED)
    record_due_runs(workspace, START - 1)
    assert list_due_times(workspace, schedule) == []
    for moment in (START, START, START + HOUR - 1):
        record_due_runs(workspace, moment)
    assert list_due_times(workspace, schedule) == [START]
    record_due_runs(workspace, START + 50 * HOUR + 7)
    assert list_due_times(workspace, schedule) == [START + HOUR, START]
    assert workspace.schedules.find_next_due_time() == START + 51 * HOUR
    assert list_due_times(workspace, disabled) == []


@pytest.mark.parametrize("number", range(5))
def test_of_several_keepers_one_takes_a_time(workspace: Workspace, number: int) -> None:
    schedules = [add_schedule(workspace) for _ in range(4)]

    def keep(_: int) -> None:
        with Workspace.connect(workspace.locator, redactor=workspace.redactor) as own:
            for hour in range(5):
                record_due_runs(own, START + hour * HOUR)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(keep, range(4)))
    for schedule in schedules:
        assert list_due_times(workspace, schedule) == [START + hour * HOUR for hour in (4, 3, 2, 1, 0)], number


def add_bad_schedule(workspace: Workspace, **values: Any) -> Schedule:
    settings = ScheduleSettings("bad", "exp", pipeline_id=generate_guid(), **values)
    schedule = Schedule(generate_guid(), ACTIVE, settings, START, START, START - HOUR)
    workspace.schedules.add(schedule)
    return schedule


def find_schedule_problem(workspace: Workspace, schedule: Schedule) -> str:
    found = find_failed_last_submission(workspace, schedule.schedule_id)
    return "" if found is None else str(found.error)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"recurrence": Recurrence("Month", 200_000)}, "ValueError"),
        ({"recurrence": Recurrence("Day", 10_000_000)}, "OverflowError"),
        ({"datastore": "workspaceblobstore", "path_on_datastore": "../x"}, "leads out of the datastore"),
    ],
)
def test_a_schedule_that_cannot_go_on_is_postponed_and_stops_no_other(
    workspace: Workspace, values: dict[str, Any], problem: str
) -> None:
    bad, good = add_bad_schedule(workspace, **values), add_schedule(workspace)
    for hour in range(3):
        record_due_runs(workspace, START + hour * HOUR)
    assert list_due_times(workspace, good) == [START + 2 * HOUR, START + HOUR, START]
    assert find_schedule_problem(workspace, good) == ""
    assert problem in find_schedule_problem(workspace, bad)
    assert len(workspace.schedules.list_runs(bad.schedule_id)) == 1
    assert workspace.schedules.list_pending_runs() == workspace.schedules.list_runs(good.schedule_id)[::-1]
    assert START + 2 * HOUR < (workspace.schedules.find_next_due_time() or 0) < START + 3 * HOUR


def test_files_that_cannot_be_listed_are_a_problem_until_they_can(workspace: Workspace) -> None:
    folder = get_datastore(workspace, "workspaceblobstore").folder
    folder.mkdir(parents=True, exist_ok=True)
    watching = add_bad_schedule(workspace, datastore="workspaceblobstore")
    record_due_runs(workspace, START)
    assert find_schedule_problem(workspace, watching) == ""
    loop = folder / "loop"
    loop.symlink_to(loop)
    (folder / "new.csv").write_text("1")
    record_due_runs(workspace, START + HOUR)
    assert "loop" in find_schedule_problem(workspace, watching)
    assert workspace.schedules.list_pending_runs() == []
    loop.unlink()
    record_due_runs(workspace, START + 2 * HOUR)
    assert find_schedule_problem(workspace, watching) == ""
    assert len(workspace.schedules.list_pending_runs()) == 1


def test_the_run_of_the_newest_time_is_found(workspace: Workspace) -> None:
    schedule = add_schedule(workspace)
    assert workspace.schedules.find_newest_run(schedule.schedule_id) is None
    for hour in range(3):
        record_due_runs(workspace, START + hour * HOUR)
    newest = workspace.schedules.find_newest_run(schedule.schedule_id)
    assert newest == workspace.schedules.list_runs(schedule.schedule_id)[0]
    assert newest.due_at == START + 2 * HOUR


@pytest.mark.parametrize("text", ["{", "null", "[]"])
def test_values_of_a_schedule_that_cannot_be_read_are_its_problem_alone(workspace: Workspace, text: str) -> None:
    folder = get_datastore(workspace, "workspaceblobstore").folder
    folder.mkdir(parents=True, exist_ok=True)
    good, watching = add_schedule(workspace), add_bad_schedule(workspace, datastore="workspaceblobstore")
    record_due_runs(workspace, START)
    with closing(sqlite3.connect(workspace.folder / "workspace.db", isolation_level=None)) as connection:
        connection.execute("UPDATE scheduled_runs SET parameters = ?", (text,))
        connection.execute("UPDATE schedules SET seen_files = ? WHERE schedule_id = ?", (text, watching.schedule_id))
    (run,) = workspace.schedules.list_pending_runs()
    with pytest.raises(InvalidValue):
        submit_scheduled_run(workspace, run)
    for hour in (1, 2):
        (folder / f"{hour}.csv").touch()
        record_due_runs(workspace, START + hour * HOUR)
    assert len(list_due_times(workspace, good)) == 3
    assert len(list_due_times(workspace, watching)) == 1  # the first look remembered what there was
