"""How a file of a run's snapshot differs from that of another run."""

from __future__ import annotations

from starlette.responses import Response

from mlrun_cli.actions.runs import get_reconciled_runs
from mlrun_cli.actions.snapshots import snapshot_of
from mlrun_cli.errors import NotFound
from mlrun_cli.runs.run import Run
from mlrun_cli.snapshots.content_store import SnapshotStore
from mlrun_cli.snapshots.snapshot import EntryKind, SnapshotEntry, shown
from mlrun_cli.studio.files.text_diff import MOST_BYTES, TextDifference, text_difference
from mlrun_cli.studio.page_request import PageRequest
from mlrun_cli.studio.pages.run.tabs import requested_run
from mlrun_cli.workspace import Workspace


def show(page: PageRequest) -> Response:
    """The difference of `path` in the run `with` to the run of the address."""
    run, path = requested_run(page), page.query("path")
    (other,) = get_reconciled_runs(page.workspace, [page.workspace.runs.get(page.query("with"))])
    entries = [_entry(page.workspace, each, path) for each in (other, run)]
    if entries == [None, None]:
        raise NotFound(f"The snapshots of '{other.run_id}' and '{run.run_id}' have no file '{path}'.")
    return page.render(
        "pages/run/difference/template.html",
        run=run,
        other=other,
        path=path,
        difference=_difference(page.workspace, *entries),
    )


def _entry(workspace: Workspace, run: Run, path: str) -> SnapshotEntry | None:
    """The file of a run's snapshot that is shown by this path."""
    try:
        entries = snapshot_of(workspace, run).entries
    except NotFound:
        return None
    return next((entry for entry in entries if entry.kind is EntryKind.FILE and shown(entry.path) == path), None)


def _difference(workspace: Workspace, before: SnapshotEntry | None, after: SnapshotEntry | None) -> TextDifference:
    if before and after and before.digest == after.digest:
        return TextDifference(problem="Both runs have the same file.")
    store = SnapshotStore(workspace.snapshots_folder)
    old, new = (b"" if entry is None else store.read_start(entry.digest, MOST_BYTES + 1) for entry in (before, after))
    return text_difference(old, new)
