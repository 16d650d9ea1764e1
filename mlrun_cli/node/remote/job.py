"""The process of a job on a machine reached by ssh, which runs a shell script and then starts the next jobs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

from mlrun_cli.core.program_log import log_exception, write_log
from mlrun_cli.node.remote.job_queue import JobQueue
from mlrun_cli.processes.gpus import VISIBLE_GPUS
from mlrun_cli.processes.linux import build_parent_death_hook
from mlrun_cli.runs.shared_folder import SharedFolder

_SHELL = "/bin/bash"
_OF_CONNECTION = ("SSH_AUTH_SOCK", "SSH_CLIENT", "SSH_CONNECTION", "SSH_TTY", "XDG_SESSION_ID")


def execute_job(arguments: Sequence[str]) -> int:
    """Execute a job, record its end and return 0; this process holds the job's inherited locks until it exits.

    Args:
        arguments: the folder of the target, the id of the run, the descriptors of the locks, the names of the GPUs.
    """
    folder, run_id, descriptors, gpus = arguments
    _close_other_descriptors({int(number) for number in descriptors.split(",")})
    os.chdir("/")
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    queue = JobQueue(Path(folder))
    row = queue.find(run_id)
    if row is None or not queue.record_start(run_id):
        return 0
    ended, exit_code = _run_script(row["script"], gpus)
    with suppress(OSError):  # the script is not started again
        SharedFolder(Path(folder)).get_run_folder(run_id).secrets.unlink(missing_ok=True)
    queue.record_end(run_id, ended, exit_code)
    try:
        queue.start_ready_jobs()
    except Exception:  # the next look from the other machine starts it
        log_exception()
    return 0


def _run_script(script: str, gpus: str) -> tuple[str, int | None]:
    """Run the script of a job in a login shell, and return a description of its end and any exit code."""
    environment = {name: value for name, value in os.environ.items() if name not in _OF_CONNECTION}
    if gpus:
        environment[VISIBLE_GPUS] = gpus
    shell = [_SHELL, "-l"] if os.path.exists(_SHELL) else ["/bin/sh"]
    try:
        hook = build_parent_death_hook(os.getpid())
        child = subprocess.Popen([*shell, "-c", script], env=environment, preexec_fn=hook)  # noqa: PLW1509
    except OSError as error:
        write_log(f"the script of the job cannot be started: {error}")
        return f"its shell could not be started: {error.strerror}", None

    def forward_signal(signal_number: int, _frame: FrameType | None) -> None:
        child.send_signal(signal_number)

    signal.signal(signal.SIGTERM, forward_signal)
    code = child.wait()
    return (f"exit code {code}", code) if code >= 0 else (f"signal {signal.Signals(-code).name}", None)


def _close_other_descriptors(kept_descriptors: set[int]) -> None:
    """Close all descriptors except the standard streams and the kept ones, which children do not inherit."""
    for descriptor in kept_descriptors:
        os.set_inheritable(descriptor, False)
    for other in map(int, os.listdir("/proc/self/fd") if sys.platform == "linux" else ()):
        if other > sys.stderr.fileno() and other not in kept_descriptors:
            with suppress(OSError):
                os.close(other)
