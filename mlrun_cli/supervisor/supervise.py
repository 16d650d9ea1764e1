"""Owns one run from start to end: environment, working copy, script, questions, cancel, outcome."""

from __future__ import annotations

import errno
import os
import selectors
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from mlrun_cli.domain.moment import now
from mlrun_cli.domain.outcome import Outcome
from mlrun_cli.domain.run import GRACE_SECONDS, Run
from mlrun_cli.domain.run_error import SERVICE_ERROR, installer_error
from mlrun_cli.domain.run_status import RunStatus
from mlrun_cli.domain.script_end import ScriptEnd, StopReason
from mlrun_cli.domain.submission import Secrets, Submission
from mlrun_cli.errors import MlrunError, StoreError
from mlrun_cli.execution.environments.folder import built_interpreter
from mlrun_cli.execution.finish import (
    end_processes,
    keep_what_the_script_wrote,
    left_running,
    outcome_of_failure,
    outcome_of_script,
    outcome_of_stop,
    reap,
    record_outcome,
    write_outcome,
)
from mlrun_cli.execution.journals import JournalReader
from mlrun_cli.execution.liveness import LEASE_SECONDS, lease_end
from mlrun_cli.execution.working_copy import make_working_copy
from mlrun_cli.files.journal import CHUNK_BYTES
from mlrun_cli.files.log_tail import tail_of
from mlrun_cli.files.run_folder import RunFolder, write_json
from mlrun_cli.files.snapshot_store import SnapshotStore
from mlrun_cli.supervisor.child import Child
from mlrun_cli.supervisor.helper import Helper
from mlrun_cli.supervisor.outputs import with_registered_outputs
from mlrun_cli.supervisor.questions import Answerer, QuestionServer
from mlrun_cli.workspace import Workspace

_LOOK_SECONDS = 1.0
_BUSY_TICK_SECONDS = 0.05
_IDLE_TICK_SECONDS = 0.25
_RETRY_SECONDS = 0.5
_RENEWALS_PER_LEASE = 4
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}

_T = TypeVar("_T")


class _Stopped(Exception):
    """The run has to end before its script could start."""


