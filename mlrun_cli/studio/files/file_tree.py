"""Trees of files, with a limit on the number of entries on a page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mlrun_cli.core.named_tuple import NamedTuple

MAX_ENTRIES = 1000
_MAX_DEPTH = 32
"""The number of nested folders; deeper files are listed in the last one, with the rest of their path as the name."""


class TreeEntry(NamedTuple):
    """A file, or a folder with its entries."""

    name: str
    path: str
    entries: Sequence[TreeEntry] = ()
    is_folder: bool = False


class Tree(NamedTuple):
    """A tree of files: its top-level entries, the total number of files, and the number of omitted matches."""

    entries: Sequence[TreeEntry]
    total: int
    left_out: int


def build_tree(names: Sequence[str], filter_text: str = "", folder: str = "") -> Tree:
    """Build the tree of the files that match a filter, optionally limited to a folder.

    Args:
        names: the relative paths of all files, sorted.
        filter_text: text that paths must contain, in any letter case.
        folder: the folder to which to limit the tree.
    """
    found = [name for name in names if filter_text.lower() in name.lower() and _is_in_folder(name, folder)]
    shown = found[:MAX_ENTRIES]
    return Tree(_build_entries(_group_by_folder(shown), ""), len(names), len(found) - len(shown))


_Nested = Mapping[str, "_Nested | None"]


def _group_by_folder(names: Iterable[str]) -> _Nested:
    """Return relative paths as nested mappings, in which the name of a file has the value None."""
    top: dict[str, _Nested | None] = {}
    for name in names:
        *folders, last = name.split("/", _MAX_DEPTH)
        level: dict[str, _Nested | None] = top
        for part in folders:
            inner = level.get(part)
            if not isinstance(inner, dict):
                inner = level[part] = {}
            level = inner
        level.setdefault(last, None)
    return top


def _build_entries(nested: _Nested, parent: str) -> Sequence[TreeEntry]:
    """Build the entries of a folder, subfolders first; `parent` is the folder's path with a final slash."""
    folders, files = [], []
    for name, inner in nested.items():
        path = f"{parent}{name}"
        if inner is None:
            files.append(TreeEntry(name, path))
        else:
            folders.append(TreeEntry(name, path, _build_entries(inner, f"{path}/"), is_folder=True))
    return [*folders, *files]


def _is_in_folder(path: str, folder: str) -> bool:
    return not folder or path.startswith(f"{folder}/")
