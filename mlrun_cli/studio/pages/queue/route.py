"""The compute targets: what runs on each, what waits and why."""

from __future__ import annotations

from starlette.responses import Response

from mlrun_cli.actions.queue_overview import queue_overview
from mlrun_cli.studio.page_request import PageRequest

_MOST_WAITING = 100


def show(page: PageRequest) -> Response:
    """All targets."""
    return page.render(
        "pages/queue/template.html", targets=queue_overview(page.workspace, _MOST_WAITING), topic=page.topic("queue")
    )
