"""The run of a supervisor on a node, which writes all changes to the run's events in the shared folder too."""

from __future__ import annotations

import errno
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import mlrun_cli
from mlrun_cli.actions.runs import RunChanges, update_runs
from mlrun_cli.core.json_files import sync_to_disk
from mlrun_cli.core.program_log import write_log
from mlrun_cli.core.time import now
from mlrun_cli.errors import Unsupported
from mlrun_cli.metrics.journal import get_journal_sizes, list_journal_names
from mlrun_cli.node.run_folder import NodeRunFolder
from mlrun_cli.processes.launchers.base import Launcher
from mlrun_cli.processes.launchers.registry import get_launcher
from mlrun_cli.runs.events import (
    AttemptEvent,
    Event,
    EventWriter,
    FilesEvent,
    OutcomeEvent,
    PropertiesEvent,
    StatusEvent,
    get_last_attempt_number,
)
from mlrun_cli.runs.heartbeat import write_heartbeat
from mlrun_cli.runs.inbox import CancelMessage, InboxReader, StopMessage
from mlrun_cli.runs.outcome import Outcome
from mlrun_cli.runs.run import Run, SupervisorColumns
from mlrun_cli.runs.script_end import StopReason
from mlrun_cli.runs.shared_folder import SharedFolder, SharedRunFolder
from mlrun_cli.runs.status import ALIVE_STATUSES, RunStatus
from mlrun_cli.runs.submission import Secrets, Submission
from mlrun_cli.runtime.finish import clean_working_folder, read_outcome, run_or_log, write_outcome
from mlrun_cli.runtime.journal_ingest import JournalReader
from mlrun_cli.supervisor.supervised_run import SupervisedRun
from mlrun_cli.supervisor.worker_process import WorkerProcess
from mlrun_cli.targets.job_nodes import JobNode, JobNodes
from mlrun_cli.workspace import Workspace

_Result = TypeVar("_Result")

_FORWARDER_PROGRAM = os.path.join(os.path.dirname(mlrun_cli.__file__), "node", "forwarder.py")
_RELAY_PROGRAM = os.path.join(os.path.dirname(mlrun_cli.__file__), "node", "relay_program.py")
_RETRY_SECONDS = 0.5
_COMPLETED_SECONDS = 0.3
"""A script that ends well when its job is stopped has not completed; the signal comes here milliseconds later."""
_FAILED_SECONDS = 1.0
_TERMINATED_SECONDS = 5.0


