"""The images of a run, embedded in its exported page."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator

from mlrun_cli.actions.artifacts import open_file
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import NotFound
from mlrun_cli.runs.run import Run
from mlrun_cli.studio.charts.logged_document import parse_artifact_url
from mlrun_cli.studio.files.file_kind import detect_image_type
from mlrun_cli.workspace import Workspace

_MAX_NAMES = 20
_MAX_PER_NAME = 4
_MAX_BYTES = 2 << 20
_MAX_TOTAL_BYTES = 12 << 20


class ExportedImage(NamedTuple):
    """An image with its name, its step or its position in the logging order (from 0), and its `data:` URL."""

    name: str
    step: float
    address: str


def read_images(workspace: Workspace, run: Run) -> tuple[list[ExportedImage], int]:
    """Return the newest images of each name, within the page's size limit, and the total number of images."""
    found = []
    room = _MAX_TOTAL_BYTES
    for name, step, file in _iterate_newest_images(workspace, run):
        data, kind = _read_image(workspace, run, file)
        if kind is not None and len(data) <= room:
            room -= len(data)
            found.append(ExportedImage(name, step, f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"))
    return found, sum(
        summary.value_count
        for summary in workspace.metric_summaries.list(run.key, only_images=True, limit=10 * _MAX_NAMES)
    )


def _iterate_newest_images(workspace: Workspace, run: Run) -> Iterator[tuple[str, float, str]]:
    """Yield the name, step and file of the newest images of each name."""
    for summary in workspace.metric_summaries.list(run.key, only_images=True, limit=_MAX_NAMES):
        offset = max(0, summary.value_count - _MAX_PER_NAME)
        for item in workspace.metrics.list_items(run.key, summary.name, limit=_MAX_PER_NAME, offset=offset):
            if file := parse_artifact_url(item.value):
                yield summary.name, item.position if item.step is None else item.step, file


def _read_image(workspace: Workspace, run: Run, file: str) -> tuple[bytes, str | None]:
    """Return the content and media type of a file; the type is None unless it is an image that is small enough."""
    try:
        descriptor = open_file(workspace, run, file)
    except NotFound:
        return b"", None
    try:
        data = os.pread(descriptor, _MAX_BYTES + 1, 0)
        return data, detect_image_type(file, descriptor) if len(data) <= _MAX_BYTES else None
    finally:
        os.close(descriptor)
