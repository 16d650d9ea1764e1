"""Schedules, and the files that they watch."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from mlrun_cli.core.time import MICROSECONDS
from mlrun_cli.errors import InvalidValue
from mlrun_cli.pipelines.json_reader import JsonReader
from mlrun_cli.pipelines.schedule import ScheduleSettings
from mlrun_cli.pipelines.watched_files import list_changed_files, scan_watched_files

NAMES = {"name": "nightly", "experiment_name": "exp", "pipeline_id": "p"}
DAILY = {"frequency": "Day", "interval": 1}


def read(**values: Any) -> ScheduleSettings:
    settings = ScheduleSettings.from_json(JsonReader({**NAMES, **values}, "schedule"))
    assert ScheduleSettings.from_json(JsonReader(settings.to_json(), "schedule")) == settings
    return settings


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"recurrence": DAILY, "datastore": "store"},
        {"recurrence": DAILY, "endpoint_id": "e"},
        {"recurrence": DAILY, "pipeline_id": None},
        {"datastore": "store", "polling_minutes": 0},
    ],
)
def test_a_schedule_has_one_pipeline_and_one_reason_to_start(values: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue):
        read(**values)


def test_watched_files_are_looked_at_every_few_minutes_from_now_on() -> None:
    settings = read(datastore="store", path_on_datastore="in", polling_minutes=3)
    moment = 1_000 * MICROSECONDS
    assert settings.compute_first_time(moment) == moment
    assert settings.compute_next_time(moment, 0) == moment + 180 * MICROSECONDS
    assert settings.describe_times() == "when files of store/in change, seen every 3 min"


def test_times_that_have_passed_give_one_next_time_after_now() -> None:
    settings = read(recurrence={"frequency": "Hour", "interval": 1})
    created, later = 10_000 * MICROSECONDS, (10_000 + 5 * 3600 + 60) * MICROSECONDS
    assert settings.compute_first_time(created) == created
    assert settings.compute_next_time(later, created) == (10_000 + 6 * 3600) * MICROSECONDS


def test_new_and_changed_files_are_found_and_removed_ones_are_not(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    for name in ("a", "b", "inner/c"):
        (tmp_path / name).write_text("1")
    before = scan_watched_files(tmp_path, with_subfolders=True)
    assert sorted(before) == ["a", "b", "inner/c"]
    assert sorted(scan_watched_files(tmp_path, with_subfolders=False)) == ["a", "b"]
    assert list_changed_files(before, scan_watched_files(tmp_path, with_subfolders=True)) == []
    (tmp_path / "b").unlink()
    (tmp_path / "a").write_text("22")
    (tmp_path / "d").write_text("1")
    replacement = tmp_path / "inner" / "new"
    replacement.write_text("1")
    stat = (tmp_path / "inner" / "c").stat()
    os.utime(replacement, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    replacement.replace(tmp_path / "inner" / "c")
    after = scan_watched_files(tmp_path, with_subfolders=True)
    assert list_changed_files(before, after) == ["a", "d", "inner/c"]


def test_a_folder_that_does_not_exist_has_no_files(tmp_path: Path) -> None:
    assert scan_watched_files(tmp_path / "gone", with_subfolders=True) == {}
