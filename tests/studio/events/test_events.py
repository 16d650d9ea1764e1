"""What changes is on all open pages within a moment, whatever happens to the studio or to the store meanwhile."""

from __future__ import annotations

import http.client
import json
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Browser, BrowserContext, Page, expect

from mlrun_cli.serving.urls import WorkspaceUrls
from tests.older_store import RUNS, count_read_runs, replace_by_older_store
from tests.running import Mlrun, kill, until
from tests.studio.run_maker import RunMaker
from tests.studio.serving import Studio

_SLEEPS = "import time; time.sleep(300)"
_TIMEOUT_SECONDS = 180.0
_TIME_TO_DRAW_MS = 300.0


class _Stream:
    """A browser's stream of news, without a browser."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._connection = http.client.HTTPConnection("127.0.0.1", studio.port, timeout=_TIMEOUT_SECONDS)
        self._connection.request("GET", "/events", headers={"Cookie": studio.cookie})
        self._answer = self._connection.getresponse()
        assert self._answer.headers["content-type"].startswith("text/event-stream")
        self.key: str = self.next()["stream"]

    def listen(self, *topics: str) -> int:
        """Choose the topics; the HTTP status."""
        body = urlencode([("topic", topic) for topic in topics])
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        with closing(http.client.HTTPConnection("127.0.0.1", self._studio.port, timeout=_TIMEOUT_SECONDS)) as asking:
            asking.request("POST", f"/events/{self.key}", body, {"Cookie": self._studio.cookie, **headers})
            return asking.getresponse().status

    def next(self) -> dict[str, Any]:
        """What is told next."""
        while line := self._answer.readline():
            if line.startswith(b"data: "):
                document: dict[str, Any] = json.loads(line[6:])
                return document
        raise EOFError

    def news(self) -> set[str]:
        """The topics that are told next."""
        while not (topics := self.next()["topics"]):
            pass
        return set(topics)

    def rest(self) -> bytes:
        """What comes until the studio ends the stream; fails when it is cut off."""
        return self._answer.read()

    def close(self) -> None:
        """Go away."""
        self._answer.close()
        self._connection.close()


@contextmanager
def _listening(studio: Studio, *topics: str) -> Iterator[_Stream]:
    """A stream that has been told once of all its topics."""
    with closing(_Stream(studio)) as stream:
        assert stream.listen(*topics) == 204
        untold = set(topics)
        while untold:
            untold -= stream.news()
        yield stream


def _topic(studio: Studio, *names: str) -> str:
    return "|".join((str(WorkspaceUrls("", *studio.urls[1:])), *names))


def _sleeping(mlrun: Mlrun) -> str:
    mlrun.script(_SLEEPS)
    run_id = mlrun.submit()
    mlrun.wait_for_status(run_id, "Running")
    return run_id


def _ended(mlrun: Mlrun, script: str = "pass") -> str:
    mlrun.script(script)
    run_id = mlrun.submit()
    mlrun.wait_for_status(run_id, "Completed", "Failed")
    return run_id


@contextmanager
def _tabs(browser: Browser, studio: Studio, address: str, count: int = 1, script: str = "") -> Iterator[list[Page]]:
    """Tabs of one new browser, each with a mark that a reload would take away; `script` runs before a page's own."""
    context = browser.new_context()
    try:
        _log_in(context, studio)
        context.add_init_script(script)
        pages = [context.new_page() for _ in range(count)]
        for page in pages:
            page.set_default_timeout(_TIMEOUT_SECONDS * 1000)
            page.goto(address)
            page.evaluate("window.isSame = true")
        yield pages
        assert all(page.evaluate("window.isSame") for page in pages)
    finally:
        context.close()


def _log_in(context: BrowserContext, studio: Studio) -> None:
    name, _, value = studio.cookie.partition("=")
    context.add_cookies([{"name": name, "value": value, "url": studio.address}])


