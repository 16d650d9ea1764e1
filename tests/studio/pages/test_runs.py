"""The pages of runs: of an experiment, and of the whole workspace."""

from __future__ import annotations

import html
import re
from datetime import datetime

from playwright.sync_api import Browser, Page, Route, expect

from mlrun_cli.core.redaction import Redactor
from mlrun_cli.metrics.metric import VALUE, LoggedValue
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import parse_locator
from tests.running import Mlrun
from tests.studio.run_maker import RunMaker, heads, link, query, rows
from tests.studio.serving import Studio

EMOJI = "🎉" * 200


def test_an_experiment_shows_its_runs_newest_first_and_how_many_are_active(make: RunMaker, studio: Studio) -> None:
    first = make(tags={"lr": "0.1"}, description="the first idea")
    second = make(status=RunStatus.QUEUED, target="gpu", display_name="nightly")
    child = make(parent=first)
    other = make("other")
    page = studio.get(studio.urls.experiment("exp")).text
    assert rows(page) == [second, first]
    assert heads(page) == ["Status", "Run", "Number", "Target", "Submitter", "Created", "Duration", "Tags"]
    assert "<strong>2</strong> runs" in page and "<strong>1</strong> active" in page
    assert "nightly" in page and '<span class="key">lr</span><span class="value">0.1</span>' in page
    everything = studio.get(studio.urls.runs()).text
    assert rows(everything) == [other, second, first] and "Experiment" in heads(everything)
    assert child not in rows(everything)


def test_runs_show_and_sort_and_filter_the_parameters_in_which_they_differ(make: RunMaker, studio: Studio) -> None:
    def add(*arguments: str, loss: float) -> str:
        return make(definition={"script": "train.py", "arguments": arguments}, metrics={"loss": loss})

    low = add("--lr", "0.01", "--epochs", "3", "--optimizer", "adam w", loss=2)
    high = add("--lr", "10", "--epochs", "3", "--optimizer", "sgd", loss=3)
    mid = add("--lr", "0.1", "--epochs", "3", "--optimizer", "sgd", loss=1)
    page = studio.get(studio.urls.experiment("exp")).text
    assert heads(page)[:6] == ["Status", "Run", "Number", "lr", "optimizer", "loss last"]
    assert "sort=parameter:lr" in page and "parameter=optimizer+%3D+%22adam+w%22" in page
    for order, expected in (("parameter:lr", [low, mid, high]), ("-parameter:optimizer", [mid, high, low])):
        assert rows(studio.get(studio.urls.experiment("exp", query(sort=order))).text) == expected
    for typed, expected in (
        ("lr >= 0.1", [mid, high]),
        ('optimizer = "adam w"', [low]),
        ("epochs != 3", []),
    ):
        assert rows(studio.get(studio.urls.experiment("exp", query(parameter=typed))).text) == expected
    assert rows(studio.get(studio.urls.experiment("exp", query(search="sgd lr=0.1"))).text) == [mid]
    wrong = studio.get(studio.urls.experiment("exp", query(parameter="lr"))).text
    assert 'id="fault-parameter"' in wrong and len(rows(wrong)) == 3
    added = studio.get(studio.urls.experiment("exp", query(add="parameter:epochs")))
    assert added.headers["location"].endswith("tags,parameter:epochs")
    assert "epochs" in heads(studio.get(added.headers["location"]).text)
    details = studio.get(studio.urls.run(low)).text
    assert re.search(r"<dt>optimizer</dt><dd><a [^>]*>adam w</a>", details)