class NodeRun(SupervisedRun):
    """A run in a scratch workspace, whose changes are written to the shared folder too."""

    renewal_seconds = 5.0

    def __init__(
        self,
        workspace: Workspace,
        submission: Submission,
        secrets: Secrets,
        folder: NodeRunFolder,
        shared: SharedRunFolder,
        events: EventWriter,
        job_nodes: JobNodes | None = None,
        nodes: Sequence[JobNode] = (),
    ) -> None:
        """Create a run.

        Args:
            workspace: the scratch workspace.
            submission: the submission of the run.
            secrets: the command line and environment in plain text.
            folder: the run folder.
            shared: the run's folder in the shared folder.
            events: the writer of its events.
            job_nodes: the nodes of the job; None if its engine starts no run on several.
            nodes: the nodes to start processes on, this one first; without any, all are on this one.
        """
        super().__init__(workspace, submission, secrets, folder)
        self._shared = shared
        self._events = events
        self._job_nodes = job_nodes
        self._nodes = nodes
        self._inbox = InboxReader(shared.inbox)
        self._is_superseded = False
        """Whether a later attempt has begun."""
        self._earlier: Outcome | None = None
        """The outcome of an earlier attempt, which was still alive."""
        self._announced: dict[Path, set[str]] = {}
        self._flushed: dict[Path, int] = {}
        """The sizes of journals and logs when they were last sent to the file server."""

    def change_status(
        self, old_statuses: set[RunStatus], new_status: RunStatus, columns: SupervisorColumns | None = None
    ) -> bool:
        """Set columns, and change the status if it is one of `old_statuses`; return whether the status has changed."""
        moved = super().change_status(old_statuses, new_status, columns)
        if moved or columns:
            self._write_event(StatusEvent(old_statuses, new_status, dict(columns or {}), now()))
        return moved

    def add_properties(self, properties: Mapping[str, str]) -> dict[str, str]:
        """Add properties to the run and return all properties that it now has.

        Raises:
            UsageError: a property exists with another value.
        """
        added = super().add_properties(properties)
        self._write_event(PropertiesEvent({name: added[name] for name in properties}))
        return added

    def apply_update(self, changes: RunChanges) -> None:
        """Apply changes to the scratch store, where the script reads its run, before they reach the workspace.

        Raises:
            UsageError: a text is not valid.
        """
        update_runs(self.workspace, [self.workspace.runs.get_by_key(self.run.key)], changes)

    def renew_lease(self) -> None:
        """Write the heartbeat file, so that the file server sets its modification time."""
        write_heartbeat(self._shared)

    def receive_messages(self) -> StopReason | None:
        """Apply new messages to the scratch store, announce new files, and return a reason to stop or None.

        Raises:
            OSError: the shared folder cannot be read.
        """
        self._flush()
        self._announce_files()
        if self._detect_other_attempt():
            return StopReason.GIVEN_UP
        reason = None
        for message in self._inbox.read_new_messages():
            if isinstance(message, CancelMessage):
                self._apply_cancel_message(message)
            elif isinstance(message, StopMessage):
                reason = message.reason
        return reason

    def get_shutdown_wait_seconds(self, exit_code: int) -> float:
        """Return the seconds to wait for a shutdown signal after the script has ended with this exit code."""
        if exit_code == 0:
            return _COMPLETED_SECONDS
        return _TERMINATED_SECONDS if exit_code == -signal.SIGTERM else _FAILED_SECONDS

    def create_reader(self) -> JournalReader:
        """Return a reader that fills the scratch store and does not change the files beside the journals."""
        return JournalReader(self.workspace, self.folder.journal, self.run.key, self.redactor, is_scratch=True)

    def create_launcher(self) -> Launcher:
        """Return the launcher that starts the script's processes on all nodes of the job.

        Raises:
            Unsupported: there are several nodes, and the run has a container.
        """
        launch = self.submission.launch
        if self._job_nodes is None or len(self._nodes) <= 1:
            return super().create_launcher()
        if self.submission.environment.container is not None:
            raise Unsupported(
                "A run on several nodes of a cluster cannot have a container.", hint="Set nodeCount: 1, or no docker."
            )
        addresses = [node.address for node in self._nodes]
        launcher = get_launcher(launch, addresses, self._job_nodes.build_mpi_variables(launch))
        if launch.launcher is not None:  # mpirun starts its processes on the nodes of the job by itself
            return launcher
        names = [node.name for node in self._nodes]
        return self._job_nodes.create_launcher(launcher, names, self._shared.path / "tasks.json")

    def build_process_command(self, argv: list[str]) -> list[str]:
        """Return the command line of each process, which starts with the relay program in a job with several nodes."""
        if self._job_nodes is None or len(self._nodes) <= 1:
            return argv
        supervisor_node = f"{self._job_nodes.name_variable}={self._nodes[0].name}"
        return [sys.executable, "-E", _RELAY_PROGRAM, str(self._shared.path), supervisor_node, *argv]

    def create_worker(self) -> WorkerProcess:
        """Return the process that forwards requests to the collector."""
        subject = os.fspath(self._shared.path)
        return WorkerProcess(self.workspace, self.submission, self.folder, _FORWARDER_PROGRAM, subject)

    def remove_secrets_after_start(self) -> None:
        """Do nothing, since the cluster engine may start the run again."""

    def begin_next_attempt(self, started_at: int, outcome: Outcome) -> bool:
        """Record the end of an attempt and start the next; return False if the run is to be canceled or has ended."""
        is_begun = super().begin_next_attempt(started_at, outcome)
        if is_begun:
            sizes: Mapping[str, int] = {}
            with suppress(OSError):
                self._flush()
                sizes = get_journal_sizes(self._shared.journal)
            self._write_event(AttemptEvent(started_at, outcome, sizes))
        return is_begun

    def queue_next_attempt(self, outcome: Outcome) -> bool:  # noqa: ARG002
        """Return False, since only the cluster engine can start the supervisor again."""
        return False

    def register_outputs(self, run: Run, outcome: Outcome) -> Outcome:  # noqa: ARG002
        """Return the outcome unchanged, since the collector registers data outputs."""
        return outcome

    def finish(self, outcome: Outcome, stop_reason: StopReason | None) -> None:
        """Write the outcome of the run, unless another attempt determines it, and clean the working folder."""
        self._detect_other_attempt()  # by what has happened since the last look
        if self._is_superseded:
            return
        if self._earlier is not None:  # its attempt may have been killed before it wrote the event
            self._write_outcome(self._earlier, is_final=True)
            return
        with suppress(OSError):  # the outcome is of more value than the last lines of a log
            self._flush()
        is_final = stop_reason is not StopReason.SHUTDOWN or self.read().status is RunStatus.CANCEL_REQUESTED
        if is_final:
            self.retry_while_disk_full(lambda: write_outcome(self.folder, outcome))
            run_or_log(lambda: clean_working_folder(self.workspace, self.submission, self.folder), None)
        self._write_outcome(outcome, is_final=is_final)

    def _flush(self) -> None:
        """Flush journals and logs to the file server, since this machine may cache writes for a long time.

        Raises:
            OSError: the shared folder cannot be read or written.
        """
        journals = (self._shared.journal / name for name in list_journal_names(self._shared.journal))
        for path in (*journals, *self._shared.find_log_files().values()):
            size = os.stat(path).st_size
            if size != self._flushed.get(path):
                sync_to_disk(path)
                self._flushed[path] = size

    def _announce_files(self) -> None:
        """Notify the collector of new files in the folders that it reads."""
        for folder in (self._shared.journal, self._shared.requests):
            names = set(os.listdir(folder))
            if names - self._announced.get(folder, set()):
                self._announced[folder] = names
                self._write_event(FilesEvent(folder.name))

    def _apply_cancel_message(self, message: CancelMessage) -> None:
        columns: dict[str, Any] = {"cancel_grace_seconds": message.grace_seconds}
        if message.failed_with is not None:
            columns["failed_with"] = message.failed_with
        before = ALIVE_STATUSES - {RunStatus.CANCEL_REQUESTED}
        with self.workspace.transaction():
            if not self.workspace.runs.change_status(self.run.key, before, RunStatus.CANCEL_REQUESTED, **columns):
                self.workspace.runs.update(self.run.key, **columns)

    def _write_event(self, event: Event) -> None:
        self._retry(lambda: self._events.write(event))

    def _write_outcome(self, outcome: Outcome, *, is_final: bool) -> None:
        event = self._retry(lambda: build_outcome_event(self._shared, outcome, is_final=is_final))
        if event is not None:
            self._write_event(event)

    def _detect_other_attempt(self) -> bool:
        """Check for another attempt that makes this one superfluous; return True only when it is first detected.

        Where an engine has lost a node, the attempt there may live on, and end, while another one has begun.
        """
        if self._is_superseded or self._earlier is not None:
            return False
        self._is_superseded = get_last_attempt_number(self._shared) > self._events.attempt
        if not self._is_superseded and self._events.attempt > 1:
            self._earlier = read_outcome(self._shared)
        return self._is_superseded or self._earlier is not None

    def _retry(self, action: Callable[[], _Result]) -> _Result | None:
        """Retry an action until the shared folder is available again or no longer contains the run's folder.

        Returns:
            The action's result; None if the run's folder was removed, or another attempt has begun.
        """
        if self._is_superseded:
            return None
        unreported: OSError | None = None
        is_reported = False
        while True:
            try:
                result = action()
            except OSError as error:
                unreported = error
                is_reported = is_reported or write_log(f"the shared folder waits: {error}")
                if self._shared.is_removed():
                    return None
                time.sleep(_RETRY_SECONDS)
            else:
                if unreported is not None and not is_reported:  # the log is in the shared folder, which was full
                    write_log(f"the shared folder has waited: {unreported}")
                return result


def build_outcome_event(shared: SharedRunFolder, outcome: Outcome, *, is_final: bool) -> OutcomeEvent:
    """Return the event for an outcome, with the current sizes of the run's journals.

    Raises:
        OSError: the journals cannot be read, or the shared folder is not in its place.
    """
    sizes = get_journal_sizes(shared.journal)
    if not SharedFolder(shared.path.parents[1]).is_available():
        raise FileNotFoundError(errno.ENOENT, "the shared folder is not in its place", str(shared.path))
    return OutcomeEvent(outcome, sizes, is_final)