def _see(pages: Iterable[Page], selector: str, text: str) -> None:
    for page in pages:
        expect(page.locator(selector)).to_contain_text(text, timeout=_TIMEOUT_SECONDS * 1000)


_RECORD_BANNERS = """() => {
    const banner = document.querySelector("#banner");
    window.banners = [];
    new MutationObserver(() => window.banners.push(banner.textContent)).observe(banner, { childList: true });
}"""
_REFRESH = """async () => {
    const script = document.querySelector("script[type=module]").src;
    (await import(new URL("./live.js", script))).refreshAllParts();
}"""
"""Fetches the page anew, as at the next change of its run."""


def _see_banner(page: Page, text: str) -> None:
    expect(page.locator("#banner")).to_contain_text(text, timeout=_TIMEOUT_SECONDS * 1000)
    expect(page.locator("#banner")).to_be_visible()


def _see_no_banner(page: Page) -> None:
    expect(page.locator("#banner")).to_be_hidden(timeout=_TIMEOUT_SECONDS * 1000)


def _count_news(page: Page, topic: str) -> int:
    """Have a part of the page that draws itself, as a log does, count the news that it is sent; how many by now."""
    page.evaluate(
        """(topic) => {
            const pane = document.createElement("div");
            window.newsOfPane = 0;
            pane.addEventListener("topicchange", () => (window.newsOfPane += 1));
            pane.dataset.topic = topic;
            document.querySelector("#page").append(pane);
        }""",
        topic,
    )
    return _news_of_pane(page, 0)


def _news_of_pane(page: Page, known: int) -> int:
    """Wait until the part has been sent more than that."""
    return until(lambda: count if (count := int(page.evaluate("window.newsOfPane"))) > known else None)


def test_only_topics_that_have_changed_are_told(mlrun: Mlrun, studio: Studio) -> None:
    changed, other = _ended(mlrun), _ended(mlrun)
    topics = [_topic(studio, "run", run_id) for run_id in (changed, other)]
    with _listening(studio, *topics, _topic(studio, "runs"), _topic(studio, "queue")) as stream:
        mlrun("run", "update", "-r", changed, "--add-tag", "a=b")
        assert stream.news() == {topics[0], _topic(studio, "runs")}


def test_a_metric_and_a_log_line_are_news(mlrun: Mlrun, studio: Studio) -> None:
    mlrun.script(
        """
        import time
        from pathlib import Path
        from azureml.core import Run
        run = Run.get_context()
        def wait(name):
            while not Path(name).exists():
                time.sleep(0.01)
        wait("/{here}/log")
        print("a line")
        wait("/{here}/metric")
        run.log("loss", 1.0)
        time.sleep(300)
        """.replace("/{here}", str(mlrun.folder.parent))
    )
    run_id = mlrun.submit()
    mlrun.wait_for_status(run_id, "Running")
    run, log = _topic(studio, "run", run_id), _topic(studio, "log", run_id, "user_logs/std_log.txt")
    with _listening(studio, run, log) as stream:
        (mlrun.folder.parent / "log").touch()
        assert stream.news() == {log}
        (mlrun.folder.parent / "metric").touch()
        assert stream.news() == {run}


def test_what_one_listens_to_anew_is_told_once_since_it_may_have_changed_before(mlrun: Mlrun, studio: Studio) -> None:
    run = _topic(studio, "run", _ended(mlrun))
    with _listening(studio, run), _listening(studio, run) as second:
        assert second.listen(run, _topic(studio, "runs")) == 204
        assert second.news() == {_topic(studio, "runs")}


def test_a_run_that_dies_is_recorded_while_a_page_is_open(mlrun: Mlrun, studio: Studio) -> None:
    run_id = _sleeping(mlrun)
    run = _topic(studio, "run", run_id)
    with _listening(studio, run) as stream:
        kill(*mlrun.supervisors(run_id), *mlrun.processes(run_id))
        assert stream.news() == {run}
        assert mlrun.wait_for_status(run_id, "Failed")


