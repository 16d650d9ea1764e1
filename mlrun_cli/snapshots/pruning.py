"""Removal of unreferenced snapshots while other processes may be taking snapshots."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from mlrun_cli.core.disk_space import describe_write_remedy
from mlrun_cli.core.home import make_private_folder
from mlrun_cli.core.local_folder import make_counterpart_folder
from mlrun_cli.core.locks import lock
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import StoreError
from mlrun_cli.snapshots.content_store import SnapshotStore

_DOOR = "door"
_LOCK = "lock"
_SILENT_SECONDS = 1.0
_LOOK_SECONDS = 0.02


class PruneResult(NamedTuple):
    """The result of pruning: the numbers of removed snapshots and contents, and the freed disk space in bytes."""

    snapshots: int
    contents: int
    size: int


@contextmanager
def prevent_pruning(folder: Path, report: Callable[[str], None] | None = None) -> Iterator[None]:
    """Prevent pruning during the block, so that snapshots found in the store remain until a run refers to them.

    Args:
        folder: the folder of the snapshots.
        report: called with a message if the function has to wait for long.

    Raises:
        StoreError: the folder cannot be written.
    """
    # Who prunes shuts the door while it waits, or a stream of submissions would let it wait for ever.
    with ExitStack() as stack:
        with _hold_prune_lock(folder, _DOOR, fcntl.LOCK_EX, report, "a 'workspace prune' to end"):
            stack.enter_context(_hold_prune_lock(folder, _LOCK, fcntl.LOCK_SH))
        yield


def prune_snapshots(
    folder: Path,
    list_kept_ids: Callable[[], Collection[str]],
    unused_since: float,
    *,
    dry_run: bool,
    report: Callable[[str], None],
    lock_folder: Path | None = None,
) -> PruneResult:
    """Remove unreferenced snapshots unused since a time, and contents in no snapshot; return how much was removed.

    Args:
        folder: the folder of the snapshots.
        list_kept_ids: returns the ids of referenced snapshots; called when no process can add a reference.
        unused_since: a time in seconds since the epoch; files written or used later are kept.
        dry_run: whether to remove nothing.
        report: called with a message if the function has to wait for long.
        lock_folder: the folder of the snapshots that submits copy from; None means `folder`. A folder on a network file
            system may have no locks.

    Raises:
        StoreError: the folder cannot be written.
    """
    lock_folder = lock_folder or folder
    with (
        _hold_prune_lock(lock_folder, _DOOR, fcntl.LOCK_EX, report, "another 'workspace prune'"),
        _hold_prune_lock(
            lock_folder, _LOCK, fcntl.LOCK_EX, report, "runs that are being submitted, until they have their snapshots"
        ),
    ):
        doomed = []
        kept_ids = list_kept_ids()
        used: set[str] = set()
        store = SnapshotStore(folder)
        for path in sorted((folder / "manifests").glob("*.json")):
            snapshot = store.find_manifest(path.stem)
            if path.stem not in kept_ids and path.stat().st_mtime < unused_since:
                doomed.append(path)
            elif snapshot is not None:
                used.update(entry.digest for entry in snapshot.entries)
        contents = [
            path
            for path in (folder / "objects").glob("*/*")
            if f"{path.parent.name}{path.name}" not in used and path.stat().st_mtime < unused_since
        ]
        size = sum(path.stat().st_blocks * 512 for path in (*doomed, *contents))
        if not dry_run:
            # Manifests first: one whose contents are gone would be worse than contents without one.
            for path in (*doomed, *contents):
                path.unlink(missing_ok=True)
        return PruneResult(len(doomed), len(contents), size)


@contextmanager
def _hold_prune_lock(
    folder: Path, lock_name: str, operation: int, report: Callable[[str], None] | None = None, blocker: str = ""
) -> Iterator[None]:
    """Hold a lock of a snapshots folder during the block; report if acquiring it takes long."""
    make_private_folder(folder)
    try:
        descriptor = os.open(make_counterpart_folder(folder) / lock_name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(
            f"The snapshots in '{folder}' cannot be used: {error.strerror}.",
            hint=describe_write_remedy(error),
        ) from error
    try:
        if report is not None and not _try_lock_silently(descriptor, operation):
            report(f"Waiting for {blocker}.")
        lock(descriptor, operation)
        yield
    finally:
        with suppress(OSError):
            os.close(descriptor)


def _try_lock_silently(descriptor: int, operation: int) -> bool:
    """Try for `_SILENT_SECONDS` to acquire a lock; return whether it was acquired, since otherwise a message is due."""
    deadline = time.monotonic() + _SILENT_SECONDS
    while True:
        try:
            lock(descriptor, operation | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_LOOK_SECONDS)
        else:
            return True
