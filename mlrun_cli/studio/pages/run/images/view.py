"""The rows of images on a run's Images tab."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import NotFound
from mlrun_cli.metrics.metric import MetricSummary
from mlrun_cli.runs.run import Run
from mlrun_cli.studio.charts.logged_document import parse_artifact_url
from mlrun_cli.studio.page_request import PageRequest
from mlrun_cli.studio.paging import parse_page_number

_NAMES_PER_PAGE = 20
_FIRST_IMAGES = 12
_IMAGES_PER_PAGE = 100


class Image(NamedTuple):
    """An image with its step, or its position in the logging order (from 0), and the URL of its file."""

    step: float
    address: str


class ImageRow(NamedTuple):
    """The images logged with a name; `total` also counts images that are not shown."""

    name: str
    description: str | None
    total: int
    images: Sequence[Image]
    address: str


def list_rows(page: PageRequest, run: Run) -> tuple[Sequence[ImageRow], bool]:
    """Return the requested page of rows, each with the newest images of a name, and whether more rows follow."""
    offset = (parse_page_number(page) - 1) * _NAMES_PER_PAGE
    found = page.workspace.metric_summaries.list(run.key, only_images=True, limit=_NAMES_PER_PAGE + 1, offset=offset)
    rows = [
        _build_image_row(page, run, summary, _FIRST_IMAGES, max(0, summary.value_count - _FIRST_IMAGES))
        for summary in found[:_NAMES_PER_PAGE]
    ]
    return rows, len(found) > _NAMES_PER_PAGE


def list_images_with_name(page: PageRequest, run: Run, name: str) -> tuple[Sequence[ImageRow], bool]:
    """Return a list of one row with the requested page of a name's images, and whether more images follow."""
    summary = page.workspace.metric_summaries.find(run.key, name)
    if summary is None:
        raise NotFound(f"The run '{run.run_id}' has no images of this name.", hint="Its Images tab lists them.")
    offset = (parse_page_number(page) - 1) * _IMAGES_PER_PAGE
    return [
        _build_image_row(page, run, summary, _IMAGES_PER_PAGE, offset)
    ], summary.value_count > offset + _IMAGES_PER_PAGE


def _build_image_row(page: PageRequest, run: Run, summary: MetricSummary, limit: int, offset: int) -> ImageRow:
    items = page.workspace.metrics.list_items(run.key, summary.name, limit=limit, offset=offset)
    images = [
        Image(item.position if item.step is None else item.step, page.urls.file(run.run_id, "files", file))
        for item in items
        if (file := parse_artifact_url(item.value))
    ]
    address = f"{page.urls.run(run.run_id, 'images')}?{urlencode({'name': summary.name})}"
    return ImageRow(summary.name, summary.description, summary.value_count, images, address)
