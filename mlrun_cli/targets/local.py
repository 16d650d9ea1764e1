"""The target `local`: a supervisor is a detached process of this machine."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import mlrun_cli
from mlrun_cli.processes.process import RUN_ID_VARIABLE, SUPERVISOR_VARIABLE
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.workspace import Workspace

_PATIENCE_SECONDS = 1.0
_PACKAGE = os.path.dirname(mlrun_cli.__file__)
SUPERVISOR_PROGRAM = os.path.join(_PACKAGE, "supervisor", "__main__.py")
_DISPATCHER_PROGRAM = os.path.join(_PACKAGE, "scheduler", "dispatcher.py")

_started: list[int] = []
"""The pids of those that this process has started and has not reaped."""


def start_supervisor(workspace: Workspace, run_id: str, locks: Sequence[int]) -> int:
    """Start the supervisor of a run and hand it open locks, that of the run first; its pid.

    Raises:
        OSError: no process could be started.
    """
    words = supervisor_words(workspace.folder, run_id, locks)
    return _spawn_program(SUPERVISOR_PROGRAM, words, run_id, locks, supervisor_log(workspace.run_folder(run_id)))


def supervisor_words(workspace: Path, run_id: str, locks: Sequence[int]) -> list[str]:
    """What the program of a supervisor is told: the folder of its workspace, the open locks, and its run."""
    return ["--workspace", str(workspace), "--lock", ",".join(map(str, locks)), run_id]


def supervisor_log(folder: RunFolder) -> Path:
    """Where a supervisor writes what it has to say; nowhere when the folder of its run is gone."""
    log = folder.supervisor_log
    return log if log.parent.is_dir() else Path(os.devnull)


def missing_program() -> str | None:
    """What a supervisor is started by and is not there any more: this interpreter, or this package; None as a rule."""
    return next((path for path in (sys.executable, SUPERVISOR_PROGRAM) if not os.path.exists(path)), None)


def start_recovery(workspace: Workspace, run_id: str, lock: OwnerLock) -> None:
    """Start the program that recovers runs whose supervisor is gone, this one first, and hand it the lock.

    Raises:
        OSError: no process could be started.
    """
    arguments = ["--workspace", str(workspace.folder), "--lock", str(lock.descriptor), "--recover", run_id]
    log = supervisor_log(workspace.run_folder(run_id))
    _spawn_program(SUPERVISOR_PROGRAM, arguments, run_id, [lock.descriptor], log)


def start_dispatcher(workspace: Workspace, target: str, log: Path, lock: OwnerLock) -> None:
    """Start the program that starts what waits for a target, in its order, and hand it the lock of the queue.

    Raises:
        OSError: no process could be started.
    """
    arguments = ["--workspace", str(workspace.folder), "--lock", str(lock.descriptor), target]
    _spawn_program(_DISPATCHER_PROGRAM, arguments, f"the queue of {target}", [lock.descriptor], log)


def _spawn_program(program: str, arguments: Sequence[str], name: str, locks: Sequence[int], log: Path) -> int:
    _reap_ended()
    for descriptor in locks:
        os.set_inheritable(descriptor, True)
    pid = os.posix_spawn(
        sys.executable,
        # Neither a PYTHONPATH that is meant for the script (-E) nor the folder it is submitted from, as with -m, may
        # change what the supervisor imports.
        [sys.executable, "-E", program, *arguments],
        _supervisor_environment(name),
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.fspath(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
        setsigmask=(),
        # Where a child's end is ignored, the kernel tells nobody how it ended.
        setsigdef=(signal.SIGCHLD,),
    )
    _started.append(pid)
    return pid


def _reap_ended() -> None:
    """Have the system forget those that this process has started before and that have ended.

    A command is over before they are. A studio or a notebook is not, and would collect them as zombies.
    """
    for pid in _started.copy():
        try:
            has_ended = os.waitpid(pid, os.WNOHANG)[0] == pid
        except ChildProcessError:  # it was reaped otherwise, or is a child of the process that has forked this one
            has_ended = True
        if has_ended:
            with suppress(ValueError):  # another thread was faster
                _started.remove(pid)


def _supervisor_environment(supervised: str) -> dict[str, str]:
    """Without the id of a run: what a supervisor starts is found by that variable, and it is none of that."""
    environment = {name: value for name, value in os.environ.items() if name != RUN_ID_VARIABLE}
    return environment | {SUPERVISOR_VARIABLE: supervised}


def wake_supervisor(folder: RunFolder) -> bool:
    """Have a supervisor look at the store at once instead of within a second; False when none listens."""
    import socket  # noqa: PLC0415 — not on the way of `run list`

    try:
        with (
            folder.address_of(folder.socket) as address,
            socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection,
        ):
            connection.settimeout(_PATIENCE_SECONDS)
            connection.connect(address)
            connection.sendall(b'{"call": "wake"}\n')
            return bool(connection.recv(1))
    except OSError:
        return False
