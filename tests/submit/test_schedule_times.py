"""The times of schedules, taken by several processes, and those that have passed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mlrun_cli.core.guid import generate_guid
from mlrun_cli.core.redaction import Redaction
from mlrun_cli.core.time import MICROSECONDS
from mlrun_cli.pipelines.published import ACTIVE, DISABLED
from mlrun_cli.pipelines.recurrence import Recurrence
from mlrun_cli.pipelines.schedule import Schedule, ScheduleSettings
from mlrun_cli.submit.schedule_times import take_due_times
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, locate_workspace

HOUR = 3600 * MICROSECONDS
START = 1_800_000_000 * MICROSECONDS


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """A new workspace."""
    locator = locate_workspace(tmp_path / "home", WorkspaceIdentity("s", "g", "w"))
    with Workspace.open(locator, redaction=Redaction(), create=True) as opened:
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
    take_due_times(workspace, START - 1)
    assert list_due_times(workspace, schedule) == []
    for moment in (START, START, START + HOUR - 1):
        take_due_times(workspace, moment)
    assert list_due_times(workspace, schedule) == [START]
    take_due_times(workspace, START + 50 * HOUR + 7)
    assert list_due_times(workspace, schedule) == [START + HOUR, START]
    assert workspace.schedules.find_next_time() == START + 51 * HOUR
    assert list_due_times(workspace, disabled) == []


@pytest.mark.parametrize("number", range(5))
def test_of_several_keepers_one_takes_a_time(workspace: Workspace, number: int) -> None:
    schedules = [add_schedule(workspace) for _ in range(4)]

    def keep(_: int) -> None:
        with Workspace.connect(workspace.locator, redaction=workspace.redaction) as own:
            for hour in range(5):
                take_due_times(own, START + hour * HOUR)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(keep, range(4)))
    for schedule in schedules:
        assert list_due_times(workspace, schedule) == [START + hour * HOUR for hour in (4, 3, 2, 1, 0)], number