class Supervisor:
    """One run. `run` returns when the outcome is in the store."""

    def __init__(self, workspace: Workspace, submission: Submission, secrets: Secrets, folder: RunFolder) -> None:
        self._workspace = workspace
        self._submission = submission
        self._secrets = secrets
        self._folder = folder
        self._run = workspace.runs.get(submission.run_id)
        self._key = self._run.key
        self._reader = JournalReader(workspace, folder.journal, self._key)
        self._helper = Helper(workspace, submission.run_id, folder)
        self._selector = selectors.DefaultSelector()
        self._child: Child | None = None
        self._started_at: int | None = None
        self._process: dict[str, Any] = {}
        self._stop_reason: StopReason | None = None
        self._stop_was_delivered = False
        self._kill_at: float | None = None
        self._cancel_grace: float | None = None
        self._time_limit_at: float | None = None
        self._next_look = 0.0
        self._next_renewal = 0.0
        self._was_terminated = False

    def run(self) -> None:
        """Take the run to its end."""
        signal.signal(signal.SIGTERM, self._on_terminate)
        self._server = QuestionServer(
            self._folder,
            self._selector,
            Answerer(self._workspace, self._run, self._folder, self._reader, self._wake, self._helper.socket_name),
        )
        try:
            outcome = self._attempt()
        finally:
            self._server.close()
            self._helper.close()
        self._insist(self._reader.take_in_all)
        if self._reader.unreadable_lines:
            damaged = f"{self._reader.unreadable_lines} damaged lines of the run's journals were left out."
            outcome = outcome._replace(warnings=(*outcome.warnings, damaged))
        self._when_there_is_room(lambda: write_outcome(self._folder, outcome))
        self._when_there_is_room(lambda: keep_what_the_script_wrote(self._workspace, self._submission, self._folder))
        self._insist(lambda: record_outcome(self._workspace, self._run, outcome))

    def _attempt(self) -> Outcome:
        try:
            script = self._started_script()
        except _Stopped:
            assert self._stop_reason is not None
            return self._outcome_of_stop(self._stop_reason)
        except MlrunError as error:
            return outcome_of_failure(str(error))
        except Exception as error:  # whatever it is, the run has to say so
            _log(traceback.format_exc())
            return outcome_of_failure(f"{type(error).__name__}: {error}", code=SERVICE_ERROR)
        self._watch(script)
        return self._outcome_of_script(script)

    def _started_script(self) -> Child:
        self._advance({RunStatus.NOT_STARTED, RunStatus.QUEUED}, RunStatus.PREPARING, lease_until=lease_end())
        interpreter = self._prepare_environment()
        self._make_working_copy()
        self._advance({RunStatus.PREPARING}, RunStatus.STARTING)
        return self._start_script(interpreter)

    def _prepare_environment(self) -> str:
        """The interpreter that runs the script, after its environment has been built if need be."""
        plan = self._submission.environment
        if plan.build is None or built_interpreter(plan) is not None:
            return plan.interpreter
        plan_file = self._folder.environment_plan
        builder = self._start(
            [sys.executable, "-E", "-m", "mlrun_cli.execution.environments", str(plan_file)],
            environment={**self._secrets.environment, **self._secrets.installer},
            folder=self._folder.path,
            log=self._folder.environment_log,
        )
        self._watch(builder)
        if self._stop_reason is not None:
            raise _Stopped
        if builder.exit_code != 0:
            reason = installer_error(tail_of(self._folder.environment_log))
            raise MlrunError(f"The environment could not be built: {reason}")
        return plan.interpreter

    def _make_working_copy(self) -> None:
        store = SnapshotStore(self._workspace.snapshots_folder)
        make_working_copy(store.read_manifest(self._submission.snapshot_id), store, self._folder.unfinished_work)
        self._folder.unfinished_work.rename(self._folder.work)

    def _start(self, argv: list[str], *, environment: Mapping[str, str], folder: Path, log: Path) -> Child:
        try:
            return Child(argv, environment=environment, folder=folder, log=log, run_id=self._submission.run_id)
        except OSError as error:
            raise MlrunError(f"'{argv[0]}' could not be started: {error.strerror}.") from error

    def _start_script(self, interpreter: str) -> Child:
        argv = list(self._secrets.argv)
        environment = dict(self._secrets.environment)
        if not self._submission.is_command:
            argv.insert(0, interpreter)
        if self._submission.environment.build is not None:
            folder = os.path.dirname(interpreter)
            environment["PATH"] = f"{folder}{os.pathsep}{environment.get('PATH', os.defpath)}"
            environment["VIRTUAL_ENV"] = os.path.dirname(folder)
        script = self._start(argv, environment=environment, folder=self._folder.work, log=self._folder.stdout)
        self._started_at = now()
        self._process = {"pid": script.pid, "identity": script.identity(), "started_at": self._started_at}
        self._write_process()
        self._folder.secrets.unlink(missing_ok=True)
        if self._submission.max_run_duration_seconds:
            self._time_limit_at = script.started + self._submission.max_run_duration_seconds
        self._advance_if({RunStatus.STARTING}, RunStatus.RUNNING, started_at=self._started_at)
        return script

    def _write_process(self) -> None:
        """For who mends the run if this process dies; a full disk must not end it."""
        try:
            write_json(self._folder.process, self._process)
        except OSError as error:
            _log(f"{self._folder.process.name} is not written: {error}")

    def _watch(self, child: Child) -> None:
        """Until the child has ended: serve questions, take in journals, obey cancel and the time limit."""
        self._child = child
        tick = _BUSY_TICK_SECONDS
        with self._woken_by_end_of(child):
            while child.exit_code is None:
                for key, events in self._selector.select(tick):
                    key.data(events)
                for pid, exit_code in reap().items():
                    self._helper.saw_end_of(pid)
                    if pid == child.pid:
                        child.ended(exit_code)
                self._server.answer_waiting()
                taken = self._take_in()
                if taken:
                    tick = 0.0 if taken >= CHUNK_BYTES else _BUSY_TICK_SECONDS
                else:
                    tick = min(_IDLE_TICK_SECONDS, max(tick, _BUSY_TICK_SECONDS) * 1.5)
                self._look(time.monotonic())
        self._child = None

    @contextmanager
    def _woken_by_end_of(self, child: Child) -> Iterator[None]:
        """Within it, a sleep of the selector ends with the child; where that cannot be, with the next tick."""
        if sys.platform != "linux":
            yield
            return
        ended = os.pidfd_open(child.pid)
        self._selector.register(ended, selectors.EVENT_READ, _nothing)
        try:
            yield
        finally:
            self._selector.unregister(ended)
            os.close(ended)

    def _take_in(self) -> int:
        try:
            return self._reader.take_in()
        except (StoreError, OSError) as error:
            _log(f"the journals wait: {error}")
            return 0

    def _look(self, moment: float) -> None:
        """What is due by the clock."""
        if moment >= self._next_look:
            self._next_look = moment + _LOOK_SECONDS
            self._look_at_store(moment)
        if self._time_limit_at is not None and moment >= self._time_limit_at and self._stop_reason is None:
            self._stop(StopReason.TIME_LIMIT, GRACE_SECONDS, moment)
        if self._was_terminated and self._stop_reason is None:
            self._stop(StopReason.SHUTDOWN, GRACE_SECONDS, moment)
        if self._kill_at is not None and moment >= self._kill_at and self._child is not None:
            self._child.signal(signal.SIGKILL)

    def _look_at_store(self, moment: float) -> None:
        try:
            if moment >= self._next_renewal:
                self._next_renewal = moment + LEASE_SECONDS / _RENEWALS_PER_LEASE
                self._workspace.runs.update(self._key, lease_until=lease_end())
            status = self._workspace.runs.status(self._key)
            if status is RunStatus.CANCEL_REQUESTED:
                run = self._workspace.runs.get_by_key(self._key)
                self._obey_cancel(run, moment)
            elif (status is None or status.is_terminal) and self._stop_reason is None:
                # Somebody removed the run's folder: what the store says of it is final, so its script must not go on.
                self._stop(StopReason.GIVEN_UP, GRACE_SECONDS, moment)
        except MlrunError as error:
            _log(f"the store does not answer: {error}")

    def _obey_cancel(self, run: Run, moment: float) -> None:
        """The first wish sends SIGTERM; one that comes later may only make the grace shorter."""
        grace_seconds = run.cancel_grace_seconds
        grace = GRACE_SECONDS if grace_seconds is None else grace_seconds
        if self._stop_reason is None:
            self._stop(StopReason.CANCEL, grace, moment)
        elif self._kill_at is not None and grace_seconds != self._cancel_grace:
            self._kill_at = min(self._kill_at, moment + grace)
        self._cancel_grace = grace_seconds

    def _stop(self, reason: StopReason, grace_seconds: float, moment: float) -> None:
        self._stop_reason = reason
        self._kill_at = moment + grace_seconds
        if self._child is not None:
            self._stop_was_delivered = self._child.signal(signal.SIGTERM)

    def _wake(self) -> None:
        self._next_look = 0.0

    def _on_terminate(self, _number: int, _frame: object) -> None:
        self._was_terminated = True
        self._wake()

    def _advance(self, before: set[RunStatus], after: RunStatus, **columns: Any) -> None:
        """Move on, or leave when the run has been asked to stop.

        Raises:
            _Stopped: it has.
        """
        if self._was_terminated and self._stop_reason is None:
            self._stop_reason = StopReason.SHUTDOWN
        if self._stop_reason is not None or not self._advance_if(before, after, **columns):
            self._stop_reason = self._stop_reason or StopReason.CANCEL
            raise _Stopped

    def _advance_if(self, before: set[RunStatus], after: RunStatus, **columns: Any) -> bool:
        moved = False

        def change() -> None:
            nonlocal moved
            with self._workspace.transaction():
                moved = self._workspace.runs.change_status(self._key, before, after, **columns)
                if not moved and columns:
                    self._workspace.runs.update(self._key, **columns)

        self._insist(change)
        return moved

    def _outcome_of_script(self, script: Child) -> Outcome:
        assert script.exit_code is not None
        stopped = self._stop_reason if self._stop_was_delivered else None
        ended_at = max(now(), self._started_at or 0)
        end = ScriptEnd(script.exit_code, ended_at, round(script.duration_seconds, 6), stopped)
        self._process["end"] = end.to_json()
        self._write_process()
        self._advance_if({RunStatus.RUNNING}, RunStatus.FINALIZING)
        left = end_processes(script.left_behind, self._grace_left())
        self._insist(self._reader.take_in_all)
        run = self._insist(lambda: self._workspace.runs.get_by_key(self._key))
        outcome = outcome_of_script(run, self._folder, self._submission, end)._replace(warnings=left_running(left))
        return self._insist(lambda: with_registered_outputs(self._workspace, run, outcome))

    def _outcome_of_stop(self, reason: StopReason) -> Outcome:
        """What the run has come to when it was told to stop before its script had started."""
        run = self._insist(lambda: self._workspace.runs.get_by_key(self._key))
        return outcome_of_stop(reason, run, self._submission, None)

    def _grace_left(self) -> float:
        """What stays of a cancel's grace; without one, what is left behind gets a grace of its own."""
        return GRACE_SECONDS if self._kill_at is None else max(0.0, self._kill_at - time.monotonic())

    def _insist(self, action: Callable[[], _T]) -> _T:
        """Do it however long the store takes to let it be done, as long as the run's folder is there."""
        while True:
            try:
                return action()
            except StoreError as error:
                _log(f"the store waits: {error}")
                if not self._folder.path.exists():
                    raise
                time.sleep(_RETRY_SECONDS)

    def _when_there_is_room(self, action: Callable[[], object]) -> None:
        """Do it however long the disk stays full; what fails for another reason is left undone."""
        while True:
            try:
                action()
            except OSError as error:
                _log(f"the disk waits: {error}")
                if error.errno not in _NO_ROOM or not self._folder.path.exists():
                    return
                time.sleep(_RETRY_SECONDS)
            else:
                return


def _nothing(_events: int) -> None:
    """That a child has ended is found out by waiting for it; the event only ends the sleep."""


def _log(text: str) -> None:
    """To system_logs/supervisor.log; a full disk must not end a run."""
    try:
        os.write(2, f"{text}\n".encode())
    except OSError:
        return
