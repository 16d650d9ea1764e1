from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlrun_cli.actions.failure_report import read_failure_report
from mlrun_cli.actions.log_selection import LineStamper, LogSelection, LogStart, find_log_start
from mlrun_cli.core.log_tail import find_last_lines
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.core.time import now
from mlrun_cli.errors import InvalidValue, LogTimesNotFound
from mlrun_cli.runs.error import build_error_from_log
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.log_times import LogTimeRecorder, LogTimes
from mlrun_cli.runs.run import SCRIPT_RUN, Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.wire.run_folder import ENVIRONMENT_LOG
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, locate_workspace

TRACE = """Traceback (most recent call last):
  File "/home/me/work/train.py", line 5, in <module>
    fit()
  File "/venv/lib/python3.11/site-packages/torch/nn.py", line 1, in fit
    step()
    ^^^^^^
  File "/usr/lib/python3.11/json/decoder.py", line 3, in step
    raise ValueError(
ValueError: boom
  File "x", it says"""


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(
        locate_workspace(tmp_path / "home", WorkspaceIdentity("s", "g", "w")), create=True, redactor=Redactor()
    ) as opened:
        yield opened


@pytest.fixture
def run(workspace: Workspace) -> Run:
    with workspace.transaction():
        experiment, number = workspace.experiments.reserve_run_numbers("exp")
        key = workspace.runs.insert(
            experiment, number, "exp_1", status=RunStatus.FAILED, run_type=SCRIPT_RUN, user_name="me", target="local"
        )
    workspace.get_run_folder("exp_1").create()
    return workspace.runs.get_by_key(key)


@pytest.fixture
def folder(workspace: Workspace, run: Run) -> RunFolder:
    return workspace.get_run_folder(run.run_id)


def wait_for_clock(moment: int) -> int:
    """Return a time after another one."""
    while (later := now()) <= moment:
        pass
    return later


def append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8", newline="") as file:
        file.write(text)


@pytest.mark.parametrize("text", ["", "a", "a\n", "a\nb", "a\n\nb\n", "\n\n", "x" * 700_000 + "\ny\n" + "z" * 600_000])
def test_the_last_lines_are_those_of_tail(tmp_path: Path, text: str) -> None:
    path = tmp_path / "log"
    path.write_text(text)
    lines = text.split("\n")
    whole = [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
    descriptor = os.open(path, os.O_RDONLY)
    for count in (0, 1, 2, 3, 100):
        offset, found = find_last_lines(descriptor, count)
        assert text[offset:] == "".join(whole[len(whole) - min(count, len(whole)) :])
        assert found == min(count, len(whole))
    os.close(descriptor)


def test_lines_are_chosen_by_number_and_by_time(workspace: Workspace, run: Run, folder: RunFolder) -> None:
    folder.environment_log.write_text("e1\ne2\n")
    folder.stdout.write_text("1\n")
    with pytest.raises(LogTimesNotFound):
        find_log_start(workspace, run, LogSelection(has_times=True))
    with pytest.raises(InvalidValue):
        find_log_start(workspace, run, LogSelection(node=1))
    assert find_log_start(workspace, run, LogSelection(tail=2))[1:] == (3, 0)
    assert find_log_start(workspace, run, LogSelection(tail=1, node=0))[1:] == (6, 0)

    recorder = LogTimeRecorder(folder)
    recorder.record()
    append(folder.stdout, "2\n3")
    recorder.record()
    moments = [wait_for_clock(now())]
    append(folder.stdout, " goes on\n4\n")
    recorder.record()
    recorder.record()
    moments.append(wait_for_clock(now()))
    # Another supervisor goes on, and dies before its next mark.
    append(folder.stdout, "5\n")
    LogTimeRecorder(folder).record()
    append(folder.stdout, "6\n")
    text = folder.stdout.read_text()
    shown = [text[find_log_start(workspace, run, LogSelection(since=moment)).offset :] for moment in (0, *moments)]
    assert shown == [text, "4\n5\n6\n", "5\n6\n"]
    assert find_log_start(workspace, run, LogSelection(since=moments[0]))[1] == 6
    assert find_log_start(workspace, run, LogSelection(since=moments[0], tail=1)).offset == len(text) - 2
    assert find_log_start(workspace, run, LogSelection(since=wait_for_clock(now()))).offset == len(text) - 2

    times = LogTimes(folder.get_log_times_path(folder.stdout.name))
    times.update()
    assert [times.find_time(offset) is None for offset in (0, len(text) - 3, len(text) - 2)] == [False, False, True]
    folder.stdout.write_text("cut\n")
    recorder.record()
    times = LogTimes(folder.get_log_times_path(folder.stdout.name))
    times.update()
    assert times.find_time(3) is not None and times.find_time(4) is None


def test_each_line_has_one_time_however_it_is_cut(workspace: Workspace, run: Run, folder: RunFolder) -> None:
    folder.environment_log.write_text("e\n")
    folder.stdout.write_text("one\n\ntwo\rthree\nfour")
    LogTimeRecorder(folder).record()
    stamper = LineStamper(workspace, run, LogStart(folder.stdout_name))
    text = stamper.stamp(ENVIRONMENT_LOG, b"e\n")
    for byte in folder.stdout.read_bytes():
        text += stamper.stamp(folder.stdout_name, bytes([byte]))
    whole = LineStamper(workspace, run, LogStart(folder.stdout_name))
    assert text == whole.stamp(ENVIRONMENT_LOG, b"e\n") + whole.stamp(folder.stdout_name, folder.stdout.read_bytes())
    lines = text.split(b"\n")
    assert [line[21:] for line in lines] == [b"e", b"one", b"", b"two\rthree", b"four"]
    assert all(line[:2] == b"20" and line[19:21] == b"Z " for line in lines)


def test_a_line_of_a_failure_that_would_fill_screens_is_cut(workspace: Workspace, run: Run, folder: RunFolder) -> None:
    folder.stdout.write_text("é" * 5000 + "\nlast\n")
    long_line, last = read_failure_report(workspace, run).last_lines
    assert last == "last"
    assert len(long_line) == len(long_line.rstrip("…")) + 1 < 600


def test_a_failure_is_the_users_frames_the_lines_before_and_the_error(
    workspace: Workspace, run: Run, folder: RunFolder
) -> None:
    folder.stdout.write_text("".join(f"line {number}\n" for number in range(50)) + f"1 %\r100 %\n{TRACE}\n")
    report = read_failure_report(workspace, run._replace(error=build_error_from_log(TRACE, "exit code 1")))
    assert report.last_lines == ["line 46", "line 47", "line 48", "line 49", "100 %"]
    assert report.error == "ValueError: boom"
    shown = [line for line in TRACE.splitlines() if "python3" not in line and line[4:8] not in {"step", "^^^^", "rais"}]
    assert report.traceback.splitlines() == [*shown[:3], "  (2 frames of libraries)", *shown[3:]]
    report = read_failure_report(workspace, run)
    assert (report.error, report.traceback, len(report.last_lines)) == ("", "", 20)
