"""Schedule files, as `pipeline create-schedule` reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlrun_cli.errors import MlrunError, SeveralProblems
from mlrun_cli.pipelines.schedule_file import read_schedule_file

SAMPLE = """\
Schedule:
    description: "every week"
    recurrence:
        frequency: Week # or another
        interval: 1
        start_time: 2019-06-07T10:50:00
        time_zone: UTC
        hours:
        - 1
        minutes:
        - 0
        time_of_day: null
        week_days:
        - Friday
    pipeline_parameters:
        'a': 1
    wait_for_provisioning: True
    datastore_name: ~
    polling_interval: ~
    continue_on_step_failure: None
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "schedule.yml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_gives_the_fields_that_it_sets(tmp_path: Path) -> None:
    assert read_schedule_file(write(tmp_path, SAMPLE)) == {
        "description": "every week",
        "parameters": {"a": 1},
        "recurrence": {
            "frequency": "Week",
            "interval": 1,
            "start_time": "2019-06-07T10:50:00",
            "time_zone": "UTC",
            "hours": [1],
            "minutes": [0],
            "week_days": ["Friday"],
        },
    }
    watching = "Schedule:\n  datastore_name: store\n  path_on_datastore: in\n  polling_interval: 3\n"
    assert read_schedule_file(write(tmp_path, watching)) == {
        "datastore": "store",
        "path_on_datastore": "in",
        "polling_minutes": 3,
    }


def test_a_time_of_day_is_hours_and_minutes(tmp_path: Path) -> None:
    text = "Schedule:\n  recurrence:\n    frequency: Day\n    interval: 1\n    time_of_day: '18:05'\n"
    recurrence = read_schedule_file(write(tmp_path, text))["recurrence"]
    assert (recurrence["hours"], recurrence["minutes"]) == ([18], [5])


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("recurrence:\n  frequency: Day\n", 1),
        ("Schedule:\n  recurrence:\n    frequency: day\n    interval: 1\n", 3),
        ("Schedule:\n  recurrence:\n    frequency: Day\n    interval: 1\n    time_of_day: 3 PM\n", 5),
        ("Schedule:\n  recurrence:\n    frequency: Day\n    interval: 1\n    time_of_day: '25:00'\n", 5),
        ("Schedule:\n  recurrence:\n    frequency: Month\n    interval: 1\n    hours: [1]\n", 5),
        ("Schedule:\n  every: day\n", 2),
        ("Schedule:\n  polling_interval: often\n", 2),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    path = write(tmp_path, text)
    with pytest.raises(MlrunError) as error:
        read_schedule_file(path)
    assert f"{path}, line {line}" in str(error.value.message)


def test_all_problems_are_said_at_once(tmp_path: Path) -> None:
    text = "Schedule:\n  every: day\n  recurrence:\n    frequency: Day\n    interval: 0\n"
    with pytest.raises(SeveralProblems):
        read_schedule_file(write(tmp_path, text))
