"""Follow the logs of a run while they are written, and find the log that explains a failure."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from mlrun_cli.actions.log_selection import LogStart
from mlrun_cli.core.json_files import read_json
from mlrun_cli.errors import FileNotReadable, RunNotFound
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.script_end import ScriptEnd
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runtime.liveness import reconcile
from mlrun_cli.wire.log_follow import LogFollower
from mlrun_cli.wire.run_folder import ENVIRONMENT_LOG
from mlrun_cli.workspace import Workspace

Write = Callable[[str, bytes], object]
Watch = Callable[[RunStatus], object]

_ENDING_SECONDS = 0.001
_QUICK_SECONDS = 0.004
_CALM_SECONDS = 0.05
_CALM_AFTER_SECONDS = 2.0
_LOOK_SECONDS = 0.25
_RECONCILE_SECONDS = 1.0


def follow_logs(
    workspace: Workspace, run: Run, write: Write, *, watch: Watch | None = None, start: LogStart | None = None
) -> Run:
    """Pass on the output of the environment build and of the script as it appears, until the run ends; return the run.

    Args:
        workspace: the workspace of the run.
        run: a run in any status; if it has ended, its whole logs are passed on.
        write: called with the name of a log and the next bytes of it; the output of the build comes first.
        watch: called with the run's status a few times a second.
        start: the log of the script, and where to start in both logs; None for all of the run's main log.

    Returns:
        The run as it ended.

    Raises:
        MlrunError: the script's log does not exist or cannot be read.
        RunNotFound: the run has been deleted.
    """
    # A run without a script has no log.
    folder = workspace.get_run_folder(run.run_id)
    start = start or LogStart(folder.stdout_name)
    path = folder.artifacts / start.log_name if run.owner_lock is None else Path(os.devnull)
    try:
        open(path, "rb").close()
    except OSError as error:
        raise FileNotReadable(
            f"The log of the run '{run.run_id}' cannot be read: {path}: {error.strerror}.",
            hint="It was moved or removed; 'mlrun run show' has what is recorded of the run.",
            target=run.run_id,
        ) from error
    return _Follower(workspace, run, write, watch, start).follow(path)


def find_decisive_log(workspace: Workspace, run: Run) -> Path:
    """Return the path of the log that shows how a run ended, usually that of the script; it may not exist.

    For a failed run it is the log of the environment build if the script was never started, or else the log of the
    first process that failed.
    """
    folder = workspace.get_run_folder(run.run_id)
    if run.status is not RunStatus.FAILED:
        return folder.stdout
    if run.started_at is None:
        return folder.environment_log if folder.environment_log.exists() else folder.stdout
    written = (read_json(folder.process) or {}).get("end")
    end = None if written is None else ScriptEnd.from_json(written)
    if end is None or end.stopped is not None or end.exit_code == 0:
        return folder.stdout
    return folder.artifacts / end.log


class _Follower:
    def __init__(self, workspace: Workspace, run: Run, write: Write, watch: Watch | None, start: LogStart) -> None:
        folder = workspace.get_run_folder(run.run_id)
        self._workspace = workspace
        self._run = run
        self._write = write
        self._watch = watch
        self._outcome = os.fspath(folder.outcome)
        self._is_shared = folder.disk != folder.path or workspace.is_used_elsewhere
        self._start = start
        self._environment_log = os.fspath(folder.environment_log)
        self._next_look = 0.0
        self._next_reconciliation = time.monotonic() + _RECONCILE_SECONDS

    def follow(self, log_path: Path) -> Run:
        """Copy new output of the logs until the run has ended; return the run."""
        follower = LogFollower(
            self._environment_log,
            os.fspath(log_path),
            self._load_refresh_function(),
            self._start.environment_offset,
            self._start.offset,
        )
        last_output = time.monotonic()
        while True:
            moment = time.monotonic()
            # Looked at before the logs: what was printed until then is in them for sure, and is handed over first.
            status = self._read_status_if_due(moment)
            if follower.copy_new_output(self._write_installer_output, self._write_script_output):
                last_output = moment
            if status is not None and status.is_terminal:
                return self._workspace.runs.get_by_key(self._run.key)
            if status is not None and self._watch is not None:
                self._watch(status)
            time.sleep(self._get_pause_seconds(moment - last_output))

    def _load_refresh_function(self) -> Callable[[int], object] | None:
        """Return the function that refreshes logs in a shared folder, or None for logs that this machine writes."""
        if not self._is_shared:
            return None
        from mlrun_cli.wire.fresh_files import refresh_file_size  # noqa: PLC0415 - start-up: loads ctypes

        return refresh_file_size

    def _get_pause_seconds(self, silent_seconds: float) -> float:
        """Return the seconds until the next check for output, fewer if a written outcome is about to be stored."""
        # Each look at a shared folder may be a request to a file server.
        if silent_seconds >= _CALM_AFTER_SECONDS or self._is_shared:
            return _CALM_SECONDS
        return _ENDING_SECONDS if os.path.exists(self._outcome) else _QUICK_SECONDS

    def _write_installer_output(self, chunk: bytes) -> None:
        self._write(ENVIRONMENT_LOG, chunk)

    def _write_script_output(self, chunk: bytes) -> None:
        self._write(self._start.log_name, chunk)

    def _read_status_if_due(self, now: float) -> RunStatus | None:
        """Return the run's status from the store, or None if it is too early to read the store again."""
        if now < self._next_look and not os.path.exists(self._outcome):
            return None
        if now >= self._next_reconciliation:
            reconcile(self._workspace)
            self._next_reconciliation = now + _RECONCILE_SECONDS
        self._next_look = now + _LOOK_SECONDS
        status = self._workspace.runs.find_status(self._run.key)
        if status is None:
            raise RunNotFound(self._run.run_id)
        return status
