"""Paging by the query parameter `page`."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode

from mlrun_cli.studio.page_request import PageRequest

_MAX_DIGITS = 7


def parse_page_number(page: PageRequest) -> int:
    """Return the number of the requested page, or 1 if the parameter is not a valid number."""
    text = page.get_query_parameter("page")
    is_number = text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS
    return max(1, int(text)) if is_number else 1


def build_page_links(page: PageRequest, *, has_more: bool) -> dict[str, Any]:
    """Return the template context with the page number and the queries of adjacent pages, None for missing ones."""
    number = parse_page_number(page)
    return {
        "number": number,
        "previous": _build_page_query(page, number - 1) if number > 1 else None,
        "next": _build_page_query(page, number + 1) if has_more else None,
    }


def _build_page_query(page: PageRequest, page_number: int) -> str:
    others = [(key, value) for key, value in parse_qsl(page.request.url.query, keep_blank_values=True) if key != "page"]
    return urlencode([*others, ("page", page_number)])
