"""Output folders of runs without a script, whose files are saved with the run when it ends.

The folders are recorded beside the lock of the process that has the runs open, so that another process can keep the
files if it dies.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from mlrun_cli.core.json_files import read_json, write_json
from mlrun_cli.core.temporary import make_temporary_path
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.wire import copying
from mlrun_cli.workspace import Workspace

_TRACKED = "tracked"
_KEPT_BELOW = "outputs"
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


def track_outputs(workspace: Workspace, owner_lock_path: str, run_id: str, outputs: Path) -> None:
    """Record a folder whose files are to be saved with an interactive run when the run ends.

    Raises:
        OSError: the folder cannot be recorded.
    """
    tracked = workspace.folder / owner_lock_path / _TRACKED
    tracked.mkdir(mode=0o700, exist_ok=True)
    write_json(tracked / run_id, {"folder": os.fspath(outputs)})


def save_outputs(workspace: Workspace, owner_lock_path: str, run_id: str) -> tuple[str, ...]:
    """Save the files in a run's tracked folder, if it has one; return warnings about files that could not be saved.

    Existing files of the run are not replaced. It is safe to call this again, even after a crash during the first call.
    """
    record = workspace.folder / owner_lock_path / _TRACKED / run_id
    try:
        document = read_json(record)
        if document is None:
            return ()
        warnings = _copy_outputs(Path(document["folder"]), workspace.get_run_folder(run_id), record)
        record.unlink(missing_ok=True)
    except (OSError, KeyError, TypeError) as error:  # the run ends all the same
        return (f"Its folder of outputs was not kept with the run: {record} cannot be used: {error}.",)
    return warnings


def save_all_outputs(workspace: Workspace, owner_lock_path: str) -> None:
    """Save the outputs of all live interactive runs of an owner, and add the warnings to the runs."""
    try:
        run_ids = os.listdir(workspace.folder / owner_lock_path / _TRACKED)
    except OSError:
        return
    for run_id in (name for name in run_ids if not name.startswith(".")):
        key = workspace.runs.find_key(run_id)
        warnings = () if key is None else save_outputs(workspace, owner_lock_path, run_id)
        if key is not None and warnings:
            workspace.runs.update(key, warnings=warnings)


def _copy_outputs(outputs: Path, folder: RunFolder, record_path: Path) -> tuple[str, ...]:
    """Copy tracked files into a run's folder; return a warning that names files that could not be copied, if any."""
    failed: list[str] = []
    reason = ""
    for name, path in _walk_files(outputs):
        try:
            if not reason:
                _copy_file(path, folder.uploads / _KEPT_BELOW / name, record_path)
                continue
        except OSError as error:
            if error.errno in _NO_ROOM:
                reason = "the disk is full"
            failed.append(f"{path} ({error.strerror})")
            continue
        failed.append(path)
    if not failed:
        return ()
    what = f"{failed[0]} and {len(failed) - 1} more" if len(failed) > 1 else failed[0]
    return (f"Not kept with the run, and still where it was: {what}{f': {reason}' if reason else ''}.",)


def _copy_file(source: str, destination: Path, record_path: Path) -> None:
    """Copy a file, by way of a temporary file beside `record_path`, unless the destination exists."""
    if os.path.lexists(destination):
        return
    destination.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with make_temporary_path(record_path) as temporary:
        # Opening must not block on a FIFO that has been put in place of the file.
        read = os.open(source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            write = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                copying.copy(read, write, os.fstat(read).st_size)
            finally:
                os.close(write)
        finally:
            os.close(read)
        with suppress(FileExistsError):
            os.link(temporary, destination)


def _walk_files(outputs: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and path of every file in a folder, following links; visit each folder once."""
    seen: set[str] = set()
    folders = [("", os.path.realpath(outputs))]
    while folders:
        below, folder = folders.pop()
        if folder in seen:
            continue
        seen.add(folder)
        try:
            with os.scandir(folder) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError:  # it does not exist
            continue
        for entry in found:
            name = f"{below}{entry.name}"
            with suppress(OSError):
                if entry.is_dir():
                    folders.append((f"{name}/", os.path.realpath(entry.path)))
                elif entry.is_file():
                    yield name, entry.path
