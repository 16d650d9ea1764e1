"""The start of queued runs under their owner lock and with their GPUs; runs that cannot be started are ended."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import closing, suppress

from mlrun_cli.core.program_log import write_log
from mlrun_cli.errors import MlrunError, RunNotFound, StoreError
from mlrun_cli.processes.gpu_allocator import GpuAllocator
from mlrun_cli.runs.error import SERVICE_ERROR, EndReason
from mlrun_cli.runs.outcome import Outcome
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runs.stream_lock import was_streaming_command_killed
from mlrun_cli.runtime.finish import (
    build_failure_outcome,
    build_lost_stream_outcome,
    build_unstartable_outcome,
    read_outcome,
    record_outcome,
)
from mlrun_cli.runtime.queue import QueueFolder
from mlrun_cli.runtime.supervisor_start import start_supervisor
from mlrun_cli.scheduler.fork_server import ForkServer
from mlrun_cli.targets.lookup import get_target
from mlrun_cli.targets.programs import find_missing_program
from mlrun_cli.workspace import Workspace

_RETRY_SECONDS = 0.5
_UPGRADE_SECONDS = 5.0
_READERS_SECONDS = 0.02
_WHOLE_QUEUE = 1_000_000
_MAX_DEATHS = 3
_SUPERVISORS_DIED = f"{_MAX_DEATHS} supervisors of the run ended before they had started it."
_FOLDER_REMOVED = "The folder of the run has been removed while it waited."


class TooFewGpus(Exception):
    """A run has to wait because too few GPUs are free."""


class ProgramGone(Exception):
    """The supervisor program has been removed, so that another dispatcher has to serve the queue."""


class RunStarter:
    """A starter of the runs of one target.

    A run with the stored status Queued is being started while a supervisor, started by this dispatcher or an earlier
    one, holds its lock; if the lock is free, the run is waiting.
    """

    def __init__(
        self, workspace: Workspace, target: str, gpu_allocator: GpuAllocator, fork_server: ForkServer | None
    ) -> None:
        self._workspace = workspace
        self._target = target
        self._folder = QueueFolder(workspace, target)
        self._gpu_allocator = gpu_allocator
        self._fork_server = fork_server
        self._supervisors: dict[int, int] = {}
        """The keys of the runs whose supervisors have been started here and that live, by their pidfds."""
        self._deaths: Counter[int] = Counter()
        """The numbers of supervisors that have ended before they had started an attempt of their run."""
        self._started: dict[int, Run] = {}
        """The runs as they were when their supervisors were started, by key."""

    @property
    def run_keys(self) -> Collection[int]:
        """A live view of the keys of the runs whose supervisors were started here and are still running."""
        return self._supervisors.values()

    @property
    def pidfds(self) -> Collection[int]:
        """A live view of the pidfds of the supervisors that were started here and are still running."""
        return self._supervisors.keys()

    def start(self, run: Run) -> int | None:
        """Start a run and return the number of nodes that it uses, or None if this run and all later ones have to wait.

        Raises:
            TooFewGpus: it has to wait for GPUs, but later runs need not wait.
            ProgramGone: supervisors can no longer be started.
            ForkServerGone: the fork server cannot start it.
            StoreError: the store cannot be used.
        """
        folder = self._workspace.get_run_folder(run.run_id)
        try:
            lock = OwnerLock.open(folder.lock)
        except FileNotFoundError:
            if not self._workspace.is_missing(folder.lock):  # the workspace was away, and is back
                return None
            self._record_start_failure(run, _build_service_failure(_FOLDER_REMOVED, EndReason.RUN_FOLDER_REMOVED))
            return 0
        except OSError as error:
            self._report_problem(f"{run.run_id} waits: {error}")
            return None
        try:
            is_mine = lock.acquire_within(_READERS_SECONDS)
            return self._start_run_with_lock(run, lock) if is_mine else run.node_count
        except (OSError, MlrunError) as error:
            if isinstance(error, StoreError):
                raise
            self._report_problem(f"{run.run_id} could not be started: {error}")
            return None
        finally:
            lock.close()

    def record_exits(self, pidfds: Collection[int]) -> bool:
        """Record that the supervisors with these pidfds have ended; return whether any left its run unfinished.

        Raises:
            MlrunError: the store cannot be used.
        """
        keys = [self._supervisors.pop(pidfd) for pidfd in pidfds]
        for pidfd in pidfds:
            os.close(pidfd)
        has_left_runs = False
        for key in keys:
            with suppress(RunNotFound):
                run = self._workspace.runs.get_by_key(key)
                self._update_failure_count(run)
                has_left_runs |= not run.status.is_terminal
        return has_left_runs

    def _update_failure_count(self, run: Run) -> None:
        """Count the end of a supervisor whose run made no progress, or reset the count if the run made progress."""
        before = self._started.pop(run.key, run)
        if (run.started_at, run.attempts) != (before.started_at, before.attempts):
            del self._deaths[run.key]
        elif run.status is RunStatus.QUEUED:
            self._deaths[run.key] += 1

    def cancel_abandoned_runs(self) -> None:
        """Cancel the queued runs whose streaming command was killed."""
        for run in self._workspace.queues.list_runs(self._target, _WHOLE_QUEUE):
            if was_streaming_command_killed(self._workspace.get_run_folder(run.run_id)):
                self._cancel(run, build_lost_stream_outcome())

    def cancel_unstartable_runs(self) -> None:
        """Cancel the queued runs whose predecessor did not complete, and all queued runs that depend on them."""
        while runs := self._workspace.queues.list_unstartable_runs(self._target):
            canceled = [self._cancel(run, build_unstartable_outcome(self._workspace, run)) for run in runs]
            if not all(canceled):  # the next look tries again
                return

    def _cancel(self, run: Run, outcome: Outcome) -> bool:
        """Record the outcome of a queued run that was not started; return False if its lock cannot be acquired."""
        path = self._workspace.get_run_folder(run.run_id).lock
        try:
            lock = OwnerLock.open(path)
        except OSError:
            if not self._workspace.is_missing(path):
                return False
            if self._workspace.runs.find_status(run.key) is RunStatus.QUEUED:
                self._record_start_failure(run, _build_service_failure(_FOLDER_REMOVED, EndReason.RUN_FOLDER_REMOVED))
            return True
        with suppress(OSError), closing(lock):
            if lock.acquire_within(_READERS_SECONDS):
                if self._workspace.runs.find_status(run.key) is RunStatus.QUEUED:
                    self._record_start_failure(run, outcome)
                return True
        return False

    def stop_using_fork_server(self) -> None:
        """Close the fork server, so that supervisors are started as separate programs from now on."""
        if self._fork_server is not None:
            self._fork_server.close()
            self._fork_server = None

    def _start_run_with_lock(self, run: Run, lock: OwnerLock) -> int:
        """Start a run whose lock is held, or record why it cannot start; return the number of nodes that it uses."""
        folder = self._workspace.get_run_folder(run.run_id)
        if self._workspace.runs.find_status(run.key) is not RunStatus.QUEUED:
            return 0
        if self._workspace.is_missing(folder.lock):  # the one that was taken was removed with the folder
            self._record_start_failure(run, _build_service_failure(_FOLDER_REMOVED, EndReason.RUN_FOLDER_REMOVED))
            return 0
        outcome = read_outcome(folder)
        if outcome is not None:  # of a supervisor for which the store stayed shut
            record_outcome(self._workspace, run, outcome)
            return 0
        if self._deaths[run.key] >= _MAX_DEATHS:
            self._record_start_failure(run, _build_service_failure(_SUPERVISORS_DIED, EndReason.SUPERVISOR_DIED))
            return 0
        if was_streaming_command_killed(folder):
            self._record_start_failure(run, build_lost_stream_outcome())
            return 0
        lease = self._gpu_allocator.allocate(run.gpu_count, run.visible_gpus)
        if lease is None:
            raise TooFewGpus
        lock.clear_records()  # a recovery may have queued the run
        with closing(lease):
            if run.gpu_count:
                self._workspace.runs.update(run.key, gpus=",".join(lease.gpus))
            self._supervisors[self._start_supervisor(run, [lock.descriptor, *lease.locks])] = run.key
            self._started[run.key] = run
        self._folder.record_problem("")
        return run.node_count

    def _start_supervisor(self, run: Run, lock_fds: Sequence[int]) -> int:
        """Start a supervisor, with the fork server if possible, and return its pidfd."""
        deadline = time.monotonic() + _UPGRADE_SECONDS
        while (missing := find_missing_program()) is not None:
            if time.monotonic() >= deadline:
                raise ProgramGone(f"the installed mlrun-cli has been removed: {missing}")
            time.sleep(_RETRY_SECONDS)
        target = get_target(self._workspace, self._target)
        if self._fork_server is not None and target.forks_supervisors:
            if self._fork_server.is_current():
                return self._fork_server.start_supervisor(run.run_id, lock_fds)
            self.stop_using_fork_server()
        started = start_supervisor(target, run, lock_fds)
        assert started.pid is not None, "targets without processes here have dispatchers of their own"
        return os.pidfd_open(started.pid)

    def _report_problem(self, text: str) -> None:
        """Log a problem, and record it as the reason why runs are not started."""
        write_log(text)
        self._folder.record_problem(text)

    def _record_start_failure(self, run: Run, outcome: Outcome) -> None:
        """Record the end of a run that cannot be started, so that it does not block later runs."""
        self._workspace.get_run_folder(run.run_id).secrets.unlink(missing_ok=True)
        record_outcome(self._workspace, run, outcome)


def _build_service_failure(message: str, reason: EndReason | str) -> Outcome:
    return build_failure_outcome(message, code=SERVICE_ERROR, reason=reason)
