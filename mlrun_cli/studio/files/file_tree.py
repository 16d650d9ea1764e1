"""Files as a tree of folders, of which a page shows no more than it can bear."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

MOST_ENTRIES = 1000
_MOST_DEPTH = 32
"""Folders within each other; what is deeper stands in the last of them under a name of several parts."""


class TreeEntry(NamedTuple):
    """A file, or a folder with what is in it."""

    name: str
    path: str
    entries: Sequence[TreeEntry] = ()
    is_folder: bool = False


class Tree(NamedTuple):
    """The entries of the top; `left_out` files are not among them."""

    entries: Sequence[TreeEntry]
    total: int
    left_out: int


def tree_of(names: Sequence[str], wanted: str = "", folder: str = "") -> Tree:
    """The tree of these files, whose names are sorted.

    Args:
        names: relative paths with `/` between their parts.
        wanted: text that a name has to hold, in upper or lower case.
        folder: only what is below it.
    """
    found = [name for name in names if wanted.lower() in name.lower() and _is_below(name, folder)]
    shown = found[:MOST_ENTRIES]
    return Tree(_entries(_nested(shown), ""), len(names), len(found) - len(shown))


_Nested = Mapping[str, "_Nested | None"]


def _nested(names: Iterable[str]) -> _Nested:
    top: dict[str, _Nested | None] = {}
    for name in names:
        *folders, last = name.split("/", _MOST_DEPTH)
        place: dict[str, _Nested | None] = top
        for part in folders:
            inner = place.get(part)
            if not isinstance(inner, dict):
                inner = place[part] = {}
            place = inner
        place.setdefault(last, None)
    return top


def _entries(nested: _Nested, above: str) -> Sequence[TreeEntry]:
    folders, files = [], []
    for name, inner in nested.items():
        path = f"{above}{name}"
        if inner is None:
            files.append(TreeEntry(name, path))
        else:
            folders.append(TreeEntry(name, path, _entries(inner, f"{path}/"), is_folder=True))
    return [*folders, *files]


def _is_below(name: str, folder: str) -> bool:
    return not folder or name.startswith(f"{folder}/")
