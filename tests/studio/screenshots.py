"""Pictures of each page of the studio over the demo, light and dark, wide and narrow.

    python -m tests.studio.screenshots FOLDER [PAGE ...]
    python -m tests.studio.screenshots --readme

The first writes FOLDER/PAGE-WIDTH-SCHEME.png for each page, or for those that are named, of a workspace that is made
for it; the second makes the pictures of the README anew.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

from playwright.sync_api import Browser, Page, sync_playwright

from tests.studio.conftest import ARGUMENTS, CHROMIUM
from tests.studio.demo import make_demo
from tests.studio.demo_pages import LOGIN, NARROW, PAGES, WIDE, browser_of, demo_pages, open_drawn
from tests.studio.serving import Studio, serving

Scheme = Literal["light", "dark"]

PICTURES = Path(__file__).parents[1] / "data" / "studio" / "pictures"

_IN_README: Mapping[str, Scheme] = {"experiment": "light", "compare": "dark", "log": "light"}
_SCHEMES: tuple[Scheme, ...] = ("light", "dark")
_HEIGHT = 800
_SETTLES_MS = 300


class _Shown(NamedTuple):
    studio: Studio
    browser: Browser
    addresses: Mapping[str, str]


def main() -> None:
    """Make the workspace, serve it and take the pictures."""
    asked = _asked()
    with _shown() as shown:
        if asked.readme:
            for name, scheme in _IN_README.items():
                _take(shown, name, PICTURES / f"{name}.png", WIDE, scheme, is_whole=False)
            return
        for name in asked.pages or shown.addresses:
            for scheme in _SCHEMES:
                for width in (WIDE, NARROW):
                    _take(shown, name, asked.folder / f"{name}-{width}-{scheme}.png", width, scheme)


def _asked() -> argparse.Namespace:
    what_for = "Take pictures of each page of the studio over the demo, light and dark, wide and narrow."
    parser = argparse.ArgumentParser(prog="python -m tests.studio.screenshots", description=what_for)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("folder", nargs="?", type=Path, help="where the pictures are written")
    what.add_argument("--readme", action="store_true", help="make the pictures of the README anew")
    parser.add_argument("pages", nargs="*", metavar="page", help=f"one of {', '.join(PAGES)}; without any, all of them")
    asked = parser.parse_args()
    if unknown := [name for name in asked.pages if name not in PAGES]:
        parser.error(f"there is no page {unknown[0]}")
    return asked


@contextmanager
def _shown() -> Iterator[_Shown]:
    with tempfile.TemporaryDirectory() as root, sync_playwright() as playwright:
        demo = make_demo(Path(root))
        with closing(demo.mlrun), serving(demo.mlrun) as studio:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
            yield _Shown(studio, browser, demo_pages(demo, studio))
            browser.close()


def _take(shown: _Shown, name: str, path: Path, width: int, scheme: Scheme, *, is_whole: bool = True) -> None:
    with shown.browser.new_context() if name == LOGIN else browser_of(shown.browser, shown.studio) as context:
        page: Page = context.new_page()
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": _HEIGHT})
        open_drawn(page, shown.addresses[name])
        page.wait_for_timeout(_SETTLES_MS)
        page.screenshot(path=path, full_page=is_whole)
        wide = int(page.evaluate("document.documentElement.scrollWidth"))
        print(path, f"{wide} px wide" if wide > width else "")


if __name__ == "__main__":
    main()
