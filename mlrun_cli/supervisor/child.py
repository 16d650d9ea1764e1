"""Child processes of a supervisor: the processes of the script, and the program that builds its environment."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.processes.inheritance import Limits, set_limits
from mlrun_cli.processes.linux import build_parent_death_hook
from mlrun_cli.processes.process import ProcessId, identify_process
from mlrun_cli.runs.script_input import open_script_input


class ProcessSpec(NamedTuple):
    """The specification of a process to start; its standard output and error are appended to `log`.

    Processes with the same `node` share a process group. A server does not keep the group running, and a
    helper is a server that may fail. If `passes_signals`
    is set, only the process itself is signalled, not its descendants. `limits` are set for the process but not for its
    parent. `stdin` is a pipe to read standard input from; None means empty input.
    """

    argv: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    log: Path
    node: int = 0
    is_server: bool = False
    is_helper: bool = False
    passes_signals: bool = False
    limits: Limits = MappingProxyType({})
    stdin: Path | None = None


class Child:
    """A child process that the kernel kills when its parent dies."""

    def __init__(self, spec: ProcessSpec, group: int | None) -> None:
        """Start the process in a new session (`group` None), in a new process group (0), or in an existing group.

        Raises:
            OSError: the program cannot be started.
        """
        self.spec = spec
        with ExitStack() as opened:
            output = os.open(spec.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            opened.callback(os.close, output)
            stdin = subprocess.DEVNULL
            if spec.stdin is not None:
                stdin = open_script_input(spec.stdin)
                opened.callback(os.close, stdin)
            self._process = subprocess.Popen(
                spec.argv,
                env=spec.environment,
                cwd=spec.folder,
                stdin=stdin,
                stdout=output,
                stderr=output,
                start_new_session=group is None,
                preexec_fn=_build_preexec_fn(os.getpid(), group, spec.limits),  # noqa: PLW1509 — the supervisor has no threads
            )
        self.pid = self._process.pid
        self.started = time.monotonic()
        self.exit_code: int | None = None

    def identify(self) -> ProcessId | None:
        """Return the child's pid and start time, or None if the child no longer exists."""
        return identify_process(self.pid)

    def record_exit(self, exit_code: int) -> None:
        """Record the exit code of the process, which has been reaped."""
        self.exit_code = exit_code
        self._process.returncode = exit_code


def _build_preexec_fn(parent_pid: int, group: int | None, limits: Limits) -> Callable[[], None]:
    """Return a `preexec_fn` that ends the child with its parent, and sets its process group and limits."""
    die = build_parent_death_hook(parent_pid)

    def prepare_child() -> None:
        die()
        if group is not None:
            os.setpgid(0, group)
        set_limits(limits)

    return prepare_child
