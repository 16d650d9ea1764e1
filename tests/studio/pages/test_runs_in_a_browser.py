"""The pages of runs in a browser: what follows without reload, the selection, the focus and searches."""

from __future__ import annotations

import re
from datetime import datetime

from playwright.sync_api import Browser, Page, Route, expect

from mlrun_cli.runs.status import RunStatus
from tests.running import Mlrun
from tests.studio.run_maker import RunMaker, query
from tests.studio.serving import Studio


def _shown(tab: Page) -> list[str]:
    return [str(box.get_attribute("value")) for box in tab.locator("[data-select]").all()]


def test_runs_and_their_statuses_appear_without_reload(make: RunMaker, studio: Studio, tab: Page) -> None:
    first = make(status=RunStatus.QUEUED)
    tab.goto(studio.urls.experiment("exp"))
    tab.evaluate("window.isSame = true")
    tab.locator(f"[data-select][value={first}]").check()
    tab.locator("#columns summary").click()
    tab.locator("#page").focus()
    tab.keyboard.press("j")
    second = make()
    expect(tab.locator("[data-row]")).to_have_count(2)
    make.end(first)
    expect(tab.locator("tbody .status.good")).to_have_count(2)
    assert _shown(tab) == [second, first] and tab.evaluate("window.isSame")
    expect(tab.locator(f"[data-select][value={first}]")).to_be_checked()
    expect(tab.locator("#columns")).to_have_attribute("open", "")
    expect(tab.locator("[data-row].current")).to_contain_text(first)
    tab.locator(f"[data-select][value={second}]").check()
    tab.locator(f"[data-select][value={second}]").uncheck()
    expect(tab.locator("#cancel-runs")).to_be_hidden()


def test_the_selection_stands_in_the_address_and_is_carried_along(make: RunMaker, studio: Studio, tab: Page) -> None:
    made = [make() for _ in range(30)][::-1]
    tab.goto(studio.urls.experiment("exp", "size=25&select=deleted"))
    tab.evaluate("window.told = []; document.addEventListener('selection', (e) => window.told.push(e.detail.runs))")
    tab.locator("[data-select]").nth(1).check()
    tab.keyboard.press("j")
    tab.keyboard.press("x")
    assert tab.evaluate("window.told") == [[made[1]], [made[1], made[0]]]
    tab.get_by_role("link", name="Next").first.click()
    expect(tab.get_by_text("Page 2 of 2").first).to_be_visible()
    expect(tab.locator("[data-selected-count]").first).to_have_text("2")
    tab.get_by_label("Select all runs shown").check()
    tab.locator("#filter-search").fill("exp")
    tab.locator("#filter-search").press("Enter")
    tab.wait_for_url("**search=exp**")
    assert sorted(re.findall(r"select=(\w+)", tab.url)) == sorted([*made[:2], *made[25:]])
    expect(tab.locator("[data-select]:checked")).to_have_count(2)
    tab.keyboard.press("Escape")
    tab.keyboard.press("c")
    tab.wait_for_url("**/compare?**")
    assert len(re.findall(r"run=", tab.url)) == 7
    tab.go_back()
    expect(tab.locator("[data-select]:checked")).to_have_count(2)
    tab.get_by_role("link", name="Clear", exact=True).click()
    expect(tab.locator("[data-select]:checked")).to_have_count(0)
    assert "select" not in tab.url


def test_what_is_done_while_an_answer_is_on_its_way_stays(make: RunMaker, studio: Studio, tab: Page) -> None:
    chosen = [make(metrics={"loss": 1.0}) for _ in range(2)]
    make(metrics={"loss": 1.0}, tags={"lr": "0.1"})
    answers: list[Route] = []
    tab.route("**tag=lr*", lambda route: answers.append(route), times=1)  # noqa: PLW0108 - a builtin is not taken
    tab.goto(studio.urls.experiment("exp"))
    plot, box = tab.locator("[data-plot]"), tab.locator("#filter-tag")
    expect(plot).to_have_attribute("data-drawn", "3")
    box.fill("lr")
    with tab.expect_request("**tag=lr*"):
        box.press("Enter")
    for run_id in chosen:
        tab.locator(f"[data-select][value={run_id}]").check()
    box.press("End")
    tab.keyboard.type("=0.2")
    answers[0].continue_()
    expect(tab.locator("[data-row]")).to_have_count(1)
    expect(box).to_have_value("lr=0.2")
    expect(tab.locator("[data-selected-count]").first).to_have_text("2")
    assert re.findall(r"select=(\w+)", tab.url) == chosen
    expect(tab.locator("#chart-runs")).to_have_attribute("data-chart-runs", re.compile(".*".join(chosen)))
    expect(plot).to_have_attribute("data-drawn", "2")
    tab.get_by_role("button", name="Compare").click()
    tab.wait_for_url("**/compare?**")
    assert re.findall(r"run=(\w+)", tab.url) == chosen
    tab.go_back()
    tab.get_by_role("link", name="Clear", exact=True).click()
    tab.get_by_role("button", name="Compare").click()
    tab.wait_for_url("**/compare?")


