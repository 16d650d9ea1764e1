"""The run of a supervisor; operations on it are retried while the store or the disk is unavailable."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from mlrun_cli.actions.runs import RunChanges, add_properties
from mlrun_cli.core.disk_space import FULL_FOR_RUNS_BYTES, describe_full_disk
from mlrun_cli.core.json_files import write_json
from mlrun_cli.core.program_log import write_log
from mlrun_cli.core.time import MICROSECONDS, now
from mlrun_cli.errors import MlrunError, StoreError
from mlrun_cli.processes.inheritance import exceeds_file_size_limit
from mlrun_cli.processes.launchers.base import Launcher
from mlrun_cli.processes.launchers.registry import get_launcher
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.lease import LEASE_SECONDS, compute_lease_end
from mlrun_cli.runs.outcome import Outcome
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.runs.run import Run, SupervisorColumns
from mlrun_cli.runs.script_end import StopReason
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runs.submission import Secrets, Submission
from mlrun_cli.runtime.attempts import begin_next_attempt, queue_next_attempt, separate_attempt_values
from mlrun_cli.runtime.finish import clean_working_folder, record_outcome, run_or_log, write_outcome
from mlrun_cli.runtime.journal_ingest import JournalReader
from mlrun_cli.supervisor.output_registration import load_output_registration
from mlrun_cli.supervisor.worker_process import RPC_WORKER_PROGRAM, WorkerProcess
from mlrun_cli.workspace import Workspace

_RETRY_SECONDS = 0.5
_SHUTDOWN_SECONDS = 120
"""More than the 90 seconds between SIGTERM and SIGKILL in systemd's shutdown."""
_RENEWALS_PER_LEASE = 4
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}

_T = TypeVar("_T")


