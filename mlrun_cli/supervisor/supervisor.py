"""Owns one run from start to end: environment, working copy, script, questions, cancel, outcome."""

from __future__ import annotations

import errno
import os
import selectors
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from mlrun_cli.core.disk_room import FULL_FOR_RUNS_BYTES, describe_full_disk
from mlrun_cli.core.json_files import write_json
from mlrun_cli.core.log_tail import read_tail
from mlrun_cli.core.redaction import Redaction
from mlrun_cli.core.time import now
from mlrun_cli.environments.activation import activated_environment, script_command
from mlrun_cli.environments.container import container_command
from mlrun_cli.environments.failure_reason import failure_reason
from mlrun_cli.environments.folder import EnvironmentFolder, remove_build_secrets
from mlrun_cli.environments.record import environment_document, not_built_error, unpinned_warning
from mlrun_cli.errors import MlrunError, StoreError
from mlrun_cli.metrics.journal import CHUNK_BYTES
from mlrun_cli.processes.gpus import VISIBLE_GPUS
from mlrun_cli.processes.host import this_origin
from mlrun_cli.processes.inheritance import is_beyond_file_limit
from mlrun_cli.processes.launch import LaunchedProcess
from mlrun_cli.processes.ports import Ports
from mlrun_cli.processes.termination import end_processes, reap
from mlrun_cli.runs.cancellation import GRACE_SECONDS
from mlrun_cli.runs.error import SERVICE_ERROR
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.outcome import Outcome
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.script_end import ScriptEnd, StopReason
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runs.stream_lock import has_lost_its_stream
from mlrun_cli.runs.submission import Secrets, Submission
from mlrun_cli.runtime.finish import (
    add_full_disk,
    attempt,
    clean_working_folder,
    derive_script_outcome,
    derive_stop_outcome,
    describe_left_files,
    describe_left_processes,
    make_failure_outcome,
    record_outcome,
    signal_name,
    write_outcome,
)
from mlrun_cli.runtime.journal_ingest import JournalReader
from mlrun_cli.runtime.liveness import LEASE_SECONDS, lease_end
from mlrun_cli.runtime.queue import ensure_dispatchers
from mlrun_cli.snapshots.content_store import SnapshotStore
from mlrun_cli.snapshots.working_copy import make_script_folders, make_working_copy
from mlrun_cli.supervisor.child import Start
from mlrun_cli.supervisor.container import ContainerEnd
from mlrun_cli.supervisor.launchers.mpi import each_into_its_log, failed_process
from mlrun_cli.supervisor.output_registration import with_registered_outputs
from mlrun_cli.supervisor.process_group import ProcessGroup
from mlrun_cli.supervisor.rpc_server import RpcServer, RunRequestHandler
from mlrun_cli.supervisor.worker_process import WorkerProcess
from mlrun_cli.workspace import Workspace

