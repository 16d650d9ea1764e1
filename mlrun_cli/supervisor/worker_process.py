"""The RPC worker of a run, a process started on demand for requests that do more than read the run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Container, Iterator
from contextlib import contextmanager, suppress

import mlrun_cli
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.processes.inheritance import LIMITS_VARIABLE
from mlrun_cli.processes.linux import build_parent_death_hook
from mlrun_cli.processes.secret_pipe import open_secret_pipe
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.submission import Submission
from mlrun_cli.supervisor.run_socket import create_run_listener
from mlrun_cli.workspace import Workspace

RPC_WORKER_PROGRAM = os.path.join(os.path.dirname(mlrun_cli.__file__), "rpc", "worker.py")


class WorkerProcess:
    """The worker process of a run: started on demand, restarted after its death, and ended with the run."""

    def __init__(
        self,
        workspace: Workspace,
        submission: Submission,
        folder: RunFolder,
        program: str,
        subject: str,
        redactor: Redactor | None = None,
    ) -> None:
        """Create the process without starting it.

        Args:
            workspace: the workspace of the run.
            submission: the submission of the run.
            folder: the run folder, which gets the socket.
            program: the path of the program to start.
            subject: the last argument of the program, which names the run.
            redactor: the redactor of the run, whose secrets the program reads at its standard input; None for a
              program that stores nothing.
        """
        self._workspace = workspace
        self._submission = submission
        self._folder = folder
        self._program = program
        self._subject = subject
        self._redactor = redactor
        self._process: subprocess.Popen[bytes] | None = None

    def ensure_started(self) -> str:
        """Start the worker unless it is running; return the name of its socket in the run folder.

        Raises:
            OSError: the worker cannot be started.
        """
        if self._process is None or self._has_ended(self._process.pid):
            self._process = self._spawn_worker()
        return self._folder.worker_socket.name

    def record_exits(self, pids: Container[int]) -> None:
        """Record the end of the worker if it is among the reaped processes."""
        if self._process is not None and self._process.pid in pids:
            self._process.returncode = 0
            self._process = None

    def _has_ended(self, pid: int) -> bool:
        """Return whether the worker has ended but has not been reaped yet."""
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def close(self) -> None:
        """Kill the worker, even if it is executing a request, because its client no longer exists."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()
            self._process.wait()
            self._process = None
        self._folder.worker_socket.unlink(missing_ok=True)

    def _spawn_worker(self) -> subprocess.Popen[bytes]:
        with create_run_listener(self._folder, self._folder.worker_socket) as listener, self._open_stdin() as stdin:
            return subprocess.Popen(
                [
                    sys.executable,
                    "-E",
                    self._program,
                    "--workspace",
                    os.fspath(self._workspace.folder),
                    "--listener",
                    str(listener.fileno()),
                    self._subject,
                ],
                env=self._build_environment_variables(),
                stdin=stdin,
                pass_fds=[listener.fileno()],
                start_new_session=True,
                preexec_fn=build_parent_death_hook(os.getpid()),  # noqa: PLW1509 — the supervisor has no threads
            )

    @contextmanager
    def _open_stdin(self) -> Iterator[int]:
        if self._redactor is None:
            yield subprocess.DEVNULL
            return
        pipe = open_secret_pipe(self._redactor)
        try:
            yield pipe
        finally:
            os.close(pipe)

    def _build_environment_variables(self) -> dict[str, str]:
        """Return the worker's variables, including the script's limits for runs that the worker submits."""
        limits = {LIMITS_VARIABLE: json.dumps(self._submission.limits)} if self._submission.limits else {}
        return {**os.environ, "MLRUN_HOME": os.fspath(self._workspace.home), **limits}