def test_parameters_of_older_runs_are_read_while_a_page_is_open(mlrun: Mlrun, studio: Studio) -> None:
    replace_by_older_store(mlrun.database)
    with _listening(studio, _topic(studio, "runs")):
        until(lambda: count_read_runs(mlrun) == RUNS)


def test_the_deletion_of_a_run_is_news_of_it(mlrun: Mlrun, studio: Studio) -> None:
    run_id = _ended(mlrun)
    run = _topic(studio, "run", run_id)
    with _listening(studio, run) as stream:
        mlrun("run", "delete", "-r", run_id, "--yes")
        assert stream.news() == {run}


def test_a_topic_that_no_page_has_does_no_harm(mlrun: Mlrun, studio: Studio) -> None:
    run_id = _ended(mlrun)
    outside = mlrun.database.parent / "outside.txt"
    outside.write_text("1")
    root = _topic(studio)
    run = f"{root}|run|{run_id}"
    nothing = ["", "|", "||||", "runs", "|runs", "/w|runs", f"{root}|", f"{root}|runs|x", f"{root}|what", "\0" * 100]
    elsewhere = [
        "/w/../../..|runs",
        "/w/a/b/%2e%2e|runs",
        "/w/%252E%252E/b/c|runs",
        f"{root}/x|runs",
        f"{root}|run|../..",
    ]
    elsewhere += [f"{root.replace('/w/', '/x/')}|runs", f"{root}|log|..|outside.txt"]
    unread = [f"{root}|log|{run_id}|../../../outside.txt", f"{root}|log|{run_id}|\0"]
    with closing(_Stream(studio)) as stream:
        assert stream.listen(*nothing, *elsewhere, *unread, f"{root}|run|no such run", "x" * 10_000, run) == 204
        told: set[str] = set()
        while run not in told:
            told |= stream.news()
        assert told <= {run, f"{root}|run|no such run", *unread}
        outside.write_text("12")
        mlrun("run", "update", "-r", run_id, "--add-tag", "a=b")
        assert stream.news() == {run}


def test_topics_are_taken_from_the_studios_own_pages_alone(studio: Studio) -> None:
    with closing(_Stream(studio)) as stream:
        fields = {"topic": _topic(studio, "runs")}
        address = f"/events/{stream.key}"
        assert studio.ask("POST", address, fields=fields, headers={"Origin": "http://elsewhere.test"}).status == 403
        assert studio.ask("POST", address, fields=fields, cookie="").status == 401
        assert studio.ask("POST", "/events/unknown", fields=fields).status == 404
        assert studio.ask("POST", address, headers={"Content-Type": "application/json"}).status == 415


def test_a_studio_that_ends_ends_its_streams_first(studio: Studio) -> None:
    with closing(_Stream(studio)) as idle, closing(_Stream(studio)) as lost, closing(_Stream(studio)) as busy:
        assert lost.listen("no topic") == 204
        assert busy.listen(_topic(studio, "runs")) == 204
        assert studio.stop() == 0
        for stream in (idle, lost, busy):
            stream.rest()  # it is ended, not cut off after the server's patience


def test_a_page_shows_its_run_s_status_without_reload(mlrun: Mlrun, studio: Studio, browser: Browser) -> None:
    run_id = _sleeping(mlrun)
    with _tabs(browser, studio, studio.urls.run(run_id)) as (page,):
        _see([page], "#run-status", "Running")
        mlrun("run", "cancel", "-r", run_id)
        _see([page], "#run-status", "Canceled")