_LOOK_SECONDS = 1.0
_CARE_SECONDS = 5.0
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
        workspace.cared_for = (self._run.run_id, self._key)
        self._redaction = Redaction.from_environment(secrets.environment)
        self._reader = JournalReader(workspace, folder.journal, self._key, self._redaction)
        self._worker = WorkerProcess(workspace, submission, folder)
        self._selector = selectors.DefaultSelector()
        self._group: ProcessGroup | None = None
        self._container_end: ContainerEnd | None = None
        self._started_at: int | None = None
        self._process: dict[str, Any] = {}
        self._stop_reason: StopReason | None = None
        self._stop_was_delivered = False
        self._kill_at: float | None = None
        self._cancel_grace: float | None = None
        self._time_limit_at: float | None = None
        self._next_look = 0.0
        self._next_renewal = 0.0
        self._next_care = 0.0
        self._was_terminated = False
        self._full_disk: str | None = None
        self._warnings: tuple[str, ...] = ()

    def run(self) -> None:
        """Take the run to its end."""
        signal.signal(signal.SIGTERM, self._on_terminate)
        self._folder.reserve_room()
        self._server = RpcServer(
            self._folder,
            self._selector,
            RunRequestHandler(
                self._workspace, self._run, self._folder, self._reader, self._wake, self._worker.socket_name
            ),
        )
        try:
            outcome = self._attempt()
        finally:
            for close in (self._server.close, self._worker.close):
                attempt(close, None, _log)
        self._give_room()
        outcome = add_full_disk(outcome, self._full_disk)
        self._ingest_all()
        outcome = outcome._replace(warnings=(*outcome.warnings, *self._reader.warnings))
        outcome = outcome.without_secrets(self._redaction)
        self._when_there_is_room(lambda: write_outcome(self._folder, outcome))
        attempt(lambda: clean_working_folder(self._workspace, self._submission, self._folder), None, _log)
        self._insist(lambda: record_outcome(self._workspace, self._run, outcome))

    def _attempt(self) -> Outcome:
        try:
            script = self._started_script()
        except _Stopped:
            assert self._stop_reason is not None
            return self._outcome_of_stop(self._stop_reason)
        except MlrunError as error:
            return make_failure_outcome(str(error))
        except Exception as error:  # whatever it is, the run has to say so
            _log(traceback.format_exc())
            return make_failure_outcome(f"{type(error).__name__}: {error}", code=SERVICE_ERROR)
        self._watch(script)
        return self._outcome_of_script(script)

    def _started_script(self) -> ProcessGroup:
        # Who starts what has waited for a target may live elsewhere than who submitted it.
        owner = {**this_origin()._asdict(), "lease_until": lease_end()}
        self._advance({RunStatus.NOT_STARTED, RunStatus.QUEUED}, RunStatus.PREPARING, **owner)
        self._prepare_environment()
        self._make_working_copy()
        self._advance({RunStatus.PREPARING}, RunStatus.STARTING)
        return self._start_script()

    def _prepare_environment(self) -> None:
        """Have the environment built if need be, and what is in it recorded."""
        plan = self._submission.environment
        folder = None if plan.build is None else EnvironmentFolder(Path(plan.build.folder))
        if folder is not None:
            # Open until this process ends: what a live run uses is not pruned.
            self._environment_in_use = folder.acquire_use_lock()
        if plan.container is not None or (folder is not None and not folder.is_complete()):
            self._build_environment()
        described = None if folder is None else folder.find_built()
        if described is not None and plan.build is not None:
            self._write(self._folder.environment_record, environment_document(described, plan.build))
            self._warnings = unpinned_warning(described)

    def _build_environment(self) -> None:
        plan_file = self._folder.environment_plan
        builder = self._start(
            [
                Start(
                    [sys.executable, "-E", "-m", "mlrun_cli.environments", str(plan_file)],
                    environment={**self._secrets.environment, **self._secrets.installer},
                    folder=self._folder.path,
                    log=self._folder.environment_log,
                )
            ]
        )
        self._watch(builder)
        if builder.exit_code != 0:
            # An installer whose builder was killed holds up all that wait for the environment.
            end_processes(builder.left_behind, self._grace_left() if self._stop_reason is not None else 0.0)
            remove_build_secrets(self._submission.environment)
        if self._stop_reason is not None:
            raise _Stopped
        if builder.exit_code:
            if builder.exit_code < 0:
                ended = f"the program that makes it was ended by {signal_name(-builder.exit_code)}"
                raise MlrunError(f"The environment could not be built: {ended}. Submit the run again.")
            reason = failure_reason(read_tail(self._folder.environment_log))
            raise MlrunError(not_built_error(self._submission.environment, reason))

    def _make_working_copy(self) -> None:
        store = SnapshotStore(self._workspace.snapshots_folder)
        make_working_copy(store.read_manifest(self._submission.snapshot_id), store, self._folder.unfinished_work)
        self._warnings += make_script_folders(self._folder.unfinished_work)
        self._folder.unfinished_work.rename(self._folder.work)

    def _start(self, starts: Sequence[Start]) -> ProcessGroup:
        try:
            return ProcessGroup(starts, self._submission.run_id)
        except OSError as error:
            raise MlrunError(f"'{starts[0].argv[0]}' could not be started: {error.strerror}.") from error

    def _start_script(self) -> ProcessGroup:
        plan = self._submission.environment
        argv = list(self._secrets.argv)
        environment = activated_environment(plan, self._secrets.environment)
        if not self._submission.is_command:
            argv = script_command(plan, argv)
        if plan.container is not None:
            self._container_end = ContainerEnd(plan.container, self._submission.run_id, environment)
        script = self._start(self._starts(argv, environment))
        self._started_at = now()
        self._process = {"processes": script.described(), "started_at": self._started_at}
        self._write_process()
        self._folder.secrets.unlink(missing_ok=True)
        self._folder.stdin.unlink(missing_ok=True)
        if self._submission.max_run_duration_seconds:
            self._time_limit_at = script.started + self._submission.max_run_duration_seconds
        self._advance_if({RunStatus.STARTING}, RunStatus.RUNNING, started_at=self._started_at)
        return script

    def _starts(self, argv: list[str], environment: dict[str, str]) -> list[Start]:
        """The processes of the script, with what each is told of the others.

        Raises:
            MlrunError: there are not enough free ports.
        """
        launch, gpus = self._submission.launch, self._run.gpus

        def told(process: LaunchedProcess) -> dict[str, str]:
            visible = {} if gpus is None else {VISIBLE_GPUS: launch.gpus_of(process.node, gpus)}
            return {**environment, **visible, **process.variables}

        words = [*launch.prefix(), *each_into_its_log(launch, self._folder.artifacts, argv)]
        try:
            self._ports = Ports(launch.port_count)
        except OSError as error:
            raise MlrunError(f"The script could not be started: {error.strerror}.") from error
        return [
            Start(
                self._wrapped(words, told(process), number),
                environment=told(process),
                folder=self._folder.work,
                log=self._folder.artifacts / process.log,
                node=process.node,
                is_server=process.is_server,
                limits=self._submission.limits,
                # A container's processes lie below podman's client, which hands on a signal as docker's does.
                passes_signals=self._submission.environment.container is not None,
                stdin=self._stdin if number == 0 else None,
            )
            for number, process in enumerate(launch.processes(self._ports.numbers))
        ]

    def _wrapped(self, argv: list[str], environment: dict[str, str], number: int) -> list[str]:
        container = self._submission.environment.container
        if container is None:
            return argv
        datastores = [datastore.folder for datastore in self._workspace.datastores.list()]
        return container_command(
            container,
            argv,
            environment,
            run_id=self._submission.run_id,
            number=number,
            is_reading=number == 0 and self._stdin is not None,
            work=self._folder.work,
            mounts=[self._workspace.home, *(folder for folder in datastores if folder.is_dir())],
        )

    @property
    def _stdin(self) -> Path | None:
        """What the first process reads, where the run is streamed with its input."""
        return self._folder.stdin if self._folder.stdin.exists() else None

    def _write_process(self) -> None:
        """Write down what recovery needs if this process dies."""
        self._write(self._folder.process, self._process)

    def _write(self, path: Path, document: Mapping[str, Any]) -> None:
        """A full disk must not end the run."""
        try:
            write_json(path, document)
        except OSError as error:
            _log(f"{path.name} is not written: {error}")

    def _watch(self, group: ProcessGroup) -> None:
        """Until all have ended: serve questions, ingest journals, obey cancel and the time limit."""
        self._group = group
        tick = _BUSY_TICK_SECONDS
        with self._woken_by_ends_of(group):
            while group.exit_code is None:
                for key, events in self._selector.select(tick):
                    key.data(events)
                exit_codes = reap()
                self._worker.note_ends_of(exit_codes)
                group.ended(exit_codes)
                self._server.handle_pending()
                taken = self._ingest()
                if taken:
                    tick = 0.0 if taken >= CHUNK_BYTES else _BUSY_TICK_SECONDS
                else:
                    tick = min(_IDLE_TICK_SECONDS, max(tick, _BUSY_TICK_SECONDS) * 1.5)
                self._look(time.monotonic())
        self._group = None

    @contextmanager
    def _woken_by_ends_of(self, group: ProcessGroup) -> Iterator[None]:
        """Within it, a sleep of the selector ends with each process; where that cannot be, with the next tick."""
        if sys.platform != "linux":
            yield
            return
        watched: set[int] = set()

        def forget(ended: int) -> None:
            """An end is seen by waiting for the process; of this descriptor, it would wake for ever."""
            self._selector.unregister(ended)
            os.close(ended)
            watched.remove(ended)

        try:
            for pid in group.pids:
                ended = os.pidfd_open(pid)
                watched.add(ended)
                self._selector.register(ended, selectors.EVENT_READ, lambda _events, ended=ended: forget(ended))
            yield
        finally:
            for ended in list(watched):
                forget(ended)

    def _ingest(self) -> int:
        try:
            return self._reader.ingest()
        except (StoreError, OSError) as error:
            _log(f"the journals wait: {error}")
            return 0

    def _look(self, moment: float) -> None:
        """What is due by the clock."""
        if moment >= self._next_look:
            self._next_look = moment + _LOOK_SECONDS
            self._look_at_store(moment)
            if self._stop_reason is None and has_lost_its_stream(self._folder):
                self._stop(StopReason.STREAM_LOST, GRACE_SECONDS, moment)
        if moment >= self._next_care:
            self._next_care = moment + _CARE_SECONDS
            self._care_for_queues()
        if self._time_limit_at is not None and moment >= self._time_limit_at and self._stop_reason is None:
            self._stop(StopReason.TIME_LIMIT, GRACE_SECONDS, moment)
        if self._was_terminated and self._stop_reason is None:
            self._stop(StopReason.SHUTDOWN, GRACE_SECONDS, moment)
        if self._group is not None:
            self._group.look(moment)
            if self._kill_at is not None and moment >= self._kill_at and self._may_kill(moment):
                self._group.signal(signal.SIGKILL)

    def _may_kill(self, moment: float) -> bool:
        """Whether containers have been ended, which cannot be done any more by the processes that are killed."""
        return self._container_end is None or self._container_end.is_over(moment)

    def _care_for_queues(self) -> None:
        """A dispatcher that was killed is started again though nobody looks."""
        try:
            ensure_dispatchers(self._workspace)
        except MlrunError as error:
            _log(f"the queues are not looked at: {error}")

    def _look_at_store(self, moment: float) -> None:
        try:
            self._workspace.follow()
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
        if self._group is not None:
            self._stop_was_delivered = self._group.signal(signal.SIGTERM)

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
        if self._stop_reason is None and has_lost_its_stream(self._folder):
            self._stop_reason = StopReason.STREAM_LOST
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

    def _outcome_of_script(self, script: ProcessGroup) -> Outcome:
        assert script.exit_code is not None
        self._give_room()
        stopped = self._stop_reason if self._stop_was_delivered else None
        ended_at = max(now(), self._started_at or 0)
        number, log = failed_process(self._submission.launch, self._folder.artifacts, script.first_to_fail)
        duration = round(script.duration_seconds, 6)
        end = ScriptEnd(script.exit_code, ended_at, duration, stopped, number, log)
        self._process["end"] = end.to_json()
        self._write_process()
        if self._full_disk is None:
            self._workspace.checkpoint_often()
        self._advance_if({RunStatus.RUNNING}, RunStatus.FINALIZING)
        not_ended = () if self._container_end is None else self._container_end.complete()
        left = end_processes(script.left_behind, self._grace_left())
        self._ingest_all()
        run = self._insist(lambda: self._workspace.runs.get_by_key(self._key))
        outcome = derive_script_outcome(run, self._folder, self._submission, end)
        behind = attempt(lambda: describe_left_files(self._folder), (), _log)
        told = (*self._warnings, *outcome.warnings, *behind, *not_ended, *describe_left_processes(left))
        outcome = outcome._replace(warnings=told)
        return self._insist(
            lambda: attempt(lambda: with_registered_outputs(self._workspace, run, outcome), outcome, _log)
        )

    def _give_room(self) -> None:
        """Give up the room that was kept for the end, once it is known whether the script has left any other."""
        if self._folder.reserve.exists():
            self._full_disk = describe_full_disk(self._folder.path, FULL_FOR_RUNS_BYTES)
            self._folder.release_room()

    def _ingest_all(self) -> None:
        self._insist(lambda: attempt(self._reader.ingest_all, None, _log))

    def _outcome_of_stop(self, reason: StopReason) -> Outcome:
        """What the run has come to when it was told to stop before its script had started."""
        run = self._insist(lambda: self._workspace.runs.get_by_key(self._key))
        return derive_stop_outcome(reason, run, self._submission, None)

    def _grace_left(self) -> float:
        """What stays of a cancel's grace; without one, what is left behind gets a grace of its own."""
        return GRACE_SECONDS if self._kill_at is None else max(0.0, self._kill_at - time.monotonic())

    def _insist(self, action: Callable[[], _T]) -> _T:
        """Do it however long the store takes to let it be done, as long as the run's folder is there.

        What a limit keeps this process from is left to the next look, which comes from another.
        """
        with self._room() as note_waiting:
            while True:
                try:
                    return action()
                except StoreError as error:
                    _log(f"the store waits: {error}")
                    is_left = is_beyond_file_limit(self._workspace.locator.database.files())
                    if is_left or not self._folder.path.exists():
                        raise
                    note_waiting()
                    time.sleep(_RETRY_SECONDS)
                    with suppress(MlrunError):  # the damaged store may have been repaired
                        self._workspace.follow()

    def _when_there_is_room(self, action: Callable[[], object]) -> None:
        """Do it however long the disk stays full; what fails for another reason is left undone."""
        with self._room() as note_waiting:
            while True:
                try:
                    action()
                except OSError as error:
                    _log(f"the disk waits: {error}")
                    if error.errno not in _NO_ROOM or not self._folder.path.exists():
                        return
                    note_waiting()
                    time.sleep(_RETRY_SECONDS)
                else:
                    return

    @contextmanager
    def _room(self) -> Iterator[Callable[[], None]]:
        """What notes, until the end of the block, that the run waits for room, if its disk is full."""
        noted = False

        def note_waiting() -> None:
            nonlocal noted
            if describe_full_disk(self._folder.path, FULL_FOR_RUNS_BYTES) is not None:
                self._note_waiting_for_room(is_waiting=True)
                noted = True

        yield note_waiting
        if noted:
            self._note_waiting_for_room(is_waiting=False)

    def _note_waiting_for_room(self, *, is_waiting: bool) -> None:
        with suppress(OSError), closing(OwnerLock.open(self._folder.lock)) as lock:
            lock.note_waiting_for_room(is_waiting=is_waiting)


def _log(text: str) -> None:
    """To system_logs/supervisor.log; a full disk must not end a run."""
    try:
        os.write(2, f"{text}\n".encode())
    except OSError:
        return
