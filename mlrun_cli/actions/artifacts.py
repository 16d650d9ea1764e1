"""List and download the files of a run."""

from __future__ import annotations

import difflib
import posixpath
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from mlrun_cli.actions.folder_copies import copy_into_folder
from mlrun_cli.core.atomic_files import open_atomically
from mlrun_cli.core.inner_files import open_file_without_links
from mlrun_cli.core.json_files import read_json
from mlrun_cli.core.same_content import has_other_content
from mlrun_cli.errors import FileAlreadyExists, NotFound, RunFileNotFound
from mlrun_cli.processes.host_lease import is_used_elsewhere
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.submission import Submission
from mlrun_cli.snapshots.content_store import SnapshotStore
from mlrun_cli.snapshots.snapshot import format_first_names
from mlrun_cli.snapshots.working_copy import list_written_files
from mlrun_cli.wire.run_folder import LOG_FOLDERS, UPLOADS
from mlrun_cli.workspace import Workspace

_SHOWN_NAMES = 10


def move_upload(workspace: Workspace, run: Run, name: str, folder: Path, *, overwrite: bool) -> None:
    """Move an upload from another folder of a run, where a script on a node has stored it, into the run's folder.

    Nothing is done if it has been moved already, by a request that was interrupted.

    Raises:
        RunFileNotFound: there is no such upload.
        UsageError: the run has such a file, and it is not to be overwritten.
        MlrunError: the file cannot be written.
    """
    place = posixpath.normpath(name)
    source = open_file_without_links(folder / UPLOADS, place)
    destination = workspace.get_run_folder(run.run_id).uploads / place
    if source is None and destination.is_file():
        return
    if source is None:
        raise RunFileNotFound(f"The upload '{name}' is not in {folder}.", target=name)
    with open(source, "rb") as file:
        destination.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open_atomically(destination, overwrite=overwrite, mode=0o600) as copy:
            shutil.copyfileobj(file, copy)
    (folder / UPLOADS / place).unlink(missing_ok=True)


def list_files(workspace: Workspace, run: Run) -> list[str]:
    """Return the sorted names of a run's files: its logs, and the files that its script wrote or uploaded."""
    return sorted(_collect_file_paths(workspace, run))


def get_file_sizes(workspace: Workspace, run: Run) -> dict[str, int]:
    """Return the sizes of a run's files in bytes, keyed by name; files that no longer exist are omitted."""
    sizes = {}
    for name, path in sorted(_collect_file_paths(workspace, run).items()):
        with suppress(OSError):
            sizes[name] = path.stat().st_size
    return sizes


def open_file(workspace: Workspace, run: Run, name: str) -> int:
    """Open a file of a run for reading and return its file descriptor.

    Raises:
        NotFound: the run has no such file, or it cannot be read.
    """
    descriptor = open_run_file(workspace.get_run_folder(run.run_id), name)
    if descriptor is None:
        raise RunFileNotFound(f"The run '{run.run_id}' has no file '{name}' that can be read.", target=name)
    return descriptor


def open_run_file(folder: RunFolder, name: str) -> int | None:
    """Open a file in a run's folder and return its file descriptor, or None if there is no such readable file.

    The size of one that another machine may write is as the file server has it.
    """
    top = name.partition("/")[0]
    # A script cannot put a file of its own in the place of the run's logs.
    # Only a run without a script has other logs than those in such folders.
    for root in (folder.artifacts,) if top in LOG_FOLDERS else (folder.uploads, folder.work, folder.artifacts):
        descriptor = open_file_without_links(root, name)
        if descriptor is not None:
            if folder.disk != folder.path or is_used_elsewhere(folder.path):
                from mlrun_cli.wire.fresh_files import refresh_file_size  # noqa: PLC0415 - start-up: loads ctypes

                refresh_file_size(descriptor)
            return descriptor
    return None