def test_what_is_pressed_last_is_what_comes(make: RunMaker, studio: Studio, tab: Page) -> None:
    for _ in range(26):
        make()
    for unanswered in ("**status=Completed*", "**page=2*"):
        tab.route(unanswered, lambda _: None, times=1)
    tab.goto(studio.urls.experiment("exp", "size=25"))
    tab.locator("#menu-status summary").click()
    with tab.expect_request("**status=Completed*"):
        tab.locator("#menu-status").get_by_role("link", name="Completed").click()
    following = tab.get_by_role("link", name="Next").first
    with tab.expect_event("requestfailed", lambda request: "status=Completed" in request.url):
        # Not a double click: the first request could be replaced before the route has met it.
        with tab.expect_request("**page=2*"):
            following.click()
        following.click()
    expect(tab.get_by_text("Page 2 of 2").first).to_be_visible()
    assert "status" not in tab.url
    tab.go_back()
    expect(tab.get_by_text("Page 1 of 2").first).to_be_visible()


def test_no_more_than_two_hundred_runs_are_selected(make: RunMaker, studio: Studio, tab: Page) -> None:
    made = [make() for _ in range(205)]
    tab.goto(studio.urls.experiment("exp", "size=200"))
    told = tab.locator("[data-selection-full]")
    tab.get_by_label("Select all runs shown").check()
    expect(tab.locator("[data-selected-count]").first).to_have_text("200")
    expect(told).to_have_text(", the most there can be")
    tab.get_by_role("link", name="Next").first.click()
    expect(tab.get_by_text("Page 2 of 2").first).to_be_visible()
    tab.get_by_label("Select all runs shown").click()
    expect(tab.locator("[data-select]:checked")).to_have_count(0)
    assert tab.url.count("select=") == 200 and f"select={made[0]}&" not in f"{tab.url}&"
    expect(tab.locator("[data-selected-count]").first).to_have_text("200")
    tab.go_back()  # which loads the page anew, later
    expect(tab.get_by_text("Page 1 of 2").first).to_be_visible()
    tab.wait_for_load_state()
    tab.locator("[data-select]").first.uncheck()
    expect(told).to_be_hidden()
    child = make(parent=made[5], metrics={"loss": 1.0})
    tab.goto(studio.urls.experiment("exp", query(size="200", children="1", open=made[5], chart="value:loss:last")))
    expect(tab.locator("[data-plot]")).to_have_attribute("data-drawn", "0")
    tab.locator(f"[data-select][value={child}]").check()
    tab.locator("[data-plot]").scroll_into_view_if_needed()  # a chart out of sight is not drawn
    expect(tab.locator("[data-plot]")).to_have_attribute("data-drawn", "1")


def test_the_selected_runs_are_cancelled_after_a_question(make: RunMaker, studio: Studio, tab: Page) -> None:
    _, chosen, _ = (make(status=RunStatus.RUNNING, owner_lock="process") for _ in range(3))
    ended = [make() for _ in range(25)]
    tab.goto(studio.urls.experiment("exp", query(size="25", sort="run_number")))
    cancel = tab.locator("#cancel-runs")
    expect(cancel).to_be_hidden()
    tab.locator(f"[data-select][value={ended[0]}]").check()
    expect(cancel).to_be_hidden()
    tab.locator(f"[data-select][value={chosen}]").check()
    tab.locator(f"[data-select][value={ended[0]}]").uncheck()
    expect(cancel).to_be_visible()
    tab.get_by_role("link", name="Next").first.click()
    expect(tab.locator(f"[data-select][value={ended[-1]}]")).not_to_be_checked()
    expect(cancel).to_be_visible()
    tab.get_by_role("link", name="Previous").first.click()
    expect(tab.locator(f"[data-select][value={chosen}]")).to_be_checked()
    tab.locator("#cancel-runs summary").click()
    tab.get_by_role("button", name="Cancel the runs").click()
    expect(tab.locator("[data-row] .status.off")).to_have_count(1)
    expect(tab.locator("[data-row]:has(.status.off)")).to_contain_text(chosen)
    expect(tab.locator("[data-select]:checked")).to_have_count(1)
    expect(cancel).to_be_hidden()


