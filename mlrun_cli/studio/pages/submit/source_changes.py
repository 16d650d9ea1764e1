"""What has changed in a folder since a run was submitted from it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mlrun_cli.actions.snapshots import snapshot_of
from mlrun_cli.errors import MlrunError
from mlrun_cli.snapshots.content_store import SnapshotStore
from mlrun_cli.snapshots.snapshot import SnapshotEntry, shown
from mlrun_cli.studio.files.text_diff import MOST_BYTES, TextDifference, text_difference
from mlrun_cli.submit.earlier_runs import folder_difference
from mlrun_cli.workspace import Workspace

_MOST_PATHS = 200
_MOST_COMPARED = 20
_MOST_LINES = 500


class SourceChanges(NamedTuple):
    """The changes, or why they cannot be told.

    Attributes:
        texts: what the first of the changed files had and have, by path.
        paths: a word for what became of each other file, and its path.
        total: how many files there are in all.
    """

    texts: Sequence[tuple[str, TextDifference]] = ()
    paths: Sequence[tuple[str, str]] = ()
    total: int = 0
    problem: str = ""


def source_changes(workspace: Workspace, run_id: str, folder: Path | None) -> SourceChanges:
    """Compare a folder with the snapshot of a run."""
    if folder is None or not folder.is_dir():
        return SourceChanges(problem="The folder is not there any more.")
    try:
        snapshot = snapshot_of(workspace, workspace.runs.get(run_id))
        found = folder_difference(workspace, snapshot, folder)
    except MlrunError as error:
        return SourceChanges(problem=error.message)
    compared = found.changed[:_MOST_COMPARED]
    paths = [
        *(("changed", shown(entry.path)) for entry in found.changed[_MOST_COMPARED:]),
        *(("added", shown(path)) for path in found.added),
        *(("removed", shown(path)) for path in found.removed),
    ]
    texts = [(shown(entry.path), _compared(workspace, entry, folder)) for entry in compared]
    return SourceChanges(texts, paths[:_MOST_PATHS], len(texts) + len(paths))


def _compared(workspace: Workspace, entry: SnapshotEntry, folder: Path) -> TextDifference:
    try:
        before = SnapshotStore(workspace.snapshots_folder).read_start(entry.digest, MOST_BYTES + 1)
        with (folder / entry.path).open("rb") as file:
            after = file.read(MOST_BYTES + 1)
    except OSError as error:
        return TextDifference(problem=f"It cannot be read: {error.strerror}.")
    return text_difference(before, after, _MOST_LINES)
