"""Marks of slow recoveries: once a reader has timed out waiting for one, no other reader waits for it."""

from __future__ import annotations

from contextlib import closing, suppress
from pathlib import Path

from mlrun_cli.runs.owner_lock import OwnerLock


def is_quick_recovery_expected(lock_file: Path) -> bool:
    """Return whether the recovery of the runs with this owner lock is likely to finish soon."""
    with suppress(OSError), closing(OwnerLock.open(lock_file)) as lock:
        return lock.is_worth_waiting_for()
    return True


def record_slow_recovery(lock_file: Path) -> None:
    """Write a note to an owner lock's file that the recovery of its runs is slow."""
    with suppress(OSError), closing(OwnerLock.open(lock_file)) as lock:
        lock.record_slow_recovery()
