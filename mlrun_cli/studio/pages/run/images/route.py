"""A run's Images tab: what `log_image` has kept, by name and in the order it was logged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from starlette.responses import Response

from mlrun_cli.errors import NotFound
from mlrun_cli.metrics.metric import MetricSummary
from mlrun_cli.runs.run import Run
from mlrun_cli.studio.charts.logged_document import file_of
from mlrun_cli.studio.page_request import PageRequest
from mlrun_cli.studio.pages.run.tabs import render_tab, requested_run
from mlrun_cli.studio.paging import build_page_links, parse_page_number

_NAMES_OF_A_PAGE = 20
_FIRST_IMAGES = 12
_IMAGES_OF_A_PAGE = 100


class Image(NamedTuple):
    """An image: the step it was logged at, or its number from 0 on, and the address of its file."""

    step: float
    address: str


class ImageRow(NamedTuple):
    """The images of one name; `total` of them, of which `images` are shown."""

    name: str
    description: str | None
    total: int
    images: Sequence[Image]
    address: str


def show(page: PageRequest) -> Response:
    """The images of a run, of each name the newest; with `name` in the query all of that one."""
    run = requested_run(page)
    name = page.request.query_params.get("name")
    rows, has_more = _of_all_names(page, run) if name is None else _of_one_name(page, run, name)
    return render_tab(
        page,
        run,
        "images",
        "pages/run/images/template.html",
        rows=rows,
        name=name,
        **build_page_links(page, has_more=has_more),
    )


def _of_all_names(page: PageRequest, run: Run) -> tuple[Sequence[ImageRow], bool]:
    offset = (parse_page_number(page) - 1) * _NAMES_OF_A_PAGE
    found = page.workspace.metric_summaries.list(run.key, only_images=True, limit=_NAMES_OF_A_PAGE + 1, offset=offset)
    rows = [
        _row(page, run, summary, _FIRST_IMAGES, max(0, summary.value_count - _FIRST_IMAGES))
        for summary in found[:_NAMES_OF_A_PAGE]
    ]
    return rows, len(found) > _NAMES_OF_A_PAGE


def _of_one_name(page: PageRequest, run: Run, name: str) -> tuple[Sequence[ImageRow], bool]:
    summary = page.workspace.metric_summaries.find(run.key, name)
    if summary is None:
        raise NotFound(f"The run '{run.run_id}' has no images of this name.", hint="Its Images tab lists them.")
    offset = (parse_page_number(page) - 1) * _IMAGES_OF_A_PAGE
    return [_row(page, run, summary, _IMAGES_OF_A_PAGE, offset)], summary.value_count > offset + _IMAGES_OF_A_PAGE


def _row(page: PageRequest, run: Run, summary: MetricSummary, limit: int, offset: int) -> ImageRow:
    items = page.workspace.metrics.items(run.key, summary.name, limit=limit, offset=offset)
    images = [
        Image(item.position if item.step is None else item.step, page.urls.file(run.run_id, "files", file))
        for item in items
        if (file := file_of(item.value))
    ]
    address = f"{page.urls.run(run.run_id, 'images')}?{urlencode({'name': summary.name})}"
    return ImageRow(summary.name, summary.description, summary.value_count, images, address)
