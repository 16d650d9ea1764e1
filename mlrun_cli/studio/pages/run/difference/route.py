"""The route of the difference of a source file between two runs."""

from __future__ import annotations

from starlette.responses import Response

from mlrun_cli.actions.runs import get_reconciled_runs
from mlrun_cli.actions.snapshots import get_snapshot
from mlrun_cli.errors import NotFound
from mlrun_cli.runs.run import Run
from mlrun_cli.snapshots.content_store import SnapshotStore
from mlrun_cli.snapshots.snapshot import EntryKind, SnapshotEntry, escape_path
from mlrun_cli.studio.files.text_diff import MAX_BYTES, SAME, TextDiff, diff_text
from mlrun_cli.studio.page_request import PageRequest
from mlrun_cli.studio.pages.run.tabs import get_requested_run
from mlrun_cli.workspace import Workspace


def show(page: PageRequest) -> Response:
    """Show the diff of a source file between two runs; the query gives its path and the run to compare with."""
    run, path = get_requested_run(page), page.get_query_parameter("path")
    (other,) = get_reconciled_runs(page.workspace, [page.workspace.runs.get(page.get_query_parameter("with"))])
    entries = [_find_entry(page.workspace, each, path) for each in (other, run)]
    if entries == [None, None]:
        raise NotFound(f"The snapshots of '{other.run_id}' and '{run.run_id}' have no file '{path}'.")
    return page.render(
        "pages/run/difference/template.html",
        run=run,
        other=other,
        path=path,
        difference=_diff_entries(page.workspace, *entries),
    )


def _find_entry(workspace: Workspace, run: Run, path: str) -> SnapshotEntry | None:
    """Return the snapshot entry of a file, given its path in the form used on pages, or None if there is none."""
    try:
        entries = get_snapshot(workspace, run).entries
    except NotFound:
        return None
    return next((entry for entry in entries if entry.kind is EntryKind.FILE and escape_path(entry.path) == path), None)


def _diff_entries(workspace: Workspace, before: SnapshotEntry | None, after: SnapshotEntry | None) -> TextDiff:
    if before and after and before.digest == after.digest:
        return SAME
    store = SnapshotStore(workspace.snapshots_folder)
    old, new = (b"" if entry is None else store.read_start(entry.digest, MAX_BYTES + 1) for entry in (before, after))
    return diff_text(old, new)
