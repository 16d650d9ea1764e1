"""The process that keeps the time of a workspace's schedules, and how it is started and woken.

It holds the lock of the folder `schedules`. A process that changes a schedule, and any look at runs, starts it if the
lock is free; it ends when no schedule is active.
"""

from __future__ import annotations

import os
import time
from contextlib import closing, suppress
from pathlib import Path

from mlrun_cli.core.local_folder import get_counterpart
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.runtime.wake_up import send_wake_up
from mlrun_cli.targets.programs import SCHEDULE_KEEPER_PROGRAM, build_program_command, spawn
from mlrun_cli.workspace import Workspace

FOLDER = "schedules"

_PATIENCE_SECONDS = 2.0
_AGAIN_SECONDS = 0.005
_MOST_STARTS = 3
_PAUSE_SECONDS = 10.0
"""The pause between two starts after `_MOST_STARTS` keepers in a row have ended before reading the schedules."""


class KeeperFolder:
    """The folder with the lock, the socket and the log of a workspace's keeper.

    The lock file contains a byte for each keeper that was started since one last read the schedules.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.path = workspace.folder / FOLDER
        self.lock = self.path / "lock"
        self.socket = get_counterpart(self.path) / "socket"
        self.log = self.path / "keeper.log"

    def create(self) -> None:
        """Create the folder, private to its user, if it does not exist."""
        self.path.mkdir(mode=0o700, exist_ok=True)
        self.lock.touch(mode=0o600)

    def record_start(self, lock: OwnerLock) -> None:
        """Count a start; ignore a full disk."""
        with suppress(OSError):
            os.pwrite(lock.descriptor, b".", os.fstat(lock.descriptor).st_size)

    def clear_starts(self, lock: OwnerLock) -> None:
        """Forget earlier starts, since a keeper has read the schedules."""
        with suppress(OSError):
            os.ftruncate(lock.descriptor, 0)

    def is_paused(self, lock: OwnerLock) -> bool:
        """Return whether keepers keep failing, and the pause since the last start is not yet over."""
        found = os.fstat(lock.descriptor)
        return found.st_size >= _MOST_STARTS and abs(time.time() - found.st_mtime) < _PAUSE_SECONDS


def ensure_schedule_keeper(workspace: Workspace) -> None:
    """Start the keeper if a schedule is active and none is running; leave failures to the next look."""
    with suppress(OSError):
        _start_if_absent(workspace, KeeperFolder(workspace))


def wake_schedule_keeper(workspace: Workspace) -> None:
    """Ensure that a keeper reads the schedules after this moment.

    Raises:
        OSError: none could be started; the next look at runs tries again.
    """
    folder = KeeperFolder(workspace)
    folder.create()
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if _start_if_absent(workspace, folder) or send_wake_up(folder.socket):
            return
        time.sleep(_AGAIN_SECONDS)  # it is about to open its socket, or to end


def _start_if_absent(workspace: Workspace, folder: KeeperFolder) -> bool:
    """Start a keeper unless one is running or none is needed; return False if one is running."""
    with closing(OwnerLock.open(folder.lock)) as lock:
        if not lock.try_acquire():
            return False
        if workspace.schedules.has_work() and not folder.is_paused(lock):
            folder.record_start(lock)
            words = build_keeper_command(workspace.folder, lock.descriptor)
            spawn(words, FOLDER, [lock.descriptor], folder.log)
        return True


def build_keeper_command(workspace: Path, lock: int) -> list[str]:
    """Return the command line of a workspace's keeper, which inherits the open lock."""
    return build_program_command(SCHEDULE_KEEPER_PROGRAM, ["--workspace", str(workspace), "--lock", str(lock)])
