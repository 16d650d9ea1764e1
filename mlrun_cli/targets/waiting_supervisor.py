"""Supervisor programs that are started early, so that they load their modules while their run is being submitted.

The program waits at its standard input, a socket, until it gets the open locks of its run. It ends when the process
that submits the run gives it up or dies, and leaves nothing behind.
"""

from __future__ import annotations

import _socket as sockets  # `socket` takes 2 ms, for which the start of the program would wait
import os
import signal
from array import array
from collections.abc import Sequence
from pathlib import Path

from mlrun_cli.processes.process import identify_process, send_signal
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.targets.programs import (
    SUPERVISOR_PROGRAM,
    build_program_command,
    build_supervisor_arguments,
    get_supervisor_log_path,
    spawn,
    wait_for_exit,
)

_MAX_LOCKS = 253
"""Files in one message, by the kernel."""
_NO_SIGNAL = getattr(sockets, "MSG_NOSIGNAL", 0)
"""Without it, a process that does not ignore SIGPIPE is killed when the supervisor has ended."""


class WaitingSupervisor:
    """A supervisor program that waits for the locks of its run.

    Attributes:
        pid: the pid of its process.
    """

    def __init__(self, workspace: Path, run_id: str) -> None:
        """Start the program.

        Raises:
            OSError: no process or socket can be created.
        """
        words = build_program_command(SUPERVISOR_PROGRAM, build_supervisor_arguments(workspace, run_id, ()))
        self._connection, theirs = sockets.socketpair(sockets.AF_UNIX, sockets.SOCK_STREAM)
        try:
            self.pid = spawn(words, run_id, (), Path(os.devnull), stdin=theirs.fileno())
        except BaseException:
            self._connection.close()
            raise
        finally:
            theirs.close()
        self._process = identify_process(self.pid)

    def hand_over_locks(self, lock_fds: Sequence[int]) -> bool:
        """Pass the open locks of a submitted run to the waiting program; return False if the program has ended."""
        try:
            rights = (sockets.SOL_SOCKET, sockets.SCM_RIGHTS, array("i", lock_fds))
            self._connection.sendmsg([b"\n"], [rights], _NO_SIGNAL)
        except OSError:
            self.discard()
            return False
        self._connection.close()
        return True

    def discard(self) -> None:
        """Kill the waiting program, which is not needed if the run is refused or queued."""
        self._connection.close()
        if self._process is not None:
            send_signal(self._process, signal.SIGKILL)  # it would load its modules before it ended
        wait_for_exit(self.pid)


def receive_locks() -> Sequence[int]:
    """Receive open lock descriptors on standard input; return an empty sequence if the run was not submitted."""
    import socket  # noqa: PLC0415 - start-up, as above

    with socket.socket(fileno=os.dup(0)) as connection:
        try:
            _, locks, _, _ = socket.recv_fds(connection, 1, _MAX_LOCKS)
        except ConnectionError:
            return ()
    for lock in locks:
        os.set_inheritable(lock, False)
    return locks


def redirect_standard_streams(folder: RunFolder) -> None:
    """Redirect stdout and stderr to the log of a supervisor, and stdin to the null device."""
    null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    log = os.open(get_supervisor_log_path(folder), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    for opened, standard in ((null, 0), (log, 1), (log, 2)):
        os.dup2(opened, standard)
    os.close(null)
    os.close(log)