def test_the_focus_stays_with_what_is_pressed_while_columns_change(make: RunMaker, studio: Studio, tab: Page) -> None:
    make(metrics={"accuracy": 0.1}, tags={"dataset": "mnist"})
    tab.goto(studio.urls.experiment("exp", query(columns="status,display_name,tags,metric:accuracy:last")))
    heads_shown = tab.locator(".runs thead th")
    tab.locator("#columns summary").click()
    earlier = tab.get_by_label("Move accuracy to the left")
    earlier.focus()
    for place in (3, 2, 1):
        tab.keyboard.press("Enter")
        expect(heads_shown.nth(place)).to_contain_text("accuracy")
        expect(earlier).to_be_focused()
    tab.keyboard.press("Enter")
    expect(heads_shown.nth(1)).to_contain_text("accuracy")
    tab.get_by_label("Show accuracy max").focus()
    tab.keyboard.press("Enter")
    expect(heads_shown.nth(5)).to_contain_text("max")
    expect(tab.get_by_label("Show accuracy max")).to_be_focused()
    tab.get_by_label("Hide Status").focus()
    tab.keyboard.press("Enter")
    expect(heads_shown).to_have_count(5)
    expect(tab.locator("#columns summary")).to_be_focused()


def test_the_focus_stays_on_a_tag_when_another_one_arrives(
    mlrun: Mlrun, make: RunMaker, studio: Studio, tab: Page
) -> None:
    run_id = make(tags={"dataset": "mnist", "lr": "0.1"})
    tab.goto(studio.urls.experiment("exp"))
    chip = tab.get_by_role("link", name="dataset")
    chip.focus()
    mlrun("run", "update", "-r", run_id, "--add-tag", "colour=azure")
    expect(tab.get_by_role("link", name="colour")).to_be_visible()
    expect(chip).to_be_focused()


def test_an_address_shows_the_same_page_in_another_browser(
    make: RunMaker, studio: Studio, tab: Page, browser: Browser
) -> None:
    wanted = make(status=RunStatus.FAILED, metrics={"accuracy": 0.1})
    make(metrics={"accuracy": 0.9})
    tab.goto(studio.urls.experiment("exp"))
    tab.evaluate("window.isSame = true")
    tab.locator("#filter-metric").fill("accuracy < 0.5")
    tab.locator("#filter-metric").press("Enter")
    expect(tab.locator("[data-row]")).to_have_count(1)
    expect(tab.locator("#filter-metric")).to_have_value("")
    expect(tab.locator("#filter-metric")).to_be_focused()
    tab.keyboard.type("accuracy >> 1")
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("alert")).to_contain_text("accuracy >> 1")
    expect(tab.locator("#filter-metric")).to_have_attribute("aria-invalid", "true")
    tab.locator("#columns summary").click()
    tab.get_by_label("Show accuracy min").click()
    expect(tab.get_by_role("columnheader", name="accuracy min")).to_be_visible()
    tab.locator(".column-choice").evaluate("box => (box.scrollTop = 0)")  # a drag that scrolls takes what comes there
    tab.locator("#columns [data-column='metric:accuracy:min']").drag_to(tab.locator("#columns li").first)
    expect(tab.locator(".runs thead th").nth(1)).to_contain_text("accuracy")
    tab.locator("[data-select]").check()
    assert tab.evaluate("window.isSame")
    with browser.new_context(java_script_enabled=False) as context:
        other = context.new_page()
        other.goto(f"{studio.address}/?token={studio.token}")
        other.goto(tab.url)
        assert _shown(other) == [wanted]
        heads_of_both = [page.locator(".runs thead th").all_text_contents() for page in (tab, other)]
        assert heads_of_both[0] == heads_of_both[1]
        expect(other.locator("[data-select]")).to_be_checked()


def test_a_search_follows_what_is_typed(make: RunMaker, studio: Studio, tab: Page) -> None:
    for name in ("amber", "amethyst", "coral"):
        make(display_name=name)
    tab.goto(studio.urls.experiments())
    tab.goto(studio.urls.experiment("exp"))
    box = tab.locator("#filter-search")
    box.press_sequentially("am")
    expect(tab.locator("[data-row]")).to_have_count(2)
    box.press_sequentially("eth")
    expect(tab.locator("[data-row]")).to_have_count(1)
    expect(box).to_be_focused()
    expect(box).to_have_value("ameth")
    expect(tab).to_have_url(studio.urls.experiment("exp", "search=ameth"))
    tab.go_back()
    expect(tab).to_have_url(studio.urls.experiments())
    tab.get_by_label("Search experiments").press_sequentially("nothing")
    expect(tab.locator(".empty")).to_contain_text("“nothing”")


