"""`python …/mlrun_cli/supervisor/dispatch.py --workspace FOLDER --lock DESCRIPTOR TARGET`: the dispatcher of a target.

It starts what waits for the target, first come first served, as places become free, and ends when nothing waits.
Started by whoever finds its lock free, which is handed over.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

from mlrun_cli.domain.compute_target import most_nodes
from mlrun_cli.domain.moment import now
from mlrun_cli.domain.run import Run
from mlrun_cli.domain.run_error import SERVICE_ERROR, run_error
from mlrun_cli.domain.run_status import RunStatus
from mlrun_cli.errors import MlrunError, StoreError
from mlrun_cli.execution.finish import reap
from mlrun_cli.execution.gpus import gpus_of_machine
from mlrun_cli.execution.liveness import settle_runs
from mlrun_cli.execution.queues import QueueFolder, address_in
from mlrun_cli.execution.run_lock import RunLock
from mlrun_cli.execution.targets.local import start_supervisor
from mlrun_cli.store import compute_targets  # noqa: F401 — a workspace would load it when it is first used: too late
from mlrun_cli.supervisor.start import begin, open_workspace
from mlrun_cli.workspace import Workspace

_LOOK_SECONDS = 5.0
_RETRY_SECONDS = 0.5
_AT_ONCE = 64


class Dispatcher:
    """The one dispatcher of a target: it holds the lock of its queue."""

    def __init__(self, workspace: Workspace, target: str, lock: RunLock) -> None:
        self._workspace = workspace
        self._target = target
        self._folder = QueueFolder(workspace, target)
        self._lock = lock
        self._gpus = gpus_of_machine(os.environ)
        self._supervisors: dict[int, int] = {}
        self._starting: dict[int, Run] = {}

    def run(self) -> None:
        """Serve the queue until nothing waits and nobody has put anything into it meanwhile."""
        is_mine = True
        while is_mine:
            with self._listener() as listener:
                self._serve(listener)
            self._folder.socket.unlink(missing_ok=True)
            self._lock.close()
            if not self._workspace.runs.count_queued(self._target):
                return
            self._lock = RunLock.open(self._folder.lock)
            is_mine = self._lock.try_take()

    def _listener(self) -> socket.socket:
        self._folder.socket.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        descriptor = os.open(self._folder.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        before = os.umask(0o177)
        try:
            listener.bind(address_in(descriptor, self._folder.path, self._folder.socket.name))
        finally:
            os.umask(before)
            os.close(descriptor)
        listener.setblocking(False)
        return listener

    def _serve(self, listener: socket.socket) -> None:
        with suppress(StoreError):
            settle_runs(self._workspace)
        while True:
            try:
                if not self._start_what_fits():
                    return
            except StoreError as error:
                _log(f"the store waits: {error}")
                time.sleep(_RETRY_SECONDS)
                continue
            self._sleep(listener)

    def _start_what_fits(self) -> bool:
        """Start the first of the queue, one after another, as long as there is room; False when nothing waits."""
        most = most_nodes(self._workspace.compute_targets.find(self._target))
        # No more than can be started now, behind those that are just being started.
        waiting = self._workspace.runs.queued(self._target, len(self._starting) + (most or _AT_ONCE))
        waiting_keys = {run.key for run in waiting}
        self._starting = {key: run for key, run in self._starting.items() if key in waiting_keys}
        busy = self._workspace.runs.busy_nodes(self._target) + sum(run.node_count for run in self._starting.values())
        for run in waiting:
            if run.key in self._starting:
                continue
            if most is not None and busy + run.node_count > most:
                break
            if not self._start(run):
                break
            busy += run.node_count
        return bool(waiting)

    def _start(self, run: Run) -> bool:
        """Start one run; False when it has to wait for GPUs. One that cannot be started is left to who looks at it."""
        folder = self._workspace.run_folder(run.run_id)
        try:
            lock = RunLock.open(folder.lock)
        except OSError as error:
            self._give_up(run, f"The folder of the run is gone: {error.strerror}.")
            return True
        try:
            if not lock.try_take():  # another dispatcher has started it and died
                self._starting[run.key] = run
                return True
            if run.gpu_count and not self._give_gpus(run):
                return False
            self._starting[run.key] = run
            pid = start_supervisor(self._workspace, run.run_id, lock)
        except OSError as error:
            self._starting.pop(run.key, None)
            _log(f"{run.run_id} could not be started: {error}")
            return False
        finally:
            lock.close()
        with suppress(OSError):
            self._supervisors[os.pidfd_open(pid)] = pid
        return True

    def _give_gpus(self, run: Run) -> bool:
        """Give a run as many GPUs as it needs, of those that no live run has; False when there are too few."""
        with self._workspace.transaction():
            taken: set[str] = set()
            for other in self._workspace.runs.with_gpus():
                if other.key != run.key and self._has_started(other):
                    taken.update((other.gpus or "").split(","))
            free = [gpu for gpu in self._gpus if gpu not in taken]
            if len(free) < run.gpu_count:
                return False
            self._workspace.runs.update(run.key, gpus=",".join(free[: run.gpu_count]))
        return True

    def _has_started(self, run: Run) -> bool:
        """Whether a run that was given GPUs is really there, not left waiting by a dispatcher that died."""
        if run.status is not RunStatus.QUEUED or run.key in self._starting:
            return True
        with suppress(OSError):
            lock = RunLock.open(self._workspace.run_folder(run.run_id).lock)
            try:
                return not lock.is_free()
            finally:
                lock.close()
        return False

    def _give_up(self, run: Run, message: str) -> None:
        with self._workspace.transaction(durable=True):
            error = run_error(message, code=SERVICE_ERROR)
            self._workspace.runs.change_status(
                run.key, {RunStatus.QUEUED}, RunStatus.FAILED, ended_at=now(), error=error
            )

    def _sleep(self, listener: socket.socket) -> None:
        """Until somebody calls, a supervisor ends, or some seconds are over."""
        poll = select.poll()
        for descriptor in (listener.fileno(), *self._supervisors):
            poll.register(descriptor, select.POLLIN)
        ready = {descriptor for descriptor, _ in poll.poll(_LOOK_SECONDS * 1000)}
        with suppress(BlockingIOError):
            while listener.recv(64):
                pass
        ended = ready & self._supervisors.keys()
        for descriptor in ended:
            os.close(descriptor)
            del self._supervisors[descriptor]
        reap()
        if ended or not ready:
            # A supervisor may have died; and of those that an earlier dispatcher started, nothing tells but a look.
            with suppress(MlrunError):
                settle_runs(self._workspace)


def _log(text: str) -> None:
    """To the dispatcher's log; a full disk must not end a queue."""
    with suppress(OSError):
        os.write(sys.stderr.fileno(), f"{text}\n".encode())


def main(words: list[str]) -> None:
    """Run the program."""
    _, folder, _, descriptor, target = words
    begin(int(descriptor))
    with open_workspace(Path(folder), Path("queues", target)) as workspace:
        Dispatcher(workspace, target, RunLock(int(descriptor))).run()


if __name__ == "__main__":
    main(sys.argv[1:])
