"""The files of a run: its logs, live, and what its script has written."""

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
from mlrun_cli.studio.files.file_kind import FileKind, Unformatted, image_type, kind_of, pretty_json, table_of
from mlrun_cli.studio.files.file_tree import tree_of
from mlrun_cli.studio.files.responses import OpenFileResponse, zip_response
from mlrun_cli.studio.files.zip_stream import Member
from mlrun_cli.studio.page_request import PageRequest
from mlrun_cli.studio.pages.run.logs.log_window import (
    LogWindow,
    Sought,
    find,
    last_window,
    window_around,
    window_before,
    window_from,
)
from mlrun_cli.studio.pages.run.tabs import main_log_name, render_tab, requested_run
from mlrun_cli.wire.run_folder import LOG_FOLDERS

_TAB = "logs"
_AS_TEXT = ("plain", "find", "from", "before", "end")
"""What asks for a part of a file as it is, whatever it could be shown as."""


def show_first(page: PageRequest) -> Response:
    """The files, and the log that is looked at first."""
    run = requested_run(page)
    names = list_files(page.workspace, run)
    log = main_log_name(page, run)
    return _show(page, run, names, page.query("file") or (log if log in names else next(iter(names), "")))


def show(page: PageRequest) -> Response:
    """The files, and one of them."""
    run = requested_run(page)
    return _show(page, run, list_files(page.workspace, run), page.file_path())


def send(page: PageRequest) -> Response:
    """A file itself: a picture to be shown, anything else to be kept."""
    run = requested_run(page)
    name = page.file_path()
    descriptor = open_file(page.workspace, run, name)
    shown_as = None if page.query("download") else image_type(name, descriptor)
    return OpenFileResponse(descriptor, name, shown_as=shown_as)


def send_all(page: PageRequest) -> Response:
    """All files of a run, or those of a folder, as one archive."""
    run = requested_run(page)
    folder = page.query("folder")
    names = [name for name in list_files(page.workspace, run) if not folder or name.startswith(f"{folder}/")]
    # Each is opened when it is its turn, by when this page's workspace serves others: its folder is all it needs.
    workspace = page.workspace
    members = (Member(name, partial(open_file, workspace, run, name)) for name in names)
    return zip_response(members, f"{run.run_id}.zip")


def piece(page: PageRequest) -> Response:
    """What a log has at a byte and behind it, for a page that shows what comes before."""
    run = requested_run(page)
    with _opened(page, run, page.file_path()) as descriptor:
        wanted, match = page.query("find"), _byte(page, "match")
        sought = Sought(wanted, match) if wanted and match is not None else None
        window = _asked_window(page, descriptor, sought) or last_window(descriptor)
    headers = {
        "x-log-start": str(window.start),
        "x-log-next": str(window.next_start),
        "x-log-end": str(window.end),
        "x-log-size": str(window.size),
        "x-log-size-written": format_size(window.size),
    }
    text = page.studio.templates.render("pages/run/logs/piece.html", {"window": window})
    return HTMLResponse(text, headers=headers)


def _show(page: PageRequest, run: Run, names: list[str], name: str) -> Response:
    problem = None
    viewer: dict[str, Any] = {"kind": None}
    try:
        if name:
            with _opened(page, run, name) as descriptor:
                viewer = _viewer(page, name, descriptor)
    except NotFound as error:
        problem = error.message
    return render_tab(
        page,
        run,
        _TAB,
        "pages/run/logs/template.html",
        status=404 if problem else 200,
        tree=tree_of(names, page.query("name")),
        wanted=page.query("name"),
        file=name,
        is_log=name.partition("/")[0] in LOG_FOLDERS,
        file_address=lambda path: page.urls.file(run.run_id, _TAB, path),
        problem=problem,
        log_topic=page.topic("log", run.run_id, quote_path(name)),
        **viewer,
    )


def _viewer(page: PageRequest, name: str, descriptor: int) -> dict[str, Any]:
    """What shows a file."""
    kind = kind_of(name, descriptor)
    found: dict[str, Any] = {"kind": kind.value, "size": os.fstat(descriptor).st_size}
    if kind in {FileKind.IMAGE, FileKind.BINARY}:
        return found
    if kind is FileKind.TEXT:
        return {**found, "why_as_it_is": None, **_log(page, descriptor)}
    why = None
    if not any(page.query(asked) for asked in _AS_TEXT):
        try:
            return {**found, **_formatted(kind, name, descriptor)}
        except Unformatted as unformatted:
            why = str(unformatted)
    start = None if page.query("end") else window_from(descriptor, 0)
    return {**found, "kind": FileKind.TEXT.value, "why_as_it_is": why, **_log(page, descriptor, otherwise=start)}


def _formatted(kind: FileKind, name: str, descriptor: int) -> dict[str, Any]:
    """What shows a document as what it is."""
    if kind is FileKind.JSON:
        return {"text": pretty_json(descriptor)}
    return {"table": table_of(name, descriptor)}


def _log(page: PageRequest, descriptor: int, otherwise: LogWindow | None = None) -> dict[str, Any]:
    """The part of a text that is asked for; else another, which is its end if none is named."""
    wanted = page.query("find")
    match = find(descriptor, wanted, _byte(page, "from") or 0) if wanted else None
    if match is None:
        window = _asked_window(page, descriptor) or otherwise
    else:
        window = otherwise if match.at is None else window_around(descriptor, Sought(wanted, match.at))
    is_end_shown = window is None
    return {"window": window or last_window(descriptor), "find": wanted, "match": match, "is_end_shown": is_end_shown}


def _asked_window(page: PageRequest, descriptor: int, sought: Sought | None = None) -> LogWindow | None:
    """The part of a log that the address names by its first byte, or by the one behind its last."""
    if (before := _byte(page, "before")) is not None:
        return window_before(descriptor, before, sought)
    if (start := _byte(page, "from")) is not None:
        return window_from(descriptor, start, sought)
    return None


@contextmanager
def _opened(page: PageRequest, run: Run, name: str) -> Iterator[int]:
    descriptor = open_file(page.workspace, run, name)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _byte(page: PageRequest, name: str) -> int | None:
    text = page.query(name)
    return int(text) if text.isdecimal() and len(text) < 19 else None
