"""Check the store of a workspace, make it again, copy it and put a copy in its place."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from mlrun_cli.core.home import make_private_folder, refuse_network_file_system
from mlrun_cli.core.json_files import sync
from mlrun_cli.core.locks import remove_taken, taken_lock
from mlrun_cli.core.temporary import temporary_beside
from mlrun_cli.errors import MlrunError, StoreUnavailable, UsageError, WorkspaceNotFound
from mlrun_cli.runs.record_files import NAMES
from mlrun_cli.runtime.rebuild import Filled, fill
from mlrun_cli.store.db.sqlite.connection import SqliteDatabase
from mlrun_cli.store.db.sqlite.migrations import migrate
from mlrun_cli.store.salvage import Salvage, copy_store, problems_of
from mlrun_cli.workspace import DATABASE_NAME, Workspace, WorkspaceIdentity, workspace_folder

_REBUILT = f".{DATABASE_NAME}.new"
_BESIDES = ("-wal", "-shm", "-journal")
_UNKNOWN = (
    "registered models, datasets, datastores, environments and compute targets",
    "saved views and settings of the workspace",
    "tags and descriptions of experiments",
)


def repair_workspace(identity: WorkspaceIdentity, home: Path, *, say: Callable[[str], None]) -> dict[str, Any]:
    """Check the store, make it again where it is damaged or gone, and add what the folders tell besides.

    Args:
        identity: of the workspace.
        home: where it lies.
        say: told what takes long.

    Returns:
        What was found and what was done.

    Raises:
        WorkspaceNotFound: there is no such workspace, nor a folder of it.
        StoreUnavailable: the store is held by another process for long, or somebody repairs it.
    """
    folder = workspace_folder(home, identity)
    if not (folder / "runs").is_dir() and not (folder / DATABASE_NAME).exists():
        raise WorkspaceNotFound(identity.name, identity.resource_group, identity.subscription_id)
    refuse_network_file_system(folder)
    path = folder / DATABASE_NAME
    kept, was_recorded = None, (folder / NAMES).exists()
    with _alone(folder):
        is_there = path.exists()
        problems = problems_of(path) if is_there else []
        if is_there and not problems:
            with closing(SqliteDatabase(path)) as database:
                migrate(database, str(path))
                filled = fill(database, folder, is_rebuilt=False)
        else:
            say("The store is made again; this may take a while.")
            with _new_store(folder) as database:
                filled = _filled(database, folder, path if is_there else None)
                kept = _put_in_place(folder, database, "damaged")
        with Workspace.at(folder) as workspace:
            recorded = workspace.record_missing()
            lost_models = _unknown_models(workspace)
    is_new = not is_there or bool(problems)
    return {
        **_told(filled),
        "damagedStore": None if kept is None else str(kept),
        "notRecoverable": [*(_UNKNOWN if is_new and not was_recorded and not filled.salvaged else ()), *lost_models],
        "problems": problems,
        "recorded": recorded,
        "salvagedMetrics": filled.salvaged_metrics,
        "salvagedRuns": filled.salvaged,
        "store": "missing" if not is_there else "damaged" if problems else "sound",
        "workspace": identity.name,
    }


def backup_workspace(workspace: Workspace, file: Path, *, overwrite: bool) -> dict[str, Any]:
    """Copy the store to a file while others write to it.

    Raises:
        UsageError: something is there that may not be replaced.
        StoreError: the store cannot be read.
        MlrunError: the file cannot be written.
    """
    if os.path.lexists(file) and not (overwrite and file.is_file()):
        raise UsageError(f"There is something at '{file}' already.", hint="Name another file, or add --overwrite.")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with temporary_beside(file) as unfinished:
            os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            copy_store(workspace.database_path, unfinished)
            sync(unfinished)
            unfinished.replace(file)
            sync(file.parent)
        size = file.stat().st_size
    except OSError as error:
        raise MlrunError(f"'{file}' cannot be written: {error.strerror}.", hint="Choose another folder.") from error
    return {"bytes": size, "file": str(file), "workspace": workspace.identity.name}


def restore_workspace(identity: WorkspaceIdentity, home: Path, file: Path) -> dict[str, Any]:
    """Put a copy of a store in its place, with the runs that have come since as their folders tell of them.

    Raises:
        UsageError: the file is no sound copy of a store.
        StoreUnavailable: somebody repairs the workspace.
    """
    if not file.is_file():
        raise UsageError(f"There is no file '{file}'.", hint="Name one that 'mlrun workspace backup' has made.")
    problems = problems_of(file)
    if problems:
        raise UsageError(
            f"'{file}' is no sound copy of a store: {problems[0]}.",
            hint="Name another one that 'mlrun workspace backup' has made.",
        )
    folder = workspace_folder(home, identity)
    for made in (folder, folder / "runs", folder / "snapshots"):
        make_private_folder(made)
    with _alone(folder):
        with _new_store(folder, file) as database:
            filled = fill(database, folder, is_rebuilt=True)
            kept = _put_in_place(folder, database, "replaced")
        with Workspace.at(folder) as workspace:
            workspace.record_missing()
    return {
        **_told(filled),
        "file": str(file),
        "replacedStore": None if kept is None else str(kept),
        "workspace": identity.name,
    }


def _told(filled: Filled) -> dict[str, Any]:
    return {
        "named": filled.named,
        "runs": len(filled.runs),
        "unreadable": filled.unreadable,
        "values": filled.values,
    }


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    path = folder / ".repair.lock"
    try:
        lock = taken_lock(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise StoreUnavailable(
            f"Another process repairs or restores the store in {folder}.", hint="Wait until it has ended."
        ) from error
    except OSError as error:
        raise MlrunError(f"{path} cannot be made: {error.strerror}.", hint="The folder has to be writable.") from error
    try:
        yield
    finally:
        remove_taken(path, lock)


@contextmanager
def _new_store(folder: Path, copy_of: Path | None = None) -> Iterator[SqliteDatabase]:
    """A store that nobody else has open, which is gone again unless it is put in its place."""
    path = folder / _REBUILT
    _remove(path)
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        if copy_of is not None:
            copy_store(copy_of, path)
        with closing(SqliteDatabase(path)) as database:
            migrate(database, str(copy_of or path))
            yield database
    finally:
        _remove(path)


def _filled(database: SqliteDatabase, folder: Path, damaged: Path | None) -> Filled:
    if damaged is None:
        return fill(database, folder, is_rebuilt=True)
    with closing(Salvage(damaged)) as salvage:
        return fill(database, folder, is_rebuilt=True, salvage=salvage)


def _put_in_place(folder: Path, database: SqliteDatabase, why: str) -> Path | None:
    """Give the new store its name, and the one that had it another, which is returned; None when there was none."""
    new, path = folder / _REBUILT, folder / DATABASE_NAME
    database.execute("PRAGMA journal_mode = DELETE")  # one file that needs no log
    database.close()
    sync(new)
    kept = folder / f"{DATABASE_NAME}.{why}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
    had_one = path.exists()
    for besides in (*_BESIDES, ""):
        with suppress(FileNotFoundError):
            Path(f"{path}{besides}").rename(f"{kept}{besides}")
    new.rename(path)
    sync(folder)
    return kept if had_one else None


def _remove(path: Path) -> None:
    for besides in ("", *_BESIDES):
        Path(f"{path}{besides}").unlink(missing_ok=True)


def _unknown_models(workspace: Workspace) -> Sequence[str]:
    """Files of models that the store knows nothing of."""
    from mlrun_cli.models.model import ModelFilter  # noqa: PLC0415 - few come here

    known = {(model.name, str(model.version)) for model in workspace.models.list(ModelFilter())}
    found = ((path.parent.name, path.name) for path in (workspace.folder / "models").glob("[!.]*/[!.]*"))
    return [f"the model of the files in models/{name}/{version}" for name, version in sorted(set(found) - known)]
