"""Builds of one environment at the same time, and builds that are killed."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from mlrun_cli.environments.planned_environment import PlannedEnvironment
from tests.environments.builds import SlowPackage, Start, build, folder_of, read_line


def test_two_at_once_build_once(slow: SlowPackage, slow_plan: PlannedEnvironment, start: Start) -> None:
    first = start(slow_plan)
    with slow.held():
        second = start(slow_plan)
        assert "waiting" in read_line(second)
    first_log, second_log = first.communicate()[0], second.communicate()[0]
    assert (first.returncode, second.returncode) == (0, 0), first_log
    assert slow.builds == 1
    assert "Building" not in second_log
    assert folder_of(slow_plan).is_complete()


def test_killed_build_is_repaired_by_the_next(
    tmp_path: Path, environ: dict[str, str], slow: SlowPackage, slow_plan: PlannedEnvironment, start: Start
) -> None:
    killed = start(slow_plan)
    with slow.held():
        os.killpg(killed.pid, signal.SIGKILL)
        killed.communicate()
    assert folder_of(slow_plan).venv.exists()
    assert not folder_of(slow_plan).is_complete()

    code, log = build(tmp_path, slow_plan, environ)

    assert code == 0, log
    assert slow.builds == 2
    assert folder_of(slow_plan).is_complete()


def test_installer_that_outlives_its_builder_is_waited_for(
    slow: SlowPackage, slow_plan: PlannedEnvironment, start: Start
) -> None:
    killed = start(slow_plan)
    with slow.held():
        killed.kill()
        killed.wait()
        second = start(slow_plan)
        assert "waiting" in read_line(second)
    killed.communicate()
    log = second.communicate()[0]
    assert second.returncode == 0, log
    assert "Building" in log


def test_eight_at_once_build_once_though_their_builder_is_killed(
    slow: SlowPackage, slow_plan: PlannedEnvironment, start: Start
) -> None:
    killed = start(slow_plan)
    with slow.held():
        others = [start(slow_plan) for _ in range(7)]
        for other in others:
            assert "waiting" in read_line(other)
        os.killpg(killed.pid, signal.SIGKILL)
        killed.communicate()
    logs = [other.communicate()[0] for other in others]
    assert [other.returncode for other in others] == [0] * 7, logs[0]
    assert slow.builds == 2  # the killed one's, and one more
    assert sum("Building" in log for log in logs) == 1
    assert folder_of(slow_plan).is_complete()
