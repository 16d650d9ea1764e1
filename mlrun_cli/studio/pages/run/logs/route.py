"""The routes of a run's Outputs + logs tab: its files, with live logs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from starlette.responses import HTMLResponse, Response

from mlrun_cli.actions.artifacts import list_files, open_file
from mlrun_cli.core.sizes import format_size
from mlrun_cli.errors import NotFound
from mlrun_cli.runs.run import Run
from mlrun_cli.serving.urls import quote_path
from mlrun_cli.studio.files.file_kind import (
    detect_image_type,
)
from mlrun_cli.studio.files.file_tree import build_tree
from mlrun_cli.studio.files.responses import OpenFileResponse, create_zip_response
from mlrun_cli.studio.files.zip_stream import ArchiveMember
from mlrun_cli.studio.page_request import PageRequest
from mlrun_cli.studio.pages.run.logs.log_window import (
    SearchHit,
    read_last_window,
)
from mlrun_cli.studio.pages.run.logs.view import (
    build_viewer_context,
    parse_offset,
    read_requested_window,
)
from mlrun_cli.studio.pages.run.tabs import get_main_log_name, get_requested_run, render_tab
from mlrun_cli.wire.run_folder import LOG_FOLDERS

_TAB = "logs"


def show_tab(page: PageRequest) -> Response:
    """Show the list of files, and the requested file or by default the main log."""
    run = get_requested_run(page)
    names = list_files(page.workspace, run)
    log = get_main_log_name(page, run)
    return _show_file(
        page, run, names, page.get_query_parameter("file") or (log if log in names else next(iter(names), ""))
    )


def show(page: PageRequest) -> Response:
    """Show the list of files, and the content of the file in the URL."""
    run = get_requested_run(page)
    return _show_file(page, run, list_files(page.workspace, run), page.get_file_path())


def send_file(page: PageRequest) -> Response:
    """Send a file, inline if it is an image, otherwise as a download."""
    run = get_requested_run(page)
    name = page.get_file_path()
    descriptor = open_file(page.workspace, run, name)
    inline_type = None if page.get_query_parameter("download") else detect_image_type(name, descriptor)
    return OpenFileResponse(descriptor, name, inline_type=inline_type)


def send_archive(page: PageRequest) -> Response:
    """Send all files of a run, or only those in a folder, as a zip archive."""
    run = get_requested_run(page)
    folder = page.get_query_parameter("folder")
    names = [name for name in list_files(page.workspace, run) if not folder or name.startswith(f"{folder}/")]
    # Files are opened while the archive is sent, after the workspace returned to the pool; only its folder is used.
    workspace = page.workspace
    members = (ArchiveMember(name, partial(open_file, workspace, run, name)) for name in names)
    return create_zip_response(members, f"{run.run_id}.zip")


def send_log_part(page: PageRequest) -> Response:
    """Send a part of a log as HTML, for a page that already shows the adjacent part."""
    run = get_requested_run(page)
    with _open_run_file(page, run, page.get_file_path()) as descriptor:
        text, match = page.get_query_parameter("find"), parse_offset(page, "match")
        hit = SearchHit(text, match) if text and match is not None else None
        window = read_requested_window(page, descriptor, hit) or read_last_window(descriptor)
    headers = {
        "x-log-start": str(window.start),
        "x-log-next": str(window.next_start),
        "x-log-end": str(window.end),
        "x-log-size": str(window.size),
        "x-log-size-written": format_size(window.size),
    }
    text = page.studio.templates.render("pages/run/logs/piece.html", {"window": window})
    return HTMLResponse(text, headers=headers)


def _show_file(page: PageRequest, run: Run, file_names: list[str], file_name: str) -> Response:
    problem: NotFound | None = None
    viewer: dict[str, Any] = {"kind": None}
    try:
        if file_name:
            with _open_run_file(page, run, file_name) as descriptor:
                viewer = build_viewer_context(page, file_name, descriptor)
    except NotFound as error:
        problem = error
    return render_tab(
        page,
        run,
        _TAB,
        "pages/run/logs/template.html",
        status=404 if problem else 200,
        tree=build_tree(file_names, page.get_query_parameter("name")),
        name_filter=page.get_query_parameter("name"),
        file=file_name,
        is_log=file_name.partition("/")[0] in LOG_FOLDERS,
        file_address=lambda path: page.urls.file(run.run_id, _TAB, path),
        problem=problem,
        log_topic=page.build_topic("log", run.run_id, quote_path(file_name)),
        **viewer,
    )


@contextmanager
def _open_run_file(page: PageRequest, run: Run, file_name: str) -> Iterator[int]:
    descriptor = open_file(page.workspace, run, file_name)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
