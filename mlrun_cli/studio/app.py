"""The web application and its routes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from starlette.applications import Starlette
from starlette.convertors import PathConvertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from mlrun_cli.errors import InternalError, NotFound, UsageError
from mlrun_cli.serving.studio_options import StudioOptions
from mlrun_cli.serving.urls import API_PATH
from mlrun_cli.studio.charts import route as charts
from mlrun_cli.studio.credentials import Credentials
from mlrun_cli.studio.endpoints import (
    ApiHandler,
    Handler,
    create_action_endpoint,
    create_api_endpoint,
    create_page_endpoint,
    render_error,
)
from mlrun_cli.studio.events import route as events
from mlrun_cli.studio.events.hub import EventHub
from mlrun_cli.studio.middleware import AccessMiddleware
from mlrun_cli.studio.page_request import StudioState
from mlrun_cli.studio.pages.compare import route as compare
from mlrun_cli.studio.pages.experiments import route as experiments
from mlrun_cli.studio.pages.pipelines import route as pipelines
from mlrun_cli.studio.pages.queue import route as queue
from mlrun_cli.studio.pages.run.children import route as children
from mlrun_cli.studio.pages.run.details import route as details
from mlrun_cli.studio.pages.run.difference import route as difference
from mlrun_cli.studio.pages.run.graph import route as graph
from mlrun_cli.studio.pages.run.images import route as images
from mlrun_cli.studio.pages.run.logs import route as logs
from mlrun_cli.studio.pages.run.metrics import route as metrics
from mlrun_cli.studio.pages.run.raw_json import route as raw_json
from mlrun_cli.studio.pages.run.snapshot import route as snapshot
from mlrun_cli.studio.pages.run.sweep import route as sweep
from mlrun_cli.studio.pages.runs import route as runs
from mlrun_cli.studio.pages.submit import route as submit
from mlrun_cli.studio.pages.views import route as views
from mlrun_cli.studio.pages.workspaces import route as workspace_list
from mlrun_cli.studio.template_renderer import STATIC_FOLDER, TemplateRenderer
from mlrun_cli.studio.workspace_pool import WorkspacePool


class PageNotFound(NotFound):
    """An error for URLs that have no page."""


class MethodNotAllowed(UsageError):
    """An error for requests with an HTTP method that the URL does not accept."""


class _FilePathConvertor(PathConvertor):
    """A convertor for the rest of a URL's path as a file path, which may contain newlines."""

    regex = "(?s:.*)"


register_url_convertor("file", _FilePathConvertor())

_WORKSPACE = "/w/{subscription_id}/{resource_group}/{workspace_name}"

PAGES: Sequence[tuple[str, Handler]] = (
    ("/experiments", experiments.show),
    ("/experiments/{experiment}", runs.show_experiment),
    ("/runs", runs.show_workspace),
    ("/views", views.show),
    ("/compare", compare.show),
    ("/pipelines", pipelines.show),
    ("/pipelines/{pipeline_id}", pipelines.show_pipeline),
    ("/queue", queue.show),
    ("/submit", submit.show),
    ("/runs/{run_id}", details.show),
    ("/runs/{run_id}/children", children.show),
    ("/runs/{run_id}/difference", difference.show),
    ("/runs/{run_id}/json", raw_json.show),
    ("/runs/{run_id}/metrics", metrics.show),
    ("/runs/{run_id}/graph", graph.show),
    ("/runs/{run_id}/step", graph.show_step),
    ("/runs/{run_id}/sweep", sweep.show),
    ("/runs/{run_id}/images", images.show),
    ("/chart", charts.change_chart),
    ("/chart-data", charts.send_figure),
    ("/runs/{run_id}/logs", logs.show_tab),
    ("/runs/{run_id}/logs/{path:file}", logs.show),
    ("/runs/{run_id}/piece/{path:file}", logs.send_log_part),
    ("/runs/{run_id}/snapshot", snapshot.show_tab),
    ("/runs/{run_id}/snapshot/{path:file}", snapshot.show),
)
"""The pages of a workspace: paths relative to its URL, with their handlers."""

