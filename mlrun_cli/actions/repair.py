"""Check, rebuild, back up and restore the store of a workspace."""

from __future__ import annotations

import fcntl
import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from mlrun_cli.actions.parameters import backfill_parameters
from mlrun_cli.actions.run_deletion import list_runs_with_descendants
from mlrun_cli.actions.trash import move_back_stored_runs, move_back_unknown_runs, move_to_trash
from mlrun_cli.core.home import make_private_folder
from mlrun_cli.core.json_files import sync_to_disk
from mlrun_cli.core.locks import acquire_lock, remove_lock_file
from mlrun_cli.core.redaction import get_process_redactor
from mlrun_cli.core.temporary import make_temporary_path
from mlrun_cli.errors import (
    FileAlreadyExists,
    FileNotWritable,
    InvalidValue,
    MissingFile,
    StoreUnavailable,
    WorkspaceNotFound,
)
from mlrun_cli.processes.host_lease import open_home
from mlrun_cli.runs.rebuild_files import NAMES
from mlrun_cli.runtime.rebuild import ImportReport, import_folders
from mlrun_cli.store.db.database import Database
from mlrun_cli.store.salvage import Salvage
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, WorkspaceLocator, locate_workspace

_UNKNOWN = (
    "registered models, datasets, datastores, environments and compute targets",
    "saved views and settings of the workspace",
    "tags and descriptions of experiments",
)


def repair_workspace(identity: WorkspaceIdentity, home: Path, *, report: Callable[[str], None]) -> dict[str, Any]:
    """Check the store, rebuild it if needed, and add runs that exist only as folders; return a record of the repairs.

    Args:
        identity: the identity of the workspace.
        home: the folder of all workspaces.
        report: called with a message before a long step.

    Returns:
        A record of the findings and of the repairs.

    Raises:
        WorkspaceNotFound: there is neither such a workspace nor a folder of it.
        StoreUnavailable: another process keeps the store locked, or is repairing it.
    """
    locator = locate_workspace(home, identity)
    folder = locator.folder
    if not (folder / "runs").is_dir() and not locator.database.exists():
        raise WorkspaceNotFound(identity.name, identity.resource_group, identity.subscription_id)
    open_home(home)
    kept, was_recorded = None, (folder / NAMES).exists()
    with _hold_repair_lock(folder):
        is_there = locator.database.exists()
        problems = locator.database.check_integrity() if is_there else []
        if is_there and not problems:
            with closing(locator.database.open()) as database:
                filled = import_folders(database, folder, get_process_redactor(), is_rebuilt=False)
        else:
            report("The store is made again; this may take a while.")
            with locator.database.create_replacement() as new:
                filled = _fill_new_store(new.database, locator, is_damaged=is_there)
                kept = new.replace_current("damaged")
        with Workspace.connect(locator, redactor=get_process_redactor()) as workspace:
            move_back_stored_runs(workspace)
            _recover_trash(workspace)
            recorded = workspace.write_missing_records()
            backfill_parameters(workspace, math.inf)
            lost_models = _list_unknown_models(workspace)
    is_new = not is_there or bool(problems)
    return {
        **_build_import_record(filled),
        "damagedStore": None if kept is None else str(kept),
        "notRecoverable": [*(_UNKNOWN if is_new and not was_recorded and not filled.salvaged else ()), *lost_models],
        "problems": problems,
        "recorded": recorded,
        "salvagedMetrics": filled.salvaged_metrics,
        "salvagedRuns": filled.salvaged,
        "store": "missing" if not is_there else "damaged" if problems else "sound",
        "workspace": identity.name,
    }


def back_up_workspace(workspace: Workspace, file: Path, *, overwrite: bool) -> dict[str, Any]:
    """Copy the store, which other processes may change meanwhile, to a file; return a record of the copy.

    Raises:
        UsageError: the file exists and must not be replaced.
        StoreError: the store cannot be read.
        MlrunError: the file cannot be written.
    """
    if os.path.lexists(file) and not (overwrite and file.is_file()):
        raise FileAlreadyExists(f"'{file}' already exists.", hint="Name another file, or add --overwrite.", target=file)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with make_temporary_path(file) as unfinished:
            os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            workspace.locator.database.copy_to(unfinished, shown=file)
            sync_to_disk(unfinished)
            unfinished.replace(file)
            sync_to_disk(file.parent)
        size = file.stat().st_size
    except OSError as error:
        raise FileNotWritable(file, error, hint="Choose another folder.") from error
    return {"bytes": size, "file": str(file), "workspace": workspace.identity.name}


