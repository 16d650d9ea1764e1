"""The queues of a workspace's targets, and the dispatchers that start queued runs in order.

A target's dispatcher is the process that holds the lock of its queue. A process that queues a run, ends a run or
reconciles wakes it: through its socket, or by starting a dispatcher if the lock is free. A dispatcher that has nothing
to do releases the lock and then reads the queue once more, so that no wake-up is lost.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import closing, suppress

from mlrun_cli.compute.compute_target import LOCAL_TARGET
from mlrun_cli.core.json_files import read_json, write_json
from mlrun_cli.core.local_folder import get_counterpart, make_counterpart_folder
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.time import format_iso, now
from mlrun_cli.errors import RunNotFound, StoreError, TargetKindNotFound
from mlrun_cli.processes.host import Origin, get_origin
from mlrun_cli.processes.process import ProcessId, identify_process
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runtime.liveness import UNFINISHED
from mlrun_cli.runtime.start_count import StartCount
from mlrun_cli.runtime.wake_up import start_or_wake
from mlrun_cli.targets.base import Target
from mlrun_cli.targets.lookup import get_target, get_target_class
from mlrun_cli.workspace import Workspace

_TIMEOUT_SECONDS = 2.0
_AGAIN_SECONDS = 0.005


class QueueFolder:
    """The folder of a target's queue, with its dispatcher's lock, socket and log.

    Attributes:
        starts: the dispatchers that were started since one last read the queue.
    """

    def __init__(self, workspace: Workspace, target: str) -> None:
        self._workspace = workspace
        self.path = workspace.folder / "queues" / target
        self.lock = self.path / "lock"
        self.starts = StartCount(self.lock)
        self.socket = get_counterpart(self.path) / "socket"
        self.log = self.path / "dispatcher.log"
        self._problem = self.path / "trouble.json"
        self._reasons = self.path / "reasons.json"
        self._dispatcher = self.path / "dispatcher.json"
        self._unfinished = workspace.folder / UNFINISHED / target

    def create(self) -> None:
        """Create the folder and its parent, private to its user, if they do not exist.

        Raises:
            OSError: it cannot be created.
            StoreUnavailable: the workspace is unavailable.
        """
        if self._workspace.is_missing(self.lock):  # its modification time is that of a dispatcher's last start
            for folder in (self.path.parent, self.path):
                folder.mkdir(mode=0o700, exist_ok=True)
            self.lock.touch(mode=0o600)

    def record_dispatcher(self) -> None:
        """Record this process as the dispatcher, and create the folder of its socket.

        It knows the conditions under which runs start.
        """
        make_counterpart_folder(self.path)
        process = identify_process(os.getpid())
        with suppress(OSError):
            write_json(self._dispatcher, {"process": process, "origin": get_origin()})

    def has_old_dispatcher(self) -> bool:
        """Return whether a live dispatcher is of an earlier version, which ignores start times of runs."""
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while self._is_served() and not self._is_recorded_process_alive():
            if time.monotonic() >= deadline:
                return True
            time.sleep(_AGAIN_SECONDS)  # it may just be starting, or be about to end
        return False

    def _is_served(self) -> bool:
        """Return whether a dispatcher holds the lock and has read the queue."""
        try:
            with closing(OwnerLock.open(self.lock)) as lock:
                return not lock.is_free() and not os.fstat(lock.descriptor).st_size
        except FileNotFoundError:
            return False

    def _is_recorded_process_alive(self) -> bool:
        """Return whether the process that last recorded itself as the dispatcher is alive."""
        with suppress(OSError, LookupError, TypeError):
            record = read_json(self._dispatcher) or {}
            origin, process = Origin(*record["origin"]), ProcessId(*record["process"])
            here = get_origin()
            if origin != here:  # a process of another container cannot be looked at
                return origin.boot_id == here.boot_id
            return identify_process(process.pid) == process
        return False

    def mark_unfinished(self) -> None:
        """Record that a dispatcher is needed even without queued or live runs, until `clear_unfinished`.

        Raises:
            OSError: it cannot be recorded.
        """
        self._unfinished.parent.mkdir(mode=0o700, exist_ok=True)
        self._unfinished.touch(mode=0o600)

    def clear_unfinished(self) -> bool:
        """Record that a dispatcher is needed only for queued or live runs; return False if that cannot be recorded."""
        try:
            self._unfinished.unlink(missing_ok=True)
        except OSError:
            return False
        return True

    def is_unfinished(self) -> bool:
        """Return whether a dispatcher is needed even without queued or live runs."""
        return self._unfinished.exists()

    def record_problem(self, text: str) -> None:
        """Record the problem that keeps queued runs from being started; an empty text clears the record."""
        with suppress(OSError):
            if not text:
                self._problem.unlink(missing_ok=True)
            elif text != self.read_problem():
                write_json(self._problem, {"text": text})

    def read_problem(self) -> str:
        """Return the recorded problem that keeps queued runs from starting, or an empty string if there is none."""
        if self.starts.is_failing():
            return f"the dispatcher of its queue keeps failing (see {self.log})"
        with suppress(OSError):
            return str((read_json(self._problem) or {}).get("text", ""))
        return ""

    def write_wait_reasons(self, reasons: Mapping[str, str]) -> None:
        """Write the reasons why the engine keeps queued runs waiting, keyed by run id; ignore file errors."""
        with suppress(OSError):
            write_json(self._reasons, reasons)

    def read_wait_reasons(self) -> Mapping[str, str]:
        """Return the reasons why the engine keeps queued runs waiting, keyed by run id; empty without an engine."""
        with suppress(OSError):
            return read_json(self._reasons) or {}
        return {}


def wake_dispatcher(workspace: Workspace, target: str) -> None:
    """Ensure that a dispatcher reads a target's queue soon; if dispatchers keep failing, only after a backoff.

    Raises:
        OSError: no dispatcher could be started; the next reconciliation tries again.
        StoreUnavailable: the workspace is unavailable.
    """
    folder = QueueFolder(workspace, target)
    folder.create()
    start_or_wake(lambda: _start_dispatcher_if_absent(workspace, target, folder), folder.socket)


def wake_dispatchers(workspace: Workspace) -> None:
    """Wake or start the dispatchers of all targets that need one; ignore failures, which reconciliation retries."""
    for target in _list_targets_needing_dispatcher(workspace):
        with suppress(OSError, StoreError):
            wake_dispatcher(workspace, target)


def ensure_dispatchers(workspace: Workspace) -> None:
    """Start a dispatcher for each target that needs one but has none.

    Raises:
        StoreUnavailable: the workspace is unavailable.
    """
    for target in _list_targets_needing_dispatcher(workspace):
        folder = QueueFolder(workspace, target)
        with suppress(OSError):
            folder.create()
            _start_dispatcher_if_absent(workspace, target, folder)


def _list_targets_needing_dispatcher(workspace: Workspace) -> list[str]:
    """Return the names of the targets that need a dispatcher for queued, live or unfinished runs.

    Live runs are those that it monitors; unfinished ones have ended, but what they have logged may not be stored.
    """
    targets = workspace.queues.get_targets_in_use()
    in_use = [name for name, has_queue in targets.items() if has_queue or _dispatcher_monitors_runs(workspace, name)]
    unfinished = [name for name in _list_unfinished_targets(workspace) if name not in targets]
    return [*in_use, *(name for name in unfinished if _dispatcher_monitors_runs(workspace, name))]


def _list_unfinished_targets(workspace: Workspace) -> list[str]:
    """Return the names of the targets that need a dispatcher without queued or live runs; forget deleted targets."""
    try:
        names = os.listdir(workspace.folder / UNFINISHED)
    except OSError:
        return []
    found = [name for name in names if workspace.compute_targets.find(name) is not None]
    for name in set(names).difference(found):  # its collector was killed before the target was deleted
        QueueFolder(workspace, name).clear_unfinished()
    return found


def _dispatcher_monitors_runs(workspace: Workspace, target: str) -> bool:
    """Return whether a target's dispatcher also monitors live runs, as the collector for an engine does."""
    row = None if target == LOCAL_TARGET else workspace.compute_targets.find(target)
    if row is None:
        return False
    try:
        return get_target_class(row.kind).dispatcher_follows_runs
    except TargetKindNotFound:
        return False


