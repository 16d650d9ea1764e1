"""Supervisors on this machine: test their locks, wake them through sockets, recover their runs and kill them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from mlrun_cli.core.local_folder import get_counterpart
from mlrun_cli.core.time import now
from mlrun_cli.processes.host import get_origin
from mlrun_cli.processes.process import list_supervisors, track_run_processes
from mlrun_cli.processes.termination import end_processes, kill_processes
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.targets.base import Liveness
from mlrun_cli.wire.framing import encode_line
from mlrun_cli.workspace import Workspace

_TIMEOUT_SECONDS = 1.0


def can_test_lock(run: Run) -> bool:
    """Return whether this process can tell from the owner lock of a live run whether its supervisor is alive.

    This is so for runs of the same boot and PID namespace, and for those of an earlier boot of this machine. Runs in
    another namespace or on another machine are considered alive until their lease has expired.
    """
    if run.origin is None or run.status is RunStatus.QUEUED:
        return False
    here = get_origin()
    if run.origin == here:
        return True
    if run.origin.host_id == here.host_id and run.origin.boot_id != here.boot_id:
        return True
    return run.lease_until is not None and run.lease_until < now()


def get_supervisor_liveness(workspace: Workspace, run: Run) -> Liveness:
    """Return the liveness of a run's supervisor according to the owner lock."""
    if not can_test_lock(run):
        return Liveness.ALIVE
    folder = workspace.get_run_folder(run.run_id)
    try:
        lock = OwnerLock.open(folder.lock)
    except FileNotFoundError:
        is_ours = run.origin is not None and run.origin.host_id == get_origin().host_id
        return Liveness.FOLDER_GONE if is_ours and workspace.is_missing(folder.lock) else Liveness.ALIVE
    except OSError:
        return Liveness.ALIVE
    try:
        # The store is read once more when the lock is free: a run that has just ended has let go of it.
        is_lost = is_unfinished(workspace, run) if lock.is_free() else lock.is_recovering()
    finally:
        lock.close()
    return Liveness.LOST if is_lost else Liveness.ALIVE


def is_unfinished(workspace: Workspace, run: Run) -> bool:
    """Return whether a run has not ended according to its current row in the store."""
    status = workspace.runs.find_status(run.key)
    return status is not None and not status.is_terminal


def recover_runs(workspace: Workspace, runs: Sequence[Run], start_recovery: Callable[[Run, OwnerLock], object]) -> bool:
    """Start a process that recovers lost runs unless one is running; return False if none could be started.

    Args:
        workspace: the workspace of the runs.
        runs: the lost runs.
        start_recovery: a function that starts the process for all runs; called with one of them and its owner lock.
    """
    for run in runs:
        try:
            lock = OwnerLock.open(workspace.get_run_folder(run.run_id).lock)
        except OSError:
            continue
        try:
            if lock.acquire_to_recover():
                if is_unfinished(workspace, run):
                    start_recovery(run, lock)
                    return True
            elif not lock.is_free() and lock.is_recovering():
                return True
        except OSError:
            continue
        finally:
            lock.close()
    return False


def wake_supervisor(folder: RunFolder) -> bool:
    """Wake a supervisor to make it read the store immediately; return False if it does not respond."""
    import socket  # noqa: PLC0415 — not on the way of `run list`

    try:
        with (
            folder.open_socket_address(folder.socket) as address,
            socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection,
        ):
            connection.settimeout(_TIMEOUT_SECONDS)
            connection.connect(address)
            connection.sendall(encode_line({"call": "wake"}))
            return bool(connection.recv(1))
    except OSError:
        return False


def kill_run(workspace: Workspace, run: Run) -> bool:
    """Kill the supervisor and the script of a run with SIGKILL; return False if they may be on another machine."""
    if not can_test_lock(run):
        return False
    folder = workspace.get_run_folder(run.run_id)
    folder.record_heartbeat()
    # First, and all: one that lives on would see the end of its script, and record that as a failure.
    kill_processes(lambda: list_supervisors(run.run_id, _stat_lock(folder)))
    end_processes(track_run_processes(run.run_id), 0.0)
    return True


def _stat_lock(folder: RunFolder) -> os.stat_result | None:
    """Return the `stat` result of a run's owner lock file, or None if it cannot be read."""
    try:
        return get_counterpart(folder.lock).stat()
    except OSError:
        return None
