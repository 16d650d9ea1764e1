from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.running import Mlrun, until

WAIT_FOR_GO = """
    import os, time
    print("here", flush=True)
    while not os.path.exists("go"):
        time.sleep(0.01)
"""


class Clock:
    """The clock that the command, its supervisors and its scripts see."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.jump("+0")

    def jump(self, to: str) -> None:
        """Set it, at once and for all, as in `+2h`, from the true time."""
        beside = self._file.with_suffix(".new")
        beside.write_text(to, encoding="ascii")
        beside.replace(self._file)


@pytest.fixture
def clock(mlrun: Mlrun, tmp_path: Path) -> Iterator[Clock]:
    (library,) = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
    before = dict(mlrun.environment)
    mlrun.environment.update(
        LD_PRELOAD=str(library),
        FAKETIME_TIMESTAMP_FILE=str(tmp_path / "clock"),
        FAKETIME_NO_CACHE="1",
        FAKETIME_DONT_FAKE_MONOTONIC="1",
    )
    yield Clock(tmp_path / "clock")
    mlrun.environment = before


@pytest.mark.parametrize("to", ["+3h", "-3h"])
def test_a_clock_that_jumps_ends_no_run_and_changes_no_duration(mlrun: Mlrun, clock: Clock, to: str) -> None:
    mlrun.script(WAIT_FOR_GO)
    mlrun.script("script: train.py\nmaxRunDurationSeconds: 3600\n", "limited.runconfig")
    run_id: str = mlrun.json("run", "submit-script", "--async", "-c", "limited")["run_id"]
    mlrun.wait_for_status(run_id, "Running")
    until(lambda: mlrun.log(run_id))

    clock.jump(to)

    time.sleep(1.5)  # a supervisor looks at the clock and at the store once a second
    assert mlrun.show(run_id)["status"] == "Running"
    (mlrun.run_folder(run_id) / "work" / "go").touch()
    record = mlrun.wait(run_id)
    assert record["status"] == "Completed"
    assert 0 < record["duration_seconds"] < 600
    assert _moment(record["end_time_utc"]) - _moment(record["start_time_utc"]) >= timedelta(
        hours=2 if to == "+3h" else 0
    )


@pytest.mark.parametrize("to", ["+3h", "-3h"])
def test_a_time_limit_holds_although_the_clock_jumps(mlrun: Mlrun, clock: Clock, to: str) -> None:
    mlrun.script(WAIT_FOR_GO)
    mlrun.script("script: train.py\nmaxRunDurationSeconds: 3\n", "limited.runconfig")
    run_id: str = mlrun.json("run", "submit-script", "--async", "-c", "limited")["run_id"]
    mlrun.wait_for_status(run_id, "Running")

    clock.jump(to)

    record = mlrun.wait(run_id)
    assert record["status"] == "Canceled"
    assert "maxRunDurationSeconds" in record["error"]["error"]["message"]
    assert 3 <= record["duration_seconds"] < 60


def test_what_a_command_shows_follows_the_jumped_clock_and_never_runs_backwards(mlrun: Mlrun, clock: Clock) -> None:
    mlrun.script(WAIT_FOR_GO)
    run_id = mlrun.submit()
    mlrun.wait_for_status(run_id, "Running")
    clock.jump("-3h")

    assert "Running" in mlrun("run", "list", "-o", "table").stdout

    (mlrun.run_folder(run_id) / "work" / "go").touch()
    record = mlrun.wait(run_id)
    assert _moment(record["created_utc"]) <= _moment(record["start_time_utc"]) <= datetime.now(timezone.utc)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