class SupervisedRun:
    """A run, with the operations that its supervisor performs on it.

    Attributes:
        workspace: the workspace of the run.
        submission: the submission of the run.
        secrets: the command line and environment in plain text.
        folder: the run folder.
        run: the row of the run when the supervisor started.
        redactor: the redactor of the run's secrets.
        renewal_seconds: the time between two calls of `renew_lease`.
    """

    renewal_seconds = LEASE_SECONDS / _RENEWALS_PER_LEASE

    def __init__(self, workspace: Workspace, submission: Submission, secrets: Secrets, folder: RunFolder) -> None:
        self.workspace = workspace
        self.submission = submission
        self.secrets = secrets
        self.folder = folder
        self.redactor = secrets.build_redactor()
        workspace.adopt_redactor(self.redactor)
        self.run = workspace.runs.get(submission.run_id)
        workspace.owned_run = (self.run.run_id, self.run.key)
        self._register_outputs = load_output_registration(self.run)

    def read(self) -> Run:
        """Return the current version of the run from the store."""
        return self.retry_until_stored(lambda: self.workspace.runs.get_by_key(self.run.key))

    def change_status(
        self, old_statuses: set[RunStatus], new_status: RunStatus, columns: SupervisorColumns | None = None
    ) -> bool:
        """Set columns, and the status if it is one of `old_statuses`; return whether the status has changed."""
        moved = False
        values = columns or {}

        def change() -> None:
            nonlocal moved
            with self.workspace.transaction():
                moved = self.workspace.runs.change_status(self.run.key, old_statuses, new_status, **values)
                if not moved and values:
                    self.workspace.runs.update(self.run.key, **values)

        self.retry_until_stored(change)
        return moved

    def add_properties(self, properties: Mapping[str, str]) -> dict[str, str]:
        """Add properties to the run and return all properties that it now has.

        Raises:
            UsageError: a property exists with another value.
        """
        add_properties(self.workspace, self.workspace.runs.get_by_key(self.run.key), properties)
        return self.workspace.runs.get_properties(self.run.key)

    def apply_update(self, changes: RunChanges) -> None:
        """Do nothing, since the worker, which updates the run, has the same store."""

    def renew_lease(self) -> None:
        """Renew the lease, by which processes that cannot test the lock know that the supervisor is alive."""
        self.folder.touch_lock()
        self.workspace.runs.update(self.run.key, lease_until=compute_lease_end())

    def get_shutdown_wait_seconds(self, exit_code: int) -> float:  # noqa: ARG002
        """Return the seconds to wait for a shutdown signal after the script has ended with this exit code."""
        return 0.0

    def receive_messages(self) -> StopReason | None:
        """Return None, since stop requests to a run on this machine come through the store."""
        return None

    def create_reader(self) -> JournalReader:
        """Create and return a reader of the run's journals."""
        return JournalReader(self.workspace, self.folder.journal, self.run.key, self.redactor)

    def create_launcher(self) -> Launcher:
        """Return the launcher of the script's processes.

        Raises:
            MlrunError: they cannot be started here.
        """
        return get_launcher(self.submission.launch)

    def build_process_command(self, argv: list[str]) -> list[str]:
        """Return the command line of each of the script's processes, derived from the script's own command line."""
        return argv

    def create_worker(self) -> WorkerProcess:
        """Create, but do not start, the worker process, which executes all requests except simple reads of the run."""
        return WorkerProcess(
            self.workspace, self.submission, self.folder, RPC_WORKER_PROGRAM, self.submission.run_id, self.redactor
        )

    def remove_secrets_after_start(self) -> None:
        """Remove the secrets of the run after its script has started, unless the script may be retried."""
        if self.submission.retry is None:
            self.folder.secrets.unlink(missing_ok=True)

    def begin_next_attempt(self, started_at: int, outcome: Outcome) -> bool:
        """Record the end of an attempt and start the next; return False if the run is canceled or has ended."""
        return self.retry_until_stored(
            lambda: begin_next_attempt(self.workspace, self.read(), started_at, outcome, RunStatus.STARTING)
        )

    def separate_attempt_values(self) -> None:
        """Make the store separate the values of this attempt from the values of earlier attempts."""
        self.retry_until_stored(lambda: separate_attempt_values(self.workspace, self.run))

    def queue_next_attempt(self, outcome: Outcome) -> bool:
        """Queue the run again after its supervisor was asked to exit; return False if the outcome is final.

        It does not start before the machine, which may be shutting down, has ended all processes.
        """
        policy = self.submission.retry
        if policy is None:
            return False
        begin_at = now() + _SHUTDOWN_SECONDS * MICROSECONDS
        self.retry_until_stored(lambda: self.workspace.runs.update(self.run.key, begin_at=begin_at))
        return self.retry_until_stored(
            lambda: queue_next_attempt(self.workspace, self.run, self.folder, policy, outcome)
        )

    def register_outputs(self, run: Run, outcome: Outcome) -> Outcome:
        """Register the data outputs of the run; return the outcome with a warning for each failure."""
        return self._register_outputs(self.workspace, run, outcome)

    def finish(self, outcome: Outcome, stop_reason: StopReason | None) -> None:  # noqa: ARG002 — matters on nodes
        """Record the outcome of the run, first on disk and then in the store, and clean its working folder.

        Args:
            outcome: the outcome.
            stop_reason: the reason why the run was stopped, if it was.
        """
        self.retry_while_disk_full(lambda: write_outcome(self.folder, outcome))
        run_or_log(lambda: clean_working_folder(self.workspace, self.submission, self.folder), None)
        self.retry_until_stored(lambda: record_outcome(self.workspace, self.run, outcome, self.redactor))

    def write_json_file(self, path: Path, document: Mapping[str, Any]) -> None:
        """Write a JSON file in the run folder; only log errors, since a full disk must not end the run."""
        try:
            write_json(path, document)
        except OSError as error:
            write_log(f"{path.name} is not written: {error}")

    def retry_until_stored(self, action: Callable[[], _T]) -> _T:
        """Call a function, repeatedly while the store is unavailable, and return the function's result.

        Raises:
            StoreError: the file size limit of this process prevents it, so that a recovery is needed, or the folder no
                longer exists.
        """
        with self._space_wait_marker() as record_waiting:
            while True:
                try:
                    return action()
                except StoreError as error:
                    write_log(f"the store waits: {error}")
                    is_left = exceeds_file_size_limit(self.workspace.locator.database.list_files())
                    if is_left or not self.folder.path.exists():
                        raise
                    record_waiting()
                    time.sleep(_RETRY_SECONDS)
                    with suppress(MlrunError):  # the damaged store may have been repaired
                        self.workspace.reopen_if_replaced()

    def retry_while_disk_full(self, action: Callable[[], object]) -> None:
        """Call a function that writes to the disk, repeatedly while the disk is full; only log its other errors."""
        with self._space_wait_marker() as record_waiting:
            while True:
                try:
                    action()
                except OSError as error:
                    write_log(f"the disk waits: {error}")
                    if error.errno not in _NO_ROOM or not self.folder.path.exists():
                        return
                    record_waiting()
                    time.sleep(_RETRY_SECONDS)
                else:
                    return

    @contextmanager
    def _space_wait_marker(self) -> Iterator[Callable[[], None]]:
        """Yield a function that, if the disk is full, marks the run as waiting for space until the end of the block."""
        noted = False

        def record_waiting() -> None:
            nonlocal noted
            if describe_full_disk(self.folder.disk, FULL_FOR_RUNS_BYTES) is not None:
                self._record_waiting_for_space(is_waiting=True)
                noted = True

        yield record_waiting
        if noted:
            self._record_waiting_for_space(is_waiting=False)

    def _record_waiting_for_space(self, *, is_waiting: bool) -> None:
        with suppress(OSError), closing(OwnerLock.open(self.folder.lock)) as lock:
            lock.record_waiting_for_space(is_waiting=is_waiting)