def test_filters_leave_the_runs_that_match(make: RunMaker, studio: Studio) -> None:
    good = make(tags={"lr": "0.1", "a=b": "c\\d"}, metrics={"accuracy": 0.95, "val loss": 0.1}, user_name="ada")
    bad = make(
        status=RunStatus.FAILED,
        tags={"lr": "0.2"},
        properties={"git": "abc"},
        metrics={"accuracy": 0.5},
        target="gpu",
        description="Learns nothing",
        created_at=1_000_000_000_000_000,
    )
    other = make("other", status=RunStatus.CANCELED, target="cpu", run_type="azureml.interactiverun")
    expected = {
        query(status="Failed"): [bad],
        query(("status", "Failed"), ("status", "Canceled")): [other, bad],
        query(status="Active"): [],
        query(tag="lr"): [bad, good],
        query(tag="lr=0.1"): [good],
        query(("tag", "lr=0.1"), ("tag", "lr=0.2"), ("tag", "lr=0.3")): [bad, good],
        query(("tag", "lr=0.1"), ("tag", "lr")): [bad, good],
        query(tag="a\\=b=c\\d"): [good],
        query(("tag", "lr=0.1"), ("tag", "a\\=b")): [good],
        query(("tag", "lr=0.1"), ("status", "Failed")): [],
        query(property="git=abc"): [bad],
        query(metric="accuracy > 0.9"): [good],
        query(metric='"val loss" <= 0.1'): [good],
        query(metric="max(accuracy) < 0.9"): [bad],
        query(where="accuracy > 0.4 and not tag.lr = 0.1"): [bad],
        query(("where", "accuracy > 0"), ("where", "target = local or created < 2001-12-31")): [bad, good],
        query(target="gpu"): [bad],
        query(("target", "gpu"), ("target", "cpu")): [other, bad],
        query(submitter="ada"): [good],
        query(experiment="other"): [other],
        query(("experiment", "other"), ("experiment", "exp")): [other, bad, good],
        query(type="azureml.interactiverun"): [other],
        query(since="1d"): [other, good],
        query(until="2001-12-31"): [bad],
        query(search="learns NOTHING"): [bad],
        query(search="other"): [other],
        query(search=good): [good],
    }
    found = {each: rows(studio.get(studio.urls.runs(each)).text) for each in expected}
    assert found == expected
    assert rows(studio.get(studio.urls.experiment("exp", query(experiment="other"))).text) == [bad, good]


def test_a_malformed_filter_is_told_beside_its_box_and_the_others_hold(make: RunMaker, studio: Studio) -> None:
    make(status=RunStatus.FAILED, metrics={"accuracy": 1})
    done = make(metrics={"accuracy": 1})
    make(metrics={"loss": 1})
    pairs = [("metric", "accuracy > 0"), ("metric", "accuracy >> 1"), ("status", "Completed"), ("until", "soon")]
    wrong = studio.get(studio.urls.runs(query(where="accuracy > 0 and"))).text
    assert 'id="fault-where"' in wrong and len(rows(wrong)) == 3
    answer = studio.get(studio.urls.runs(query(*pairs)))
    assert answer.status == 200 and rows(answer.text) == [done]
    for name, typed in (("metric", "accuracy >> 1"), ("until", "soon")):
        box = re.search(rf'<input id="filter-{name}"[^>]*>', answer.text)
        assert box is not None and f'value="{html.escape(typed)}"' in box[0]
        assert f'aria-invalid="true" aria-describedby="fault-{name}"' in box[0]
        assert re.search(rf'<p class="problem" id="fault-{name}" role="alert"', answer.text)
    faults = dict(answer.problems)
    assert faults.keys() == {"InvalidFilter", "InvalidTime"}
    assert faults["InvalidFilter"].startswith("'accuracy >> 1' ") and faults["InvalidTime"].startswith("'soon' ")


def test_more_filters_than_there_may_be_are_told_beside_their_box(make: RunMaker, studio: Studio) -> None:
    run_id = make()
    answer = studio.get(studio.urls.runs(query(*(("tag", f"t{number}") for number in range(101)))))
    assert answer.status == 200 and rows(answer.text) == [run_id]
    ((code, text),) = answer.problems
    assert code == "InvalidFilter" and text.startswith("101 ") and " tag " in text
    assert '<p class="problem" id="fault-tag" role="alert"' in answer.text
    assert link(answer.text, "×").count("tag=") == 100  # noqa: RUF001


def test_an_empty_page_says_what_to_type(studio: Studio, make: RunMaker) -> None:
    assert "mlrun run submit-script train.py" in studio.get(studio.urls.runs()).text
    make()
    page = studio.get(studio.urls.runs(query(status="Failed", columns="run_id"))).text
    assert "No run matches the filters." in page and rows(page) == []
    assert link(page, "Clear all filters") == "columns=run_id" and "has a metric" not in page
    unknown = html.unescape(studio.get(studio.urls.runs(query(where="accurac > 0.6"))).text)
    assert "has a metric or a parameter 'accurac'" in unknown
    assert "no runs on page 7" in studio.get(studio.urls.runs(query(page="7"))).text
    lost = studio.get(studio.urls.experiment("nothing"))
    assert lost.status == 404 and studio.urls.experiments().removeprefix(studio.address) in lost.text


