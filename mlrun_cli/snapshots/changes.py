"""Changes between two snapshots, and patches for them.

The patch has git's form, which `patch -p1` and `git apply` take; if a file becomes a folder, or a folder a file, only
`git apply` takes it. Both ignore the lines about binary files.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from enum import Enum
from pathlib import PurePosixPath

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.unified_diff import UnifiedDiff, build_diff, is_text
from mlrun_cli.snapshots.content_store import SnapshotStore, build_lost_content_error
from mlrun_cli.snapshots.snapshot import EntryKind, Snapshot, SnapshotEntry

_MAX_BYTES = 32 << 20
"""A larger file is not compared line by line."""
_NOWHERE = b"/dev/null"
_EMPTY_BLOB, _NO_BLOB = b"e69de29", b"0000000"
"""How git abbreviates the id of an empty file's content, and of that of a file that does not exist."""


class ChangeKind(str, Enum):
    """The kind of change to a file or link."""

    ADDED = "added"
    REMOVED = "removed"
    MODIFIED = "modified"


class FileChange(NamedTuple):
    """A change to a file or link; `before` is None if it was added, and `after` if it was removed."""

    path: str
    before: SnapshotEntry | None
    after: SnapshotEntry | None

    @property
    def kind(self) -> ChangeKind:
        """Whether the file or link was added, removed or modified."""
        if self.before is None:
            return ChangeKind.ADDED
        return ChangeKind.REMOVED if self.after is None else ChangeKind.MODIFIED


class FilePatch(NamedTuple):
    """The patch for a change: its header and its hunks; `is_binary` if it only says that files differ."""

    header: bytes
    diff: UnifiedDiff = UnifiedDiff()
    is_binary: bool = False

    @property
    def text(self) -> bytes:
        """The complete patch as bytes: the header followed by the hunks."""
        return self.header + self.diff.hunks


def list_changes(before: Snapshot, after: Snapshot) -> list[FileChange]:
    """Return the changed files and links between two snapshots, sorted by path, without reading any content.

    A link that changes, to another target or to a file, is removed and added, since `patch` changes no links.
    """
    old, new = _index_entries(before), _index_entries(after)
    changes = []
    for path in sorted(old.keys() | new.keys()):
        first, second = old.get(path), new.get(path)
        if first is not None and second is not None:
            if _are_equal(first, second):
                continue
            if EntryKind.LINK in {first.kind, second.kind}:
                changes += [FileChange(path, first, None), FileChange(path, None, second)]
                continue
        changes.append(FileChange(path, first, second))
    return changes


def list_paths_with_changed_type(changes: Iterable[FileChange]) -> list[str]:
    """Return the sorted paths that are a file or link in one snapshot and a folder with changes in the other."""
    paths = {change.path for change in changes}
    above = {os.fspath(parent) for path in paths for parent in PurePosixPath(path).parents}
    return sorted(paths & above)


def build_patch(change: FileChange, store: SnapshotStore) -> FilePatch:
    """Return a change in the format of `git diff`, or as a line that says that binary files differ.

    Raises:
        StoredFilesLost: the store has lost a file's content.
    """
    names = [_quote_diff_path(prefix, change.path) for prefix in ("a/", "b/")]
    if change.before and change.after and change.before.digest == change.after.digest:
        return FilePatch(_build_header(change, names))
    sides = (change.before, change.after)
    headers = [name if entry else _NOWHERE for name, entry in zip(names, sides, strict=True)]
    contents = [_read_content(entry, store) for entry in sides]
    old, new = contents
    if old is None or new is None or not is_text(old) or not is_text(new):
        # Without git's header: of a new file, patch would make an empty one.
        return FilePatch(b"Binary files %b and %b differ\n" % (headers[0], headers[1]), is_binary=True)
    diff = build_diff(old, new)
    lines = b"--- %b\n+++ %b\n" % (headers[0], headers[1]) if diff.hunks else _build_index_line(change)
    return FilePatch(_build_header(change, names) + lines, diff)


def _index_entries(snapshot: Snapshot) -> Mapping[str, SnapshotEntry]:
    return {entry.path: entry for entry in snapshot.entries if entry.kind is not EntryKind.DIRECTORY}


def _are_equal(first: SnapshotEntry, second: SnapshotEntry) -> bool:
    """Return whether two entries are equal except for their modification times."""
    return first._replace(mtime_ns=0) == second._replace(mtime_ns=0)


def _build_header(change: FileChange, names: list[bytes]) -> bytes:
    lines = [b"diff --git %b %b" % (names[0], names[1])]
    before, after = change.before, change.after
    if before is None and after is not None:
        lines.append(b"new file mode %b" % _get_mode(after))
    elif after is None and before is not None:
        lines.append(b"deleted file mode %b" % _get_mode(before))
    elif before is not None and after is not None and before.executable != after.executable:
        lines += [b"old mode %b" % _get_mode(before), b"new mode %b" % _get_mode(after)]
    return b"\n".join([*lines, b""])


def _build_index_line(change: FileChange) -> bytes:
    """Return the line by which `patch` sees, without hunks, that an empty file is created or removed."""
    before, after = (_EMPTY_BLOB if entry else _NO_BLOB for entry in (change.before, change.after))
    return b"index %b..%b\n" % (before, after)


def _get_mode(entry: SnapshotEntry) -> bytes:
    if entry.kind is EntryKind.LINK:
        return b"120000"
    return b"100755" if entry.executable else b"100644"


def _read_content(entry: SnapshotEntry | None, store: SnapshotStore) -> bytes | None:
    """Return a file's content, a link's target or, without an entry, an empty value; None if the file is too large."""
    if entry is None:
        return b""
    if entry.kind is EntryKind.LINK:
        return entry.target.encode("utf-8", "surrogateescape")
    if entry.size > _MAX_BYTES:
        return None
    try:
        return store.read_start(entry.digest, _MAX_BYTES)
    except OSError as error:
        raise build_lost_content_error(entry) from error


def _quote_diff_path(prefix: str, path: str) -> bytes:
    """Return a prefixed path for a patch, quoted as by git if it has spaces, quotes, backslashes or control bytes."""
    name = (prefix + path).encode("utf-8", "surrogateescape")
    try:
        is_plain = path.isprintable() and not set(path) & set(' "\\')
    except UnicodeError:
        is_plain = False
    if is_plain:
        return name
    return b'"' + b"".join(map(_escape_byte, name)) + b'"'


def _escape_byte(byte: int) -> bytes:
    if byte in b'"\\':
        return b"\\" + bytes([byte])
    return bytes([byte]) if 0x20 <= byte < 0x7F else b"\\%03o" % byte
