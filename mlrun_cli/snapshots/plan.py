"""Previews of snapshots without reading or storing file contents."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.snapshots.limits import SnapshotLimits
from mlrun_cli.snapshots.scan import scan_folder
from mlrun_cli.snapshots.snapshot import EntryKind, OmittedPath, Snapshot


class PlannedSnapshot(NamedTuple):
    """The files, links, total size and omitted paths of a snapshot to be taken, and lines for stderr.

    `ignore_file` is the name of the ignore file in use, or None.
    """

    files: frozenset[str]
    size: int
    left_out: tuple[OmittedPath, ...]
    notes: tuple[str, ...]
    ignore_file: str | None

    @classmethod
    def from_snapshot(cls, snapshot: Snapshot) -> PlannedSnapshot:
        """Return the preview for an existing snapshot."""
        paths = (entry.path for entry in snapshot.entries if entry.kind is not EntryKind.DIRECTORY)
        return cls(frozenset(paths), snapshot.size, (), (), None)


def plan_snapshot(source: Path, limits: SnapshotLimits, exclude: Sequence[Path]) -> PlannedSnapshot:
    """Return a preview of a snapshot of `source`, without storing anything.

    Raises:
        UsageError: no such folder, over a limit, or an ignore file that cannot be read.
    """
    scan = scan_folder(source, limits, exclude)
    size = sum(found.st_size for found in scan.files.values())
    left_out = tuple(sorted(scan.left_out, key=lambda item: item.path))
    return PlannedSnapshot(frozenset({*scan.files, *scan.links}), size, left_out, tuple(scan.notes), scan.ignore_file)
