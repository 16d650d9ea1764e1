"""A real studio and a real browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.running import Mlrun
from tests.studio.demo_pages import browser_of
from tests.studio.run_maker import RunMaker
from tests.studio.serving import Studio, serving

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_PATIENCE_MS = 60_000
_REPLACED_REQUEST = ("htmx:afterRequest, [object HTMLElement]", "htmx:sendAbort, [object HTMLElement]")
"""What htmx logs as errors when a later request replaces one, as while somebody types; a failed request logs more."""


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    """Return the command with an empty workspace."""
    command = Mlrun(tmp_path)
    yield command
    command.close()


@pytest.fixture
def studio(mlrun: Mlrun) -> Iterator[Studio]:
    """Yield a studio over the test's home."""
    with serving(mlrun) as served:
        yield served


@pytest.fixture
def make(mlrun: Mlrun) -> RunMaker:
    """Return the creator of runs in the studio's workspace."""
    return RunMaker(mlrun.database.parent)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Yield one browser for all tests of a process."""
    if shutil.which(CHROMIUM) is None:
        pytest.skip("chromium is not installed")
    expect.set_options(timeout=_PATIENCE_MS)
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield found
        found.close()


@pytest.fixture
def tab(browser: Browser, studio: Studio) -> Iterator[Page]:
    """Yield a signed-in page of a new browser context; errors of its scripts fail the test."""
    context = browser_of(browser, studio)
    page = context.new_page()
    page.set_default_timeout(_PATIENCE_MS)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    yield page
    context.close()
    assert [text for text in problems if text not in _REPLACED_REQUEST] == []
