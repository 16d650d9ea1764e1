"""Questions about the files and snapshots of runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mlrun_cli.actions.artifacts import download_file, download_files, list_files
from mlrun_cli.actions.snapshots import keep_snapshot, write_snapshot
from mlrun_cli.rpc.context import Place
from mlrun_cli.rpc.handlers.runs import find_run


def list_all(place: Place, run_id: str) -> list[str]:
    """The names of a run's files."""
    return list_files(place.workspace, find_run(place, run_id))


def download(place: Place, run_id: str, names: Sequence[str], folder: str) -> list[str]:
    """The files that were written: files of a run under their names, in a folder."""
    run = find_run(place, run_id)
    return [str(path) for path in download_files(place.workspace, run, names, Path(folder))]


def download_to(place: Place, run_id: str, name: str, path: str) -> None:
    """Copy one file of a run to a path."""
    download_file(place.workspace, find_run(place, run_id), name, Path(path))


def restore_snapshot(place: Place, run_id: str, folder: str, snapshot_id: str | None = None) -> str:
    """The path of a new ZIP archive of a snapshot, the run's own if none is named."""
    return str(write_snapshot(place.workspace, find_run(place, run_id), snapshot_id, Path(folder)))


def take_snapshot(place: Place, path: str) -> str:
    """The id of a new snapshot of a file or folder."""
    return keep_snapshot(place.workspace, Path(path))


CALLS = {
    "list": list_all,
    "download": download,
    "download_to": download_to,
    "restore_snapshot": restore_snapshot,
    "take_snapshot": take_snapshot,
}
