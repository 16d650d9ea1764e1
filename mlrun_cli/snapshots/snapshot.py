"""A snapshot: what a source folder held when a run was submitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple

SNAPSHOT_PROPERTY = "ContentSnapshotId"
"""The property of a run that holds the id of its snapshot."""


class EntryKind(str, Enum):
    """The kind of a snapshot's entry."""

    FILE = "file"
    DIRECTORY = "directory"
    LINK = "link"


class SnapshotEntry(NamedTuple):
    """One path of a snapshot.

    `path` is relative, with `/` between its parts; bytes that are no UTF-8 stand in it as lone surrogates.
    Files have `digest` (SHA-256, hex), `size` (bytes), `executable` and `mtime_ns`; links have `target`,
    relative to the folder that the link stands in.
    """

    path: str
    kind: EntryKind
    digest: str = ""
    size: int = 0
    executable: bool = False
    mtime_ns: int = 0
    target: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object with the fields that apply to the kind of entry."""
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
        """Return the entry that `to_json` wrote.

        Raises:
            KeyError, ValueError: it is no such value, or its path leads out of the folder.
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
    """Entries sorted by path, so that a folder comes before what is in it.

    `snapshot_id` is a GUID made of the content: equal paths, bytes, x bits and links have an equal id.
    `size` is the sum of the files in bytes.
    """

    snapshot_id: str
    entries: tuple[SnapshotEntry, ...]
    size: int

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of the snapshot's manifest."""
        return {
            "snapshot_id": self.snapshot_id,
            "size": self.size,
            "entries": [entry.to_json() for entry in self.entries],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Snapshot:
        """Return the snapshot that `to_json` wrote.

        Raises:
            KeyError, ValueError: it is no such value.
        """
        return cls(
            value["snapshot_id"],
            tuple(SnapshotEntry.from_json(entry) for entry in value["entries"]),
            value["size"],
        )


class OmittedPath(NamedTuple):
    """A path of the source folder that a snapshot does not hold, and the reason as a noun phrase."""

    path: str
    reason: str


def describe_omissions(left_out: Sequence[OmittedPath]) -> str:
    """Return one line that names some omitted paths, each with its reason, and counts the rest."""
    return f"Left out of the snapshot: {format_some([f'{item.path} ({item.reason})' for item in left_out])}."


def format_some(names: Sequence[str], most: int = 3) -> str:
    """Return the first `most` names and how many more there are: `a, b and 3 more`."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(escape_path(name) for name in names[:most]) + more


def escape_path(path: str) -> str:
    """Return a path as one printable line: control characters and bytes that are no UTF-8 are escaped."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in path
    )
