"""The target `local`: a supervisor is a detached process of this machine."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import mlrun_cli
from mlrun_cli.execution.process import RUN_ID_VARIABLE, SUPERVISOR_VARIABLE
from mlrun_cli.execution.run_lock import RunLock
from mlrun_cli.files.run_folder import RunFolder
from mlrun_cli.workspace import Workspace

NAME = "local"

_PATIENCE_SECONDS = 1.0
_PROGRAMS = os.path.join(os.path.dirname(mlrun_cli.__file__), "supervisor")


def start_supervisor(workspace: Workspace, run_id: str, lock: RunLock) -> int:
    """Start the supervisor of a run and hand it the lock; its pid.

    Raises:
        OSError: no process could be started.
    """
    return _spawn(
        ["--workspace", str(workspace.folder), "--lock", str(lock.descriptor), run_id],
        run_id,
        lock,
        workspace,
    )


def start_recovery(workspace: Workspace, run_id: str, lock: RunLock) -> None:
    """Start the program that mends runs whose supervisor is gone, this one first, and hand it the lock.

    Raises:
        OSError: no process could be started.
    """
    arguments = ["--workspace", str(workspace.folder), "--lock", str(lock.descriptor), "--recover", run_id]
    _spawn(arguments, run_id, lock, workspace)


def start_dispatcher(workspace: Workspace, target: str, folder: Path, lock: RunLock) -> None:
    """Start the program that starts what waits for a target, in its order, and hand it the lock of the queue.

    Raises:
        OSError: no process could be started.
    """
    arguments = ["--workspace", str(workspace.folder), "--lock", str(lock.descriptor), target]
    _spawn_program("dispatch.py", arguments, f"the queue of {target}", lock, folder / "dispatcher.log")


def _spawn(arguments: Sequence[str], run_id: str, lock: RunLock, workspace: Workspace) -> int:
    log = workspace.run_folder(run_id).supervisor_log
    return _spawn_program("__main__.py", arguments, run_id, lock, log if log.parent.is_dir() else Path(os.devnull))


def _spawn_program(program: str, arguments: Sequence[str], name: str, lock: RunLock, log: Path) -> int:
    os.set_inheritable(lock.descriptor, True)
    return os.posix_spawn(
        sys.executable,
        # Neither a PYTHONPATH that is meant for the script (-E) nor the folder it is submitted from, as with -m, may
        # change what the supervisor imports.
        [sys.executable, "-E", os.path.join(_PROGRAMS, program), *arguments],
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
