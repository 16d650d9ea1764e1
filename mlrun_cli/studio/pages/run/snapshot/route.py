"""The routes of a run's Snapshot tab: the source folder as submitted."""

from __future__ import annotations

from functools import partial

from starlette.responses import Response

from mlrun_cli.actions.snapshots import get_snapshot
from mlrun_cli.errors import NotFound
from mlrun_cli.runs.run import Run
from mlrun_cli.snapshots.content_store import SnapshotStore
from mlrun_cli.snapshots.snapshot import EntryKind, Snapshot, SnapshotEntry
from mlrun_cli.studio.files.file_tree import build_tree
from mlrun_cli.studio.files.responses import OpenFileResponse, create_zip_response
from mlrun_cli.studio.files.zip_stream import ArchiveMember
from mlrun_cli.studio.page_request import PageRequest
from mlrun_cli.studio.pages.run.snapshot.source_code import MAX_BYTES, highlight_source
from mlrun_cli.studio.pages.run.tabs import get_requested_run, render_tab

_TAB = "snapshot"


def show_tab(page: PageRequest) -> Response:
    """Show the files of the snapshot, and the content of the script or, without one, of the first file."""
    run = get_requested_run(page)
    try:
        snapshot = get_snapshot(page.workspace, run)
    except NotFound as error:
        return render_tab(page, run, _TAB, "pages/run/snapshot/missing.html", error=error)
    names = {entry.path for entry in snapshot.entries if entry.kind is EntryKind.FILE}
    first = run.script_name if run.script_name in names else min(names, default=None)
    return _show_file(page, run, snapshot, first)


def show(page: PageRequest) -> Response:
    """Show the files of the snapshot, and the content of the file in the URL."""
    run = get_requested_run(page)
    return _show_file(page, run, get_snapshot(page.workspace, run), page.get_file_path())


def send_file(page: PageRequest) -> Response:
    """Send a file of the snapshot as a download."""
    run = get_requested_run(page)
    entry = _get_file_entry(run, get_snapshot(page.workspace, run), page.get_file_path())
    return OpenFileResponse(_open_snapshot_store(page).open_object(entry.digest), entry.path)


def send_archive(page: PageRequest) -> Response:
    """Send the snapshot as a zip archive."""
    run = get_requested_run(page)
    snapshot = get_snapshot(page.workspace, run)
    store = _open_snapshot_store(page)
    members = (
        ArchiveMember(entry.path, partial(store.open_object, entry.digest), entry.executable)
        for entry in snapshot.entries
        if entry.kind is EntryKind.FILE
    )
    return create_zip_response(members, f"{snapshot.snapshot_id}.zip")


def _show_file(page: PageRequest, run: Run, snapshot: Snapshot, file_name: str | None) -> Response:
    names = [entry.path for entry in snapshot.entries if entry.kind is EntryKind.FILE]
    entry = None if file_name is None else _get_file_entry(run, snapshot, file_name)
    data = b"" if entry is None else _read_first_bytes(_open_snapshot_store(page).open_object(entry.digest))
    return render_tab(
        page,
        run,
        _TAB,
        "pages/run/snapshot/template.html",
        tree=build_tree(names, page.get_query_parameter("name")),
        name_filter=page.get_query_parameter("name"),
        snapshot=snapshot,
        snapshot_address=lambda path: page.urls.file(run.run_id, _TAB, path),
        entry=entry,
        is_binary=b"\0" in data,
        is_cut=entry is not None and entry.size > MAX_BYTES,
        lines=() if entry is None or b"\0" in data else highlight_source(entry.path, data),
    )


def _get_file_entry(run: Run, snapshot: Snapshot, file_name: str) -> SnapshotEntry:
    for entry in snapshot.entries:
        if entry.path == file_name and entry.kind is EntryKind.FILE:
            return entry
    raise NotFound(f"The snapshot of run '{run.run_id}' has no file '{file_name}'.")


def _open_snapshot_store(page: PageRequest) -> SnapshotStore:
    return SnapshotStore(page.workspace.snapshots_folder)


def _read_first_bytes(descriptor: int) -> bytes:
    with open(descriptor, "rb") as file:
        return file.read(MAX_BYTES)
