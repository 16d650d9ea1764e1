"""Every page, light and dark, wide and narrow, against axe-core's rules; and none is wider than a phone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, Page

from tests.studio.demo import make_demo
from tests.studio.demo_pages import LOGIN, NARROW, PAGES, browser_of, demo_pages, open_drawn
from tests.studio.serving import Studio, serving

AXE = Path(__file__).with_name("vendor") / "axe-4.14.1.min.js"

_CHECK = """async (rules) => {
    const options = { resultTypes: ["violations"], ...(rules ? { runOnly: { type: "rule", values: rules } } : {}) };
    const { violations } = await axe.run(document, options);
    return violations.filter((each) => ["serious", "critical"].includes(each.impact))
        .flatMap((each) => each.nodes.map((node) => `${each.id}: ${node.html.slice(0, 200)} ${node.failureSummary}`));
}"""
_RULES_OF_COLOUR = ["color-contrast", "link-in-text-block"]


class Shown(NamedTuple):
    """What the tests of this file share."""

    studio: Studio
    addresses: Mapping[str, str]
    page: Page


@pytest.fixture(scope="module")
def shown(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """The demo, served, and one browser that has shown the token."""
    demo = make_demo(tmp_path_factory.mktemp("demo"), trials=14)
    with closing(demo.mlrun), serving(demo.mlrun) as studio, browser_of(browser, studio) as context:
        context.add_init_script(path=AXE)
        yield Shown(studio, demo_pages(demo, studio), context.new_page())


def _faults(page: Page, rules: list[str] | None = None) -> Any:
    return page.evaluate(_CHECK, rules)


@pytest.mark.parametrize("name", [name for name in PAGES if name != LOGIN])
def test_a_page_is_readable_by_all_and_fits_a_phone(shown: Shown, name: str) -> None:
    page = shown.page
    page.set_viewport_size({"width": 1400, "height": 900})
    page.emulate_media(color_scheme="light")
    open_drawn(page, shown.addresses[name])
    assert _faults(page) == []
    page.emulate_media(color_scheme="dark")
    assert _faults(page, _RULES_OF_COLOUR) == []
    page.set_viewport_size({"width": NARROW, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") == NARROW


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_who_has_no_token_can_read_where_it_is(browser: Browser, shown: Shown, scheme: Any) -> None:
    with browser.new_context(color_scheme=scheme, viewport={"width": NARROW, "height": 900}) as context:
        context.add_init_script(path=AXE)
        page = context.new_page()
        page.goto(shown.addresses[LOGIN])
        assert _faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") == NARROW


def test_what_opens_on_a_page_is_readable_by_all(shown: Shown) -> None:
    page = shown.page
    page.set_viewport_size({"width": 1400, "height": 900})
    page.emulate_media(color_scheme="light")
    open_drawn(page, shown.addresses["experiment"])
    for menu in page.locator("#page details > summary").all():
        if menu.is_visible():
            menu.evaluate("summary => (summary.parentElement.open = true)")
    assert _faults(page) == []
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()
    assert _faults(page) == []
