"""The file viewer on a run's Outputs + logs tab."""

from __future__ import annotations

import os
from typing import Any

from mlrun_cli.studio.files.file_kind import (
    FileKind,
    NotFormattable,
    detect_file_kind,
    format_json,
    read_table,
)
from mlrun_cli.studio.page_request import PageRequest
from mlrun_cli.studio.pages.run.logs.log_window import (
    LogWindow,
    SearchHit,
    read_last_window,
    read_window_around,
    read_window_before,
    read_window_from,
    search_log,
)

_TEXT_PARAMETERS = ("plain", "find", "from", "before", "end")
"""Query parameters that request a part of a file as plain text, whatever its kind."""


def build_viewer_context(page: PageRequest, name: str, descriptor: int) -> dict[str, Any]:
    """Return the template context for showing a log or another file."""
    kind = detect_file_kind(name, descriptor)
    found: dict[str, Any] = {"kind": kind.value, "size": os.fstat(descriptor).st_size}
    if kind in {FileKind.IMAGE, FileKind.BINARY}:
        return found
    if kind is FileKind.TEXT:
        return {**found, "why_as_it_is": None, **_build_log_context(page, descriptor)}
    why = None
    if not any(page.get_query_parameter(parameter) for parameter in _TEXT_PARAMETERS):
        try:
            return {**found, **_build_document_context(kind, name, descriptor)}
        except NotFormattable as unformatted:
            why = str(unformatted)
    start = None if page.get_query_parameter("end") else read_window_from(descriptor, 0)
    return {
        **found,
        "kind": FileKind.TEXT.value,
        "why_as_it_is": why,
        **_build_log_context(page, descriptor, default_window=start),
    }


def _build_document_context(kind: FileKind, name: str, descriptor: int) -> dict[str, Any]:
    """Return the template context for showing a formatted document."""
    if kind is FileKind.JSON:
        return {"text": format_json(descriptor)}
    return {"table": read_table(name, descriptor)}


def _build_log_context(page: PageRequest, descriptor: int, default_window: LogWindow | None = None) -> dict[str, Any]:
    """Return the template context for showing a log: its requested part, a default part, or else its end."""
    text = page.get_query_parameter("find")
    match = search_log(descriptor, text, parse_offset(page, "from") or 0) if text else None
    if match is None:
        window = read_requested_window(page, descriptor) or default_window
    else:
        window = default_window if match.at is None else read_window_around(descriptor, SearchHit(text, match.at))
    is_end_shown = window is None
    return {
        "window": window or read_last_window(descriptor),
        "find": text,
        "match": match,
        "is_end_shown": is_end_shown,
    }


def read_requested_window(page: PageRequest, descriptor: int, hit: SearchHit | None = None) -> LogWindow | None:
    """Read the part of a log that the URL specifies by its start or end, or return None if it specifies neither."""
    if (before := parse_offset(page, "before")) is not None:
        return read_window_before(descriptor, before, hit)
    if (start := parse_offset(page, "from")) is not None:
        return read_window_from(descriptor, start, hit)
    return None


def parse_offset(page: PageRequest, name: str) -> int | None:
    """Parse a query parameter as an offset in bytes; return None if it is missing or invalid."""
    text = page.get_query_parameter(name)
    return int(text) if text.isdecimal() and len(text) < 19 else None
