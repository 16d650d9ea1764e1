"""The controller of one run: a loop that executes a step of the run's kind whenever the store has changed."""

from __future__ import annotations

import select
import time
from collections.abc import Sequence
from contextlib import suppress

from mlrun_cli.controller.run_controller import Ending, RunController
from mlrun_cli.controller.run_controllers import FailingController, create_run_controller
from mlrun_cli.core.local_folder import make_counterpart_folder
from mlrun_cli.core.program_log import log_exception, write_log
from mlrun_cli.core.time import now
from mlrun_cli.errors import DiskFull, FileNotWritable, MlrunError, StoredFilesLost, StoreUnavailable
from mlrun_cli.processes.termination import reap_children
from mlrun_cli.runs.job_problems import has_unanswered_submission
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import ALIVE_STATUSES, RunStatus
from mlrun_cli.runs.stream_lock import was_streaming_command_killed
from mlrun_cli.runtime.controllers import ControllerFolder, remove_template_secrets
from mlrun_cli.runtime.notifier_start import start_notifier
from mlrun_cli.runtime.reconciliation import reconcile_all
from mlrun_cli.runtime.wake_socket import WakeSocket
from mlrun_cli.targets.errors import EngineUnavailable, SharedFolderUnavailable
from mlrun_cli.workspace import Workspace

_TICK_SECONDS = 0.1
_RETRY_SECONDS = 1.0
_LOOK_SECONDS = 5.0
_UNCHANGED_SECONDS = 30.0
"""The time after which a step is made although the store seems unchanged."""
_REMOVAL_SECONDS = 60.0
"""How long the end of a run waits for the removal of secrets, for example from a file system that is read-only."""
_AWAY = (DiskFull, EngineUnavailable, FileNotWritable, OSError, SharedFolderUnavailable, StoreUnavailable)