def download_files(
    workspace: Workspace, run: Run, names: Sequence[str], folder: Path, *, overwrite: bool = True
) -> list[Path]:
    """Copy files of a run, each atomically and under the same name, into a folder; return the paths of the copies.

    Args:
        workspace: the workspace of the run.
        run: the run whose files are copied.
        names: the names of files or folders, such as `outputs`; if empty, all files are copied.
        folder: the destination, created if it does not exist.
        overwrite: whether files with different content may be replaced.

    Returns:
        The files that were written.

    Raises:
        NotFound: the run has no such file.
        UsageError: files with different content exist and must not be replaced; nothing is written then.
        MlrunError: the folder cannot be written, or it contains a link where a folder is needed.
    """
    files = _collect_file_paths(workspace, run)
    wanted = [name for asked in names for name in _select_names(asked, files, run)] if names else sorted(files)
    return _copy_files({name: files[name] for name in wanted}, folder, overwrite=overwrite)


def download_file(workspace: Workspace, run: Run, name: str, destination: Path) -> None:
    """Copy one file of a run to a path, replacing an existing file; create the parent folder if needed.

    Raises:
        NotFound: the run has no such file; the message lists the files that it has.
        MlrunError: the file cannot be written.
    """
    files = _collect_file_paths(workspace, run)
    source = files.get(name.removeprefix("./"))
    if source is None:
        raise _build_file_not_found_error(name, files, run)
    copy_into_folder(source, destination.parent, destination.name)


def download_logs(workspace: Workspace, run: Run, folder: Path, *, overwrite: bool = True) -> list[Path]:
    """Copy a run's `user_logs/`, `system_logs/` and the script's `logs/` into a folder; return the paths of the copies.

    Raises:
        UsageError: files with different content exist and must not be replaced; nothing is written then.
        MlrunError: the folder cannot be written, or it contains a link where a folder is needed.
    """
    files = _collect_file_paths(workspace, run)
    tops = {*LOG_FOLDERS, "logs"}
    logs = {name: path for name, path in sorted(files.items()) if name.partition("/")[0] in tops}
    return _copy_files(logs, folder, overwrite=overwrite)


def _collect_file_paths(workspace: Workspace, run: Run) -> dict[str, Path]:
    """Return the paths of a run's logs, uploads and written files, keyed by name."""
    folder = workspace.get_run_folder(run.run_id)
    written = {name: folder.work / name for name in _list_written_files(workspace, folder)}
    uploaded = {name: folder.uploads / name for name in list_written_files(None, folder.uploads)}
    # The run's own logs come last: a script cannot put a file of its own in their place.
    return written | uploaded | folder.find_log_files()


def _list_written_files(workspace: Workspace, folder: RunFolder) -> list[str]:
    document = read_json(folder.submission)
    if document is None or not folder.work.is_dir():
        return []
    snapshot_id = Submission.from_json(document).snapshot_id
    return list_written_files(SnapshotStore(workspace.snapshots_folder).find_manifest(snapshot_id), folder.work)


def _select_names(requested_name: str, files: dict[str, Path], run: Run) -> list[str]:
    """Return the name of the requested file, or the names of all files in the requested folder."""
    name = requested_name.removeprefix("./").rstrip("/")
    found = [file for file in sorted(files) if file == name or file.startswith(f"{name}/")]
    if found:
        return found
    raise _build_file_not_found_error(requested_name, files, run)


def _build_file_not_found_error(name: str, files: dict[str, Path], run: Run) -> NotFound:
    nearest = difflib.get_close_matches(name, files, n=1)
    there_are = f"It has: {format_first_names(sorted(files), _SHOWN_NAMES)}." if files else "It has none yet."
    return RunFileNotFound(
        f"The run '{run.run_id}' has no file '{name}'. {there_are}",
        hint=f"Did you mean '{nearest[0]}'?" if nearest else f"See 'mlrun run files -r {run.run_id}'.",
        target=name,
    )


def _copy_files(files: Mapping[str, Path], folder: Path, *, overwrite: bool) -> list[Path]:
    """Copy files, keyed by new name, into a folder; return the paths. Raise if different files exist there."""
    others = [] if overwrite else [name for name, source in files.items() if has_other_content(source, folder / name)]
    if others:
        raise FileAlreadyExists(
            f"Nothing was downloaded: '{folder}' has other files under {format_first_names(others)}.",
            hint="Add --overwrite to replace them, or choose another folder with -d.",
            target=folder,
        )
    return [copy_into_folder(source, folder, name) for name, source in files.items()]
