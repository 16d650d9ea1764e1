"""The files below a folder that a user wants copied, those behind its links among them."""

from __future__ import annotations

import os
from collections import deque
from typing import NamedTuple

from mlrun_cli.core.temporary import is_temporary
from mlrun_cli.snapshots.scan import unreadable
from mlrun_cli.snapshots.snapshot import LeftOut


class FolderFiles(NamedTuple):
    """Paths below a folder, relative to it and sorted, and what is passed over there."""

    names: list[str]
    left_out: list[LeftOut]


def list_files_below(folder: str | os.PathLike[str]) -> FolderFiles:
    """Return all files below a folder and behind the links in it, wherever they lead.

    What a link leads to is found under the link's name too. A link to a folder that the link is in is left out, and
    so is one behind a link to a folder that has been found already: links among folders have no end of paths.
    """
    walk = _Walk(os.path.realpath(folder))
    walk.complete()
    return FolderFiles(sorted(walk.names), sorted(walk.left_out))


class _Folder(NamedTuple):
    """A folder to visit; `link_folders` are the real paths of those that the links on the way to it are in."""

    path: str
    real: str
    link_folders: tuple[str, ...] = ()


class _Walk:
    def __init__(self, top: str) -> None:
        self.names: list[str] = []
        self.left_out: list[LeftOut] = []
        self._seen: set[str] = set()
        self._folders = [_Folder("", top)]
        self._links: deque[_Folder] = deque()

    def complete(self) -> None:
        while self._folders or self._links:
            if self._folders:
                self._visit(self._folders.pop())
            else:
                self._follow(self._links.popleft())

    def _follow(self, linked: _Folder) -> None:
        if any(_contains(linked.real, folder) for folder in linked.link_folders):
            self._leave_out(linked.path, "a link to a folder that it is in")
        elif len(linked.link_folders) > 1 and linked.real in self._seen:
            self._leave_out(linked.path, "a link to a folder that is there already")
        else:
            self._folders.append(linked)

    def _visit(self, folder: _Folder) -> None:
        self._seen.add(folder.real)
        try:
            with os.scandir(folder.real) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            self._leave_out(folder.path or ".", unreadable(error))
            return
        for entry in found:
            if is_temporary(entry.name):
                continue
            path = f"{folder.path}/{entry.name}" if folder.path else entry.name
            if entry.is_symlink():
                self._look_at_link(path, entry.path, folder)
            elif entry.is_dir(follow_symlinks=False):
                self._folders.append(_Folder(path, entry.path, folder.link_folders))
            elif entry.is_file(follow_symlinks=False):
                self.names.append(path)
            else:
                self._leave_out(path, "a FIFO, a socket or a device")

    def _look_at_link(self, path: str, link: str, folder: _Folder) -> None:
        try:
            target = os.path.realpath(link)
        except OSError as error:
            self._leave_out(path, unreadable(error))
            return
        if os.path.isdir(target):
            self._links.append(_Folder(path, target, (*folder.link_folders, folder.real)))
        elif os.path.isfile(target):
            self.names.append(path)
        else:
            self._leave_out(path, "a link that leads to no file")

    def _leave_out(self, path: str, reason: str) -> None:
        self.left_out.append(LeftOut(path, reason))


def _contains(folder: str, path: str) -> bool:
    return os.path.join(path, "").startswith(os.path.join(folder, ""))
