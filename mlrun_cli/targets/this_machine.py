"""Supervisors on this machine: observed by their locks, woken by a socket, recovered by a program, ended by signals."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence

from mlrun_cli.core.time import now
from mlrun_cli.processes.host import get_origin
from mlrun_cli.processes.process import list_supervisors, send_signal, track_run_processes
from mlrun_cli.processes.termination import end_processes
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.targets.base import Liveness
from mlrun_cli.wire.framing import encode_line
from mlrun_cli.workspace import Workspace

_PATIENCE_SECONDS = 1.0


def may_judge(run: Run) -> bool:
    """Return whether this process can judge a live run by its lock.

    Runs of this very boot and PID namespace are judged by their lock alone, and so are those of an earlier boot.
    What lives in another namespace or on another machine is left alone until its lease has run out.
    """
    if run.origin is None or run.status is RunStatus.QUEUED:
        return False
    here = get_origin()
    if run.origin == here:
        return True
    if run.origin.host_id == here.host_id and run.origin.boot_id != here.boot_id:
        return True
    return run.lease_until is not None and run.lease_until < now()


def observe(workspace: Workspace, run: Run) -> Liveness:
    """Return the liveness of a run's supervisor, by the owner lock."""
    if not may_judge(run):
        return Liveness.ALIVE
    folder = workspace.run_folder(run.run_id)
    try:
        lock = OwnerLock.open(folder.lock)
    except FileNotFoundError:
        is_ours = run.origin is not None and run.origin.host_id == get_origin().host_id
        return Liveness.FOLDER_GONE if is_ours and workspace.is_missing(folder.lock) else Liveness.ALIVE
    except OSError:
        return Liveness.ALIVE
    try:
        # The store is read once more when the lock is free: a run that has just ended has let go of it.
        is_lost = is_alive(workspace, run) if lock.is_free() else lock.is_recovering()
    finally:
        lock.close()
    return Liveness.LOST if is_lost else Liveness.ALIVE


def is_alive(workspace: Workspace, run: Run) -> bool:
    """Return whether a run has not ended, as the store has it now."""
    status = workspace.runs.find_status(run.key)
    return status is not None and not status.is_terminal


def recover(workspace: Workspace, runs: Sequence[Run], start: Callable[[Run, OwnerLock], object]) -> bool:
    """Start a process that recovers lost runs unless one runs; return False when none could be started.

    Args:
        workspace: where the runs are.
        runs: those that are lost.
        start: starts the process, which recovers them all, with the owner lock of one of them in hand.
    """
    for run in runs:
        try:
            lock = OwnerLock.open(workspace.run_folder(run.run_id).lock)
        except OSError:
            continue
        try:
            if lock.take_to_recover():
                if is_alive(workspace, run):
                    start(run, lock)
                    return True
            elif not lock.is_free() and lock.is_recovering():
                return True
        except OSError:
            continue
        finally:
            lock.close()
    return False


def wake(folder: RunFolder) -> bool:
    """Wake a supervisor, so that it reads the store at once; return False when none listens."""
    import socket  # noqa: PLC0415 — not on the way of `run list`

    try:
        with (
            folder.open_socket_address(folder.socket) as address,
            socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection,
        ):
            connection.settimeout(_PATIENCE_SECONDS)
            connection.connect(address)
            connection.sendall(encode_line({"call": "wake"}))
            return bool(connection.recv(1))
    except OSError:
        return False


def kill(workspace: Workspace, run: Run) -> bool:
    """Kill the supervisor and the script of a run by SIGKILL; return False when they may live elsewhere."""
    if not may_judge(run):
        return False
    workspace.run_folder(run.run_id).record_heartbeat()
    for supervisor in list_supervisors(run.run_id):
        send_signal(supervisor, signal.SIGKILL)
    end_processes(track_run_processes(run.run_id), 0.0)
    return True
