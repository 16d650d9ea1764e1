"""A process that a supervisor starts: the script, or the program that builds its environment."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from mlrun_cli.execution.process import ProcessId, descendants, identify, of_run, send
from mlrun_cli.supervisor.linux import die_with_parent


class Child:
    """A child in a session and process group of its own, killed by the kernel when its parent dies."""

    def __init__(
        self, argv: Sequence[str], *, environment: Mapping[str, str], folder: Path, log: Path, run_id: str
    ) -> None:
        """Start it; standard output and error are appended to `log`.

        Raises:
            OSError: the program cannot be started.
        """
        self._run_id = run_id
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            self._process = subprocess.Popen(
                argv,
                env=environment,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=die_with_parent(os.getpid()),  # noqa: PLW1509 — the supervisor has no threads
            )
        finally:
            os.close(output)
        self.pid = self._process.pid
        self.started = time.monotonic()
        self.exit_code: int | None = None
        self.duration_seconds = 0.0

    def identity(self) -> ProcessId | None:
        """The child's pid with its start time; None when it is gone."""
        return identify(self.pid)

    def ended(self, exit_code: int) -> None:
        """Take note of the end, which the supervisor's own wait has seen."""
        self.exit_code = exit_code
        self.duration_seconds = time.monotonic() - self.started
        self._process.returncode = exit_code

    def signal(self, number: signal.Signals) -> bool:
        """Signal the process group and every descendant that has left it; whether the child was there to get it."""
        if self.exit_code is not None:
            return False
        # Not reaped yet, so the pid is still the child's own, a zombie's at worst.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)
        for process in self.left_behind():
            if _group_of(process) != self.pid:
                send(process, number)
        return True

    def left_behind(self) -> list[ProcessId]:
        """What lives of all that the child has started."""
        return of_run(descendants(os.getpid()), self._run_id)


def _group_of(process: ProcessId) -> int | None:
    try:
        return os.getpgid(process.pid)
    except OSError:
        return None