def test_times_stay_in_the_readers_own_zone_while_news_come(mlrun: Mlrun, studio: Studio, browser: Browser) -> None:
    run_id = _ended(mlrun)
    with _tabs(browser, studio, studio.urls.run(run_id)) as (page,):
        expect(page.locator("#details time").first).not_to_contain_text("UTC")
        page.evaluate(
            """() => {
                const details = document.querySelector("#details");
                window.timesOfServer = 0;
                new MutationObserver(() => (window.timesOfServer += details.textContent.includes("UTC"))).observe(
                    details, { subtree: true, childList: true, characterData: true });
            }"""
        )
        mlrun("run", "update", "-r", run_id, "--add-tag", "seen=yes")
        _see([page], "#details", "seen")
        assert page.evaluate("window.timesOfServer") == 0


def test_what_a_reader_has_opened_and_chosen_stays_while_news_come(
    mlrun: Mlrun, studio: Studio, browser: Browser
) -> None:
    parent = _ended(mlrun, "from azureml.core import Run; Run.get_context().child_run('first').complete()")
    (child,) = mlrun.json("run", "list", "--parent-run-id", parent, "--query", "[].run_id")
    with _tabs(browser, studio, studio.urls.run(parent, "children")) as (page,):
        page.locator("input[name=run]").check()
        page.locator("input[name=run]").blur()
        mlrun("run", "update", "-r", child, "--add-tag", "colour=crimson")
        _see([page], "#children", "crimson")
        expect(page.locator("input[name=run]")).to_be_checked()
        # Nor when the page has other parts than it had.
        page.evaluate("document.querySelector('#run-toolbar').remove()")
        mlrun("run", "update", "-r", child, "--add-tag", "colour=azure")
        _see([page], "#children", "azure")
        expect(page.locator("#run-toolbar")).to_be_visible()
        expect(page.locator("input[name=run]")).to_be_checked()


_KEEP_PARTS = """
    window.parts = [];
    const fetchAnything = window.fetch;
    window.fetch = async (address, options) => {
        const answer = await fetchAnything(address, options);
        if (options?.headers?.["X-Studio-Part"]) window.parts.push(await answer.clone().text());
        return answer;
    };
"""
"""Keeps what a page has been answered that asked for its parts, from before it is shown."""
_PRESS_ON = "window.pressing = setInterval(() => dispatchEvent(new Event('pointerdown')), 100)"
_HAS_COME = """(text) => {
    const hasCome = window.parts.at(-1)?.includes(text) ?? false;
    if (!hasCome) for (const name of ["pointerup", "pointerdown"]) dispatchEvent(new Event(name));
    return hasCome;
}"""
"""Whether the last answer holds a text; one without it is let go, since the next is asked for after it."""


def test_news_wait_while_something_is_pressed_so_that_no_click_is_lost(
    mlrun: Mlrun, studio: Studio, browser: Browser
) -> None:
    make = RunMaker(mlrun.database.parent)
    first = make()
    with _tabs(browser, studio, studio.urls.experiment("exp"), script=_KEEP_PARTS) as (page,):
        page.get_by_role("link", name=first).hover()
        page.mouse.down()
        page.evaluate(_PRESS_ON)  # however slow the machine is
        second = make()
        until(lambda: page.evaluate(_HAS_COME, second))
        page.wait_for_timeout(_TIME_TO_DRAW_MS)
        assert page.locator("[data-row]").count() == 1
        page.evaluate("clearInterval(window.pressing)")
        page.mouse.move(1, 1)
        page.mouse.up()
        _see([page], "[data-row]:first-child", second)


def test_eight_tabs_of_one_browser_are_live_by_one_stream(mlrun: Mlrun, studio: Studio, browser: Browser) -> None:
    run_id = _sleeping(mlrun)
    with _tabs(browser, studio, studio.urls.run(run_id), 8) as pages:
        _see(pages, "#run-status", "Running")
        session = browser.new_browser_cdp_session()
        kinds = [target["type"] for target in session.send("Target.getTargets")["targetInfos"]]
        assert kinds.count("shared_worker") == 1
        known = _count_news(pages[3], _topic(studio, "log", run_id, "user_logs/std_log.txt"))
        with open(mlrun.run_folder(run_id) / "artifacts" / "user_logs" / "std_log.txt", "a") as log:
            log.write("a line\n")
        _news_of_pane(pages[3], known)
        mlrun("run", "cancel", "-r", run_id)
        _see(pages, "#run-status", "Canceled")