def _start_dispatcher_if_absent(workspace: Workspace, target: str, folder: QueueFolder) -> bool:
    """Start a dispatcher unless one is running or the last start was too recent; return False if one is running."""
    lock = OwnerLock.open(folder.lock)
    try:
        if not lock.try_acquire():
            return False
        if not folder.starts.is_backing_off():
            _start_dispatcher(workspace, target, folder, lock)
        return True
    finally:
        lock.close()


def _start_dispatcher(workspace: Workspace, target_name: str, folder: QueueFolder, lock: OwnerLock) -> None:
    try:
        target = get_target(workspace, target_name)
    except TargetKindNotFound as error:
        folder.record_problem(f"'{target_name}': {error.message}")
        return
    folder.starts.increment(lock)
    target.start_dispatcher(folder.log, lock)


def get_node_limit(workspace: Workspace, target: str) -> int | None:
    """Return the maximum number of nodes that a target's runs may use; 0 for a deleted target, None for no limit."""
    found = workspace.compute_targets.find(target)
    if found is None:
        return None if target == LOCAL_TARGET else 0
    try:
        return get_target_class(found.kind).get_node_limit(found)
    except TargetKindNotFound:  # its queue shows the problem
        return None


def _find_target_class(workspace: Workspace, target: str) -> type[Target] | None:
    found = workspace.compute_targets.find(target)
    with suppress(TargetKindNotFound):
        return None if found is None else get_target_class(found.kind)
    return None


