"""Each page of the studio over the demo, with its name and URL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import NamedTuple

from playwright.sync_api import Browser, BrowserContext, Page
from playwright.sync_api import TimeoutError as TimedOut

from mlrun_cli.serving.urls import WorkspaceUrls
from tests.studio.demo import BASELINE, IMPORTED, SWEEP, Demo
from tests.studio.run_maker import query
from tests.studio.serving import Studio

LOGIN = "login"
WIDE, NARROW = 1400, 400

_IS_DRAWN = """() => [...document.querySelectorAll("[data-plot]")].every(
    (plot) => plot.querySelector("canvas, .plot-says:not(:empty)") || plot.getBoundingClientRect().top > 2 * innerHeight
)"""
_DRAWN_WITHIN_MS = 3000
_COLUMNS = (
    "status,display_name,metric:accuracy:max,metric:loss:min,tag:depth,property:author,duration,submitter,description"
)
_FILTERED = query(
    ("search", "trial"), ("status", "Completed"), ("metric", "accuracy > 0.5"), ("columns", _COLUMNS), hide="constant"
)


class Place(NamedTuple):
    """The demo and the URLs of its workspace, from which the URLs of pages are built."""

    demo: Demo
    urls: WorkspaceUrls


PAGES: Mapping[str, Callable[[Place], str]] = {
    LOGIN: lambda at: f"{at.urls.root}/",
    "workspaces": lambda at: f"{at.urls.root}/?all",
    "experiments": lambda at: at.urls.experiments(),
    "experiments-none": lambda at: f"{at.urls.experiments()}?search=nothing",
    "experiment": lambda at: at.urls.experiment(
        SWEEP, query(*(("select", run_id) for run_id in at.demo.trials[1:6]), size="25")
    ),
    "experiment-filtered": lambda at: at.urls.experiment(SWEEP, _FILTERED),
    "experiment-live": lambda at: at.urls.experiment(BASELINE),
    "experiment-hostile": lambda at: at.urls.experiment(IMPORTED),
    "runs": lambda at: at.urls.runs(query(children="1", chart="none")),
    "runs-faults": lambda at: at.urls.runs(
        query(metric="accuracy >> 1", since="yesterday", status="Done", chart="pie")
    ),
    "views": lambda at: at.urls.views(),
    "compare": lambda at: at.urls.comparison(query(*(("run", run_id) for run_id in at.demo.trials[:12]))),
    "compare-hostile": lambda at: at.urls.comparison(query(*(("run", f"{IMPORTED}_{number}") for number in (1, 2, 3)))),
    "difference": lambda at: (
        f"{at.urls.run(at.demo.full, 'difference')}?{query(path='train.py', **{'with': at.demo.failed})}"
    ),
    "queue": lambda at: at.urls.queue(),
    "submit": lambda at: at.urls.submit_form(),
    "resubmit": lambda at: at.urls.submit_form(like=at.demo.full),
    "run": lambda at: at.urls.run(at.demo.full),
    "run-failed": lambda at: at.urls.run(at.demo.failed),
    "run-live": lambda at: at.urls.run(at.demo.endless),
    "run-hostile": lambda at: at.urls.run(f"{IMPORTED}_1"),
    "metrics": lambda at: at.urls.run(at.demo.full, "metrics"),
    "metric": lambda at: f"{at.urls.run(at.demo.full, 'metrics')}?metric=loss",
    "images": lambda at: at.urls.run(at.demo.full, "images"),
    "children": lambda at: at.urls.run(at.demo.parent, "children"),
    "children-none": lambda at: at.urls.run(at.demo.full, "children"),
    "log": lambda at: at.urls.run(at.demo.full, "logs"),
    "log-live": lambda at: at.urls.run(at.demo.endless, "logs"),
    "file-table": lambda at: at.urls.file(at.demo.full, "logs", "outputs/predictions.csv"),
    "file-json": lambda at: at.urls.file(at.demo.full, "logs", "outputs/model/config.json"),
    "file-image": lambda at: at.urls.file(at.demo.full, "logs", "outputs/curve.png"),
    "file-binary": lambda at: at.urls.file(at.demo.full, "logs", "outputs/model/weights.bin"),
    "snapshot": lambda at: at.urls.run(at.demo.full, "snapshot"),
    "snapshot-none": lambda at: at.urls.run(at.demo.trials[0], "snapshot"),
    "json": lambda at: at.urls.run(at.demo.full, "json"),
    "no-run": lambda at: at.urls.run("nothing"),
}
"""Each page, and those states of it that look different, by a name that a file can have."""


def demo_pages(demo: Demo, studio: Studio) -> Mapping[str, str]:
    """Return the URLs of `PAGES`."""
    return {name: address(Place(demo, studio.urls)) for name, address in PAGES.items()}


def browser_of(browser: Browser, studio: Studio) -> BrowserContext:
    """Return a new, signed-in browser context."""
    context = browser.new_context(viewport={"width": WIDE, "height": 900})
    name, _, value = studio.cookie.partition("=")
    context.add_cookies([{"name": name, "value": value, "url": studio.address}])
    return context


def open_drawn(page: Page, address: str) -> None:
    """Open a URL and wait until its charts are drawn."""
    page.goto(address)
    with suppress(TimedOut):
        page.wait_for_function(_IS_DRAWN, timeout=_DRAWN_WITHIN_MS)
