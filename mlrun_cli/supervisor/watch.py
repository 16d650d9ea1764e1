"""The supervisor's main loop: serve requests, ingest journals and handle stops until all processes have ended."""

from __future__ import annotations

import os
import selectors
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from mlrun_cli.core.program_log import write_log
from mlrun_cli.errors import MlrunError, StoreError
from mlrun_cli.metrics.journal import CHUNK_BYTES
from mlrun_cli.processes.termination import reap_children_with_usage
from mlrun_cli.runs.log_times import LogTimeRecorder
from mlrun_cli.runs.script_end import StopReason
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runs.stream_lock import was_streaming_command_killed
from mlrun_cli.runtime.finish import run_or_log
from mlrun_cli.runtime.queue import ensure_dispatchers
from mlrun_cli.supervisor.process_group import ProcessGroup
from mlrun_cli.supervisor.resource_meter import ResourceMeter
from mlrun_cli.supervisor.rpc_server import RpcServer, RunRequestHandler
from mlrun_cli.supervisor.stop_request import StopRequest
from mlrun_cli.supervisor.supervised_run import SupervisedRun

_LOOK_SECONDS = 1.0
_QUEUES_SECONDS = 5.0
_BUSY_TICK_SECONDS = 0.05
_IDLE_TICK_SECONDS = 0.25