def test_a_browser_without_shared_workers_is_live_too(mlrun: Mlrun, studio: Studio, browser: Browser) -> None:
    run_id = _sleeping(mlrun)
    with _tabs(browser, studio, studio.urls.run(run_id), script="delete window.SharedWorker") as (page,):
        _see([page], "#run-status", "Running")
        mlrun("run", "cancel", "-r", run_id)
        _see([page], "#run-status", "Canceled")


def test_a_page_catches_up_when_the_studio_is_started_again(mlrun: Mlrun, studio: Studio, browser: Browser) -> None:
    run_id = _sleeping(mlrun)
    with _tabs(browser, studio, studio.urls.run(run_id)) as (page,):
        _count_news(page, _topic(studio, "runs"))
        studio.stop(signal.SIGKILL)
        _see_banner(page, "has not answered")
        mlrun("run", "cancel", "-r", run_id)
        studio.start()
        _see([page], "#run-status", "Canceled")
        _see_no_banner(page)
        page.context.clear_cookies()
        studio.stop()
        studio.start()
        _see_banner(page, "asks for its token")
        _log_in(page.context, studio)
        _see_no_banner(page)


def test_a_page_says_when_it_has_heard_of_the_studio_last(mlrun: Mlrun, studio: Studio, browser: Browser) -> None:
    run_id = _sleeping(mlrun)
    with _tabs(browser, studio, studio.urls.run(run_id), script="delete window.SharedWorker") as (page,):
        page.clock.install(time="2026-01-31T10:00:00")
        page.reload()
        page.evaluate("window.isSame = true")
        _count_news(page, _topic(studio, "runs"))
        heard = page.evaluate("new Date().toLocaleTimeString()").partition(":")[0]
        studio.process.send_signal(signal.SIGSTOP)
        try:
            time.sleep(0.5)  # what it had sent is heard by then
            page.clock.fast_forward("05:00:00")
            _see_banner(page, "has not answered")
            assert f"since {heard}:" in page.locator("#banner").inner_text()
        finally:
            studio.process.send_signal(signal.SIGCONT)


def test_a_store_that_is_away_is_said_until_it_is_back(mlrun: Mlrun, studio: Studio, browser: Browser) -> None:
    run_id = _sleeping(mlrun)
    with _tabs(browser, studio, studio.urls.run(run_id)) as (page,):
        _see([page], "#run-status", "Running")
        here = mlrun.database.parent
        away = Path(f"{here}.away")
        # A page that is asked for just then is not found, which is not what there is to say.
        page.route(studio.urls.run(run_id), lambda route: route.continue_(url=studio.urls.run("gone")), times=1)
        mlrun("run", "update", "-r", run_id, "--add-tag", "a=b")
        _see_banner(page, "has been deleted")
        page.evaluate(_RECORD_BANNERS)
        here.rename(away)
        page.evaluate(_REFRESH)
        _see_banner(page, "unavailable")
        assert "Traceback" not in page.content()
        away.rename(here)
        _see_no_banner(page)
        mlrun("run", "cancel", "-r", run_id)
        _see([page], "#run-status", "Canceled")
        assert all("unavailable" in text for text in page.evaluate("window.banners") if text)


def test_a_page_says_that_its_run_has_been_deleted(mlrun: Mlrun, studio: Studio, browser: Browser) -> None:
    run_id = _ended(mlrun)
    with _tabs(browser, studio, studio.urls.run(run_id)) as (page,):
        _see([page], "#run-status", "Completed")
        mlrun("run", "delete", "-r", run_id, "--yes")
        _see_banner(page, "has been deleted")
        _see([page], "#run-status", "Completed")
