"""The mirror of a run on another machine, while something on this one is away."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mlrun_cli.errors import ProgramNotFound
from mlrun_cli.runs.shared_folder import SharedFolder
from mlrun_cli.targets.engine import Job, JobState
from mlrun_cli.targets.remote.pulled_run import PulledRun
from mlrun_cli.targets.remote.settings import RemoteSettings
from mlrun_cli.targets.remote.ssh import Ssh

EVENTS = "events/000001.jsonl"
LINE = json.dumps({"event": "properties", "properties": {"name": "value"}}).encode() + b"\n"


@pytest.fixture
def mirror(tmp_path: Path) -> SharedFolder:
    folder = SharedFolder(tmp_path, is_mirror=True)
    folder.create()
    folder.get_run_folder("exp_1").create_for_node(tmp_path)
    return folder


@pytest.fixture
def pulled(mirror: SharedFolder) -> PulledRun:
    settings = RemoteSettings("box", folder="/there")
    return PulledRun(Ssh(settings), settings, mirror, "exp_1")


@contextmanager
def limit_file_size(size: int) -> Iterator[None]:
    """Let files grow only up to a size, as on a disk that is almost full."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_events_for_which_there_was_no_room_are_written_once(pulled: PulledRun, mirror: SharedFolder) -> None:
    with limit_file_size(3 * len(LINE) // 2), pytest.raises(OSError, match="File too large"):
        pulled.write_update({"files": [(EVENTS, 0, 3 * len(LINE))]}, memoryview(3 * LINE))
    pulled.write_update({}, memoryview(b""))
    assert (mirror.get_run_folder("exp_1").path / EVENTS).read_bytes() == 3 * LINE


@pytest.mark.parametrize("state", ["running", "ended"])
def test_a_job_is_known_although_no_copy_can_be_started(
    pulled: PulledRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    pulled.write_update({"job": {"state": state, "end": None}, "tree": "1 1 1"}, memoryview(b""))
    with pytest.raises(ProgramNotFound):
        pulled.advance(time.monotonic(), may_copy=True)
    assert pulled.job == Job(JobState.RUNNING)


def test_an_outcome_that_a_power_failure_has_damaged_hides_no_job(pulled: PulledRun) -> None:
    pulled.write_update({"outcome": "", "job": {"state": "queued"}}, memoryview(b""))
    pulled.advance(time.monotonic(), may_copy=False)
    assert pulled.job == Job(JobState.QUEUED)
