"""Watching runs until all of them have ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from mlrun_cli.runs.run import Run
from mlrun_cli.workspace import Workspace

_POLL_SECONDS = 0.25
_READ_SECONDS = 1.0
_MAX_LOAD = 0.25
"""The part of the time that may be spent with reading."""


def watch_runs(
    workspace: Workspace, read_runs: Callable[[], Sequence[Run]], wait_for_refresh: Callable[[float], bool]
) -> Iterator[Sequence[Run]]:
    """Yield the runs at the start and after each change of the store, until all of them have ended.

    Meanwhile a poll asks only for the store's version, which costs no disk access. Once a second runs are read all the
    same: a run that is lost changes nothing by itself, and times go on.

    Args:
        workspace: the workspace of the runs.
        read_runs: reads and reconciles the runs.
        wait_for_refresh: waits for this number of seconds, or less; returns True to yield the runs as they are.
    """
    version: int | None = None
    next_read = 0.0
    runs: Sequence[Run] = ()
    while True:
        started = time.monotonic()
        current = workspace.get_data_version()
        pause = _POLL_SECONDS
        if current != version or started >= next_read:
            version, runs = current, read_runs()
            took = time.monotonic() - started
            next_read, pause = started + _READ_SECONDS, max(pause, took / _MAX_LOAD)
            yield runs
            if all(run.status.is_terminal for run in runs):
                return
        if wait_for_refresh(pause):
            yield runs
