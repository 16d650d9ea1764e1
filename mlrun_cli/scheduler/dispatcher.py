"""`python …/mlrun_cli/scheduler/dispatcher.py --workspace FOLDER --lock DESCRIPTOR TARGET`: the dispatcher of a target.

It starts what waits for the target, first come first served, as places become free, and ends when nothing waits.
Started by whoever finds its lock free, which is handed over.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

from mlrun_cli.errors import MlrunError, StoreError
from mlrun_cli.processes.inheritance import is_beyond_file_limit
from mlrun_cli.processes.termination import reap
from mlrun_cli.runs.error import SERVICE_ERROR
from mlrun_cli.runs.outcome import Outcome
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import ALIVE_STATUSES, RunStatus
from mlrun_cli.runs.stream_lock import has_lost_its_stream
from mlrun_cli.runtime.finish import make_failure_outcome, make_lost_stream_outcome, read_outcome, record_outcome
from mlrun_cli.runtime.liveness import reconcile_runs
from mlrun_cli.runtime.program_start import begin, open_workspace
from mlrun_cli.runtime.queue import QueueFolder, node_limit
from mlrun_cli.runtime.supervisor_start import start_supervisor
from mlrun_cli.scheduler.backfill import Passing
from mlrun_cli.scheduler.fork_server import ForkServer, ForkServerGone
from mlrun_cli.scheduler.gpu_allocator import GpuLender
from mlrun_cli.targets.programs import missing_program
from mlrun_cli.targets.registry import find_target
from mlrun_cli.wire.framing import socket_address
from mlrun_cli.workspace import Workspace

_LOOK_SECONDS = 5.0
_RETRY_SECONDS = 0.5
_UPGRADE_SECONDS = 5.0
_READERS_SECONDS = 0.02
_AT_ONCE = 64
_WHOLE_QUEUE = 1_000_000
_MOST_DEATHS = 3
_FOLDER_REMOVED = "The folder of the run has been removed while it waited."


class _TooFewGpus(Exception):
    """A run has to wait for GPUs."""


class _ProgramGone(Exception):
    """What this dispatcher starts supervisors by has been removed: it is for another one."""


class Dispatcher:
    """The one dispatcher of a target: it holds the lock of its queue.

    A run whose row is Queued is being started as long as its lock is held, by a supervisor that this dispatcher has
    started or an earlier one; a free lock means that it waits.
    """

    def __init__(self, workspace: Workspace, target: str, lock: OwnerLock, fork_server: ForkServer | None) -> None:
        self._workspace = workspace
        self._target = target
        self._folder = QueueFolder(workspace, target)
        self._lock = lock
        self._fork_server = fork_server
        self._gpu_lender = GpuLender()
        self._supervisors: dict[int, int] = {}
        """The keys of the runs whose supervisors this dispatcher has started and that live, by their pidfds."""
        self._deaths: Counter[int] = Counter()
        """How many supervisors of a run have ended before it had left the queue."""
        self._next_look = time.monotonic() + _LOOK_SECONDS

    def run(self) -> None:
        """Serve the queue until nothing waits and nobody has put anything into it meanwhile.

        A workspace that is away may never come back: when it does, the next look at one of its runs starts another.
        One that has lost its own program leaves the queue to the next look, too.
        """
        self._folder.record_problem("")
        try:
            self._serve_as_long_as_needed()
        except _ProgramGone as error:
            self._folder.record_problem(str(error))
            _log(f"the queue is left to another dispatcher: {error}")
            self._folder.socket.unlink(missing_ok=True)
            self._lock.close()

    def _serve_as_long_as_needed(self) -> None:
        is_mine = True
        while is_mine:
            with self._listener() as listener:
                self._serve(listener)
            self._folder.socket.unlink(missing_ok=True)
            self._lock.close()
            if not self._workspace.is_in_place() or not self._workspace.queues.list_keys(self._target):
                return
            self._lock = OwnerLock.open(self._folder.lock)
            is_mine = self._lock.try_take()

    def _listener(self) -> socket.socket:
        self._folder.socket.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        before = os.umask(0o177)
        try:
            with socket_address(os.fspath(self._folder.path), self._folder.socket.name) as address:
                listener.bind(address)
        finally:
            os.umask(before)
        listener.setblocking(False)
        return listener

    def _serve(self, listener: socket.socket) -> None:
        with suppress(StoreError):
            reconcile_runs(self._workspace)
        while self._workspace.is_in_place():
            try:
                is_needed = self._start_what_fits()
            except StoreError as error:
                _log(f"the store waits: {error}")
                if is_beyond_file_limit(self._workspace.locator.database.files()):
                    raise  # the next look at a run starts another
                time.sleep(_RETRY_SECONDS)
                continue
            except ForkServerGone as error:
                _log(f"from now on each supervisor is started as a program: {error}")
                self._leave_fork_server()
                continue
            self._folder.clear_starts(self._lock)
            if not is_needed:
                return
            self._sleep(listener)

    def _start_what_fits(self) -> bool:
        """Start what there is room for, in the order of the queue; False when nothing waits.

        What needs less may pass what finds no room, but not more often than that one needs nodes or GPUs.
        """
        most = node_limit(self._workspace, self._target)
        # Those that are just being started are among them.
        waiting = self._workspace.queues.list_runs(self._target, len(self._supervisors) + max(most or 0, _AT_ONCE))
        starting = {run.key for run in waiting} & set(self._supervisors.values())
        # One that leaves the queue between these two questions is counted once all the same.
        busy = self._workspace.queues.count_busy_nodes(self._target, besides=starting)
        busy += sum(run.node_count for run in waiting if run.key in starting)
        passing = Passing(self._workspace, self._gpu_lender, self._supervisors.values())
        for run in waiting:
            if run.key in starting:
                continue
            if most is not None and busy >= most:  # to ask who may pass whom would go through all that wait
                break
            if not passing.may_pass(run):
                continue
            if most is not None and busy + run.node_count > most:
                passing.lacks_nodes(run)
                continue
            if run.gpu_count and passing.would_lack_gpus(run):
                continue
            try:
                nodes = self._start(run)
            except _TooFewGpus:
                passing.lacks_gpus(run)
                continue
            if nodes is None:
                break
            busy += nodes
        return bool(waiting)

    def _start(self, run: Run) -> int | None:
        """Start one run; how many nodes it takes from now on, or None when it, and those behind it, have to wait.

        Raises:
            _TooFewGpus: it has to wait for some; those behind it need not.
        """
        folder = self._workspace.run_folder(run.run_id)
        try:
            lock = OwnerLock.open(folder.lock)
        except FileNotFoundError:
            if not self._workspace.lacks(folder.lock):  # the workspace was away, and is back
                return None
            self._give_up(run, _failed(_FOLDER_REMOVED))
            return 0
        except OSError as error:
            self._tell(f"{run.run_id} waits: {error}")
            return None
        try:
            is_mine = lock.take_within(_READERS_SECONDS)
            return self._start_locked(run, lock) if is_mine else run.node_count
        except (OSError, MlrunError) as error:
            if isinstance(error, StoreError):
                raise
            self._tell(f"{run.run_id} could not be started: {error}")
            return None
        finally:
            lock.close()

    def _start_locked(self, run: Run, lock: OwnerLock) -> int:
        """The same for a run that nobody else can start, nor has started."""
        folder = self._workspace.run_folder(run.run_id)
        if self._workspace.runs.status(run.key) is not RunStatus.QUEUED:
            return 0
        if self._workspace.lacks(folder.lock):  # the one that was taken was removed with the folder
            self._give_up(run, _failed(_FOLDER_REMOVED))
            return 0
        outcome = read_outcome(folder)
        if outcome is not None:  # of a supervisor for which the store stayed shut
            record_outcome(self._workspace, run, outcome)
            return 0
        if self._deaths[run.key] >= _MOST_DEATHS:
            self._give_up(run, _failed(f"{_MOST_DEATHS} supervisors of the run ended before they had started it."))
            return 0
        if has_lost_its_stream(folder):
            self._give_up(run, make_lost_stream_outcome())
            return 0
        loan = self._gpu_lender.lend(run)
        if loan is None:
            raise _TooFewGpus
        with closing(loan):
            if run.gpu_count:
                self._workspace.runs.update(run.key, gpus=",".join(loan.gpus))
            self._supervisors[self._start_supervisor(run, [lock.descriptor, *loan.locks])] = run.key
        self._folder.record_problem("")
        return run.node_count

    def _start_supervisor(self, run: Run, locks: Sequence[int]) -> int:
        """Start a supervisor, the quick way where there is one; its pidfd.

        Raises:
            _ProgramGone: nothing is there by which it could be started, nor comes, as with an upgrade.
        """
        deadline = time.monotonic() + _UPGRADE_SECONDS
        while (missing := missing_program()) is not None:
            if time.monotonic() >= deadline:
                raise _ProgramGone(f"the mlrun-cli that starts it has been removed, {missing}")
            time.sleep(_RETRY_SECONDS)
        target = find_target(self._workspace, self._target)
        if self._fork_server is not None and target.forks_supervisors:
            if self._fork_server.is_current():
                return self._fork_server.start_supervisor(run.run_id, locks)
            self._leave_fork_server()
        started = start_supervisor(target, run, locks)
        assert started.pid is not None, "targets without processes here have dispatchers of their own"
        return os.pidfd_open(started.pid)

    def _tell(self, text: str) -> None:
        """To the log, and to who looks at what waits."""
        _log(text)
        self._folder.record_problem(text)

    def _leave_fork_server(self) -> None:
        if self._fork_server is not None:
            self._fork_server.close()
            self._fork_server = None

    def _give_up(self, run: Run, outcome: Outcome) -> None:
        """Record the end of a run that is not started any more; those behind it go on."""
        self._workspace.run_folder(run.run_id).secrets.unlink(missing_ok=True)
        record_outcome(self._workspace, run, outcome)

    def _give_up_abandoned(self) -> None:
        """End those, wherever in the queue, that were to be canceled with a command which has been killed."""
        for run in self._workspace.queues.list_runs(self._target, _WHOLE_QUEUE):
            folder = self._workspace.run_folder(run.run_id)
            if has_lost_its_stream(folder):
                with suppress(OSError), closing(OwnerLock.open(folder.lock)) as lock:
                    if lock.try_take() and self._workspace.runs.status(run.key) is RunStatus.QUEUED:
                        self._give_up(run, make_lost_stream_outcome())

    def _sleep(self, listener: socket.socket) -> None:
        """Until somebody calls, a supervisor ends, or it is time to look for what nobody tells."""
        poll = select.poll()
        for descriptor in (listener.fileno(), *self._supervisors):
            poll.register(descriptor, select.POLLIN)
        ready = {descriptor for descriptor, _ in poll.poll(max(0.0, self._next_look - time.monotonic()) * 1000)}
        with suppress(BlockingIOError):
            while listener.recv(64):
                pass
        ended = ready & self._supervisors.keys()
        keys = [self._supervisors.pop(descriptor) for descriptor in ended]
        for descriptor in ended:
            os.close(descriptor)
        reap()
        is_due = time.monotonic() >= self._next_look
        if is_due:
            self._next_look = time.monotonic() + _LOOK_SECONDS
        with suppress(MlrunError):
            left = {key: status for key in keys if (status := self._workspace.runs.status(key)) in ALIVE_STATUSES}
            self._deaths.update(key for key, status in left.items() if status is RunStatus.QUEUED)
            # Of the supervisors that an earlier dispatcher started, nothing tells but a look.
            if left or is_due:
                reconcile_runs(self._workspace)
            if is_due:
                self._give_up_abandoned()


def _failed(message: str) -> Outcome:
    return make_failure_outcome(message, code=SERVICE_ERROR)


def _log(text: str) -> None:
    """To the dispatcher's log; a full disk must not end a queue."""
    with suppress(OSError):
        os.write(sys.stderr.fileno(), f"{text}\n".encode())


def _fork_server(workspace: Path) -> ForkServer | None:
    try:
        return ForkServer(workspace)
    except OSError as error:
        _log(f"each supervisor is started as a program: {error}")
        return None


def main(words: list[str]) -> None:
    """Run the program."""
    _, folder, _, descriptor, target = words
    begin(int(descriptor))
    fork_server = _fork_server(Path(folder))
    with open_workspace(Path(folder), Path("queues", target)) as workspace:
        Dispatcher(workspace, target, OwnerLock(int(descriptor)), fork_server).run()


if __name__ == "__main__":
    main(sys.argv[1:])
