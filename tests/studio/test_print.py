"""Printed pages: whole tables, logs and charts on paper, and nothing that only a screen can use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.studio.demo import make_demo
from tests.studio.demo_pages import browser_of, demo_pages, open_drawn
from tests.studio.serving import serving

_A4 = ViewportSize(width=718, height=1000)
_CUT = """() => [...document.querySelectorAll("#page *")].filter((each) => each.checkVisibility()
    && (each.getBoundingClientRect().right > innerWidth + 1
        || (each.scrollHeight > each.clientHeight + 1
            && ["auto", "scroll"].includes(getComputedStyle(each).overflowY))))
    .map((each) => each.outerHTML.slice(0, 200))"""


@pytest.fixture(scope="module")
def printed(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Page, dict[str, str]]]:
    """A page that shows addresses of the demo as a printer would."""
    demo = make_demo(tmp_path_factory.mktemp("demo"), trials=14)
    with closing(demo.mlrun), serving(demo.mlrun) as studio, browser_of(browser, studio) as context:
        page = context.new_page()
        yield page, dict(demo_pages(demo, studio))


@pytest.mark.parametrize("name", ["experiment", "compare", "run", "log", "metrics", "json", "queue"])
def test_a_printed_page_is_whole_and_has_nothing_to_press(printed: tuple[Page, dict[str, str]], name: str) -> None:
    page, addresses = printed
    page.set_viewport_size({"width": 1400, "height": 900})
    page.emulate_media(media="screen")
    open_drawn(page, addresses[name])
    expect(page.locator("header.top")).to_be_visible()
    page.emulate_media(media="print")
    page.set_viewport_size(_A4)
    assert page.evaluate(_CUT) == []
    for pressed in ("header.top", "#page form", "#page button:not(.legend button)", ".tabs"):
        for found in page.locator(pressed).all():
            expect(found).not_to_be_visible()
    page.emulate_media(media="screen")


def test_a_printed_chart_keeps_its_legend_and_fits_its_box(printed: tuple[Page, dict[str, str]]) -> None:
    page, addresses = printed
    page.set_viewport_size({"width": 1400, "height": 900})
    open_drawn(page, addresses["experiment"])
    page.emulate_media(media="print")
    page.set_viewport_size(_A4)
    chart = page.locator(".chart").first
    expect(chart.locator(".legend button").first).to_be_visible()
    box, canvas = chart.bounding_box(), chart.locator("canvas").bounding_box()
    assert box is not None and canvas is not None
    assert box["x"] <= canvas["x"] and canvas["x"] + canvas["width"] <= box["x"] + box["width"]
    page.emulate_media(media="screen")
