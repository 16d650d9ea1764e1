"""The changes in a folder since a run was submitted from it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mlrun_cli.actions.snapshots import get_snapshot
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import MlrunError
from mlrun_cli.snapshots.content_store import SnapshotStore
from mlrun_cli.snapshots.snapshot import SnapshotEntry, escape_path
from mlrun_cli.studio.files.text_diff import MAX_BYTES, TextDiff, diff_text
from mlrun_cli.submit.earlier_runs import compare_folder
from mlrun_cli.workspace import Workspace

_MAX_PATHS = 200
_MAX_COMPARED = 20
_MAX_LINES = 500


class SourceChanges(NamedTuple):
    """The changes in a folder, or the reason why they are unknown.

    Attributes:
        texts: the first changed files, as pairs of a path and the difference.
        paths: the other files, as pairs of `changed`, `added` or `removed` and the path.
        total: the total number of changed, added and removed files.
    """

    texts: Sequence[tuple[str, TextDiff]] = ()
    paths: Sequence[tuple[str, str]] = ()
    total: int = 0
    problem: str = ""


def compare_with_snapshot(workspace: Workspace, run_id: str, folder: Path | None) -> SourceChanges:
    """Return the differences between a folder and the snapshot of a run."""
    if folder is None or not folder.is_dir():
        return SourceChanges(problem="The folder is not there any more.")
    try:
        snapshot = get_snapshot(workspace, workspace.runs.get(run_id))
        found = compare_folder(workspace, snapshot, folder)
    except MlrunError as error:
        return SourceChanges(problem=error.message)
    compared = found.changed[:_MAX_COMPARED]
    paths = [
        *(("changed", escape_path(entry.path)) for entry in found.changed[_MAX_COMPARED:]),
        *(("added", escape_path(path)) for path in found.added),
        *(("removed", escape_path(path)) for path in found.removed),
    ]
    texts = [(escape_path(entry.path), _diff_file(workspace, entry, folder)) for entry in compared]
    return SourceChanges(texts, paths[:_MAX_PATHS], len(texts) + len(paths))


def _diff_file(workspace: Workspace, entry: SnapshotEntry, folder: Path) -> TextDiff:
    try:
        before = SnapshotStore(workspace.snapshots_folder).read_start(entry.digest, MAX_BYTES + 1)
        with (folder / entry.path).open("rb") as file:
            after = file.read(MAX_BYTES + 1)
    except OSError as error:
        return TextDiff(problem=f"It cannot be read: {error.strerror}.")
    return diff_text(before, after, _MAX_LINES)
