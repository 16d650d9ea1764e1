"""The images of a run within the page."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from typing import NamedTuple

from mlrun_cli.actions.artifacts import open_file
from mlrun_cli.errors import NotFound
from mlrun_cli.runs.run import Run
from mlrun_cli.studio.charts.logged_document import file_of
from mlrun_cli.studio.files.file_kind import image_type
from mlrun_cli.workspace import Workspace

_MOST_NAMES = 20
_MOST_OF_A_NAME = 4
_MOST_BYTES = 2 << 20
_MOST_BYTES_OF_ALL = 12 << 20


class Picture(NamedTuple):
    """An image: its name, the step it was logged at or its number from 0 on, and a `data:` address."""

    name: str
    step: float
    address: str


def pictures_of(workspace: Workspace, run: Run) -> tuple[list[Picture], int]:
    """The newest images of each name as far as the page has room for them, and how many there are."""
    found = []
    room = _MOST_BYTES_OF_ALL
    for name, step, file in _logged(workspace, run):
        data, kind = _read(workspace, run, file)
        if kind is not None and len(data) <= room:
            room -= len(data)
            found.append(Picture(name, step, f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"))
    return found, sum(
        summary.value_count
        for summary in workspace.metric_summaries.list(run.key, only_images=True, limit=10 * _MOST_NAMES)
    )


def _logged(workspace: Workspace, run: Run) -> Iterator[tuple[str, float, str]]:
    for summary in workspace.metric_summaries.list(run.key, only_images=True, limit=_MOST_NAMES):
        offset = max(0, summary.value_count - _MOST_OF_A_NAME)
        for item in workspace.metrics.items(run.key, summary.name, limit=_MOST_OF_A_NAME, offset=offset):
            if file := file_of(item.value):
                yield summary.name, item.position if item.step is None else item.step, file


def _read(workspace: Workspace, run: Run, file: str) -> tuple[bytes, str | None]:
    """What is in a file, and its media type; None where it is no picture, too large or gone."""
    try:
        descriptor = open_file(workspace, run, file)
    except NotFound:
        return b"", None
    try:
        data = os.pread(descriptor, _MOST_BYTES + 1, 0)
        return data, image_type(file, descriptor) if len(data) <= _MOST_BYTES else None
    finally:
        os.close(descriptor)
