"""The controllers of runs such as sweeps: processes that start, follow and end child runs instead of a script.

A controller holds the owner lock of its run's folder. If it is gone, the next look at any run starts another, which
goes on from the store and the run's folder; only controllers that keep failing end a run.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from mlrun_cli.core.json_files import read_json, write_json
from mlrun_cli.core.time import now
from mlrun_cli.errors import StoreError
from mlrun_cli.runs.error import SERVICE_ERROR, EndReason, build_run_error
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import ALIVE_STATUSES, RunStatus
from mlrun_cli.runtime.notifier_start import start_notifier
from mlrun_cli.runtime.wake_up import start_or_wake
from mlrun_cli.targets.programs import CONTROLLER_PROGRAM, build_program_command, spawn
from mlrun_cli.workspace import Workspace

_QUICK_STARTS = 3
_BACKOFF_SECONDS = 10.0
"""The backoff between two starts after `_QUICK_STARTS` controllers in a row have ended before they finished a step."""
_MAX_STARTS = 20
_MAX_FAILURES = 3
"""How many controllers in a row may fail with an error before their run does."""


class ControllerFolder:
    """The files of a run's controller in the folder of the run."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self.lock = folder.lock
        self.socket = folder.sockets / "controller"
        self.log = folder.path / "controller.log"
        self._starts = folder.path / "controller.starts"
        self._problem = folder.path / "controller.json"

    def record_start(self) -> None:
        """Count a start of a controller; ignore errors such as a full disk."""
        with (
            suppress(OSError),
            open(self._starts, "ab", opener=lambda name, flags: os.open(name, flags, 0o600)) as file,
        ):
            file.write(b".")

    def record_failure(self, text: str) -> None:
        """Record the error that ended a controller; ignore errors such as a full disk."""
        with suppress(OSError):
            write_json(self._problem, {"text": text, "failures": self._read_failure_count() + 1})

    def record_problem(self, text: str) -> None:
        """Record a problem that keeps a live controller from starting child runs; ignore errors such as a full disk."""
        with suppress(OSError):
            if text != self.read_problem():
                write_json(self._problem, {"text": text, "failures": 0})

    def reset_start_count(self) -> None:
        """Reset the number of starts, after a controller has completed a step; ignore errors of the file system."""
        with suppress(OSError):
            self._starts.unlink(missing_ok=True)

    def clear_problem(self) -> None:
        """Remove the recorded problem, after a controller has completed a step; ignore errors of the file system."""
        with suppress(OSError):
            self._problem.unlink(missing_ok=True)

    def read_problem(self) -> str:
        """Return the recorded problem that keeps the controller from working, or an empty string if there is none."""
        with suppress(OSError):
            return str((read_json(self._problem) or {}).get("text", ""))
        return ""

    def is_backing_off(self) -> bool:
        """Return whether the backoff after repeated starts has not yet elapsed since the last start."""
        found = self._stat_start_file()
        return (
            found is not None
            and found.st_size >= _QUICK_STARTS
            and abs(time.time() - found.st_mtime) < _BACKOFF_SECONDS
        )

    def has_failed_too_often(self) -> bool:
        """Return whether controllers have failed so often that no further one should be started."""
        found = self._stat_start_file()
        return self._read_failure_count() >= _MAX_FAILURES or (found is not None and found.st_size >= _MAX_STARTS)

    def _stat_start_file(self) -> os.stat_result | None:
        """Return the stat result of the file that counts starts, or None if it does not exist."""
        try:
            return self._starts.stat()
        except OSError:
            return None

    def _read_failure_count(self) -> int:
        with suppress(OSError, TypeError, ValueError):
            return int((read_json(self._problem) or {}).get("failures", 0))
        return 0


def build_controller_command(workspace: Path, run_id: str, lock_fd: int) -> list[str]:
    """Return the command line of a run's controller, which inherits the open owner lock of the run."""
    return build_program_command(CONTROLLER_PROGRAM, ["--workspace", str(workspace), "--lock", str(lock_fd), run_id])


def ensure_controllers(workspace: Workspace) -> None:
    """Start a controller for each live run that needs one but has none; ignore failures, which reconciliation retries.

    Raises:
        StoreUnavailable: the workspace is unavailable.
    """
    for run in workspace.child_runs.list_controlled_runs():
        with suppress(OSError):
            _start_if_absent(workspace, run)


def wake_controller(workspace: Workspace, run: Run) -> None:
    """Ensure that a run's controller reads the store soon; if controllers keep failing, only after a backoff.

    Raises:
        OSError: none could be started; the next look at a run tries again.
        StoreError: the workspace is unavailable.
    """
    folder = ControllerFolder(workspace.get_run_folder(run.run_id))
    start_or_wake(lambda: _start_if_absent(workspace, run), folder.socket)


def _start_if_absent(workspace: Workspace, run: Run) -> bool:
    """Start a controller unless one is running or the last start was too recent; return False if one is running."""
    folder = ControllerFolder(workspace.get_run_folder(run.run_id))
    try:
        lock = OwnerLock.open(folder.lock)
    except FileNotFoundError:
        if workspace.is_missing(folder.lock):
            message = "The folder of the run has been removed while it had not ended."
            _fail_run(workspace, run, message, EndReason.RUN_FOLDER_REMOVED)
        return True
    try:
        if not lock.try_acquire():
            return False
        status = workspace.runs.find_status(run.key)  # under the lock: one that has just ended has let go of it
        if status is None or status.is_terminal:
            return True
        if folder.has_failed_too_often():
            problem = folder.read_problem() or "it ended again and again before it finished a step"
            message = f"The controller of the run cannot work: {problem}. Its child runs go on. Its log: {folder.log}"
            _fail_run(workspace, run, message, EndReason.CONTROLLER_FAILED)
        elif not folder.is_backing_off():
            folder.record_start()
            words = build_controller_command(workspace.folder, run.run_id, lock.descriptor)
            spawn(words, f"the children of {run.run_id}", [lock.descriptor], folder.log)
        return True
    finally:
        lock.close()


def _fail_run(workspace: Workspace, run: Run, message: str, reason: EndReason) -> None:
    error = build_run_error(message, code=SERVICE_ERROR, reason=reason)
    with suppress(StoreError):  # a reader continues even if the store cannot be written
        with suppress(OSError):
            remove_template_secrets(workspace.get_run_folder(run.run_id))
        with workspace.transaction(durable=True):
            workspace.runs.change_status(run.key, ALIVE_STATUSES, RunStatus.FAILED, ended_at=now(), error=error)
        start_notifier(workspace, run)


def remove_template_secrets(folder: RunFolder) -> None:
    """Remove the secrets of a run's templates; raise the first error only after trying to remove all.

    Raises:
        OSError: of the first that cannot be removed.
    """
    first: OSError | None = None
    for template in folder.list_template_folders():
        try:
            RunFolder(template).secrets.unlink(missing_ok=True)
        except OSError as error:
            first = first or error
    if first is not None:
        raise first
