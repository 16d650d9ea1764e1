"""Previews of snapshots without reading or storing file contents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.snapshots.limits import SnapshotLimits
from mlrun_cli.snapshots.scan import Scan, scan_folder
from mlrun_cli.snapshots.snapshot import EntryKind, OmittedPath, Snapshot


class PlannedSnapshot(NamedTuple):
    """The content of a snapshot to be taken.

    Attributes:
        files: the paths of its files and links.
        size: their total size in bytes.
        left_out: the paths that cannot be in it.
        ignored: the paths that the ignore file names; those of folders end with `/` and stand for what is in them.
        notes: lines for stderr.
        ignore_file: the name of the ignore file in use, or None.
    """

    files: frozenset[str]
    size: int
    left_out: tuple[OmittedPath, ...]
    ignored: tuple[str, ...]
    notes: tuple[str, ...]
    ignore_file: str | None

    @classmethod
    def from_snapshot(cls, snapshot: Snapshot) -> PlannedSnapshot:
        """Create a planned snapshot from an existing snapshot."""
        paths = (entry.path for entry in snapshot.entries if entry.kind is not EntryKind.DIRECTORY)
        return cls(frozenset(paths), snapshot.size, (), (), (), None)


def plan_snapshot(source: Path, limits: SnapshotLimits, exclude: Sequence[Path]) -> PlannedSnapshot:
    """Return a preview of a snapshot of the folder `source`, without storing anything.

    Raises:
        UsageError: no such folder, over a limit, or an ignore file that cannot be read.
    """
    scan = scan_folder(source, limits, exclude)
    size = sum(found.st_size for found in scan.files.values())
    left_out = tuple(sorted(scan.left_out, key=lambda item: item.path))
    files = frozenset({*scan.files, *scan.links})
    return PlannedSnapshot(
        files, size, left_out, tuple(_iterate_ignored_paths(scan)), tuple(scan.notes), scan.ignore_file
    )


def _iterate_ignored_paths(scan: Scan) -> Iterator[str]:
    """Yield the sorted ignored paths, except folders that are partly included and the contents of ignored folders."""
    folder = None
    for path in sorted(scan.ignored):
        if path.removesuffix("/") in scan.folders or (folder is not None and path.startswith(folder)):
            continue
        if path.endswith("/"):
            folder = path
        yield path
