"""Saved views: made on a page of runs, opened on any, and the page that lists them."""

from __future__ import annotations

import html
import re

from playwright.sync_api import Browser, Page, expect

from mlrun_cli.runs.status import RunStatus
from tests.running import Mlrun
from tests.studio.run_maker import RunMaker, heads, link, query, rows
from tests.studio.serving import Studio


def _saved(mlrun: Mlrun) -> list[tuple[object, ...]]:
    return mlrun.stored("SELECT name, query, version FROM saved_views ORDER BY name")


def test_a_view_made_in_one_experiment_opens_on_another(mlrun: Mlrun, make: RunMaker, studio: Studio) -> None:
    make(status=RunStatus.FAILED)
    failed, _ = make("other", status=RunStatus.FAILED), make("other")
    shown = query(status="Failed", columns="run_id,created", page="3", open="exp_1")
    answer = studio.post(studio.urls.views("save"), name=" what failed ", query=shown, experiment="exp")
    assert answer.status == 303
    assert answer.headers["location"].endswith("/experiments/exp?status=Failed&columns=run_id,created")
    assert _saved(mlrun) == [("what failed", "status=Failed&columns=run_id,created", 1)]
    page = studio.get(studio.urls.experiment("other")).text
    opened = studio.get(studio.urls.experiment("other", link(page, "what failed"))).text
    assert rows(opened) == [failed] and heads(opened) == ["Run id", "Created"]
    assert re.search(r'aria-current="true">what failed</a>', opened)
    assert 'role="status">Saved as “what failed”</' in opened and "Saved as" not in page
    assert "what failed</a>" in studio.get(studio.urls.views()).text


def test_a_view_with_its_parameters_in_another_order_is_the_one_shown(
    mlrun: Mlrun, make: RunMaker, studio: Studio
) -> None:
    make()
    studio.post(studio.urls.views("save"), name="old", query="since=7d&status=Failed")
    ((_, stored, _),) = _saved(mlrun)
    other = "&".join(reversed(str(stored).split("&")))
    mlrun.execute("UPDATE saved_views SET query = ?", other)
    page = studio.get(studio.urls.runs(other)).text
    assert stored != other and 'role="status">Saved as “old”</' in page


def test_who_saves_a_view_later_is_told_and_may_overwrite_it(mlrun: Mlrun, make: RunMaker, studio: Studio) -> None:
    make()
    save = studio.urls.views("save")
    studio.post(save, name="mine", query="status=Failed")
    second = studio.post(save, name="mine", query="status=Running", experiment="exp")
    ((code, text),) = second.problems
    assert (second.status, code) == (409, "AlreadyExists") and "'mine'" in text
    version = re.search(r'name="version" value="(\d+)"', second.text)
    assert version is not None and 'value="status=Running"' in second.text
    studio.post(save, name="mine", query="status=Queued", version=version[1])
    late = studio.post(save, name="mine", query="status=Running", version=version[1])
    ((code, text),) = late.problems
    assert (late.status, code) == (409, "ViewChanged") and "'mine'" in text
    assert _saved(mlrun) == [("mine", "status=Queued", 2)]
    assert studio.post(save, name="mine", query="status=Running", version="2").status == 303
    assert studio.post(save, name="yours", query="status=Failed").status == 303
    assert _saved(mlrun) == [("mine", "status=Running", 3), ("yours", "status=Failed", 1)]


def test_views_are_renamed_and_deleted_unless_somebody_was_there_first(
    mlrun: Mlrun, make: RunMaker, studio: Studio
) -> None:
    make()
    for name in ("one", "two"):
        studio.post(studio.urls.views("save"), name=name, query="status=Failed")
    rename, delete = studio.urls.views("rename"), studio.urls.views("delete")
    assert studio.post(rename, name="one", new_name="first", version="1").status == 303
    taken = studio.post(rename, name="two", new_name="first", version="1")
    ((code, text),) = taken.problems
    assert (taken.status, code) == (400, "AlreadyExists") and "'first'" in text
    gone = studio.post(rename, name="one", new_name="other", version="1")
    ((code, text),) = gone.problems
    assert (gone.status, code) == (409, "ViewNotFound") and "'one'" in text
    late = studio.post(delete, name="first", version="1")
    ((code, text),) = late.problems
    assert (late.status, code) == (409, "ViewChanged") and "'first'" in text
    unversioned = studio.post(delete, name="first", version="x")
    assert (unversioned.status, [code for code, _ in unversioned.problems]) == (400, ["InvalidForm"])
    assert studio.post(delete, name="first", version="2").status == 303
    assert [name for name, *_ in _saved(mlrun)] == ["two"]


def test_a_name_that_no_view_can_have_is_told(mlrun: Mlrun, make: RunMaker, studio: Studio) -> None:
    make()
    for name in ("", "   ", "x" * 101, "a\nb"):
        answer = studio.post(studio.urls.views("save"), name=name, query="status=Failed")
        assert (answer.status, [code for code, _ in answer.problems]) == (400, ["InvalidName"])
        assert 'value="status=Failed"' in answer.text
    assert _saved(mlrun) == []


def test_what_a_view_is_called_is_text(make: RunMaker, studio: Studio) -> None:
    make()
    hostile = '"><script>alert(1)</script>'
    studio.post(studio.urls.views("save"), name=hostile, query=query(search=hostile))
    studio.post(studio.urls.views("save"), name=hostile, query="")
    for address in (studio.urls.views(), studio.urls.runs()):
        page = studio.get(address).text
        assert html.escape(hostile).replace("&quot;", "&#34;") in page and "<script>alert" not in page


def test_no_view_is_saved_without_the_pages_word(mlrun: Mlrun, make: RunMaker, studio: Studio) -> None:
    make()
    answer = studio.ask("POST", studio.urls.views("save"), fields={"name": "mine", "query": ""})
    assert (answer.status, [code for code, _ in answer.problems]) == (403, ["InvalidForm"])
    assert _saved(mlrun) == []


def test_a_view_is_saved_and_opened_in_a_second_browser(
    make: RunMaker, studio: Studio, tab: Page, browser: Browser
) -> None:
    chosen = make(status=RunStatus.FAILED)
    make()
    tab.goto(studio.urls.experiment("exp", "status=Failed"))
    tab.locator("[data-select]").check()
    tab.get_by_text("Save view").click()
    tab.get_by_label("Name of the view").fill("what failed")
    tab.get_by_role("button", name="Save", exact=True).click()
    tab.wait_for_url(f"**/experiments/exp?status=Failed&select={chosen}")
    with browser.new_context() as context:
        other = context.new_page()
        other.goto(f"{studio.address}/?token={studio.token}")
        other.goto(studio.urls.views())
        other.get_by_role("link", name="what failed").click()
        expect(other.locator("[data-select]:checked")).to_have_count(1)
        expect(other.locator("[data-row]")).to_have_count(1)
        other.goto(studio.urls.views())
        other.get_by_text("Delete", exact=True).click()
        other.get_by_role("button", name="Delete the view").click()
        expect(other.get_by_text("No view has been saved yet.")).to_be_visible()
