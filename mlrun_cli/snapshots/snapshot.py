"""A snapshot, which describes the content of a source folder at the time when a run was submitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple

SNAPSHOT_PROPERTY = "ContentSnapshotId"
"""The property of a run that holds the id of its snapshot."""


class EntryKind(str, Enum):
    """The kind of a snapshot entry."""

    FILE = "file"
    DIRECTORY = "directory"
    LINK = "link"


class SnapshotEntry(NamedTuple):
    """An entry of a snapshot: a file, a folder or a link.

    `path` is relative, with `/` as separator; bytes that are not UTF-8 are represented by lone surrogates.
    Files have `digest` (SHA-256, hexadecimal), `size` (bytes), `executable` and `mtime_ns`; links have `target`,
    relative to the folder of the link.
    """

    path: str
    kind: EntryKind
    digest: str = ""
    size: int = 0
    executable: bool = False
    mtime_ns: int = 0
    target: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the entry as a JSON-compatible dict, with only the fields that apply to its kind."""
        value: dict[str, Any] = {"path": self.path, "kind": self.kind.value}
        if self.kind is EntryKind.FILE:
            value |= {"digest": self.digest, "size": self.size, "mtime_ns": self.mtime_ns}
            if self.executable:
                value["executable"] = True
        elif self.kind is EntryKind.LINK:
            value["target"] = self.target
        return value

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> SnapshotEntry:
        """Create an entry from a dict returned by `to_json`.

        Raises:
            KeyError, ValueError: the object is not valid, or its path leads out of the folder.
        """
        path = value["path"]
        if path.startswith("/") or ".." in path.split("/"):
            raise ValueError(f"'{path}' leads out of the snapshot")
        return cls(
            path,
            EntryKind(value["kind"]),
            value.get("digest", ""),
            value.get("size", 0),
            value.get("executable", False),
            value.get("mtime_ns", 0),
            value.get("target", ""),
        )


class Snapshot(NamedTuple):
    """A snapshot: its id, its total size, and its entries, sorted by path with folders before their content.

    `snapshot_id` is a GUID computed from the content: equal paths, bytes, executable bits and links give equal ids.
    `size` is the total size of the files in bytes.
    """

    snapshot_id: str
    entries: tuple[SnapshotEntry, ...]
    size: int

    def to_json(self) -> dict[str, Any]:
        """Return the snapshot as a JSON-compatible dict for its manifest."""
        return {
            "snapshot_id": self.snapshot_id,
            "size": self.size,
            "entries": [entry.to_json() for entry in self.entries],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Snapshot:
        """Create a snapshot from a dict returned by `to_json`.

        Raises:
            KeyError, ValueError: the object is not valid.
        """
        return cls(
            value["snapshot_id"],
            tuple(SnapshotEntry.from_json(entry) for entry in value["entries"]),
            value["size"],
        )


class OmittedPath(NamedTuple):
    """A path of the source folder that is not in the snapshot, and the reason for that as a noun phrase."""

    path: str
    reason: str


def describe_omissions(omitted: Sequence[OmittedPath]) -> str:
    """Return a line that lists the first omitted paths with the reasons, and the number of the other paths."""
    return f"Left out of the snapshot: {format_first_names([f'{item.path} ({item.reason})' for item in omitted])}."


def format_first_names(names: Sequence[str], limit: int = 3) -> str:
    """Return the first `limit` names and the number of other names, such as `a, b and 3 more`."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(escape_path(name) for name in names[:limit]) + more


def escape_path(path: str) -> str:
    """Return a path as one printable line, escaping control characters and bytes that are not UTF-8."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in path
    )
