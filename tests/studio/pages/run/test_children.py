"""The tab of a run's child runs."""

from __future__ import annotations

import re

from tests.studio.run_maker import RunMaker, link, query
from tests.studio.serving import Studio


def _shown(page: str) -> list[str]:
    return re.findall(r'name="run" value="([^"]*)"', page)


def test_child_runs_are_sorted_by_a_press_on_a_columns_head(make: RunMaker, studio: Studio) -> None:
    parent = make()
    low, none, high = (make(parent=parent, metrics=metrics) for metrics in ({"loss": 0.1}, {}, {"loss": 7.0}))
    children = studio.urls.run(parent, "children")
    page = studio.get(children).text
    assert _shown(page) == [low, none, high] and 'aria-sort="ascending"' in page
    by_loss = studio.get(f"{children}?{link(page, 'loss last')}").text
    assert _shown(by_loss) == [high, low, none]
    assert _shown(studio.get(f"{children}?{link(by_loss, 'loss last ↓')}").text) == [low, high, none]
    assert _shown(studio.get(f"{children}?{link(page, 'Number')}").text) == [high, none, low]
    odd = studio.get(f"{children}?sort=nothing")
    assert odd.status == 200 and _shown(odd.text) == [low, none, high]
    ((code, text),) = odd.problems
    assert code == "InvalidFilter" and "'nothing'" in text


def test_the_metrics_of_a_run_with_a_controller_are_with_its_child_runs(make: RunMaker, studio: Studio) -> None:
    sweep, script = make(run_type="hyperdrive", controller="sweep"), make()
    page = studio.get(studio.urls.run(sweep, "metrics")).text
    assert "In its script:" not in page and ">Show the child runs</a>" in page
    assert ">Resubmit</a>" in page
    other = studio.get(studio.urls.run(script, "metrics")).text
    assert "In its script:" in other and ">Show the child runs</a>" not in other
    assert ">Resubmit</a>" in other


def test_pages_of_child_runs_keep_the_order_and_one_beyond_them_leads_back(make: RunMaker, studio: Studio) -> None:
    parent = make()
    made = [make(parent=parent) for _ in range(101)]
    children = studio.urls.run(parent, "children")
    page = studio.get(f"{children}?sort=-run_number").text
    assert _shown(page) == made[:0:-1] and "101 child runs" in page
    assert _shown(studio.get(f"{children}?{link(page, 'Next')}").text) == made[:1]
    beyond = studio.get(f"{children}?{query(sort='-run_number', page='99')}").text
    assert "There are no child runs on page 99." in beyond and "A script makes them" not in beyond
    assert _shown(studio.get(f"{children}?{link(beyond, 'Show the first page')}").text) == made[:0:-1]
    assert "A script makes them" in studio.get(studio.urls.run(made[0], "children")).text
