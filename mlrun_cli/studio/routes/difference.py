"""How a file of a run's snapshot differs from that of another run."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from starlette.responses import Response

from mlrun_cli.actions.runs import get_settled
from mlrun_cli.actions.snapshots import snapshot_of
from mlrun_cli.domain.run import Run
from mlrun_cli.domain.snapshot import EntryKind, SnapshotEntry, shown
from mlrun_cli.errors import NotFound
from mlrun_cli.files.snapshot_store import SnapshotStore
from mlrun_cli.studio.page import Page
from mlrun_cli.studio.routes.run import run_of
from mlrun_cli.workspace import Workspace

_MOST_BYTES = 256 * 1024
_MOST_COMPARED = 10_000
"""Lines of a file: those of hostile ones take a time that grows with their square."""
_MOST_LINES = 5000
_KINDS = {"-": "removed", "+": "added", "@": "head"}


class _Difference(NamedTuple):
    """The lines, each behind the class it is shown with; or why there are none."""

    lines: Sequence[tuple[str, str]] = ()
    is_cut: bool = False
    problem: str = ""


_TOO_LONG = _Difference(problem="The files differ; they are too long to be compared here. Download both snapshots.")


def show(page: Page) -> Response:
    """The difference of `path` in the run `with` to the run of the address."""
    run, path = run_of(page), page.query("path")
    (other,) = get_settled(page.workspace, [page.workspace.runs.get(page.query("with"))])
    entries = [_entry(page.workspace, each, path) for each in (other, run)]
    if entries == [None, None]:
        raise NotFound(f"The snapshots of '{other.run_id}' and '{run.run_id}' have no file '{path}'.")
    return page.render(
        "difference.html", run=run, other=other, path=path, difference=_difference(page.workspace, *entries)
    )


def _entry(workspace: Workspace, run: Run, path: str) -> SnapshotEntry | None:
    """The file of a run's snapshot that is shown by this path."""
    try:
        entries = snapshot_of(workspace, run).entries
    except NotFound:
        return None
    return next((entry for entry in entries if entry.kind is EntryKind.FILE and shown(entry.path) == path), None)


def _difference(workspace: Workspace, before: SnapshotEntry | None, after: SnapshotEntry | None) -> _Difference:
    if before and after and before.digest == after.digest:
        return _Difference(problem="Both runs have the same file.")
    if any(entry.size > _MOST_BYTES for entry in (before, after) if entry):
        return _TOO_LONG
    texts = [_read(workspace, entry) for entry in (before, after)]
    if any(b"\0" in text for text in texts):
        return _Difference(problem="The files differ; they hold no text.")
    if any(text.count(b"\n") > _MOST_COMPARED for text in texts):
        return _TOO_LONG
    lines = list(islice(_compared(*texts), _MOST_LINES + 1))
    return _Difference(lines[:_MOST_LINES], len(lines) > _MOST_LINES)


def _read(workspace: Workspace, entry: SnapshotEntry | None) -> bytes:
    """What is in a file; nothing where the run has none."""
    if entry is None:
        return b""
    descriptor = SnapshotStore(workspace.snapshots_folder).open_object(entry.digest)
    try:
        return os.pread(descriptor, _MOST_BYTES, 0)
    finally:
        os.close(descriptor)


def _compared(before: bytes, after: bytes) -> Iterator[tuple[str, str]]:
    old, new = (text.decode("utf-8", "replace").split("\n") for text in (before, after))
    # The two lines that would name the files stand above them on the page.
    for line in islice(difflib.unified_diff(old, new, lineterm=""), 2, None):
        yield _KINDS.get(line[:1], "same"), line
