"""Handlers of requests about the files and snapshots of runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mlrun_cli.actions.artifacts import download_file, download_files, list_files, move_upload
from mlrun_cli.actions.snapshots import create_snapshot, write_snapshot_archive
from mlrun_cli.rpc.context import RequestContext
from mlrun_cli.rpc.handlers.runs import get_run_by_full_id
from mlrun_cli.rpc.registry import handler


@handler("run_files.list", only_reads=True)
def list_run_files(context: RequestContext, run_id: str) -> list[str]:
    """Return the names of a run's files."""
    return list_files(context.workspace, get_run_by_full_id(context, run_id))


@handler("run_files.download", only_reads=True)
def download_run_files(context: RequestContext, run_id: str, names: Sequence[str], folder: str) -> list[str]:
    """Copy files of a run into a folder, keeping their names; return the paths of the copies."""
    run = get_run_by_full_id(context, run_id)
    return [str(path) for path in download_files(context.workspace, run, names, Path(folder))]


@handler("run_files.download_to", only_reads=True)
def download_run_file(context: RequestContext, run_id: str, name: str, path: str) -> None:
    """Copy one file of a run to a path."""
    download_file(context.workspace, get_run_by_full_id(context, run_id), name, Path(path))


@handler("run_files.take_upload")
def accept_upload(context: RequestContext, run_id: str, name: str, folder: str, replaces: bool = False) -> None:
    """Move a file from a folder, where a script on a node has put it for upload, to the folder of the script's run."""
    move_upload(context.workspace, get_run_by_full_id(context, run_id), name, Path(folder), overwrite=replaces)


@handler("run_files.restore_snapshot", only_reads=True)
def restore_snapshot(context: RequestContext, run_id: str, folder: str, snapshot_id: str | None = None) -> str:
    """Write a snapshot, by default the run's own, to a ZIP archive in a folder; return the archive's path."""
    return str(
        write_snapshot_archive(context.workspace, get_run_by_full_id(context, run_id), snapshot_id, Path(folder))
    )


@handler("run_files.take_snapshot")
def take_snapshot(context: RequestContext, path: str) -> str:
    """Take a snapshot of a file or folder; return the snapshot's id."""
    return create_snapshot(context.workspace, Path(path))
