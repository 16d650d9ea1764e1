"""Follow a run's log while it is written."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from mlrun_cli.domain.run import Run
from mlrun_cli.domain.run_status import RunStatus
from mlrun_cli.errors import MlrunError
from mlrun_cli.execution.liveness import settle
from mlrun_cli.workspace import Workspace

Write = Callable[[bytes], object]
Watch = Callable[[RunStatus], object]

_PIECE = 1 << 16
_QUICK_SECONDS = 0.004
_CALM_SECONDS = 0.05
_CALM_AFTER_SECONDS = 2.0
_LOOK_SECONDS = 0.25
_SETTLE_SECONDS = 1.0


def follow_log(workspace: Workspace, run: Run, write: Write, *, watch: Watch | None = None) -> Run:
    """Hand over what the script prints, byte for byte as it comes, until the run has ended.

    Args:
        workspace: where the run is.
        run: a run in any status; the log of an ended one is handed over whole.
        write: takes each piece.
        watch: told the run's status a few times a second while nothing is printed.

    Returns:
        The run as it ended.

    Raises:
        MlrunError: the log is gone, or cannot be read.
    """
    follower = _Follower(workspace, run, write, watch)
    # A run without a script has no log.
    path = workspace.run_folder(run.run_id).stdout if run.minded_by is None else Path(os.devnull)
    try:
        log = open(path, "rb", buffering=0)  # noqa: SIM115 - what is raised while it is followed is not about it
    except OSError as error:
        raise MlrunError(
            f"The log of the run '{run.run_id}' cannot be read: {path}: {error.strerror}.",
            hint="Somebody has moved or removed it; 'mlrun run show' has what is recorded of the run.",
        ) from error
    with log:
        return follower.follow(log.fileno())


class _Follower:
    def __init__(self, workspace: Workspace, run: Run, write: Write, watch: Watch | None) -> None:
        self._workspace = workspace
        self._run = run
        self._write = write
        self._watch = watch
        self._outcome = os.fspath(workspace.run_folder(run.run_id).outcome)
        self._next_look = 0.0
        self._next_settle = time.monotonic() + _SETTLE_SECONDS

    def follow(self, log: int) -> Run:
        last_output = time.monotonic()
        while True:
            moment = time.monotonic()
            # Looked at before the log: what was printed before the end is then in the log for sure.
            has_ended = self._has_ended(moment)
            if self._copy(log):
                last_output = moment
            if has_ended:
                return self._workspace.runs.get_by_key(self._run.key)
            is_quick = moment - last_output < _CALM_AFTER_SECONDS
            time.sleep(_QUICK_SECONDS if is_quick else _CALM_SECONDS)

    def _copy(self, log: int) -> bool:
        found = False
        while piece := os.read(log, _PIECE):
            self._write(piece)
            found = True
        return found

    def _has_ended(self, moment: float) -> bool:
        if moment < self._next_look and not os.path.exists(self._outcome):
            return False
        if moment >= self._next_settle:
            settle(self._workspace)
            self._next_settle = moment + _SETTLE_SECONDS
        self._next_look = moment + _LOOK_SECONDS
        status = self._workspace.runs.status(self._run.key)
        if status is None or status.is_terminal:
            return True
        if self._watch is not None:
            self._watch(status)
        return False
