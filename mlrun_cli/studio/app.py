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

from mlrun_cli.core.serve_options import StudioOrder
from mlrun_cli.studio.access import Access
from mlrun_cli.studio.guard import Guard
from mlrun_cli.studio.news import News
from mlrun_cli.studio.page import Handler, Studio, message, workspace_deed, workspace_page
from mlrun_cli.studio.routes import (
    chart_data,
    children,
    compare,
    difference,
    events,
    experiments,
    files,
    images,
    metrics,
    queue,
    run,
    runs,
    snapshot,
    submit,
    views,
    workspaces,
)
from mlrun_cli.studio.templating import STATIC_FOLDER, Templates
from mlrun_cli.studio.workspaces import OpenWorkspaces


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
    ("/runs/{run_id}", run.show),
    ("/runs/{run_id}/children", children.show),
    ("/runs/{run_id}/difference", difference.show),
    ("/runs/{run_id}/json", run.show_json),
    ("/runs/{run_id}/metrics", metrics.show),
    ("/runs/{run_id}/images", images.show),
    ("/chart", chart_data.change),
    ("/chart-data", chart_data.show),
    ("/runs/{run_id}/logs", files.show_first),
    ("/runs/{run_id}/logs/{path:file}", files.show),
    ("/runs/{run_id}/piece/{path:file}", files.piece),
    ("/runs/{run_id}/snapshot", snapshot.show_first),
    ("/runs/{run_id}/snapshot/{path:file}", snapshot.show),
)
"""What can be read: an address below a workspace's, and who answers."""

FILES: Sequence[tuple[str, Handler]] = (
    ("/runs/{run_id}/json/download", run.send_json),
    ("/runs/{run_id}/files/{path:file}", files.send),
    ("/runs/{run_id}/zip", files.send_all),
    ("/runs/{run_id}/snapshot-files/{path:file}", snapshot.send),
    ("/runs/{run_id}/snapshot-zip", snapshot.send_all),
)
"""What can be downloaded, or shown as it is: sent without being compressed."""

DEEDS: Sequence[tuple[str, Handler]] = (
    ("/runs/{run_id}/cancel", run.cancel),
    ("/cancel", runs.cancel),
    ("/submit", submit.act),
    ("/views/save", views.save),
    ("/views/rename", views.rename),
    ("/views/delete", views.delete),
)
"""What can be done, by the forms of pages."""

_COMPRESSED = (Middleware(GZipMiddleware, compresslevel=4),)
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


def create_app(order: StudioOrder, token: str, own_host: str | None) -> tuple[ASGIApp, Studio]:
    """The application, and what it holds: to be closed by who serves it; `own_host` as `Guard` has it."""
    access = Access(token, order.home)
    open_workspaces = OpenWorkspaces(Path(order.home))
    templates = Templates(order.base_path, access.form_word)
    studio = Studio(order, access, templates, open_workspaces, News(open_workspaces))
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
    return Guard(app, order, own_host, access, templates), studio


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