def test_columns_are_chosen_ordered_and_hidden(make: RunMaker, studio: Studio) -> None:
    names = {EMOJI: 2.5, "a, b:c%2C": 1.0}
    run_id = make(tags={'"&\n<i>': "x"}, properties={"git": "abc"}, metrics=names)
    make(metrics={EMOJI: 1.5})
    page = studio.get(studio.urls.experiment("exp")).text
    assert f'name="add" value="metric:{EMOJI}:min"' in page
    pressed = query(("columns", "status,display_name"), ("add", f"metric:{EMOJI}:min"))
    answer = studio.get(studio.urls.experiment("exp", pressed))
    assert answer.status == 303
    for press, name in (("add", "metric:a, b:c%2C:last"), ("add", 'tag:"&\n<i>'), ("drop", "status"), ("add", "type")):
        answer = studio.get(f"{answer.headers['location']}&{query((press, name))}")
    page = studio.get(answer.headers["location"]).text
    assert heads(page) == ["Run", f"{EMOJI} min", "a, b:c%2C last", '"&\n<i>', "Type"]
    assert "<i>" not in page and '<span class="key">x</span>' in page
    answer = studio.get(f"{answer.headers['location']}&{query(earlier='type')}")
    assert heads(studio.get(answer.headers["location"]).text)[-2] == "Type"
    hidden = studio.get(f"{answer.headers['location']}&hide=constant").text
    assert "Type" not in heads(hidden) and "Hidden: Type" in hidden and len(rows(hidden)) == 2
    sorted_ = studio.get(studio.urls.runs(query(columns=f"metric:{EMOJI}:last"))).text
    assert f"sort=-metric:{'%F0%9F%8E%89' * 200}:last" in link(sorted_, f"{EMOJI} last")
    assert rows(studio.get(studio.urls.runs(link(sorted_, f"{EMOJI} last"))).text)[0] == run_id


def test_a_column_is_found_and_added_while_child_runs_are_shown(make: RunMaker, studio: Studio) -> None:
    parent = make(metrics={"loss": 1.0})
    child = make(parent=parent)
    page = studio.get(studio.urls.runs(query(children="1", open=parent, columns="display_name"))).text
    menu = page[page.index('id="columns"') : page.index('id="runs"')]
    forms = re.findall(r"<form.*?</form>", menu, re.DOTALL)
    assert len(forms) == 3
    for form, more in zip(forms, (("find", "loss"), ("find", "loss"), ("add", "metric:loss:last")), strict=True):
        carried = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form)
        answer = studio.get(studio.urls.runs(query(*carried, more)))
        shown = studio.get(answer.headers["location"]) if answer.status == 303 else answer
        assert rows(shown.text) == [parent, child], more


def test_tags_in_which_a_sweep_keeps_its_draws_are_no_columns(make: RunMaker, studio: Studio) -> None:
    make(run_id="mine", run_type="hyperdrive", tags={f"mine_{number}": "{}" for number in range(40)})
    make(tags={"mine_x": "", "fold_1": "", "rank": ""})
    page = studio.get(studio.urls.runs(query(columns="display_name"))).text
    assert set(re.findall(r'value="tag:([^"]*)"', page)) == {"mine_x", "fold_1", "rank"}


def test_runs_are_sorted_by_a_press_on_a_columns_head(make: RunMaker, studio: Studio) -> None:
    low, none, high = make(metrics={"loss": 0.1}), make(), make(metrics={"loss": 7.0})
    page = studio.get(studio.urls.runs(query(columns="display_name,metric:loss:last")))
    by_loss = studio.get(studio.urls.runs(link(page.text, "loss last"))).text
    assert rows(by_loss) == [high, low, none] and 'aria-sort="descending"' in by_loss
    assert rows(studio.get(studio.urls.runs(link(by_loss, "loss last ↓"))).text) == [low, high, none]


def test_pages_of_runs_follow_each_other(make: RunMaker, studio: Studio) -> None:
    made = [make() for _ in range(55)]
    page = studio.get(studio.urls.runs(query(size="25"))).text
    seen = rows(page)
    while 'rel="next"' in page:
        page = studio.get(studio.urls.runs(link(page, "Next"))).text
        seen += rows(page)
    assert seen == made[::-1]
    assert "Page 3 of 3" in page
    assert rows(studio.get(studio.urls.runs(link(page, "First"))).text) == made[:-26:-1]