FILES: Sequence[tuple[str, Handler]] = (
    ("/runs/{run_id}/json/download", raw_json.send_record),
    ("/runs/{run_id}/files/{path:file}", logs.send_file),
    ("/runs/{run_id}/zip", logs.send_archive),
    ("/runs/{run_id}/snapshot-files/{path:file}", snapshot.send_file),
    ("/runs/{run_id}/snapshot-zip", snapshot.send_archive),
)
"""Downloads of a workspace, which are sent without compression: paths with their handlers."""

ACTIONS: Sequence[tuple[str, Handler]] = (
    ("/runs/{run_id}/cancel", details.cancel),
    ("/cancel", runs.cancel),
    ("/submit", submit.submit_form),
    ("/views/save", views.save),
    ("/views/rename", views.rename),
    ("/views/delete", views.delete),
)
"""Actions posted by forms: paths with their handlers."""

API: Sequence[tuple[str, ApiHandler]] = (
    ("/pipelines/{pipeline_id}", pipelines.submit_pipeline),
    ("/pipeline-endpoints/{endpoint_id}", pipelines.submit_pipeline_endpoint),
)
"""What programs post, below the API's path: paths with their handlers."""

_COMPRESSED = (Middleware(GZipMiddleware, compresslevel=4),)
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


def create_app(options: StudioOptions, token: str, own_host: str | None) -> tuple[ASGIApp, StudioState]:
    """Create the application and return it with its state, whose workspaces the caller must close.

    Args:
        options: the options of the studio.
        token: the token that gives access to the studio.
        own_host: the studio's own host name, if any; see `AccessMiddleware`.
    """
    credentials = Credentials(token, options.home)
    workspaces = WorkspacePool(Path(options.home))
    templates = TemplateRenderer(options.base_path, credentials.create_csrf_token)
    studio = StudioState(options, credentials, templates, workspaces, EventHub(workspaces))
    app = Starlette(
        routes=[
            Route("/", workspace_list.show),
            Route("/events", events.stream_events),
            Route("/events/{stream}", events.set_topics, methods=["POST"]),
            Route("/static/{version}/{path:path}", _send_static_file, middleware=_COMPRESSED),
            *(Route(f"{_WORKSPACE}{path}", create_page_endpoint(page), middleware=_COMPRESSED) for path, page in PAGES),
            *(Route(f"{_WORKSPACE}{path}", create_page_endpoint(handler)) for path, handler in FILES),
            *(
                Route(f"{_WORKSPACE}{path}", create_action_endpoint(handler), methods=["POST"])
                for path, handler in ACTIONS
            ),
            *(
                Route(f"{API_PATH}{_WORKSPACE}{path}", create_api_endpoint(handler), methods=["POST"])
                for path, handler in API
            ),
        ],
        exception_handlers={HTTPException: _handle_http_error, Exception: _handle_unknown_error},
    )
    # The router would redirect URLs that end with a slash, but without a proxy's base path.
    app.router.redirect_slashes = False
    app.state.studio = studio
    return AccessMiddleware(app, options, own_host, credentials, templates), studio


async def _send_static_file(request: Request) -> Response:
    path = (STATIC_FOLDER / request.path_params["path"]).resolve()
    if STATIC_FOLDER not in path.parents or not path.is_file():
        raise HTTPException(404)
    headers = {"cache-control": "public, max-age=31536000, immutable"}
    return FileResponse(path, headers=headers, media_type=_TYPES.get(path.suffix))


async def _handle_http_error(request: Request, error: Exception) -> Response:
    """Render the page for an HTTP error, such as a URL without a page."""
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        refusal = MethodNotAllowed(f"This URL does not accept {request.method} requests.")
        return render_error(request, 405, "Method not allowed", refusal)
    return render_error(request, error.status_code, "Page not found", PageNotFound("There is no page at this URL."))


async def _handle_unknown_error(request: Request, error: Exception) -> Response:
    """Render the page for an unexpected error; the traceback is printed only to the terminal."""
    message = f"The page could not be rendered: {type(error).__name__}."
    bug = InternalError(message, hint="The terminal of the studio shows the traceback.")
    return render_error(request, 500, "Internal error", bug)
