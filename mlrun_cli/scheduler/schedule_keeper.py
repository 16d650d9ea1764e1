"""`python …/mlrun_cli/scheduler/schedule_keeper.py --workspace FOLDER --lock DESCRIPTOR`: submits due runs.

It submits the pipelines of a workspace's schedules when their time has come, and ends when no schedule is active. Each
time is taken in one transaction together with the id of its run, so that of several keepers only one submits it, and
one that is killed in between is completed by the next.
"""

from __future__ import annotations

import select
import sys
from contextlib import suppress
from pathlib import Path

from mlrun_cli.core.local_folder import make_counterpart_folder
from mlrun_cli.core.program_log import log_exception, write_log
from mlrun_cli.core.time import MICROSECONDS, now
from mlrun_cli.errors import MlrunError, StoredFilesLost, StoreError
from mlrun_cli.pipelines.schedule import ScheduledRun
from mlrun_cli.processes.termination import reap_children
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.runtime.program_start import detach_program, open_workspace_when_available
from mlrun_cli.runtime.schedule_keepers import FOLDER, KeeperFolder
from mlrun_cli.runtime.wake_socket import WakeSocket
from mlrun_cli.submit.published_pipeline import submit_scheduled_run
from mlrun_cli.submit.schedule_times import record_due_runs
from mlrun_cli.workspace import Workspace

_LOOK_SECONDS = 30.0
"""The longest sleep: the clock may be set, or the machine may sleep meanwhile."""
_RETRY_SECONDS = 1.0


class ScheduleKeeper:
    """The process that submits a workspace's due scheduled runs, only one per machine by the lock that it holds."""

    def __init__(self, workspace: Workspace, lock: OwnerLock) -> None:
        self._workspace = workspace
        self._lock = lock
        self._folder = KeeperFolder(workspace)

    def run(self) -> None:
        """Submit the due runs of schedules until no schedule is active and no run is pending."""
        make_counterpart_folder(self._folder.path)
        is_mine = True
        while is_mine:
            with WakeSocket(self._folder.socket) as wake_socket:
                self._serve(wake_socket)
            self._lock.close()
            if (
                not self._workspace.is_database_in_place()
                or not self._workspace.schedules.has_active_schedules_or_pending_runs()
            ):
                return
            self._lock = OwnerLock.open(self._folder.lock)
            is_mine = self._lock.try_acquire()

    def _serve(self, wake_socket: WakeSocket) -> None:
        """Submit due runs, and wait in between, until no schedule is active."""
        while self._workspace.is_database_in_place():
            wait = _RETRY_SECONDS
            try:
                self._workspace.reopen_if_replaced()
                record_due_runs(self._workspace, now())
                is_done = self._submit_pending_runs()
                self._folder.starts.reset(self._lock)
                if not self._workspace.schedules.has_active_schedules_or_pending_runs():
                    return
                if is_done:
                    wait = self._compute_wait_seconds()
            except (StoreError, OSError) as error:
                write_log(f"the schedules wait: {error}")
            _wait_for_wake_up(wake_socket, wait)

    def _submit_pending_runs(self) -> bool:
        """Submit the due runs of schedules, recording failures; return False if any of them has to wait."""
        is_done = True
        for run in self._workspace.schedules.list_pending_runs():
            try:
                submit_scheduled_run(self._workspace, run)
                error = None
            except StoredFilesLost as problem:
                error = problem.message
            except (StoreError, OSError) as problem:  # it may be over soon
                self._record_wait(run, str(problem))
                is_done = False
                continue
            except MlrunError as problem:
                error = problem.message
            except Exception as problem:  # an error of this program must not keep the other schedules from their time
                log_exception()
                error = f"{type(problem).__name__}: {problem}"
            if error is not None:
                write_log(f"the run of the schedule {run.schedule_id} is not submitted: {error}")
            with self._workspace.transaction(durable=True):
                self._workspace.schedules.record_submit_result(run.run_id, error)
        return is_done

    def _record_wait(self, run: ScheduledRun, problem: str) -> None:
        """Record and log why a run waits, unless this reason is already recorded."""
        with self._workspace.transaction():
            is_new = self._workspace.schedules.record_wait(run.run_id, problem)
        if is_new:
            write_log(f"the run of the schedule {run.schedule_id} waits: {problem}")

    def _compute_wait_seconds(self) -> float:
        """Return the seconds until the next schedule is due, or until the next regular check if none is."""
        next_at = self._workspace.schedules.find_next_due_time()
        return _LOOK_SECONDS if next_at is None else max(0.0, (next_at - now()) / MICROSECONDS)


def _wait_for_wake_up(wake_socket: WakeSocket, seconds: float) -> None:
    """Wait for a wake-up, at most for the given seconds, and reap ended child processes."""
    poll = select.poll()
    poll.register(wake_socket.fileno(), select.POLLIN)
    poll.poll(min(seconds, _LOOK_SECONDS) * 1000 + 1)
    wake_socket.drain()
    with suppress(ChildProcessError):
        reap_children()


def main(arguments: list[str]) -> None:
    """Run the background process that submits a workspace's scheduled runs when they are due."""
    _, folder, _, descriptor = arguments
    detach_program(Path(folder), int(descriptor))
    with open_workspace_when_available(Path(folder), Path(FOLDER)) as workspace:
        ScheduleKeeper(workspace, OwnerLock(int(descriptor))).run()


if __name__ == "__main__":
    main(sys.argv[1:])
