"""Termination of processes: signal them, wait, kill them, and reap them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from resource import struct_rusage

from mlrun_cli.processes.process import ProcessId, send_signal

_KILL_AGAIN_SECONDS = 0.02
_KILL_SECONDS = 5.0


def end_processes(list_processes: Callable[[], list[ProcessId]], grace_seconds: float) -> list[ProcessId]:
    """End processes with SIGTERM and, after a grace period, SIGKILL; return the survivors.

    Args:
        list_processes: a function that lists the remaining processes.
        grace_seconds: the time between the two signals.
    """
    found = _signal_until_ended(signal.SIGTERM, list_processes, grace_seconds, interval_seconds=grace_seconds)
    return kill_processes(list_processes) if found else []


def kill_processes(list_processes: Callable[[], list[ProcessId]]) -> list[ProcessId]:
    """Kill processes with SIGKILL until the function lists none any more; return the survivors."""
    return _signal_until_ended(signal.SIGKILL, list_processes, _KILL_SECONDS, interval_seconds=_KILL_AGAIN_SECONDS)


def _signal_until_ended(
    signal_number: signal.Signals,
    list_processes: Callable[[], list[ProcessId]],
    timeout_seconds: float,
    *,
    interval_seconds: float,
) -> list[ProcessId]:
    """Send a signal every `interval_seconds` until all processes have ended or time is up; return the survivors."""
    deadline = time.monotonic() + timeout_seconds
    next_signal = 0.0
    while found := list_processes():
        moment = time.monotonic()
        if moment >= next_signal:
            for process in found:
                send_signal(process, signal_number)
            next_signal = moment + interval_seconds
        if moment >= deadline:
            break
        time.sleep(_KILL_AGAIN_SECONDS)
        reap_children()
    return found


def reap_children() -> dict[int, int]:
    """Reap all child processes that have ended; return their exit codes, negative for signals, keyed by pid."""
    return {pid: exit_code for pid, exit_code, _ in reap_children_with_usage()}


def reap_children_with_usage() -> list[tuple[int, int, struct_rusage]]:
    """Reap all child processes that have ended; return the pid, exit code and resource usage of each."""
    ended = []
    with suppress(ChildProcessError):
        while True:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
            if pid == 0:
                break
            ended.append((pid, os.waitstatus_to_exitcode(status), usage))
    return ended


def has_children() -> bool:
    """Return whether this process has child processes, including ended ones that were not reaped."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True
