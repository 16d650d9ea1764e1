"""Each sentence of the parts on the studio of Azure's page on run history, done in a browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from mlrun_cli.core.time import MICROSECONDS, now
from mlrun_cli.metrics.metric import VALUE, LoggedValue
from mlrun_cli.runs.status import RunStatus
from tests.running import Mlrun
from tests.studio.demo_pages import browser_of
from tests.studio.run_maker import RunMaker
from tests.studio.serving import Studio

_PRINTS_ON = """
import itertools, time
from azureml.core import Run

run = Run.get_context()
run.tag("quality", "fantastic run")
run.add_properties({"author": "azureml-user"})
for step in itertools.count():
    run.log("loss", 1 / (step + 1))
    print(f"step {step}", flush=True)
    time.sleep(0.1)
"""


def _row(tab: Page, run_id: str) -> Locator:
    return tab.locator("[data-row]", has=tab.locator(f"[data-select][value={run_id}]"))


def _with_curve(make: RunMaker, **columns: object) -> str:
    run_id = make(**columns)  # type: ignore[arg-type]
    make.log(run_id, *(LoggedValue(VALUE, "loss", step, float(step), 1 / (step + 1), None) for step in range(5)))
    return run_id


@pytest.mark.usefixtures("mlrun")  # the studio begins with the list of workspaces where it has several
def test_an_experiment_shows_its_active_runs_and_how_long_each_took(make: RunMaker, studio: Studio, tab: Page) -> None:
    ended = make(duration_seconds=754.0)
    since = now() - 3600 * MICROSECONDS
    running = make(status=RunStatus.RUNNING, created_at=since, started_at=since, owner_lock="process")
    make("other")
    tab.goto(studio.address)
    expect(tab.get_by_role("heading", name="Experiments")).to_be_visible()
    tab.get_by_role("link", name="exp", exact=True).click()
    expect(tab.get_by_role("heading", name="exp")).to_be_visible()
    expect(tab.locator("#runs")).to_contain_text("2 runs")
    expect(tab.get_by_role("link", name="1 active")).to_be_visible()
    expect(_row(tab, ended)).to_contain_text("0:12:34")
    ticking = _row(tab, running).locator("[data-ticks]")
    shown = ticking.text_content() or ""
    assert re.match(r"1:0\d:\d\d$", shown)
    expect(ticking).not_to_have_text(shown)


def test_runs_are_chosen_charts_added_and_filters_set_and_the_view_is_opened_by_its_url_elsewhere(
    make: RunMaker, studio: Studio, tab: Page, browser: Browser
) -> None:
    chosen = [_with_curve(make, target="gpu") for _ in range(3)]
    _with_curve(make, target="local")
    tab.goto(studio.urls.experiment("exp"))
    tab.get_by_text("Target", exact=True).first.click()
    tab.locator("#menu-target").get_by_role("link", name="gpu").click()
    expect(tab.locator("[data-row]")).to_have_count(3)
    for run_id in chosen[:2]:
        _row(tab, run_id).locator("[data-select]").check()
    before = tab.locator(".chart-title").count()
    tab.get_by_text("Add a chart").click()
    form = tab.locator("#chart-add form")
    form.get_by_label("Kind").select_option("value")
    form.get_by_label("Metric", exact=True).fill("loss")
    form.get_by_label("Its value").select_option("min")
    form.get_by_role("button", name="Add").click()
    expect(tab.get_by_title("loss (min)")).to_be_visible()
    expect(tab.locator(".chart-title")).to_have_count(before + 1)
    expect(tab.locator(".plot canvas")).to_have_count(before + 1)
    tab.get_by_text("Save view").click()
    tab.get_by_label("Name of the view").fill("two on the gpu")
    tab.get_by_role("button", name="Save", exact=True).click()
    expect(tab.locator("#save-view")).not_to_have_attribute("open", "")
    tab.get_by_text("Views", exact=True).last.click()
    expect(tab.get_by_role("link", name="two on the gpu")).to_be_visible()
    with browser_of(browser, studio) as context:
        other = context.new_page()
        other.goto(tab.url)
        expect(other.locator("[data-row]")).to_have_count(3)
        expect(other.locator("[data-select]:checked")).to_have_count(2)
        expect(other.get_by_title("loss (min)")).to_be_visible()
        expect(other.locator(".plot canvas")).to_have_count(before + 1)


def test_a_run_is_picked_its_log_read_its_tags_and_properties_seen_and_it_is_cancelled_from_the_toolbar(
    mlrun: Mlrun, studio: Studio, tab: Page
) -> None:
    mlrun.script(_PRINTS_ON)
    run_id = mlrun.submit()
    mlrun.wait_for_status(run_id, "Running")
    tab.goto(studio.urls.experiment("exp"))
    tab.get_by_role("link", name=run_id).click()
    tab.get_by_role("link", name="Outputs + logs").click()
    expect(tab.get_by_role("log")).to_contain_text("step 0")
    expect(tab.get_by_role("log")).to_contain_text(re.compile(r"step 1\d"))
    tab.get_by_role("link", name="Details").click()
    expect(tab.locator("#details .chip", has_text="quality")).to_contain_text("fantastic run")
    expect(tab.locator("#details .pairs div", has_text="author")).to_contain_text("azureml-user")
    expect(tab.locator("#details").locator("input, textarea, select, button")).to_have_count(0)
    tab.locator("#run-toolbar").get_by_text("Cancel", exact=True).click()
    assert mlrun.stored_status(run_id) == "Running"
    tab.get_by_role("button", name="Cancel the run").click()
    expect(tab.locator("#run-status")).to_contain_text("Canceled")
    assert mlrun.wait_for_status(run_id, "Canceled")


def test_runs_are_searched_by_tag_description_experiment_and_submitter(
    make: RunMaker, studio: Studio, tab: Page
) -> None:
    found = {
        "fantastic": make(tags={"quality": "fantastic run"}),
        "warmup": make(description="A longer warmup of the learning rate"),
        "diabetes": make("diabetes-regression"),
        "grace": make(user_name="grace"),
    }
    make()
    tab.goto(studio.urls.experiments())
    tab.get_by_role("link", name="All runs").click()
    tab.wait_for_url(studio.urls.runs())  # and for what handles its keys
    expect(tab.locator("[data-row]")).to_have_count(5)
    for text, run_id in found.items():
        tab.keyboard.press("/")
        tab.keyboard.type(text)
        tab.keyboard.press("Enter")
        expect(tab.locator("[data-row]")).to_have_count(1)
        expect(_row(tab, run_id)).to_be_visible()
        tab.locator("#filter-search").fill("")
        tab.keyboard.press("Enter")
        expect(tab.locator("[data-row]")).to_have_count(5)
        tab.keyboard.press("Escape")
    tab.locator("#filter-tag").fill("quality=fantastic run")
    tab.keyboard.press("Enter")
    expect(tab.locator("[data-row]")).to_have_count(1)
    expect(_row(tab, found["fantastic"])).to_be_visible()
