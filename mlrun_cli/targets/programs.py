"""The programs of this package, and how to start them as detached processes on this machine."""

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

_PACKAGE = os.path.dirname(mlrun_cli.__file__)
SUPERVISOR_PROGRAM = os.path.join(_PACKAGE, "supervisor", "__main__.py")
DISPATCHER_PROGRAM = os.path.join(_PACKAGE, "scheduler", "dispatcher.py")
BUILDER_PROGRAM = os.path.join(_PACKAGE, "environments", "__main__.py")
SCHEDULE_KEEPER_PROGRAM = os.path.join(_PACKAGE, "scheduler", "schedule_keeper.py")
COLLECTOR_PROGRAM = os.path.join(_PACKAGE, "collector", "__main__.py")
CONTROLLER_PROGRAM = os.path.join(_PACKAGE, "controller", "__main__.py")
NOTIFIER_PROGRAM = os.path.join(_PACKAGE, "notifier", "__main__.py")

STDIN = "stdin"
"""In place of the locks of a supervisor that is yet to get them."""

_started: list[int] = []
"""The pids of those that this process has started and has not reaped."""


def build_supervisor_arguments(
    workspace: Path, run_id: str, lock_fds: Sequence[int], *, recovers: bool = False
) -> list[str]:
    """Return the arguments of the supervisor program.

    Args:
        workspace: the folder of the workspace.
        run_id: the id of the run to supervise, or to recover first.
        lock_fds: open files, the owner lock of the run first; none if the program gets them at its standard input.
        recovers: whether to recover lost runs, starting with this one.
    """
    options = ["--recover"] if recovers else []
    return ["--workspace", str(workspace), "--lock", ",".join(map(str, lock_fds)) or STDIN, *options, run_id]


def build_dispatcher_arguments(workspace: Path, target: str, lock_fd: int) -> list[str]:
    """Return the arguments of the dispatcher program; `lock_fd` is the descriptor of the queue's held lock."""
    return ["--workspace", str(workspace), "--lock", str(lock_fd), target]


def build_program_command(program: str, arguments: Sequence[str]) -> list[str]:
    """Return the command line of a program of this package."""
    # Neither a PYTHONPATH that is meant for the script (-E) nor the folder it is submitted from, as with -m, may
    # change what the supervisor imports.
    return [sys.executable, "-E", program, *arguments]


def get_supervisor_log_path(folder: RunFolder) -> Path:
    """Return the path of a supervisor's log, or the null device if the run's folder no longer exists."""
    log = folder.supervisor_log
    return log if log.parent.is_dir() else Path(os.devnull)


def find_missing_program() -> str | None:
    """Return the path of the interpreter or of this program if an upgrade has removed it, or None if both exist."""
    return next((path for path in (sys.executable, SUPERVISOR_PROGRAM) if not os.path.exists(path)), None)


def spawn(
    command: list[str], supervised_name: str, lock_fds: Sequence[int], log_path: Path, *, stdin: int | None = None
) -> int:
    """Start a process in a new session, so that it outlives this one, and return its pid.

    Args:
        command: the command line, starting with the path of an executable.
        supervised_name: the name of the run or queue that the process supervises, by which it can be found.
        lock_fds: open files that the process inherits.
        log_path: the file to which its output is appended.
        stdin: an open file that becomes its standard input; None means empty input.

    Raises:
        OSError: no process could be started.
    """
    _reap_ended_children()
    for descriptor in lock_fds:
        os.set_inheritable(descriptor, True)
    nothing = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
    pid = os.posix_spawn(
        command[0],
        command,
        _build_program_environment(supervised_name),
        file_actions=[
            nothing if stdin is None else (os.POSIX_SPAWN_DUP2, stdin, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.fspath(log_path), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
        setsigmask=(),
        # Where a child's end is ignored, the kernel tells nobody how it ended.
        setsigdef=(signal.SIGCHLD,),
    )
    _started.append(pid)
    return pid


def wait_for_exit(pid: int) -> None:
    """Wait for a process that was started by `spawn` to exit, and reap it."""
    with suppress(ChildProcessError):  # it was reaped otherwise
        os.waitpid(pid, 0)
    with suppress(ValueError):  # another thread was faster
        _started.remove(pid)


def _reap_ended_children() -> None:
    """Reap the child processes that have ended.

    Commands end before their child processes, but a long-running studio or notebook would accumulate zombies.
    """
    for pid in _started.copy():
        try:
            has_ended = os.waitpid(pid, os.WNOHANG)[0] == pid
        except ChildProcessError:  # it was reaped otherwise, or is a child of the process that has forked this one
            has_ended = True
        if has_ended:
            with suppress(ValueError):  # another thread was faster
                _started.remove(pid)


def _build_program_environment(supervised_name: str) -> dict[str, str]:
    """Return a program's environment variables, without the run id that marks the processes of a script."""
    environment = {name: value for name, value in os.environ.items() if name != RUN_ID_VARIABLE}
    return environment | {SUPERVISOR_VARIABLE: supervised_name}
