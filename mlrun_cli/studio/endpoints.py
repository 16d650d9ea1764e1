"""Endpoints, which call the handlers of pages and actions and convert errors to error pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mlrun_cli.core.names import check_resource_group, check_subscription_id, check_workspace_name
from mlrun_cli.errors import MlrunError, NotFound, StoreError, UsageError, WorkspaceNotFound
from mlrun_cli.serving.urls import API_PATH, WorkspaceUrls
from mlrun_cli.studio.forms import CSRF_FIELD, FormFields, InvalidForm, read_form, read_json_object
from mlrun_cli.studio.page_request import PageRequest, StudioState
from mlrun_cli.workspace_locator import WorkspaceIdentity

Handler = Callable[[PageRequest], Response]
ApiHandler = Callable[[PageRequest, dict[str, Any]], Response]
Endpoint = Callable[[Request], Awaitable[Response]]


def create_page_endpoint(handler: Handler) -> Endpoint:
    """Create an endpoint that calls the handler of a workspace's page in a worker thread."""

    async def endpoint(request: Request) -> Response:
        return await run_in_threadpool(_call_handler, handler, request, FormFields([]))

    return endpoint


def create_action_endpoint(handler: Handler) -> Endpoint:
    """Create an endpoint that calls the handler of an action, and rejects forms without a valid CSRF token."""

    async def endpoint(request: Request) -> Response:
        studio: StudioState = request.app.state.studio
        try:
            fields = await read_form(request)
        except InvalidForm as error:
            return render_error(request, error.status, "Refused", error)
        if not studio.credentials.is_valid_csrf_token(fields.pop(CSRF_FIELD, None)):
            foreign = InvalidForm("The form is not from this studio.", 403, hint="Reload the page.")
            return render_error(request, foreign.status, "Refused", foreign)
        return await run_in_threadpool(_call_handler, handler, request, fields, changes=True)

    return endpoint


def create_api_endpoint(handler: ApiHandler) -> Endpoint:
    """Create an endpoint that calls a handler with the JSON object that a program has posted.

    It needs no CSRF token: the key that the middleware wants is never sent by a browser on its own.
    """

    async def endpoint(request: Request) -> Response:
        try:
            document = await read_json_object(request)
        except InvalidForm as error:
            return render_error(request, error.status, "Refused", error)
        return await run_in_threadpool(
            _call_handler, lambda page: handler(page, document), request, FormFields([]), changes=True
        )

    return endpoint


def _call_handler(handler: Handler, request: Request, fields: FormFields, *, changes: bool = False) -> Response:
    """Call a handler with a workspace, which it `changes` or only reads, and return its response or an error page."""
    studio: StudioState = request.app.state.studio
    identity = None
    try:
        identity = _parse_identity(request)
        with studio.workspaces.acquire(identity) as workspace:
            if changes:
                workspace.check_not_used_elsewhere()
            return handler(PageRequest(request, studio, workspace, fields))
    except WorkspaceNotFound as error:
        return render_error(request, 404, "Workspace not found", error)
    except NotFound as error:
        return render_error(request, 404, "Not found", error, identity)
    except StoreError as error:
        return render_error(request, 503, "Store unavailable", error, identity, retries=not changes)
    except UsageError as error:
        return render_error(request, 400, "Bad request", error, identity)
    except MlrunError as error:
        return render_error(request, 500, "Action failed", error, identity)


def _parse_identity(request: Request) -> WorkspaceIdentity:
    """Return the workspace identity from the URL, after validating its names, which become part of a path.

    Raises:
        WorkspaceNotFound: a name is not valid.
    """
    names = request.path_params
    identity = WorkspaceIdentity(names["subscription_id"], names["resource_group"], names["workspace_name"])
    try:
        check_subscription_id(identity.subscription_id)
        check_resource_group(identity.resource_group)
        check_workspace_name(identity.name)
    except UsageError as error:
        raise WorkspaceNotFound(*reversed(identity)) from error
    return identity


def render_error(
    request: Request,
    status: int,
    title: str,
    error: MlrunError,
    identity: WorkspaceIdentity | None = None,
    *,
    retries: bool = False,
) -> Response:
    """Render an error as a page, which reloads itself periodically if `retries` is true.

    A request to the API, or one that accepts JSON but not HTML, gets `{"error": {"code", "message", …}}`, as commands
    print it.
    """
    studio: StudioState = request.app.state.studio
    accepted = request.headers.get("accept", "")
    is_program = "application/json" in accepted and "text/html" not in accepted
    if is_program or request.scope["path"].startswith(f"{API_PATH}/"):
        return JSONResponse({"error": error.to_record()}, status)
    return studio.templates.render_response(
        "templates/message.html",
        {
            "urls": None if identity is None else WorkspaceUrls(studio.options.base_path, *identity),
            "workspace": identity,
            "current_path": "",
            "title": title,
            "error": error,
            "retries": retries,
        },
        status,
    )