class QueueReport:
    """A report on the reasons why queued runs wait, which reads each queue once for all of its runs."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._queues: dict[str, _Queue] = {}

    def describe_wait(self, run: Run) -> str:
        """Return the reasons why a queued run waits, in one line."""
        target = run.target or LOCAL_TARGET
        condition = self._describe_condition(run)
        if condition:
            return condition
        queue = self._read_queue(target)
        if queue.has_engine:
            reason = queue.reasons.get(run.run_id, f"a place on '{target}'")
            return f"{queue.problem}, {reason}" if queue.problem else reason
        before = queue.places.get(run.key, 0)
        reasons = [queue.problem] if queue.problem else []
        reasons.extend([f"{_format_count(before, 'run')} before it"] if before else ())
        if queue.node_limit == 0:
            reasons.append(f"the compute target '{target}' no longer exists")
        elif queue.node_limit is not None:
            reasons.extend([f"{run.node_count} nodes needed"] if run.node_count > 1 else ())
            reasons.append(f"{queue.busy} of the {_format_count(queue.node_limit, 'node')} of '{target}' taken")
        if run.gpu_count:
            reasons.append(f"{_format_count(run.gpu_count, 'free GPU')} needed")
        return ", ".join(reasons) or f"a place on '{target}'"

    def _describe_condition(self, run: Run) -> str:
        """Return the condition that prevents a queued run from being considered for a start, or an empty string."""
        conditions = []
        if run.predecessor_key is not None and run.started_at is None:
            with suppress(RunNotFound):
                predecessor = self._workspace.runs.get_by_key(run.predecessor_key)
                if predecessor.status is not RunStatus.COMPLETED:
                    conditions.append(f"the end of '{predecessor.run_id}', which is {predecessor.status.value}")
        if run.begin_at is not None and run.begin_at > now():
            what = "begin" if run.started_at is None else "next attempt"
            conditions.append(f"its {what} at {format_iso(run.begin_at)}")
        return " and ".join(conditions)

    def _read_queue(self, target: str) -> _Queue:
        if target not in self._queues:
            queues = self._workspace.queues
            limit = get_node_limit(self._workspace, target)
            folder = QueueFolder(self._workspace, target)
            kind = _find_target_class(self._workspace, target)
            self._queues[target] = _Queue(
                {key: place for place, key in enumerate(queues.list_ready_keys(target, now()))},
                limit,
                queues.count_busy_nodes(target),
                folder.read_problem(),
                kind is not None and kind.dispatcher_follows_runs,
                folder.read_wait_reasons(),
            )
        return self._queues[target]


class _Queue(NamedTuple):
    """A queue.

    Attributes:
        places: the places of the runs that wait for nothing but a place, from 0, by key.
        node_limit, busy: the limit and number of nodes in use.
        problem: the problem that keeps its runs from being started, or an empty string.
        has_engine: whether the queue is that of an engine, which decides on the order.
        reasons: why runs wait according to the engine, by run id.
    """

    places: Mapping[int, int]
    node_limit: int | None
    busy: int
    problem: str
    has_engine: bool
    reasons: Mapping[str, str]


def _format_count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
