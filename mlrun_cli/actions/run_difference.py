"""The difference between two runs: values by name, and the source files as a patch."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from mlrun_cli.actions.run_comparison import METRICS, PACKAGES, PARAMETERS, SETTINGS, VARIABLES, compare_runs
from mlrun_cli.actions.snapshots import get_snapshot
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import SnapshotNotFound, StoredFilesLost
from mlrun_cli.runs.run import Run
from mlrun_cli.snapshots.changes import FileChange, FilePatch, build_patch, list_changes, list_paths_with_changed_type
from mlrun_cli.snapshots.content_store import SnapshotStore
from mlrun_cli.snapshots.snapshot import escape_path, format_first_names
from mlrun_cli.workspace import Workspace

CODE = "code"
_SECTIONS = {"parameters": (PARAMETERS,), "environment": (SETTINGS, VARIABLES, PACKAGES), "metrics": (METRICS,)}
PARTS = (*_SECTIONS, CODE)


class ValueChange(NamedTuple):
    """A value that differs; None for a run without it."""

    name: str
    before: Any
    after: Any


class RunDifference(NamedTuple):
    """The difference between two runs.

    Attributes:
        before: the id of the first run.
        after: the id of the second run.
        values: the values that differ, keyed by part, for each part that was compared.
        code: the changes of source files with their patches; None if the code was not compared.
        notes: why a part was not compared, and what to know before the patch is applied.
    """

    before: str
    after: str
    values: Mapping[str, Sequence[ValueChange]]
    code: Sequence[tuple[FileChange, FilePatch]] | None
    notes: Sequence[str] = ()

    @property
    def is_different(self) -> bool:
        """True if there is any difference in the compared parts."""
        return bool(self.code) or any(self.values.values())

    def build_record(self) -> dict[str, Any]:
        """Return the difference as a JSON-compatible dict, without parts that were not compared."""
        values = {part: [change._asdict() for change in changes] for part, changes in self.values.items()}
        code = {} if self.code is None else {CODE: [_build_record(*each) for each in self.code]}
        return {"before": self.before, "after": self.after, **values, **code}


def read_difference(
    workspace: Workspace, before: Run, after: Run, parts: Collection[str], *, needs_code: bool
) -> RunDifference:
    """Compare two runs and return their difference.

    Args:
        workspace: the workspace of the runs.
        before: the first run.
        after: the second run.
        parts: the parts to compare, of `PARTS`.
        needs_code: whether it is an error if the code cannot be compared; otherwise, a note says so.

    Raises:
        SnapshotNotFound: a run has no snapshot, and `needs_code` is True.
        StoredFilesLost: the content of a changed file has been lost, and `needs_code` is True.
    """
    values = {
        part: [
            ValueChange(row.name, *row.values)
            for row in compare_runs(workspace, [before, after], sections)
            if row.differs
        ]
        for part, sections in _SECTIONS.items()
        if part in parts
    }
    code, notes = None, []
    if CODE in parts:
        try:
            code = list(_diff_code(workspace, before, after))
        except (SnapshotNotFound, StoredFilesLost) as error:
            if needs_code:
                raise
            notes.append(f"The code is not compared: {error.message}")
        notes += _iterate_patch_notes(code or ())
    return RunDifference(before.run_id, after.run_id, values, code, notes)


def _diff_code(workspace: Workspace, before: Run, after: Run) -> Iterator[tuple[FileChange, FilePatch]]:
    """Yield each changed file between the snapshots of two runs, with its patch."""
    store = SnapshotStore(workspace.snapshots_folder)
    for change in list_changes(get_snapshot(workspace, before), get_snapshot(workspace, after)):
        yield change, build_patch(change, store)


def _iterate_patch_notes(code: Sequence[tuple[FileChange, FilePatch]]) -> Iterator[str]:
    """Yield a note for each reason why GNU patch cannot apply the changes: changed types, and line feeds in names."""
    changed_types = list_paths_with_changed_type(change for change, _ in code)
    line_feeds = [change.path for change, _ in code if "\n" in change.path]
    for reason, paths in (
        ("A file became a folder, or a folder a file", changed_types),
        ("The name of a file has a line feed", line_feeds),
    ):
        if paths:
            yield f"{reason}: {format_first_names(paths)}. Apply the patch with 'git apply'; 'patch' cannot."


def _build_record(change: FileChange, patch: FilePatch) -> dict[str, Any]:
    return {
        "path": escape_path(change.path),
        "change": change.kind.value,
        "binary": patch.is_binary,
        "added_lines": patch.diff.added_lines,
        "removed_lines": patch.diff.removed_lines,
        **({"before": change.before.digest} if change.before and change.before.digest else {}),
        **({"after": change.after.digest} if change.after and change.after.digest else {}),
    }
