"""Copies of a session's logged values in the folders of their runs, written when the session ends."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from mlrun_cli.errors import RunNotFound
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.wire.journal_lines import END, OF_OTHER_RUN, REMOVE_TAGS, SET_PARAMETERS, SET_TAGS
from mlrun_cli.workspace import Workspace

_NO_VALUES = tuple(f'["{kind}",'.encode() for kind in (SET_TAGS, REMOVE_TAGS, SET_PARAMETERS, END))
_OF_OTHER_RUN = OF_OTHER_RUN.encode()
_HEAD_BYTES = 600
_MANY_LINES = 100_000


def copy_values_to_runs(workspace: Workspace, journal: Path) -> None:
    """Copy the values in a session's journal to the folders of the runs that they belong to.

    The store already contains all values; the copies are for rebuilding it. They replace copies of an earlier attempt,
    which have the same name.

    Raises:
        StoreError: the store cannot be read.
    """
    copies = _Copies(workspace, journal.name)
    with suppress(OSError), journal.open("rb") as file:
        for line in file:
            copies.add(line)
        copies.complete()


class _Copies:
    """The copies of one journal, one file in each run folder, named `.unfinished` until all are complete."""

    def __init__(self, workspace: Workspace, name: str) -> None:
        self._workspace = workspace
        self._name = name
        self._folders: dict[bytes, Path | None] = {}
        self._lines: dict[Path, list[bytes]] = {}
        self._begun: set[Path] = set()
        self._waiting = 0

    def add(self, line: bytes) -> None:
        """Add a journal line `[">", run id, [kind, …]]`, if it contains a value, to the copy in its run's folder.

        Raises:
            OSError: the lines cannot be written.
        """
        head = line[:_HEAD_BYTES].split(b'"', 4)
        if len(head) < 5 or head[1] != _OF_OTHER_RUN or b"\\" in head[3]:
            return
        if head[4].lstrip(b", ").replace(b" ", b"").startswith(_NO_VALUES):
            return
        run_id = head[3]
        if run_id not in self._folders:
            self._folders[run_id] = self._find_folder(run_id)
        folder = self._folders[run_id]
        if folder is not None:
            self._lines.setdefault(folder, []).append(line)
            self._waiting += 1
        if self._waiting >= _MANY_LINES:
            self._append_pending_lines()

    def complete(self) -> None:
        """Write the pending lines, and rename all copies to their final names.

        Raises:
            OSError: the copies cannot be written.
        """
        self._append_pending_lines()
        for folder in self._begun:
            self._get_unfinished_path(folder).replace(folder / self._name)

    def _append_pending_lines(self) -> None:
        """Append the pending lines to the unfinished copies in the folders of the runs."""
        for folder, lines in self._lines.items():
            folder.mkdir(mode=0o700, exist_ok=True)
            if folder not in self._begun:
                self._get_unfinished_path(folder).unlink(missing_ok=True)
                self._begun.add(folder)
            with self._get_unfinished_path(folder).open("ab") as file:
                file.writelines(lines)
        self._lines.clear()
        self._waiting = 0

    def _get_unfinished_path(self, folder: Path) -> Path:
        return folder / f"{self._name}.unfinished"

    def _find_folder(self, run_id: bytes) -> Path | None:
        """Return the folder for a run's values, in its own folder or its root run's, or None if neither exists."""
        try:
            run = self._workspace.runs.get(json.loads(b'"%s"' % run_id))
        except (RunNotFound, ValueError):
            return None
        for each in (run.run_id, run.root_run_id):
            folder = RunFolder(self._workspace.folder / "runs" / each)
            if folder.path.is_dir():
                return folder.logged
        return None
