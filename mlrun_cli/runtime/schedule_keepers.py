"""The start and the wake-up of schedule keepers, the processes that submit the due runs of schedules.

It holds the lock of the folder `schedules`. A process that changes a schedule, and any look at runs, starts it if the
lock is free; it ends when no schedule is active.
"""

from __future__ import annotations

from contextlib import closing, suppress
from pathlib import Path

from mlrun_cli.core.local_folder import get_counterpart
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.runtime.start_count import StartCount
from mlrun_cli.runtime.wake_up import start_or_wake
from mlrun_cli.targets.programs import SCHEDULE_KEEPER_PROGRAM, build_program_command, spawn
from mlrun_cli.workspace import Workspace

FOLDER = "schedules"


class KeeperFolder:
    """The folder with the lock, the socket and the log of a workspace's keeper.

    Attributes:
        starts: the keepers that were started since one last read the schedules.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.path = workspace.folder / FOLDER
        self.lock = self.path / "lock"
        self.starts = StartCount(self.lock)
        self.socket = get_counterpart(self.path) / "socket"
        self.log = self.path / "keeper.log"

    def create(self) -> None:
        """Create the folder, accessible only to the user, if it does not exist.

        Raises:
            OSError: it cannot be created.
            StoreUnavailable: the workspace is unavailable.
        """
        if self._workspace.is_missing(self.lock):  # its modification time is that of a keeper's last start
            self.path.mkdir(mode=0o700, exist_ok=True)
            self.lock.touch(mode=0o600)


def ensure_schedule_keeper(workspace: Workspace) -> None:
    """Start the schedule keeper if it is needed but not running; ignore failures, which reconciliation retries."""
    with suppress(OSError):
        _start_if_absent(workspace, KeeperFolder(workspace))


def wake_schedule_keeper(workspace: Workspace) -> None:
    """Ensure that a schedule keeper reads the schedules soon.

    Raises:
        OSError: none could be started; the next look at runs tries again.
    """
    folder = KeeperFolder(workspace)
    folder.create()
    start_or_wake(lambda: _start_if_absent(workspace, folder), folder.socket)


def _start_if_absent(workspace: Workspace, folder: KeeperFolder) -> bool:
    """Start a schedule keeper if one is needed and starts do not keep failing; return False if one is running."""
    with closing(OwnerLock.open(folder.lock)) as lock:
        if not lock.try_acquire():
            return False
        if workspace.schedules.has_active_schedules_or_pending_runs() and not folder.starts.is_backing_off():
            folder.starts.increment(lock)
            words = build_keeper_command(workspace.folder, lock.descriptor)
            spawn(words, FOLDER, [lock.descriptor], folder.log)
        return True


def build_keeper_command(workspace: Path, lock_fd: int) -> list[str]:
    """Return the command line of a workspace's schedule keeper, which inherits the open lock."""
    return build_program_command(SCHEDULE_KEEPER_PROGRAM, ["--workspace", str(workspace), "--lock", str(lock_fd)])
