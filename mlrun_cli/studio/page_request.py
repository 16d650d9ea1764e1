"""What every page is given, and how errors become pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from mlrun_cli.core.names import check_resource_group, check_subscription_id, check_workspace_name
from mlrun_cli.errors import MlrunError, NotFound, StoreError, UsageError, WorkspaceNotFound
from mlrun_cli.serving.studio_options import StudioOptions
from mlrun_cli.serving.urls import WorkspaceUrls, quote_path
from mlrun_cli.studio.credentials import Access
from mlrun_cli.studio.events.hub import News
from mlrun_cli.studio.forms import FORM_WORD, Fields, FormRefused, read_fields
from mlrun_cli.studio.template_renderer import Templates
from mlrun_cli.studio.workspace_pool import OpenWorkspaces
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity


class Studio(NamedTuple):
    """What is there for as long as the studio is."""

    options: StudioOptions
    access: Access
    templates: Templates
    workspaces: OpenWorkspaces
    news: News


class Page:
    """A request for a page of one workspace, with what the page may need.

    Attributes:
        fields: what a form has sent; empty where nothing was.
    """

    def __init__(self, request: Request, studio: Studio, workspace: Workspace, fields: Fields) -> None:
        self.request = request
        self.studio = studio
        self.workspace = workspace
        self.fields = fields
        self.urls = WorkspaceUrls(studio.options.base_path, *workspace.identity)

    def part(self, name: str) -> str:
        """The part of the address that a route names, as text: what is none in it is in no record either."""
        return self._path_part(name).encode("utf-8", "surrogateescape").decode("utf-8", "replace")

    def file_name(self) -> str:
        """The file that the address names; bytes that are no UTF-8 stand in it as lone surrogates."""
        return self._path_part("path")

    def _path_part(self, name: str) -> str:
        return str(self.request.path_params[name])

    @property
    def here(self) -> str:
        """The address without its query."""
        return f"{self.studio.options.base_path}{quote_path(self.request.scope['path'])}"

    def query(self, name: str, otherwise: str = "") -> str:
        """A value of the address's query."""
        return str(self.request.query_params.get(name, otherwise))

    def render(self, template: str, status: int = 200, **values: Any) -> Response:
        """A page made of a template."""
        return self.studio.templates.respond(template, {**self.common(), **values}, status)

    def common(self) -> dict[str, Any]:
        """What all templates of a workspace are given."""
        return {
            "urls": self.urls,
            "workspace": self.workspace.identity,
            "here": self.here,
            "query_string": self.request.url.query,
        }

    def topic(self, *names: str) -> str:
        """The topic of the news that a part of the page lives by, as `events/topic.py` lists them."""
        return "|".join((str(WorkspaceUrls("", *self.workspace.identity)), *names))

    def go_to(self, address: str) -> Response:
        """Where a deed leads: a page, which is then read anew."""
        return RedirectResponse(address, 303)


Handler = Callable[[Page], Response]
Endpoint = Callable[[Request], Awaitable[Response]]


def workspace_page(handler: Handler) -> Endpoint:
    """The endpoint of a page of one workspace; the handler runs in a thread of its own."""

    async def endpoint(request: Request) -> Response:
        return await run_in_threadpool(_answer, handler, request, Fields([]))

    return endpoint


def workspace_deed(handler: Handler) -> Endpoint:
    """The endpoint of something that is done: only a form of the studio's own pages can do it."""

    async def endpoint(request: Request) -> Response:
        studio: Studio = request.app.state.studio
        try:
            fields = await read_fields(request)
        except FormRefused as refusal:
            return message(studio, refusal.status, "Refused", str(refusal))
        if not studio.access.is_form_word(fields.pop(FORM_WORD, None)):
            return message(studio, 403, "Refused", "This form is not of a page of this studio.", "Load the page anew.")
        return await run_in_threadpool(_answer, handler, request, fields)

    return endpoint


def _answer(handler: Handler, request: Request, fields: Fields) -> Response:
    studio: Studio = request.app.state.studio
    identity = None
    try:
        identity = _identity(request)
        with studio.workspaces.lend(identity) as workspace:
            return handler(Page(request, studio, workspace, fields))
    except WorkspaceNotFound as error:
        return message(studio, 404, "No such workspace", error.message, error.hint)
    except NotFound as error:
        return message(studio, 404, "Not found", error.message, error.hint, identity)
    except StoreError as error:
        return message(studio, 503, "The store cannot be used", error.message, error.hint, identity, retries=True)
    except UsageError as error:
        return message(studio, 400, "This cannot be right", error.message, error.hint, identity)
    except MlrunError as error:
        return message(studio, 500, "This could not be done", error.message, error.hint, identity)


def _identity(request: Request) -> WorkspaceIdentity:
    """The workspace that the address names, by names that can be a workspace's: they become a path.

    Raises:
        WorkspaceNotFound: they cannot.
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


def message(
    studio: Studio,
    status: int,
    title: str,
    text: str,
    hint: str | None = None,
    identity: WorkspaceIdentity | None = None,
    *,
    retries: bool = False,
) -> Response:
    """A page that says what is wrong, and leads back."""
    pages = None if identity is None else WorkspaceUrls(studio.options.base_path, *identity)
    return studio.templates.respond(
        "templates/message.html",
        {
            "urls": pages,
            "workspace": identity,
            "here": "",
            "title": title,
            "text": text,
            "hint": hint,
            "retries": retries,
        },
        status,
    )
