"""The route of the list of workspaces."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from mlrun_cli.serving.urls import WorkspaceUrls
from mlrun_cli.studio.page_request import StudioState
from mlrun_cli.workspace_locator import iterate_identities


async def show(request: Request) -> Response:
    """Show the list of workspaces, or redirect to the only one."""
    studio: StudioState = request.app.state.studio
    found = await run_in_threadpool(lambda: list(iterate_identities(studio.workspaces.home)))
    entries = [(identity, WorkspaceUrls(studio.options.base_path, *identity).experiments()) for identity in found]
    if len(entries) == 1 and "all" not in request.query_params:
        return RedirectResponse(entries[0][1], 303)
    return studio.templates.render_response(
        "pages/workspaces/template.html", {"entries": entries, "urls": None, "workspace": None}
    )