def restore_workspace(identity: WorkspaceIdentity, home: Path, file: Path) -> dict[str, Any]:
    """Restore a store from a backup, then add newer runs from their folders; return a record of the result.

    Raises:
        UsageError: the file is not an intact copy of a store.
        StoreUnavailable: another process is repairing or restoring the workspace.
    """
    if not file.is_file():
        raise MissingFile(
            f"'{file}' does not exist.", hint="Name a file that 'mlrun workspace backup' has made.", target=file
        )
    locator = locate_workspace(home, identity)
    problems = locator.database.check_integrity(file)
    if problems:
        raise InvalidValue(
            f"'{file}' is not a sound copy of a store: {problems[0]}.",
            hint="Name another file that 'mlrun workspace backup' has made.",
            target=file,
        )
    folder = locator.folder
    for made in (folder, folder / "runs", folder / "snapshots"):
        make_private_folder(made)
    open_home(home)
    with _hold_repair_lock(folder):
        with locator.database.create_replacement(file) as new:
            filled = import_folders(new.database, folder, get_process_redactor(), is_rebuilt=True)
            kept = new.replace_current("replaced")
        with Workspace.connect(locator, redactor=get_process_redactor()) as workspace:
            move_back_stored_runs(workspace)
            workspace.write_missing_records()
    return {
        **_build_import_record(filled),
        "file": str(file),
        "replacedStore": None if kept is None else str(kept),
        "workspace": identity.name,
    }


def _recover_trash(workspace: Workspace) -> None:
    """Add the runs in the trash folder to the trash of a new store that does not have them."""
    run_ids = move_back_unknown_runs(workspace)
    if run_ids:
        with closing(workspace.locator.database.open()) as database:
            import_folders(database, workspace.folder, get_process_redactor(), is_rebuilt=False)
        known = [run_id for run_id in run_ids if workspace.runs.find_key(run_id) is not None]
        move_to_trash(workspace, list_runs_with_descendants(workspace, list(map(workspace.runs.get, known))))


def _build_import_record(report: ImportReport) -> dict[str, Any]:
    return {
        "named": report.named,
        "runs": len(report.runs),
        "unreadable": report.unreadable,
        "values": report.values,
    }


@contextmanager
def _hold_repair_lock(folder: Path) -> Iterator[None]:
    path = folder / ".repair.lock"
    try:
        lock = acquire_lock(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise StoreUnavailable(
            f"Another process is repairing or restoring the store in {folder}.", hint="Wait until it has ended."
        ) from error
    except OSError as error:
        raise FileNotWritable(path, error, hint="The folder has to be writable.") from error
    try:
        yield
    finally:
        remove_lock_file(path, lock)


def _fill_new_store(database: Database, locator: WorkspaceLocator, *, is_damaged: bool) -> ImportReport:
    """Fill a new store from the run folders and the readable rows of a damaged store, if any; return a report."""
    if not is_damaged:
        return import_folders(database, locator.folder, get_process_redactor(), is_rebuilt=True)
    with closing(locator.database.open_damaged_database()) as damaged:
        return import_folders(
            database, locator.folder, get_process_redactor(), is_rebuilt=True, salvage=Salvage(damaged)
        )


def _list_unknown_models(workspace: Workspace) -> Sequence[str]:
    """Return a line for each model in the workspace folder that is not in the store."""
    from mlrun_cli.models.model import ModelFilter  # noqa: PLC0415 - few come here

    known = {(model.name, str(model.version)) for model in workspace.models.list(ModelFilter())}
    found = ((path.parent.name, path.name) for path in (workspace.folder / "models").glob("[!.]*/[!.]*"))
    return [f"the model of the files in models/{name}/{version}" for name, version in sorted(set(found) - known)]