class Controller:
    """The only controller of a run, which holds the owner lock of the run's folder."""

    def __init__(self, workspace: Workspace, run: Run, lock: OwnerLock) -> None:
        self._workspace = workspace
        self._run = run
        self._lock = lock
        self._folder = ControllerFolder(workspace.get_run_folder(run.run_id))
        self._run_controller: RunController | None = None
        self._version = -1
        self._next_look = time.monotonic() + _LOOK_SECONDS
        self._removal_end: float | None = None

    def run(self) -> None:
        """Control the run until it has ended or the workspace no longer exists at its path."""
        self._workspace.owned_run = (self._run.run_id, self._run.key)
        make_counterpart_folder(self._workspace.get_run_folder(self._run.run_id).path)
        with WakeSocket(self._folder.socket) as wake_socket:
            while self._workspace.is_database_in_place():
                if self._try_step():
                    return
                self._sleep(wake_socket)

    def _try_step(self) -> bool:
        """Execute a step and return whether the run has ended; wait and return False if a resource is unavailable."""
        try:
            self._workspace.reopen_if_replaced()
            self._version = self._workspace.get_data_version()
            has_ended = self._step()
        except StoredFilesLost as error:
            log_exception()
            self._run_controller = FailingController(self._workspace, self._run, error)
            self._version = -1
            return False
        except _AWAY as error:
            write_log(f"something is away: {error}")
            self._folder.record_problem(str(error))
            time.sleep(_RETRY_SECONDS)
            self._version = -1
            return False
        self._folder.reset_start_count()
        if not self._has_unanswered_child():
            self._folder.clear_problem()
        return has_ended

    def _has_unanswered_child(self) -> bool:
        """Return whether a problem is recorded and an engine has not answered the submission of a child run."""
        return self._folder.read_problem() != "" and any(
            child.status is RunStatus.NOT_STARTED
            and has_unanswered_submission(self._workspace.get_run_folder(child.run_id))
            for child in self._workspace.child_runs.list_children(self._run.key)
        )

    def _step(self) -> bool:
        """Execute a step; return whether the run has ended or no longer exists."""
        run = self._workspace.child_runs.find_by_key(self._run.key)
        if run is None:
            return True
        if run.status.is_terminal:  # something else has ended it, and may have been killed before it removed these
            self._remove_secrets()
            return True
        if run.status is RunStatus.NOT_STARTED:
            with self._workspace.transaction():
                self._workspace.runs.change_status(
                    run.key, {RunStatus.NOT_STARTED}, RunStatus.RUNNING, started_at=now()
                )
            run = self._workspace.child_runs.find_by_key(self._run.key) or run
        if run.status is RunStatus.RUNNING and was_streaming_command_killed(self._workspace.get_run_folder(run.run_id)):
            with self._workspace.transaction(durable=True):
                self._workspace.runs.change_status(run.key, {RunStatus.RUNNING}, RunStatus.CANCEL_REQUESTED)
            run = run._replace(status=RunStatus.CANCEL_REQUESTED)
        if self._run_controller is None:
            self._run_controller = create_run_controller(self._workspace, self._run)
        ending = self._run_controller.step(run)
        if ending is None:
            return False
        if run.failed_with is not None and ending.status is RunStatus.CANCELED:
            ending = ending._replace(status=RunStatus.FAILED, error=dict(run.failed_with))
        return self._record_ending(ending)

    def _record_ending(self, ending: Ending) -> bool:
        """Remove the secrets of the run and record its end; return True, since the run has ended."""
        left = self._remove_secrets()
        runs, key = self._workspace.runs, self._run.key
        if self._run_controller is not None:
            self._run_controller.append_to_log(f"The status of '{self._run.run_id}' changes to {ending.status.value}.")
        with self._workspace.transaction(durable=True):
            existing = runs.get_properties(key)
            properties = {name: text for name, text in ending.properties.items() if name not in existing}
            runs.add_properties(key, properties)
            error = None if ending.error is None else dict(ending.error)
            warnings = [*ending.warnings, *left] or None
            runs.change_status(key, ALIVE_STATUSES, ending.status, ended_at=now(), error=error, warnings=warnings)
        start_notifier(self._workspace, self._run)
        return True

    def _remove_secrets(self) -> Sequence[str]:
        """Remove the secrets of the run's templates; return a list with a warning if that fails beyond a time limit.

        Raises:
            OSError: they cannot be removed now.
        """
        try:
            remove_template_secrets(self._workspace.get_run_folder(self._run.run_id))
        except OSError as error:
            if self._removal_end is None:
                self._removal_end = time.monotonic() + _REMOVAL_SECONDS
            if time.monotonic() < self._removal_end:
                raise
            write_log(f"secrets are left: {error}")
            return [f"Secrets of the run are left, and could not be removed: {error}. Remove this file."]
        return []

    def _sleep(self, wake_socket: WakeSocket) -> None:
        """Sleep until a wake-up, a change of the store, or the time of the next step, and reconcile in between."""
        timeout = None if self._run_controller is None else self._run_controller.get_timeout_seconds()
        end = time.monotonic() + min(_UNCHANGED_SECONDS, _UNCHANGED_SECONDS if timeout is None else timeout)
        poll = select.poll()
        poll.register(wake_socket.fileno(), select.POLLIN)
        while time.monotonic() < end:
            if poll.poll(_TICK_SECONDS * 1000):
                break
            with suppress(MlrunError):
                if self._workspace.get_data_version() != self._version or not self._workspace.is_database_in_place():
                    break
            self._reconcile_if_due()
        wake_socket.drain()

    def _reconcile_if_due(self) -> None:
        """Every few seconds, recover child runs that have lost their supervisors, and start missing dispatchers.

        A step follows, since nothing in the store says that a streaming command was killed.
        """
        if time.monotonic() < self._next_look:
            return
        self._version = -1
        self._next_look = time.monotonic() + _LOOK_SECONDS
        reap_children()
        with suppress(MlrunError, OSError):
            reconcile_all(self._workspace)
