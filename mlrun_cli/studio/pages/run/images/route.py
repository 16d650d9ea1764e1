"""The route of a run's Images tab: logged images, grouped by name in logging order."""

from __future__ import annotations

from starlette.responses import Response

from mlrun_cli.studio.page_request import PageRequest
from mlrun_cli.studio.pages.run.images.view import list_images_with_name, list_rows
from mlrun_cli.studio.pages.run.tabs import get_requested_run, render_tab
from mlrun_cli.studio.paging import build_page_links


def show(page: PageRequest) -> Response:
    """Show the newest images of each name, or all images with the name given as the parameter `name`."""
    run = get_requested_run(page)
    name = page.request.query_params.get("name")
    rows, has_more = list_rows(page, run) if name is None else list_images_with_name(page, run, name)
    return render_tab(
        page,
        run,
        "images",
        "pages/run/images/template.html",
        rows=rows,
        name=name,
        **build_page_links(page, has_more=has_more),
    )