class Watch:
    """The main loop of a supervisor, which watches one process group of the run after another.

    Attributes:
        reader: the reader of the run's journals.
        stop: the request to stop the run, which may not have been made.
        time_limit_at: the monotonic time at which the run is stopped; None if there is no limit.
        meter: the measurement of what the script uses; None before it has started.
    """

    def __init__(self, run: SupervisedRun) -> None:
        self._run = run
        self.reader = run.create_reader()
        self.stop = StopRequest()
        self.time_limit_at: float | None = None
        self.meter: ResourceMeter | None = None
        self._group: ProcessGroup | None = None
        self._next_look = 0.0
        self._next_renewal = 0.0
        self._next_queues = 0.0
        self._was_terminated = False
        self._selector = selectors.DefaultSelector()
        self._worker = run.create_worker()
        self._log_times = LogTimeRecorder(run.folder)
        handler = RunRequestHandler(run, self.reader, self._schedule_immediate_check, self._worker.ensure_started)
        self._server = RpcServer(run.folder, self._selector, handler)
        self._terminations, self._termination_writer = os.pipe()
        os.set_blocking(self._terminations, False)
        os.set_blocking(self._termination_writer, False)
        self._selector.register(self._terminations, selectors.EVENT_READ, self._drain_terminations)
        signal.signal(signal.SIGTERM, self._on_terminate)

    def close(self) -> None:
        """Stop serving requests and end the worker."""
        for close in (self._server.close, self._worker.close):
            run_or_log(close, None)

    def wait_for_group(self, group: ProcessGroup, *, ends_attempt: bool = True) -> None:
        """Watch a group until its processes have ended; without `ends_attempt`, other groups follow after a success."""
        self._group = group
        tick = _BUSY_TICK_SECONDS
        with self._wake_on_process_ends(group):
            while group.exit_code is None:
                self._run_due_tasks(time.monotonic())
                for key, events in self._selector.select(tick):
                    key.data(events)
                ended = reap_children_with_usage()
                exit_codes = {pid: exit_code for pid, exit_code, _ in ended}
                if self.meter is not None:
                    self.meter.record_exits(ended)
                self._worker.record_exits(exit_codes)
                group.record_exits(exit_codes)
                self._server.retry_pending_requests()
                ingested = self._ingest_journals()
                if ingested:
                    tick = 0.0 if ingested >= CHUNK_BYTES else _BUSY_TICK_SECONDS
                else:
                    tick = min(_IDLE_TICK_SECONDS, max(tick, _BUSY_TICK_SECONDS) * 1.5)
        self._group = None
        self._log_times.record()
        was_terminated = self._was_terminated
        if self.stop.reason is None and (ends_attempt or group.exit_code):
            self._wait_for_shutdown(self._run.get_shutdown_wait_seconds(group.exit_code or 0))
        has_obeyed = group.exit_code == -signal.SIGTERM or (group.exit_code == 0 and self._was_terminated)
        if self.stop.reason is not None and (was_terminated or has_obeyed):
            self.stop.was_delivered = True  # by whoever stops this program and the script alike

    def request_stop_if_needed(self) -> bool:
        """Request a stop after a shutdown signal or a lost stream; return whether a stop is requested.

        The store is not read.
        """
        moment = time.monotonic()
        if self._was_terminated:
            self.stop.request_stop(StopReason.SHUTDOWN, self._group, moment)
        if self.stop.reason is None and was_streaming_command_killed(self._run.folder):
            self.stop.request_stop(StopReason.STREAM_LOST, self._group, moment)
        return self.stop.reason is not None

    def _wait_for_shutdown(self, seconds: float) -> None:
        """Wait for a shutdown signal, which may have reached the script first, and request a stop if it arrives."""
        deadline = time.monotonic() + seconds
        while not self._was_terminated and time.monotonic() < deadline:
            time.sleep(_BUSY_TICK_SECONDS)
        if self._was_terminated:
            self.stop.request_stop(StopReason.SHUTDOWN, None, time.monotonic())

    @contextmanager
    def _wake_on_process_ends(self, group: ProcessGroup) -> Iterator[None]:
        """Wake the selector when a process ends during the block, on systems with pidfds."""
        if sys.platform != "linux":
            yield
            return
        watched: set[int] = set()

        def stop_watching(pidfd: int) -> None:
            """Stop watching a pidfd and close it; the process is reaped elsewhere."""
            self._selector.unregister(pidfd)
            os.close(pidfd)
            watched.remove(pidfd)

        try:
            for pid in group.pids:
                pidfd = os.pidfd_open(pid)
                watched.add(pidfd)
                self._selector.register(pidfd, selectors.EVENT_READ, lambda _events, pidfd=pidfd: stop_watching(pidfd))
            yield
        finally:
            for pidfd in list(watched):
                stop_watching(pidfd)

    def _ingest_journals(self) -> int:
        """Store the next part of the journals and return its size, or 0 if the store is not available."""
        try:
            return self.reader.ingest()
        except (StoreError, OSError) as error:
            write_log(f"the journals wait: {error}")
            return 0

    def _run_due_tasks(self, now: float) -> None:
        """Measure resources, read the store, start missing dispatchers, and request or enforce stops, if due."""
        if self.meter is not None:
            self.meter.sample_if_due(now)
        if now >= self._next_look:
            self._next_look = now + _LOOK_SECONDS
            self._log_times.record()
            self._renew_lease_and_check_run(now)
            if self.stop.reason is None and was_streaming_command_killed(self._run.folder):
                self.stop.request_stop(StopReason.STREAM_LOST, self._group, now)
        if now >= self._next_queues:
            self._next_queues = now + _QUEUES_SECONDS
            self._start_missing_dispatchers()
        if self.time_limit_at is not None and now >= self.time_limit_at:
            self.stop.request_stop(StopReason.TIME_LIMIT, self._group, now)
        if self._was_terminated:
            self.stop.request_stop(StopReason.SHUTDOWN, self._group, now)
        if self._group is not None:
            self._group.kill_overdue_processes(now)
            self.stop.kill_if_due(self._group, now)

    def _start_missing_dispatchers(self) -> None:
        """Restart dispatchers that were killed, since no other process might check the queue."""
        try:
            ensure_dispatchers(self._run.workspace)
        except MlrunError as error:
            write_log(f"the queues are not looked at: {error}")

    def _renew_lease_and_check_run(self, now: float) -> None:
        """Renew the lease, and request a stop if another process has canceled, stopped or ended the run."""
        runs, key = self._run.workspace.runs, self._run.run.key
        try:
            self._run.workspace.reopen_if_replaced()
            if now >= self._next_renewal:
                self._next_renewal = now + self._run.renewal_seconds
                self._run.renew_lease()
            reason = self._run.receive_messages()
            if reason is not None:
                self.stop.request_stop(reason, self._group, now)
            status = runs.find_status(key)
            if status is RunStatus.CANCEL_REQUESTED:
                self.stop.apply_cancel_request(runs.get_by_key(key), self._group, now)
            elif status is None or status.is_terminal:
                # Somebody removed the run's folder: what the store says of it is final, so its script must not go on.
                self.stop.request_stop(StopReason.GIVEN_UP, self._group, now)
        except (MlrunError, OSError) as error:
            write_log(f"the store does not answer: {error}")

    def _schedule_immediate_check(self) -> None:
        self._next_look = 0.0

    def _on_terminate(self, _number: int, _frame: object) -> None:
        self._was_terminated = True
        self._schedule_immediate_check()
        with suppress(BlockingIOError):  # a selector that waits goes on to wait after a signal
            os.write(self._termination_writer, b"\0")

    def _drain_terminations(self, _events: int) -> None:
        os.read(self._terminations, 64)
