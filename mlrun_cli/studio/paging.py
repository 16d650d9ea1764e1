"""Pages of what is too much for one: `page=3` in the query."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode

from mlrun_cli.studio.page_request import Page

_MOST_DIGITS = 7


def page_number(page: Page) -> int:
    """Which page is asked for, from 1 on; the first one for whatever is no number."""
    text = page.query("page")
    is_number = text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS
    return max(1, int(text)) if is_number else 1


def further_pages(page: Page, *, has_more: bool) -> dict[str, Any]:
    """The number of the page and the query strings of those before and after it, None where there is none."""
    number = page_number(page)
    return {
        "number": number,
        "previous": _query(page, number - 1) if number > 1 else None,
        "next": _query(page, number + 1) if has_more else None,
    }


def _query(page: Page, number: int) -> str:
    others = [(key, value) for key, value in parse_qsl(page.request.url.query, keep_blank_values=True) if key != "page"]
    return urlencode([*others, ("page", number)])
