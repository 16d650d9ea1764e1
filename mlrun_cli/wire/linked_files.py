"""Listing of all files below a folder, including those reached through links."""

import os
from collections import deque
from typing import Callable, Deque, List, NamedTuple, Set, Tuple, Union

LOOP = "a link to a folder that it is in"
REPEATED = "a link to a folder that is there already"
SPECIAL = "a FIFO, a socket or a device"
DANGLING = "a link that leads to no file"

Reason = Union[str, OSError]
"""The reason for omitting a path: one of the texts above, or the error of a folder or link that cannot be read."""


def list_files_following_links(
    folder: "str | os.PathLike[str]",
    record_omission: Callable[[str, Reason], object],
    is_ignored: Callable[[str], bool] = lambda _: False,
) -> "List[str]":
    """Return the sorted relative paths of all files below a folder, including those reached through links.

    The target of a link is also listed under the link's path. Links to a folder that contains them are omitted, and
    so are links below other links if their folder has already been visited, to avoid endless paths.

    Args:
        folder: The folder to list.
        record_omission: Called with each omitted path and the reason.
        is_ignored: Returns whether to skip a file or folder name without calling `record_omission`.
    """
    walk = _Walk(os.path.realpath(os.fspath(folder)), record_omission, is_ignored)
    walk.visit_all()
    return sorted(walk.names)


class _Folder(NamedTuple):
    """A folder to visit; `link_folders` are the real paths of the folders of the links followed to reach it."""

    path: str
    real: str
    link_folders: Tuple[str, ...] = ()


class _Walk:
    """A traversal of a folder that collects the paths of all files."""

    def __init__(
        self, top: str, record_omission: Callable[[str, Reason], object], is_ignored: Callable[[str], bool]
    ) -> None:
        self.names: List[str] = []
        self._leave_out = record_omission
        self._is_ignored = is_ignored
        self._seen: Set[str] = set()
        self._folders = [_Folder("", top)]
        self._links: Deque[_Folder] = deque()

    def visit_all(self) -> None:
        """Collect the paths of all files, visiting linked folders after all others."""
        while self._folders or self._links:
            if self._folders:
                self._visit_folder(self._folders.pop())
            else:
                self._add_linked_folder(self._links.popleft())

    def _add_linked_folder(self, linked: _Folder) -> None:
        """Schedule a visit of a linked folder unless that would repeat a folder or never end."""
        if any(_contains_path(linked.real, folder) for folder in linked.link_folders):
            self._leave_out(linked.path, LOOP)
        elif len(linked.link_folders) > 1 and linked.real in self._seen:
            self._leave_out(linked.path, REPEATED)
        else:
            self._folders.append(linked)

    def _visit_folder(self, folder: _Folder) -> None:
        self._seen.add(folder.real)
        try:
            with os.scandir(folder.real) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            self._leave_out(folder.path or ".", error)
            return
        for entry in found:
            if self._is_ignored(entry.name):
                continue
            path = f"{folder.path}/{entry.name}" if folder.path else entry.name
            if entry.is_symlink():
                self._visit_link(path, entry.path, folder)
            elif entry.is_dir(follow_symlinks=False):
                self._folders.append(_Folder(path, entry.path, folder.link_folders))
            elif entry.is_file(follow_symlinks=False):
                self.names.append(path)
            else:
                self._leave_out(path, SPECIAL)

    def _visit_link(self, relative_path: str, link_path: str, folder: _Folder) -> None:
        """Add the path of a link to a file, schedule a visit of a linked folder, or record another link as omitted."""
        try:
            target = os.path.realpath(link_path)
        except OSError as error:
            self._leave_out(relative_path, error)
            return
        if os.path.isdir(target):
            self._links.append(_Folder(relative_path, target, (*folder.link_folders, folder.real)))
        elif os.path.isfile(target):
            self.names.append(relative_path)
        else:
            self._leave_out(relative_path, DANGLING)


def _contains_path(folder: str, path: str) -> bool:
    return os.path.join(path, "").startswith(os.path.join(folder, ""))
