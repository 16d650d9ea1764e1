"""Sessions: processes that start interactive runs without submitting a script, such as notebooks or driver scripts.

A session is a folder with a lock, which its process holds, and a journal, to which it writes the data of its runs.
When the process has ended, the lock is free, and the next reconciliation ingests the rest of the journal and ends the
runs that were still live.
"""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlrun_cli.core.disk_space import describe_write_remedy
from mlrun_cli.core.json_files import read_json, write_json
from mlrun_cli.core.local_folder import rename_with_locks
from mlrun_cli.core.time import now
from mlrun_cli.errors import FileNotWritable, StoreError
from mlrun_cli.metrics.journal import list_journal_names
from mlrun_cli.processes.host import get_origin
from mlrun_cli.processes.host_lease import renew_lease_if_due
from mlrun_cli.processes.process import identify_process
from mlrun_cli.runs.error import SERVICE_ERROR, EndReason, build_run_error
from mlrun_cli.runs.folder import create_lock_file
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runtime.journal_ingest import JournalReader
from mlrun_cli.runtime.logged_values import copy_values_to_runs
from mlrun_cli.runtime.slow_recovery import is_quick_recovery_expected, record_slow_recovery
from mlrun_cli.runtime.tracked_outputs import save_all_outputs
from mlrun_cli.wire.run_folder import JOURNAL
from mlrun_cli.workspace import Workspace

_TIMEOUT_SECONDS = 2.0
_LOOK_AGAIN_SECONDS = 0.004
_MOMENT_SECONDS = 0.5
_BUSY_SECONDS = 30.0
_SESSIONS = "sessions"
_ENDING = "ending.json"


class Session:
    """The session of this process in a workspace, which holds the owner lock of the runs that it opens."""

    def __init__(self, workspace: Workspace, family: str) -> None:
        """Create the session's folder, whose name starts with the name of a `family` of processes.

        Raises:
            MlrunError: it cannot be created, or its lock cannot be acquired.
        """
        process = identify_process(os.getpid())
        name = f"{family}-{os.getpid()}-{0 if process is None else process.start_ticks}-{os.urandom(4).hex()}"
        self._workspace = workspace
        self._family = family
        self._relatives: dict[str, JournalReader] = {}
        self.folder = workspace.folder / _SESSIONS / name
        self.owner_lock = f"{_SESSIONS}/{name}"
        try:
            self._lock = _create_session_folder(self.folder)
        except OSError as error:
            raise FileNotWritable(self.folder, error, hint=describe_write_remedy(error)) from error
        self._reader = JournalReader(workspace, self.folder / JOURNAL, None)

    def ingest_own_journals(self) -> None:
        """Store the journal lines that this process has written so far; raise soon if the store is locked.

        Raises:
            StoreError: the store is locked for too long or cannot be used.
        """
        renew_lease_if_due(self._workspace.home)
        self._workspace.set_busy_timeout(_MOMENT_SECONDS)
        try:
            self._reader.ingest_until_now()
        finally:
            self._workspace.set_busy_timeout(_BUSY_SECONDS)

    def ingest_until_now(self) -> None:
        """Store all journal lines that the processes of this session have written so far."""
        self._reader.ingest_until_now()
        names = {name for name in _list_session_names(self._workspace) if name.startswith(f"{self._family}-")}
        for gone in self._relatives.keys() - names:
            del self._relatives[gone]
        for name in names - {self.folder.name}:
            if name not in self._relatives:
                folder = self.folder.with_name(name) / JOURNAL
                self._relatives[name] = JournalReader(self._workspace, folder, None)
            self._relatives[name].ingest_until_now()

    def close(self, error: dict[str, Any] | None) -> None:
        """End the runs that are still live, as Failed if there is an error, and remove the session's folder.

        Raises:
            StoreError: the store cannot be written; the next reconciliation then ends the runs.
        """
        ending = {"ended_at": now(), "error": error}
        self._workspace.enable_frequent_checkpoints()
        try:
            with suppress(OSError):  # it is for the next reconciliation
                write_json(self.folder / _ENDING, ending)
            self._reader.ingest_all()
            _end_runs(self._workspace, self.owner_lock, ending)
            _remove_session(self._workspace, self.folder)
        finally:
            self._lock.close()

    def close_after_fork(self) -> None:
        """Close inherited resources in a child created by `fork`."""
        self._lock.close()


def _create_session_folder(folder: Path) -> OwnerLock:
    """Create a session's folder with a lock that is held from the beginning, and return the lock."""
    unfinished = folder.with_name(f".{folder.name}")
    folder.parent.mkdir(mode=0o700, exist_ok=True)
    unfinished.mkdir(mode=0o700)
    (unfinished / JOURNAL).mkdir(mode=0o700)
    create_lock_file(unfinished / "lock")
    lock = OwnerLock.open_new(unfinished / "lock")
    rename_with_locks(unfinished, folder)
    return lock


