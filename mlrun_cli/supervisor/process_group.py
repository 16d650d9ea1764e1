"""Groups of processes that a supervisor starts and ends as a unit."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from signal import SIGKILL, SIGTERM, Signals
from typing import Any

from mlrun_cli.errors import OperatingSystemError
from mlrun_cli.processes.process import ProcessId, filter_by_run, list_descendants, send_signal
from mlrun_cli.processes.termination import end_processes, has_children
from mlrun_cli.runs.cancellation import GRACE_SECONDS
from mlrun_cli.supervisor.child import Child, ProcessSpec


class ProcessGroup:
    """Child processes that are managed as a unit: it has ended once all have, and failed once one has.

    When the first process fails, the others are ended with SIGTERM and, after a grace period, SIGKILL. When all
    processes except servers have ended, the servers are ended in the same way. A helper's failure does not count.

    Attributes:
        exit_code: None until all have ended; then the exit code of the first failure, or 0. Negative for a signal.
        first_to_fail: the number of the process that failed first; 0 if none has failed.
    """

    def __init__(self, specs: Sequence[ProcessSpec], run_id: str, *, grace_seconds: float = GRACE_SECONDS) -> None:
        """Start all of the processes, or none if one cannot be started.

        Raises:
            OSError: a process cannot be started.
        """
        self._run_id = run_id
        self._grace_seconds = grace_seconds
        self._children: list[Child] = []
        self._failure: int | None = None
        self._kill_at: float | None = None
        self._was_signalled = False
        self.exit_code: int | None = None
        self.first_to_fail = 0
        self.duration_seconds = 0.0
        self.started = time.monotonic()
        try:
            self._start_processes(specs)
        except OSError:
            end_processes(self.list_survivors, 0.0)
            raise

    def _start_processes(self, specs: Sequence[ProcessSpec]) -> None:
        on_node = Counter(spec.node for spec in specs)
        heads: dict[int, int] = {}
        for spec in specs:
            if on_node[spec.node] == 1:
                self._children.append(Child(spec, None))
                continue
            # A group can only be joined within its session, and stays while its head is not waited for.
            child = Child(spec, heads.get(spec.node, 0))
            heads.setdefault(spec.node, child.pid)
            self._children.append(child)

    @property
    def pids(self) -> list[int]:
        """The pids of the processes that have not ended."""
        return [child.pid for child in self._children if child.exit_code is None]

    def describe(self) -> list[dict[str, Any]]:
        """Return JSON-compatible records of the processes, for recovering the run if this process dies."""
        return [
            {
                "pid": child.pid,
                "identity": child.identify(),
                "node": child.spec.node,
                "log": child.spec.log.name,
            }
            for child in self._children
        ]

    def record_exits(self, exit_codes: Mapping[int, int]) -> None:
        """Record exit codes of reaped processes, keyed by pid; pids of other processes are ignored.

        All are recorded before any process is signalled, because pids of reaped processes may have been reused.
        """
        numbers = [number for number, child in enumerate(self._children) if child.pid in exit_codes]
        for number in numbers:
            self._children[number].record_exit(exit_codes[self._children[number].pid])
            self._record_failure(number)
        if not numbers:
            return
        self.duration_seconds = time.monotonic() - self.started
        is_over = all(child.exit_code is not None for child in self._children if not child.spec.is_server)
        if not self.pids:
            self.exit_code = self._failure or 0
        elif (is_over or self._failure is not None) and self._kill_at is None and not self._was_signalled:
            self._kill_at = time.monotonic() + self._grace_seconds
            self._send_signal(SIGTERM)

    def _record_failure(self, process_index: int) -> None:
        child = self._children[process_index]
        was_dismissed = child.spec.is_server and self._kill_at is not None
        if child.exit_code and self._failure is None and not was_dismissed and not child.spec.is_helper:
            self._failure = child.exit_code
            self.first_to_fail = process_index

    def kill_overdue_processes(self, now: float) -> None:
        """Kill the processes that are still running after the grace period."""
        if self._kill_at is not None and now >= self._kill_at and self.exit_code is None:
            self._send_signal(SIGKILL)

    def signal(self, signal_number: Signals) -> bool:
        """Send a signal to the processes and their descendants; return False if all had ended or one had failed.

        From then on the supervisor, not the group, decides when remaining processes are killed.
        """
        if self.exit_code is not None:
            return False
        had_failed = self._failure is not None
        self._was_signalled = True
        self._send_signal(signal_number)
        return not had_failed

    def list_survivors(self) -> list[ProcessId]:
        """Return the live descendants of this process that belong to the run."""
        if not has_children():  # as a rule, and to look at all processes takes milliseconds
            return []
        return filter_by_run(list_descendants(os.getpid()), self._run_id)

    def _send_signal(self, signal_number: Signals) -> None:
        # Not waited for yet, so that these pids are still the children's own, zombies' at worst, and so are the groups.
        groups = {os.getpgid(pid) for pid in self.pids} - {os.getpgrp()}
        for group in groups:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal_number)
        if signal_number is not SIGKILL and all(child.spec.passes_signals for child in self._children):
            return
        for process in self.list_survivors():
            if _get_process_group(process) not in groups:
                send_signal(process, signal_number)


def start_group(specs: Sequence[ProcessSpec], run_id: str) -> ProcessGroup:
    """Start the processes of a run as a group.

    Raises:
        MlrunError: a process cannot be started.
    """
    try:
        return ProcessGroup(specs, run_id)
    except OSError as error:
        raise OperatingSystemError(f"'{specs[0].argv[0]}' could not be started: {error.strerror}.") from error


def _get_process_group(process: ProcessId) -> int | None:
    try:
        return os.getpgid(process.pid)
    except OSError:
        return None
