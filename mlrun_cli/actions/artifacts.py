"""The files of a run: list and download them."""

from __future__ import annotations

import difflib
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from mlrun_cli.domain.run import Run
from mlrun_cli.domain.submission import Submission
from mlrun_cli.errors import MlrunError, NotFound
from mlrun_cli.execution.working_copy import script_files
from mlrun_cli.files.run_folder import RunFolder, read_json
from mlrun_cli.files.snapshot_store import SnapshotStore
from mlrun_cli.workspace import Workspace


def list_files(workspace: Workspace, run: Run) -> list[str]:
    """Names of the run's files, sorted: its logs, and what the script wrote."""
    return sorted(_files(workspace, run))


def download_files(workspace: Workspace, run: Run, names: Sequence[str], folder: Path) -> list[Path]:
    """Copy files of a run into a folder, under their names; each is put into place when it is whole.

    Args:
        workspace: where the run is.
        run: whose files.
        names: of files or of folders, as `outputs`; none means all files.
        folder: made when it is not there.

    Returns:
        The files that were written.

    Raises:
        NotFound: the run has no such file.
        MlrunError: the folder cannot be written.
    """
    files = _files(workspace, run)
    wanted = [name for asked in names for name in _matching(asked, files, run)] if names else sorted(files)
    return [_copy(files[name], folder / name) for name in dict.fromkeys(wanted)]


def download_logs(workspace: Workspace, run: Run, folder: Path) -> list[Path]:
    """Copy the logs of a run into a folder: `user_logs/…`, `system_logs/…`, and `logs/…` of the script.

    Raises:
        MlrunError: the folder cannot be written.
    """
    files = _files(workspace, run)
    tops = {"user_logs", "system_logs", "logs"}
    return [_copy(path, folder / name) for name, path in sorted(files.items()) if name.partition("/")[0] in tops]


def _files(workspace: Workspace, run: Run) -> dict[str, Path]:
    folder = workspace.run_folder(run.run_id)
    found = {name: folder.work / name for name in _script_files(workspace, folder)}
    # The run's own logs come last: a script cannot put a file of its own in their place.
    return found | folder.log_files()


def _script_files(workspace: Workspace, folder: RunFolder) -> list[str]:
    document = read_json(folder.submission)
    if document is None or not folder.work.is_dir():
        return []
    snapshot_id = Submission.from_json(document).snapshot_id
    return script_files(SnapshotStore(workspace.snapshots_folder).find_manifest(snapshot_id), folder.work)


def _matching(asked: str, files: dict[str, Path], run: Run) -> list[str]:
    name = asked.removeprefix("./").rstrip("/")
    found = [file for file in sorted(files) if file == name or file.startswith(f"{name}/")]
    if found:
        return found
    nearest = difflib.get_close_matches(name, files, n=1)
    raise NotFound(
        f"The run '{run.run_id}' has no file '{asked}'.",
        hint=f"Did you mean '{nearest[0]}'?" if nearest else f"See 'mlrun run files -r {run.run_id}'.",
    )


def _copy(source: Path, destination: Path) -> Path:
    temporary = destination.with_name(f".{destination.name[:200]}.{os.getpid()}")
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, temporary)
        temporary.replace(destination)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise MlrunError(
            f"'{destination}' cannot be written: {error.strerror}.", hint="Choose another folder with -d."
        ) from error
    return destination
