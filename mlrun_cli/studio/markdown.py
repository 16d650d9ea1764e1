"""Rendering of run descriptions as Markdown without scripts, forms and images, since users write them."""

from __future__ import annotations

from functools import cache

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

_TAGS = {
    *("a", "blockquote", "br", "code", "del", "em", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "strong"),
    *("table", "tbody", "td", "th", "thead", "tr", "ul"),
}
_LOWERED_HEADINGS = {"h1": "h3", "h2": "h4"}


def render_markdown(text: str) -> Markup:
    """Convert Markdown to sanitized HTML, with headings at lower levels than the page's headings."""
    parser = _create_parser()
    tokens = parser.parse(text)
    for token in tokens:
        token.tag = _LOWERED_HEADINGS.get(token.tag, token.tag)
    html = parser.renderer.render(tokens, parser.options, {})
    clean = nh3.clean(
        html,
        tags=_TAGS,
        attributes={"a": {"href", "title"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return Markup(clean)  # noqa: S704 — sanitised in the line above


@cache
def _create_parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