def test_a_press_on_a_chip_filters_by_it(make: RunMaker, studio: Studio) -> None:
    wanted = make(status=RunStatus.FAILED, tags={"a=b": "c&d"}, target="gpu")
    make(tags={"a=b": "other"})
    page = studio.get(studio.urls.runs(query(size="25"))).text
    for label in ("Failed", "a=bc&d", "gpu"):
        filtered = link(page[page.index("<tbody>") :], label)
        shown = studio.get(studio.urls.runs(filtered)).text
        assert rows(shown) == [wanted] and filtered.endswith("size=25")
        assert link(shown, "×") == "size=25"  # noqa: RUF001


def test_a_chip_of_a_runs_page_leads_to_the_runs_that_have_it(make: RunMaker, studio: Studio) -> None:
    parent = make("chips", tags={"a=b": "c=d"}, user_name="top", target="cpu")
    child = make("chips", parent=parent, tags={"a=b": "of a child"}, user_name="below", target="gpu")
    for run_id, labels in ((parent, ("a=bc=d", "top", "cpu")), (child, ("a=bof a child", "below", "gpu"))):
        page = studio.get(studio.urls.run(run_id)).text
        for label in labels:
            assert rows(studio.get(studio.urls.experiment("chips", link(page, label))).text) == [run_id], label


def test_child_runs_are_shown_as_a_tree(make: RunMaker, studio: Studio) -> None:
    parent = make()
    children = [make(parent=parent, tags={"lr": "0.1"}) for _ in range(2)]
    grandchild = make(parent=children[1])
    page = studio.get(studio.urls.runs("children=1")).text
    assert rows(page) == [parent]
    unfolded = studio.get(studio.urls.runs(link(page, "▸"))).text
    assert rows(unfolded) == [parent, *children] and unfolded.count("child depth-1") == 2
    assert rows(studio.get(studio.urls.runs(link(unfolded, "▸"))).text) == [parent, *children, grandchild]
    assert rows(studio.get(studio.urls.runs(link(unfolded, "▾"))).text) == [parent]
    assert rows(studio.get(studio.urls.runs("children=1&tag=lr")).text) == children[::-1]
    assert rows(studio.get(studio.urls.runs("tag=lr")).text) == []


def _counts(page: str) -> str:
    found = re.search(r'<div class="bar counts">\s*<p>(.*?)</p>', page, re.DOTALL)
    assert found is not None
    return " ".join(re.sub(r"<[^>]*>", "", found[1]).split())


def test_a_search_finds_child_runs_and_tells_whose_they_are(make: RunMaker, studio: Studio) -> None:
    parent = make(display_name="five folds")
    child = make(parent=parent, display_name="third part")
    make(parent=parent)
    page = studio.get(studio.urls.experiment("exp", "search=third+part")).text
    assert rows(page) == [child] and _counts(page) == "0 runs, 1 child run · none active"
    assert ">third part</a>" in page and 'title="Child run of five folds"' in page
    shown = studio.get(studio.urls.run(child)).text
    assert shown.count(">five folds</a>") == 2 and f">{parent}</a>" not in shown


def test_child_runs_are_counted_apart_in_any_order(make: RunMaker, studio: Studio) -> None:
    parent = make()
    for _ in range(2):
        make(parent=parent, status=RunStatus.RUNNING, owner_lock="process")
    assert _counts(studio.get(studio.urls.runs()).text) == "1 run · none active"
    tree = studio.get(studio.urls.runs(query(children="1", open=parent))).text
    assert _counts(tree) == "1 run, 2 child runs · 2 active"
    assert _counts(studio.get(studio.urls.experiment("exp", "children=1&sort=duration")).text) == _counts(tree)
    active = studio.get(studio.urls.runs(link(tree, "2 active"))).text
    assert _counts(active) == "0 runs, 2 child runs · 2 active" and len(rows(active)) == 2


def test_a_tree_says_how_many_child_runs_it_leaves_out(make: RunMaker, studio: Studio) -> None:
    parent = make(display_name="sweep")
    children = [make(parent=parent) for _ in range(101)]
    page = studio.get(studio.urls.runs(query(children="1", open=parent))).text
    assert rows(page) == [parent, *children[:100]]
    last = re.findall(r"<tr.*?</tr>", page, re.DOTALL)[-1]
    assert "First 100 of 101 child runs of sweep" in last and f"/runs/{parent}/children" in last