def test_days_are_those_of_the_readers_zone(make: RunMaker, studio: Studio, browser: Browser) -> None:
    """In Tokyo, nine hours ahead, the 31st begins and ends on the 30th at three in the afternoon, UTC."""
    moments = ("2026-01-30T14:59:59Z", "2026-01-30T15:00:00Z", "2026-01-31T14:59:59Z", "2026-01-31T15:00:00Z")
    early, first, last, late = (
        make(created_at=int(datetime.fromisoformat(m[:-1] + "+00:00").timestamp()) * 10**6) for m in moments
    )
    with browser.new_context(timezone_id="Asia/Tokyo") as context:
        page = context.new_page()
        page.goto(f"{studio.urls.runs()}?token={studio.token}")
        shown = page.locator("[data-row] input[name=run]")
        since, until = page.locator("#filter-since"), page.locator("#filter-until")
        since.fill("2026-01-31")
        since.press("Enter")
        expect(shown).to_have_count(3)
        until.fill("2026-01-31")
        until.press("Enter")
        expect(shown).to_have_count(2)
        assert shown.evaluate_all("boxes => boxes.map((box) => box.value)") == [last, first]
        since_and_until = query(since="2026-01-30T15:00:00Z", until="2026-01-31T15:00:00Z")
        expect(page).to_have_url(studio.urls.runs(since_and_until.replace("%3A", ":")))
        page.reload()
        expect(since).to_have_value("2026-01-31")
        expect(until).to_have_value("2026-01-31")
        expect(page.locator(".chip.filter time").first).to_have_text(re.compile("Jan 31, 2026, 12:00:00"))
        since.fill("2026-02-01T00:00")
        since.press("Enter")
        expect(shown).to_have_count(0)
        page.goto(studio.urls.runs(query(until="2026-01-30T15:00:00Z")))
        expect(shown).to_have_count(1)
        assert shown.get_attribute("value") == early
        page.goto(studio.urls.runs(query(since="2026-01-31T15:00:00Z")))
        assert shown.get_attribute("value") == late


def test_all_can_be_filtered_without_scripts(make: RunMaker, studio: Studio, browser: Browser) -> None:
    failed = make(status=RunStatus.FAILED, tags={"lr": "0.1"})
    make(tags={"lr": "0.1"})
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{studio.address}/?token={studio.token}")
        page.goto(studio.urls.experiment("exp"))
        page.locator("#filter-tag").fill("lr")
        page.get_by_role("button", name="Filter").click()
        page.locator("#menu-status summary").click()
        page.locator("#menu-status").get_by_role("link", name="Failed").click()
        expect(page).to_have_url(re.compile(r"\?status=Failed&tag=lr$"))
        expect(page.locator("[data-select]")).to_have_count(1)
        expect(page.locator("[data-select]")).to_have_value(failed)
        page.locator("#columns summary").click()
        page.get_by_role("button", name="Hide Tags").click()
        expect(page.get_by_role("columnheader", name="Tags")).to_have_count(0)
        page.locator("[data-select]").check()
        page.get_by_role("button", name="Compare").click()
        expect(page).to_have_url(re.compile(rf"/compare\?run={failed}$"))


def test_a_phone_scrolls_the_table_alone(make: RunMaker, studio: Studio, tab: Page) -> None:
    tags = {f"a rather long tag {n}": "x" * 60 for n in range(8)}
    make(status=RunStatus.RUNNING, owner_lock="process", tags=tags, display_name="name " * 30, target="t" * 200)
    tab.set_viewport_size({"width": 400, "height": 800})
    tab.goto(studio.urls.runs(query(metric="accuracy >> 1", tag="lr=" + "x" * 200, select="exp_1")))
    for menu in tab.locator("#page details.asks > summary").all():
        menu.click()
        opened = tab.locator("#page details.asks[open] > :not(summary)").bounding_box()
        assert opened is not None and opened["width"] > 200 and opened["x"] + opened["width"] <= 400
        assert tab.evaluate("document.documentElement.scrollWidth") == 400
        tab.keyboard.press("Escape")
