"""The pages of runs: of an experiment, and of the whole workspace."""

from __future__ import annotations

import html
import re

import pytest

from mlrun_cli.core.redaction import Redactor
from mlrun_cli.metrics.metric import VALUE, LoggedValue
from mlrun_cli.runs.filter import TERMS
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


@pytest.mark.parametrize("word", [word for word, term in TERMS.items() if term.label])
def test_each_filter_that_has_a_label_is_a_text_box_or_a_menu(word: str, make: RunMaker, studio: Studio) -> None:
    make(target="cpu")
    page = studio.get(studio.urls.runs()).text
    place = "menu" if TERMS[word].has_menu else "filter"
    assert f'id="{place}-{word}"' in page and html.escape(TERMS[word].label) in page


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
