"""Requests for pages of a workspace."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.serving.studio_options import StudioOptions
from mlrun_cli.serving.urls import WorkspaceUrls, quote_path
from mlrun_cli.studio.credentials import Credentials
from mlrun_cli.studio.events.hub import EventHub
from mlrun_cli.studio.forms import FormFields
from mlrun_cli.studio.template_renderer import TemplateRenderer
from mlrun_cli.studio.workspace_pool import WorkspacePool
from mlrun_cli.workspace import Workspace


class StudioState(NamedTuple):
    """The objects that all requests share while the studio is running."""

    options: StudioOptions
    credentials: Credentials
    templates: TemplateRenderer
    workspaces: WorkspacePool
    hub: EventHub


class PageRequest:
    """A request for a page of a workspace, with the objects that its handler needs.

    Attributes:
        fields: the fields of a posted form; empty for other requests.
    """

    def __init__(self, request: Request, studio: StudioState, workspace: Workspace, fields: FormFields) -> None:
        self.request = request
        self.studio = studio
        self.workspace = workspace
        self.fields = fields
        self.urls = WorkspaceUrls(studio.options.base_path, *workspace.identity)

    def get_path_parameter(self, name: str) -> str:
        """Return a path parameter of the route, with replacement characters for bytes that are not UTF-8."""
        return self._get_raw_path_parameter(name).encode("utf-8", "surrogateescape").decode("utf-8", "replace")

    def get_file_path(self) -> str:
        """Return the file path in the URL, with lone surrogates for bytes that are not UTF-8."""
        return self._get_raw_path_parameter("path")

    def _get_raw_path_parameter(self, name: str) -> str:
        return str(self.request.path_params[name])

    @property
    def current_path(self) -> str:
        """The path of the request's URL, including the base path."""
        return f"{self.studio.options.base_path}{quote_path(self.request.scope['path'])}"

    def get_query_parameter(self, name: str, default: str = "") -> str:
        """Return a parameter in the URL's query, or the default if it is missing."""
        return str(self.request.query_params.get(name, default))

    def render(self, template: str, status: int = 200, **values: Any) -> Response:
        """Render a template as a response; `values` are added to the values of `build_common_values`."""
        return self.studio.templates.render_response(template, {**self.build_common_values(), **values}, status)

    def build_common_values(self) -> dict[str, Any]:
        """Return the template context that all pages of a workspace share."""
        return {
            "urls": self.urls,
            "workspace": self.workspace.identity,
            "current_path": self.current_path,
            "query_string": self.request.url.query,
        }

    def build_topic(self, *topic_parts: str) -> str:
        """Return a topic of this workspace to which part of a page can subscribe, made of a kind and its arguments."""
        return "|".join((str(WorkspaceUrls("", *self.workspace.identity)), *topic_parts))

    def redirect(self, url: str) -> Response:
        """Return a response that redirects to a page after an action was performed."""
        return RedirectResponse(url, 303)
