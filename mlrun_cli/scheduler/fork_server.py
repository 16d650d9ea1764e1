"""The fork server, a process that has loaded all modules of a supervisor and forks supervisors on request.

A supervisor started as a program takes a tenth of a second to load its modules; with the fork server, a dispatcher
needs that time only once. The server opens no store, since SQLite connections do not survive a fork.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from mlrun_cli.core.program_log import log_exception
from mlrun_cli.processes.linux import set_command_line
from mlrun_cli.processes.process import SUPERVISOR_VARIABLE
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runtime.program_start import detach_program
from mlrun_cli.supervisor.program import main
from mlrun_cli.targets.programs import (
    SUPERVISOR_PROGRAM,
    build_program_command,
    build_supervisor_arguments,
    get_supervisor_log_path,
)

_TIMEOUT_SECONDS = 2.0
_LONGEST_MESSAGE = 4096
_MAX_LOCKS = 253
"""Files in one message, by the kernel."""


class ForkServerGone(Exception):
    """The fork server has ended or does not respond.

    After the server is closed, the lock of the run shows whether its supervisor has been started.
    """


class ForkServer:
    """The fork server of one dispatcher, which ends with the dispatcher."""

    def __init__(self, workspace: Path) -> None:
        """Fork the server; must be called before a store is opened.

        Raises:
            OSError: no process or socket can be created.
        """
        self._program = _identify_program()
        self._connection, connection = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with connection:
            pid = os.fork()
            if pid == 0:
                _run_and_exit(_serve_requests, connection, workspace)
        self._process = os.pidfd_open(pid)
        self._connection.settimeout(_TIMEOUT_SECONDS)
        # Once it answers, it holds nothing any more of what it was forked with: the lock of the queue above all.
        try:
            self._connection.recv(_LONGEST_MESSAGE)
        except OSError:
            self.close()
            raise

    def is_current(self) -> bool:
        """Return whether the installed supervisor program is still the loaded one, neither replaced nor removed."""
        return _identify_program() == self._program is not None

    def start_supervisor(self, run_id: str, lock_fds: Sequence[int]) -> int:
        """Start a run's supervisor with the open locks to inherit, the owner lock first; return the supervisor's pidfd.

        Raises:
            ForkServerGone: the server has ended, or does not respond.
        """
        try:
            socket.send_fds(self._connection, [run_id.encode()], lock_fds)
            _, descriptors, _, _ = socket.recv_fds(self._connection, _LONGEST_MESSAGE, 1, socket.MSG_CMSG_CLOEXEC)
        except OSError as error:
            raise ForkServerGone(f"the fork server does not respond: {error}") from error
        if not descriptors:
            raise ForkServerGone("the fork server has ended")
        return descriptors[0]

    def close(self) -> None:
        """Kill the server, even if it is suspended; pending requests are dropped."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._process, signal.SIGKILL)
        ended = select.poll()
        ended.register(self._process, select.POLLIN)
        ended.poll(_TIMEOUT_SECONDS * 1000)
        os.close(self._process)
        self._connection.close()


def _serve_requests(connection: socket.socket, workspace: Path) -> None:
    detach_program(workspace, connection.fileno())
    set_command_line(build_program_command(__file__, []))
    # Nobody waits for supervisors: the kernel is to forget them. They themselves begin with this put right.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    # Pages that no collection of garbage writes to stay shared with all supervisors.
    gc.collect()
    gc.freeze()
    with suppress(BrokenPipeError):
        connection.send(b"ready")
    while True:
        run_id, locks, _, _ = socket.recv_fds(connection, _LONGEST_MESSAGE, _MAX_LOCKS, socket.MSG_CMSG_CLOEXEC)
        if not locks:
            return
        if os.fork() == 0:
            _run_and_exit(_run_supervisor, connection, workspace, run_id.decode(), locks)
        for descriptor in locks:
            os.close(descriptor)


def _run_supervisor(connection: socket.socket, workspace: Path, run_id: str, lock_fds: Sequence[int]) -> None:
    """Turn this forked process into a supervisor like one started by `spawn`, and run its program."""
    os.setsid()
    os.environ[SUPERVISOR_VARIABLE] = run_id
    set_command_line(build_program_command(SUPERVISOR_PROGRAM, [run_id]))
    with suppress(BrokenPipeError):  # the run has its supervisor, whether or not anybody wants to know
        socket.send_fds(connection, [b"started"], [os.pidfd_open(os.getpid())])
    log = os.open(
        get_supervisor_log_path(RunFolder(workspace / "runs" / run_id)), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600
    )
    for output in (sys.stdout, sys.stderr):
        os.dup2(log, output.fileno())
    main(build_supervisor_arguments(workspace, run_id, lock_fds))


def _run_and_exit(action: Callable[..., None], *arguments: Any) -> NoReturn:
    """Call a function in a forked process and exit, never returning into the parent's code."""
    try:
        action(*arguments)
    except BaseException:  # as the interpreter itself would report it
        log_exception()
        os._exit(1)
    os._exit(0)


def _identify_program() -> tuple[int, int, int] | None:
    """Return the installed supervisor's device, inode and modification time, or None if it no longer exists."""
    try:
        found = os.stat(SUPERVISOR_PROGRAM)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns
