"""Whatever runs are called, log and write: no script of theirs runs in a reader's browser, and no secret is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, expect

from tests.running import Mlrun
from tests.studio.hostile import SECRET, HostileRuns
from tests.studio.serving import Answer, Studio, serving

_ADDRESSES = {"href", "src", "action", "formaction", "data", "poster", "srcset"}


class _Workspace(NamedTuple):
    studio: Studio
    runs: HostileRuns
    answers: dict[str, Answer]

    def pages(self) -> dict[str, str]:
        """The pages among all that can be asked for, by their addresses."""
        kinds = {address: answer.headers.get("content-type", "") for address, answer in self.answers.items()}
        return {address: self.answers[address].text for address, kind in kinds.items() if kind.startswith("text/html")}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Workspace]:
    """The hostile workspace, and what the studio answers to every address of it."""
    command = Mlrun(tmp_path_factory.mktemp("hostile"))
    runs = HostileRuns(command)
    with serving(command) as studio:
        addresses = dict.fromkeys(runs.addresses(studio.urls))
        yield _Workspace(studio, runs, {address: studio.get(address) for address in addresses})
    command.close()


def test_no_page_breaks_on_it(hostile: _Workspace) -> None:
    odd = {address: answer.status for address, answer in hostile.answers.items() if answer.status >= 500}
    assert odd == {}
    assert sum(answer.status == 200 for answer in hostile.answers.values()) >= 30


def test_pages_hold_no_script_no_style_and_no_address_that_acts(hostile: _Workspace) -> None:
    for address, page in hostile.pages().items():
        found = _Found()
        found.feed(page)
        found.close()
        assert found.faults == [], address


def test_every_answer_tells_the_browser_what_to_refuse(hostile: _Workspace) -> None:
    for address, answer in hostile.answers.items():
        rules = dict(rule.strip().partition(" ")[::2] for rule in answer.headers["content-security-policy"].split(";"))
        assert rules["default-src"] == "'none'", address
        if "sandbox" not in rules:
            assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'", address
            assert rules["base-uri"] == rules["frame-ancestors"] == "'none'", address
            assert rules["form-action"] == "'self'", address
        assert answer.headers["x-content-type-options"] == "nosniff", address
        assert answer.headers["referrer-policy"] == "same-origin", address


def test_secrets_of_runs_are_on_no_page(hostile: _Workspace) -> None:
    shown = [address for address, answer in hostile.answers.items() if SECRET in answer.text]
    assert shown == []


def test_a_browser_runs_nothing_of_it_and_asks_no_other_host(hostile: _Workspace, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 1400, "height": 900}, accept_downloads=True)
    name, _, value = hostile.studio.cookie.partition("=")
    context.add_cookies([{"name": name, "value": value, "url": hostile.studio.address}])
    asked: list[str] = []
    problems: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    page.on("pageerror", lambda error: problems.append(f"{page.url}: {error}"))
    page.on("console", lambda said: problems.append(f"{page.url}: {said.text}") if said.type == "error" else None)
    page.on("dialog", lambda dialog: problems.append(f"{page.url}: {dialog.message}"))
    for address in hostile.pages():
        page.goto(address)
        if "/metrics" in address or "chart=" in address:
            expect(page.locator(".uplot").first).to_be_visible()
        assert page.evaluate("window.pwned") is None, address
    context.close()
    assert [url for url in asked if not url.startswith((f"{hostile.studio.address}/", "data:"))] == []
    refused = [text for text in problems if "the server responded with a status of 40" not in text]
    assert refused == []


class _Found(HTMLParser):
    """What must not be in a page: what acts without a script of the studio's own."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        named = dict(attributes)
        if tag in {"style", "base", "iframe", "object", "embed"} or (tag == "script" and "src" not in named):
            self.faults.append(f"<{tag}>")
        for name, value in attributes:
            if name.startswith("on") or name in {"style", "srcdoc"}:
                self.faults.append(f"{tag} {name}={value}")
            if name in _ADDRESSES and re.match(r"\s*[\w.+-]+:(?!//|image/)", value or ""):
                self.faults.append(f"{tag} {name}={value}")