def test_the_selected_runs_are_cancelled_by_their_whole_ids(mlrun: Mlrun, make: RunMaker, studio: Studio) -> None:
    made = [make(status=RunStatus.RUNNING, owner_lock="process") for _ in range(11)]
    done = make()
    chosen = query(("select", made[9]), ("select", done), ("status", "Queued"))
    fields = {"query": chosen, "experiment": "exp"}
    word = re.search(r'name="csrf_token" value="(\w+)"', studio.get(studio.urls.runs(chosen)).text)
    assert word is not None
    mlrun("run", "cancel", "-r", made[0])
    mlrun("run", "delete", "-r", made[0], "--yes")
    for run_id in (made[9], done, made[0]):
        answer = studio.ask("POST", studio.urls.cancel_form(), fields={"csrf_token": word[1], "run": run_id, **fields})
        assert answer.headers["location"].endswith(f"/experiments/exp?status=Queued&select={made[9]}&select={done}")
    assert mlrun.stored("SELECT run_id FROM runs WHERE status = 'Canceled'") == [(made[9],)]
    assert mlrun.stored_status(done) == "Completed"


def test_more_runs_than_can_be_selected_are_told(mlrun: Mlrun, make: RunMaker, studio: Studio) -> None:
    alive = make(status=RunStatus.RUNNING, owner_lock="process")
    ids = [alive, *(f"exp_{number}" for number in range(2, 261))]
    page = studio.get(studio.urls.runs(query(*(("select", run_id) for run_id in ids)))).text
    assert re.search(r"<span data-selected-count>1</span> selected", page), "those that are not there do not count"
    few = studio.get(studio.urls.runs(query(("select", alive)))).text
    assert re.search(r"<span data-selection-full hidden>", few)
    word = re.search(r'name="csrf_token" value="(\w+)"', few)
    assert word is not None
    body = query(("csrf_token", word[1]), ("experiment", "exp"), *(("run", run_id) for run_id in ids))
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": studio.origin}
    answer = studio.ask("POST", studio.urls.cancel_form(), body=body, headers=headers)
    ((code, text),) = answer.problems
    assert (answer.status, code) == (400, "LimitExceeded") and " 200 " in text and " 260." in text
    assert mlrun.stored_status(alive) == "Running"


def test_what_runs_are_called_is_text(make: RunMaker, studio: Studio) -> None:
    hostile = '"><script>alert(1)</script>\n&amp;'
    make(
        display_name=hostile,
        description=hostile,
        target=hostile,
        user_name=hostile,
        tags={hostile: hostile},
        properties={hostile: hostile},
        metrics={hostile: 1.0},
    )
    columns = f"display_name,target,submitter,description,tags,tag:{hostile},property:{hostile},metric:{hostile}:last"
    page = studio.get(studio.urls.runs(query(columns=columns, search="script", find="script")))
    assert page.status == 200 and len(rows(page.text)) == 1
    assert "<script>alert" not in page.text and "&amp;amp;" in page.text


def test_ten_thousand_metrics_are_found_by_name_and_make_no_heavy_page(
    mlrun: Mlrun, make: RunMaker, studio: Studio
) -> None:
    make()
    with (
        Workspace.connect(parse_locator(mlrun.database.parent), redactor=Redactor()) as workspace,
        workspace.transaction(),
    ):
        key = workspace.runs.get("exp_1").key
        workspace.metrics.add(key, [LoggedValue(VALUE, f"metric {n}", 1, None, 1.0, None) for n in range(10_000)])
    page = studio.get(studio.urls.runs())
    assert len(page.body) < 60_000 and "There are more: find them by name." in page.text
    assert 'name="add" value="metric:metric 9876:max"' not in page.text
    found = studio.get(studio.urls.runs(query(find="C 9876")))
    assert 'name="add" value="metric:metric 9876:max"' in found.text and len(found.body) < 60_000


def test_a_form_leads_to_an_address_without_its_empty_boxes(make: RunMaker, studio: Studio) -> None:
    make()
    sent = studio.get(studio.urls.experiment("exp", query(search="", status="Failed", metric="", tag="lr", since="")))
    assert sent.status == 303
    assert sent.headers["location"].endswith("/experiments/exp?status=Failed&tag=lr")


# --- in a browser ---------------------------------------------------------------------------------------------------


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
