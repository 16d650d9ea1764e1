"""The web application: which address is which page."""

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

from mlrun_cli.serving.studio_options import StudioOptions
from mlrun_cli.studio.charts import route as charts
from mlrun_cli.studio.credentials import Access
from mlrun_cli.studio.events import route as events
from mlrun_cli.studio.events.hub import News
from mlrun_cli.studio.middleware import Guard
from mlrun_cli.studio.page_request import Handler, Studio, message, workspace_deed, workspace_page
from mlrun_cli.studio.pages.compare import route as compare
from mlrun_cli.studio.pages.experiments import route as experiments
from mlrun_cli.studio.pages.queue import route as queue
from mlrun_cli.studio.pages.run.children import route as children
from mlrun_cli.studio.pages.run.details import route as details
from mlrun_cli.studio.pages.run.difference import route as difference
from mlrun_cli.studio.pages.run.images import route as images
from mlrun_cli.studio.pages.run.logs import route as logs
from mlrun_cli.studio.pages.run.metrics import route as metrics
from mlrun_cli.studio.pages.run.raw_json import route as raw_json
from mlrun_cli.studio.pages.run.snapshot import route as snapshot
from mlrun_cli.studio.pages.runs import route as runs
from mlrun_cli.studio.pages.submit import route as submit
from mlrun_cli.studio.pages.views import route as views
from mlrun_cli.studio.pages.workspaces import route as workspaces
from mlrun_cli.studio.template_renderer import STATIC_FOLDER, Templates
from mlrun_cli.studio.workspace_pool import OpenWorkspaces


class _AnyName(PathConvertor):
    """The rest of an address: that of a file of a run, which may hold ends of lines."""

    regex = "(?s:.*)"


register_url_convertor("file", _AnyName())

_WORKSPACE = "/w/{subscription_id}/{resource_group}/{workspace_name}"

PAGES: Sequence[tuple[str, Handler]] = (
    ("/experiments", experiments.show),
    ("/experiments/{experiment}", runs.show_experiment),
    ("/runs", runs.show_all),
    ("/views", views.show),
    ("/compare", compare.show),
    ("/queue", queue.show),
    ("/submit", submit.show),
    ("/runs/{run_id}", details.show),
    ("/runs/{run_id}/children", children.show),
    ("/runs/{run_id}/difference", difference.show),
    ("/runs/{run_id}/json", raw_json.show),
    ("/runs/{run_id}/metrics", metrics.show),
    ("/runs/{run_id}/images", images.show),
    ("/chart", charts.change),
    ("/chart-data", charts.show),
    ("/runs/{run_id}/logs", logs.show_first),
    ("/runs/{run_id}/logs/{path:file}", logs.show),
    ("/runs/{run_id}/piece/{path:file}", logs.piece),
    ("/runs/{run_id}/snapshot", snapshot.show_first),
    ("/runs/{run_id}/snapshot/{path:file}", snapshot.show),
)
"""What can be read: an address below a workspace's, and who answers."""

FILES: Sequence[tuple[str, Handler]] = (
    ("/runs/{run_id}/json/download", raw_json.send),
    ("/runs/{run_id}/files/{path:file}", logs.send),
    ("/runs/{run_id}/zip", logs.send_all),
    ("/runs/{run_id}/snapshot-files/{path:file}", snapshot.send),
    ("/runs/{run_id}/snapshot-zip", snapshot.send_all),
)
"""What can be downloaded, or shown as it is: sent without being compressed."""

DEEDS: Sequence[tuple[str, Handler]] = (
    ("/runs/{run_id}/cancel", details.cancel),
    ("/cancel", runs.cancel),
    ("/submit", submit.act),
    ("/views/save", views.save),
    ("/views/rename", views.rename),
    ("/views/delete", views.delete),
)
"""What can be done, by the forms of pages."""

_COMPRESSED = (Middleware(GZipMiddleware, compresslevel=4),)
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


def create_app(options: StudioOptions, token: str, own_host: str | None) -> tuple[ASGIApp, Studio]:
    """The application, and what it holds: to be closed by who serves it; `own_host` as `Guard` has it."""
    access = Access(token, options.home)
    open_workspaces = OpenWorkspaces(Path(options.home))
    templates = Templates(options.base_path, access.form_word)
    studio = Studio(options, access, templates, open_workspaces, News(open_workspaces))
    app = Starlette(
        routes=[
            Route("/", workspaces.show),
            Route("/events", events.stream),
            Route("/events/{stream}", events.listen, methods=["POST"]),
            Route("/static/{version}/{path:path}", _static, middleware=_COMPRESSED),
            *(Route(f"{_WORKSPACE}{path}", workspace_page(page), middleware=_COMPRESSED) for path, page in PAGES),
            *(Route(f"{_WORKSPACE}{path}", workspace_page(handler)) for path, handler in FILES),
            *(Route(f"{_WORKSPACE}{path}", workspace_deed(handler), methods=["POST"]) for path, handler in DEEDS),
        ],
        exception_handlers={HTTPException: _http_error, Exception: _unknown_error},
    )
    # The router would lead to the address without its last slash, and forget what a proxy puts in front of it.
    app.router.redirect_slashes = False
    app.state.studio = studio
    return Guard(app, options, own_host, access, templates), studio


async def _static(request: Request) -> Response:
    path = (STATIC_FOLDER / request.path_params["path"]).resolve()
    if STATIC_FOLDER not in path.parents or not path.is_file():
        raise HTTPException(404)
    headers = {"cache-control": "public, max-age=31536000, immutable"}
    return FileResponse(path, headers=headers, media_type=_TYPES.get(path.suffix))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    studio: Studio = request.app.state.studio
    if error.status_code == 405:
        return message(studio, 405, "Not so", "This address takes no such request.")
    return message(studio, error.status_code, "No such page", "There is no page at this address.")


async def _unknown_error(request: Request, error: Exception) -> Response:
    """An error that nobody has foreseen: its trace goes to the terminal, not to the page."""
    studio: Studio = request.app.state.studio
    return message(
        studio,
        500,
        "An error of the studio",
        f"The page could not be made: {type(error).__name__}.",
        "The terminal in which the studio runs shows more.",
    )
