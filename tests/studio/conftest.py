"""A real studio and a real browser."""

from __future__ import annotations

import itertools
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from mlrun_cli.core.redaction import Redactor
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import parse_locator
from tests.running import Mlrun
from tests.studio import without_netlink
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
_PATIENCE_MS = 180_000
_workspace_numbers = itertools.count(1)
_REPLACED_REQUEST = ("htmx:afterRequest, [object HTMLElement]", "htmx:sendAbort, [object HTMLElement]")
"""What htmx logs as errors when a later request replaces one, as while somebody types; a failed request logs more."""


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    """Return the command with an empty workspace."""
    command = Mlrun(tmp_path)
    yield command
    command.close()


@pytest.fixture(scope="module")
def shared_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """Yield a studio over a home of its own, in which each test of a file has a workspace."""
    command = Mlrun(tmp_path_factory.mktemp("shared"))
    with serving(command) as served:
        yield served
    command.close()


@pytest.fixture
def studio(request: pytest.FixtureRequest) -> Iterator[Studio]:
    """Yield a studio over the test's home if the test calls the command, or else over a new workspace elsewhere."""
    if "mlrun" in request.fixturenames:
        with serving(request.getfixturevalue("mlrun")) as served:
            yield served
    else:
        shared: Studio = request.getfixturevalue("shared_studio")
        folder = shared.workspace_folder.with_name(f"workspace{next(_workspace_numbers)}")
        Workspace.open(parse_locator(folder), redactor=Redactor(), create=True).close()
        yield shared.select_workspace(folder)


@pytest.fixture
def make(request: pytest.FixtureRequest) -> RunMaker:
    """Return the creator of runs in the studio's workspace, or in that of the command if the test has no studio."""
    if "studio" in request.fixturenames:
        return RunMaker(request.getfixturevalue("studio").workspace_folder)
    return RunMaker(request.getfixturevalue("mlrun").database.parent)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Yield one browser for all tests of a process."""
    if shutil.which(CHROMIUM) is None:
        pytest.skip("chromium is not installed")
    expect.set_options(timeout=_PATIENCE_MS)
    words = shlex.join([sys.executable, without_netlink.__file__, CHROMIUM])
    program = tmp_path_factory.mktemp("browser") / "chromium"
    program.write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
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
