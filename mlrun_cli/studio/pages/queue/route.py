"""The route of the compute targets with their running and waiting runs."""

from __future__ import annotations

from starlette.responses import Response

from mlrun_cli.actions.queue_overview import list_target_overviews
from mlrun_cli.studio.page_request import PageRequest

_MAX_WAITING = 100


def show(page: PageRequest) -> Response:
    """Show all compute targets with their queues."""
    return page.render(
        "pages/queue/template.html",
        targets=list_target_overviews(page.workspace, _MAX_WAITING),
        topic=page.build_topic("queue"),
    )