def reconcile_sessions(workspace: Workspace) -> list[str]:
    """Ingest the remaining data of dead sessions, and end their live runs; return the owner locks of those that remain.

    Sessions remain if they could not be reconciled before a timeout.

    Raises:
        StoreUnavailable: the workspace is unavailable, and its sessions may be too.
    """
    given_up = []
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    for name in _list_session_names(workspace):
        lock_file = workspace.folder / _SESSIONS / name / "lock"
        # Another process may be reconciling it: one reader waits for that, up to a timeout.
        while not (is_reconciled := _reconcile_session(workspace, name)) and is_quick_recovery_expected(lock_file):
            if time.monotonic() >= deadline:
                record_slow_recovery(lock_file)
                break
            time.sleep(_LOOK_AGAIN_SECONDS)
        if not is_reconciled:
            given_up.append(f"{_SESSIONS}/{name}")
    for owner_lock, host_id in workspace.runs.list_unsupervised_owner_locks():
        is_ours = owner_lock.startswith(f"{_SESSIONS}/") and host_id == get_origin().host_id
        if is_ours and workspace.is_missing(workspace.folder / owner_lock):
            with suppress(StoreError):  # a reader continues even if the store cannot be written
                _end_runs(workspace, owner_lock, {"ended_at": now(), "error": _build_death_error()})
    return given_up


def list_session_remnants(workspace: Workspace) -> list[Path]:
    """Return the folders, ignored by reconciliation, of sessions that died while creating or removing them."""
    folders = [path for path in (workspace.folder / _SESSIONS).glob("*") if path.is_dir()]
    return sorted(folder for folder in folders if folder.name.startswith(".") or not (folder / "lock").exists())


def _list_session_names(workspace: Workspace) -> list[str]:
    try:
        return [name for name in os.listdir(workspace.folder / _SESSIONS) if not name.startswith(".")]
    except FileNotFoundError:
        return []


def _reconcile_session(workspace: Workspace, name: str) -> bool:
    """Reconcile one session if it is dead; return False if another process is doing so or the disk is full."""
    folder = workspace.folder / _SESSIONS / name
    try:
        lock = OwnerLock.open(folder / "lock")
    except OSError:
        return True
    try:
        if not lock.acquire_to_recover():
            return not lock.is_recovering()
        if not folder.is_dir():  # it has just ended in an orderly way
            return True
        ending = _read_ending(folder) or {"ended_at": _get_last_activity_time(folder), "error": _build_death_error()}
        JournalReader(workspace, folder / JOURNAL, None).ingest_all()
        _end_runs(workspace, f"{_SESSIONS}/{name}", ending)
        _remove_session(workspace, folder)
    except OSError:
        return not folder.is_dir()
    except StoreError:
        if not workspace.is_database_in_place():
            raise
        return False
    else:
        return True
    finally:
        lock.close()


def _read_ending(folder: Path) -> dict[str, Any] | None:
    """Return the ending that a session wrote, or None if there is none or it cannot be read."""
    ending = read_json(folder / _ENDING)
    is_whole = ending is not None and isinstance(ending.get("ended_at"), int) and "error" in ending
    return ending if is_whole else None


def _end_runs(workspace: Workspace, owner_lock_path: str, ending: dict[str, Any]) -> None:
    """End the live runs of a session, and save the files in their tracked output folders."""
    save_all_outputs(workspace, owner_lock_path)
    status = RunStatus.COMPLETED if ending["error"] is None else RunStatus.FAILED
    with workspace.transaction(durable=True):
        ended_keys = workspace.runs.list_keys_of_owner(owner_lock_path)
        workspace.runs.end_runs_of_owner(owner_lock_path, status, ended_at=ending["ended_at"], error=ending["error"])
    if ended_keys:
        from mlrun_cli.runtime.notifier_start import start_notifier_for_interactive_runs  # noqa: PLC0415 - start-up

        start_notifier_for_interactive_runs(workspace, ended_keys, status)


def _remove_session(workspace: Workspace, folder: Path) -> None:
    """Copy a session's values to the folders of their runs; remove the session's folder and journal offsets.

    Raises:
        StoreUnavailable: the workspace is unavailable.
    """
    names = list_journal_names(folder / JOURNAL)
    for name in names:
        copy_values_to_runs(workspace, folder / JOURNAL / name)
    shutil.rmtree(folder, ignore_errors=True)
    if names and workspace.is_missing(folder):
        # Only now: a reader that finds a journal without an offset ingests it from its start.
        with workspace.transaction():
            for name in names:
                workspace.journals.delete_session_offset(name)


def _build_death_error() -> dict[str, Any]:
    """Return the error of a run whose interactive process died before it ended the run."""
    message = "The process that had this run open died before it ended the run."
    return build_run_error(message, code=SERVICE_ERROR, reason=EndReason.SESSION_DIED)


def _get_last_activity_time(folder: Path) -> int:
    """Return the time of a dead session's last write, in microseconds."""
    journal = folder / JOURNAL
    moments = [os.stat(folder).st_mtime_ns // 1000]
    for path in (journal, *(journal / name for name in list_journal_names(journal))):
        with suppress(OSError):  # a journal that was being removed belongs to runs that have ended
            moments.append(os.stat(path).st_mtime_ns // 1000)
    return max(moments)
