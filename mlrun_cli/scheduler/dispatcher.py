"""`python …/mlrun_cli/scheduler/dispatcher.py --workspace FOLDER --lock DESCRIPTOR TARGET`: the dispatcher of a target.

It starts the runs that wait for the target, first come first served, as nodes become free, and ends when no run waits.
Any process that finds the lock of the queue free starts a dispatcher and passes it the lock.
"""

from __future__ import annotations

import select
import sys
import time
from contextlib import suppress
from pathlib import Path

from mlrun_cli.core.program_log import write_log
from mlrun_cli.core.time import now
from mlrun_cli.errors import MlrunError, StoreError
from mlrun_cli.processes.gpu_allocator import GpuAllocator
from mlrun_cli.processes.inheritance import exceeds_file_size_limit
from mlrun_cli.processes.termination import reap_children
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.runtime.program_start import detach_program, open_workspace_when_available
from mlrun_cli.runtime.queue import QueueFolder, get_node_limit
from mlrun_cli.runtime.reconciliation import reconcile_runs
from mlrun_cli.runtime.wake_socket import WakeSocket
from mlrun_cli.scheduler.backfill import Backfill
from mlrun_cli.scheduler.fork_server import ForkServer, ForkServerGone
from mlrun_cli.scheduler.run_starter import ProgramGone, RunStarter, TooFewGpus
from mlrun_cli.workspace import Workspace

_LOOK_SECONDS = 5.0
_RETRY_SECONDS = 0.5
_AT_ONCE = 64


class Dispatcher:
    """The only dispatcher of a target, which holds the lock of the target's queue."""

    def __init__(self, workspace: Workspace, target: str, lock: OwnerLock, fork_server: ForkServer | None) -> None:
        self._workspace = workspace
        self._target = target
        self._folder = QueueFolder(workspace, target)
        self._lock = lock
        self._gpu_allocator = GpuAllocator()
        self._starter = RunStarter(workspace, target, self._gpu_allocator, fork_server)
        self._next_look = time.monotonic() + _LOOK_SECONDS

    def run(self) -> None:
        """Start queued runs until the dispatcher is no longer needed.

        It also ends if the workspace becomes unavailable, perhaps forever, or if its program has been removed. The next
        query of a run in the workspace starts another dispatcher.
        """
        self._folder.record_problem("")
        try:
            self._serve_while_needed()
        except ProgramGone as error:
            self._folder.record_problem(str(error))
            write_log(f"the queue is left to another dispatcher: {error}")
            self._lock.close()

    def _serve_while_needed(self) -> None:
        """Serve the queue, and serve it again if a run was added just before the lock was released."""
        is_mine = True
        while is_mine:
            self._folder.record_dispatcher()
            with WakeSocket(self._folder.socket) as wake_socket:
                self._serve(wake_socket)
            self._lock.close()
            if not self._workspace.is_database_in_place() or not self._workspace.queues.list_keys(self._target):
                return
            self._lock = OwnerLock.open(self._folder.lock)
            is_mine = self._lock.try_acquire()

    def _serve(self, wake_socket: WakeSocket) -> None:
        """Start queued runs, and wait for changes in between, until the dispatcher is no longer needed."""
        with suppress(StoreError):
            reconcile_runs(self._workspace)
        while self._workspace.is_database_in_place():
            try:
                is_needed = self._start_runs()
            except StoreError as error:
                write_log(f"the store waits: {error}")
                if exceeds_file_size_limit(self._workspace.locator.database.list_files()):
                    raise  # the next look at a run starts another
                time.sleep(_RETRY_SECONDS)
                continue
            except ForkServerGone as error:
                write_log(f"from now on each supervisor is started as a program: {error}")
                self._starter.stop_using_fork_server()
                continue
            self._folder.starts.reset(self._lock)
            if not is_needed:
                return
            self._wait_for_event(wake_socket)

    def _start_runs(self) -> bool:
        """Start runs in queue order while nodes and GPUs are free; return whether the dispatcher is still needed.

        Smaller runs may overtake a run that cannot be started yet, as limited by `Backfill`.
        """
        node_limit = get_node_limit(self._workspace, self._target)
        # Those that are just being started are among them.
        limit = len(self._starter.pidfds) + max(node_limit or 0, _AT_ONCE)
        self._starter.cancel_unstartable_runs()
        waiting = self._workspace.queues.list_ready_runs(self._target, now(), limit)
        starting = {run.key for run in waiting} & set(self._starter.run_keys)
        # One that leaves the queue between these two reads is counted once all the same.
        busy = self._workspace.queues.count_busy_nodes(self._target, excluded_keys=starting)
        busy += sum(run.node_count for run in waiting if run.key in starting)
        backfill = Backfill(self._workspace, self._gpu_allocator, self._starter.run_keys)
        for run in waiting:
            if run.key in starting:
                continue
            if node_limit is not None and busy >= node_limit:  # to see what may overtake would go through all that wait
                break
            if not backfill.can_overtake(run):
                continue
            if node_limit is not None and busy + run.node_count > node_limit:
                backfill.record_node_shortage(run)
                continue
            if run.gpu_count and backfill.is_short_of_gpus(run):
                continue
            try:
                nodes = self._starter.start(run)
            except TooFewGpus:
                backfill.record_gpu_shortage(run)
                continue
            if nodes is None:
                break
            busy += nodes
        # A controller is about to queue more, for which a new dispatcher would first have to load its modules.
        is_needed = bool(waiting) or bool(self._workspace.queues.list_keys(self._target))
        return is_needed or self._workspace.child_runs.has_controlled_runs()

    def _wait_for_event(self, wake_socket: WakeSocket) -> None:
        """Wait for a wake-up, the end of a supervisor, or the next periodic check, and handle it."""
        poll = select.poll()
        for descriptor in (wake_socket.fileno(), *self._starter.pidfds):
            poll.register(descriptor, select.POLLIN)
        ready = {descriptor for descriptor, _ in poll.poll(max(0.0, self._next_look - time.monotonic()) * 1000)}
        wake_socket.drain()
        is_due = time.monotonic() >= self._next_look
        if is_due:
            self._next_look = time.monotonic() + _LOOK_SECONDS
        reap_children()
        with suppress(MlrunError):
            has_left_runs = self._starter.record_exits(ready & set(self._starter.pidfds))
            # Of the supervisors that an earlier dispatcher started, nothing tells but a look.
            if has_left_runs or is_due:
                reconcile_runs(self._workspace)
            if is_due:
                self._starter.cancel_abandoned_runs()


def _start_fork_server(workspace: Path) -> ForkServer | None:
    try:
        return ForkServer(workspace)
    except OSError as error:
        write_log(f"each supervisor is started as a program: {error}")
        return None


def main(arguments: list[str]) -> None:
    """Run the background process that starts the queued runs of a target."""
    _, folder, _, descriptor, target = arguments
    detach_program(Path(folder), int(descriptor))
    fork_server = _start_fork_server(Path(folder))
    with open_workspace_when_available(Path(folder), Path("queues", target)) as workspace:
        Dispatcher(workspace, target, OwnerLock(int(descriptor)), fork_server).run()


if __name__ == "__main__":
    main(sys.argv[1:])
