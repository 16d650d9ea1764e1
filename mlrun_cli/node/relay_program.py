"""`python …/mlrun_cli/node/relay_program.py RUN_FOLDER VARIABLE=NODE COMMAND…`: execute a process of a run's script.

The supervisor and its socket are on NODE; VARIABLE contains the name of this process's node. On any other node, another
process is started first, which forwards what this one asks to the shared folder, and ends with it.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import signal
import socket
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NoReturn

from mlrun_cli.node.scratch_folder import create_scratch_folder
from mlrun_cli.runs.shared_folder import SharedRunFolder
from mlrun_cli.wire.framing import open_socket_address
from mlrun_cli.wire.run_folder import SUPERVISOR_SOCKET

_BACKLOG = 64


def main(arguments: list[str]) -> None:
    """Start a relay unless this is the supervisor's node, and replace this process with the command."""
    folder, supervisor_node, *command = arguments
    variable, _, node = supervisor_node.partition("=")
    with ExitStack() as stack:
        if os.environ.get(variable) != node:
            with suppress(OSError):  # only what the script asks is without an answer then
                os.environ["MLRUN_SOCKET_FOLDER"] = start_relay(SharedRunFolder(Path(folder)), stack)
        try:
            os.execvp(command[0], command)
        except OSError as error:
            sys.exit(f"{command[0]}: {error.strerror}")


def start_relay(shared: SharedRunFolder, stack: ExitStack) -> str:
    """Start a relay that forwards requests until this process ends; return the folder of the relay's socket.

    The relay is no child of this process, since the script may wait for all of its own.

    Args:
        shared: the folder of the run.
        stack: what to close, by either of the two processes, once the relay is not needed any more.

    Returns:
        The folder with the relay's socket.

    Raises:
        OSError: it cannot be started.
    """
    process = os.pidfd_open(os.getpid())
    folder, lock = stack.enter_context(create_scratch_folder(shared.path.name))
    listener = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
    with open_socket_address(str(folder), SUPERVISOR_SOCKET) as address:
        listener.bind(address)
    listener.listen(_BACKLOG)
    child = os.fork()
    if child == 0:
        if os.fork() == 0:
            _relay_requests(stack, listener, shared, process, lock)
        os._exit(0)
    os.waitpid(child, 0)
    return str(folder)


def _relay_requests(
    stack: ExitStack, listener: socket.socket, shared: SharedRunFolder, pidfd: int, lock_fd: int
) -> NoReturn:
    """Forward requests until the process of `pidfd` has ended; then remove the socket's folder and exit."""
    try:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a script that is told to stop may still ask
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in range(3):
            os.dup2(null, descriptor)
        kept = {0, 1, 2, listener.fileno(), pidfd, lock_fd}
        for descriptor in {int(name) for name in os.listdir("/proc/self/fd")} - kept:
            with suppress(OSError):
                os.close(descriptor)
        load_forwarding_function()(listener, shared, pidfd)
        stack.close()
    finally:
        os._exit(0)


def load_forwarding_function() -> Callable[[socket.socket, SharedRunFolder, int], None]:
    """Import and return the function that forwards requests, off the script's start-up path."""
    from mlrun_cli.node.forwarder import serve_requests  # noqa: PLC0415

    return serve_requests


if __name__ == "__main__":
    main(sys.argv[1:])
