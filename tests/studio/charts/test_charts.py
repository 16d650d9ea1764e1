"""Charts above runs: what they draw, and how they are added, changed and removed."""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from mlrun_cli.metrics.metric import VALUE, LoggedValue
from mlrun_cli.studio.charts.chart import SCATTER, Chart, Measure, replace_charts
from mlrun_cli.studio.charts.chart import VALUE as ONE_VALUE
from tests.studio.demo_pages import browser_of
from tests.studio.run_maker import RunMaker, query
from tests.studio.serving import Studio

HOSTILE = "a:b,c\\d\n<script>&\"'" + "😀" * 200
SECOND = 1_000_000


def curve(name: str, *values: float, step: int = 1, start: int = 0) -> list[LoggedValue]:
    """Values logged a second apart."""
    return [
        LoggedValue(VALUE, name, start + place * SECOND, float(place * step), value, None)
        for place, value in enumerate(values)
    ]


def build_figure(studio: Studio, **values: str) -> dict[str, Any]:
    """What a chart draws."""
    answer = studio.get(studio.urls.chart_data(query(**values)))
    assert answer.status == 200, answer.text
    found: dict[str, Any] = json.loads(answer.text)
    return found


def moving_means(numbers: Iterable[float], weight: float) -> Iterator[float]:
    """The exponential moving mean after each of some numbers."""
    total = weights = 0.0
    for number in numbers:
        total, weights = total * weight + number * (1 - weight), weights * weight + (1 - weight)
        yield total / weights


def titles(page: str) -> list[str]:
    """The charts of a page."""
    return [html.unescape(found) for found in re.findall(r'class="chart-title" title="([^"]*)"', page)]


def parameters(**values: object) -> dict[str, object]:
    """The definition of a run with these parameters."""
    return {"script": "train.py", "arguments": [f"--{name}={value}" for name, value in values.items()]}


def test_a_scatter_draws_a_metric_over_a_parameter_and_colours_runs_by_another(make: RunMaker, studio: Studio) -> None:
    runs = [
        make(definition=parameters(lr=rate, optimizer=name, width=width), metrics={"loss": loss})
        for rate, name, width, loss in ((0.001, "sgd", 8, 3.0), (0.1, "adam", 16, 1.0), (10, "sgd", 24, 2.0))
    ]
    runs.append(make(metrics={"loss": 0.5}))
    keys = ",".join(str(make.key(run)) for run in runs)
    drawn = build_figure(studio, chart="scatter:lr:parameter:loss:last:logx:colour=lr", runs=keys)
    assert drawn["x"] == {"label": "lr", "kind": "number", "names": [], "isLog": True}
    assert [(each["x"], each["y"], each["tint"], each["tag"]) for each in drawn["series"]] == [
        ([0.001], [3], 0, "lr 0.001"),
        ([0.1], [1], 0.5, "lr 0.1"),
        ([10], [2], 1, "lr 10"),
    ]
    grouped = build_figure(studio, chart="scatter:optimizer:parameter:loss:last:colour=optimizer", runs=keys)
    assert grouped["x"]["names"] == ["adam", "sgd"]
    assert [(each["x"], each["group"]) for each in grouped["series"]] == [([1], 1), ([0], 0), ([1], 1)]
    value = build_figure(studio, chart="value:loss:last:colour=width", runs=keys)
    assert [each.get("tint") for each in value["series"]] == [0, 0.5, 1, None]


# --- the page --------------------------------------------------------------------------------------------------------


def test_a_page_without_charts_in_its_address_draws_what_its_runs_share(make: RunMaker, studio: Studio) -> None:
    for _ in range(2):
        make.log(make(metrics={"once": 1.0, "final": 2.0}), *curve("loss", 3, 2, 1), *curve("accuracy", 0, 1))
    make.log(make(), *curve("only here", 3, 2, 1))
    page = studio.get(studio.urls.experiment("exp")).text
    assert titles(page) == ["loss", "accuracy"]
    for rate in (0.1, 0.01, 0.0001):
        make.log(make("sweep", definition=parameters(epochs=3, lr=rate)), *curve("loss", 3, 2, 1))
    page = studio.get(studio.urls.experiment("sweep")).text
    assert titles(page) == ["loss", "loss (last) against lr · log →"]
    for number in range(5):
        make("sweep", definition=parameters(fold=number, note=f"n{number}"))  # which have failed before they logged
    page = studio.get(studio.urls.experiment("sweep")).text
    assert titles(page) == ["loss", "loss (last) against lr · log →"]
    assert titles(studio.get(studio.urls.experiment("exp", "chart=none")).text) == []


def test_by_default_the_alphabet_does_not_choose_the_charts(make: RunMaker, studio: Studio) -> None:
    first = make()
    make.log(first, *(each for number in range(40) for each in curve(f"a{number:02}", 1, 2, 3, 4)))
    for run_id in (first, make(), make()):
        make.log(run_id, *curve("validation loss", 3, 2, 1), *curve("weight", 1, 2))
    assert titles(studio.get(studio.urls.experiment("exp")).text) == ["validation loss", "weight"]


def test_metrics_that_were_logged_once_are_bars_by_default(make: RunMaker, studio: Studio) -> None:
    make(metrics={"accuracy": 0.9})
    assert titles(studio.get(studio.urls.runs()).text) == ["accuracy (last)"]


def test_a_malformed_chart_is_told_and_the_others_stand(make: RunMaker, studio: Studio) -> None:
    make(metrics={"loss": 1.0})
    page = studio.get(studio.urls.runs(query(("chart", "pie:<b>"), ("chart", "value:loss:min"))))
    ((code, text),) = page.problems
    assert code == "InvalidValue" and text.startswith("'pie:<b>' ")
    assert titles(page.text) == ["loss (min)"]


def test_without_scripts_a_chart_is_a_table_of_its_values(make: RunMaker, studio: Studio) -> None:
    run_id = make()
    make.log(run_id, *curve("loss", 3.5, 0.25, math.nan, 1.5))
    page = studio.get(studio.urls.runs(query(chart="curve:loss:step"))).text
    numbers = page[page.index('id="values-') :]
    assert re.findall(r'<td class="number">(.*?)</td>', numbers)[:3] == ["1.5", "0.25", "3.5"]
    assert f'<a href="{urlsplit(studio.urls.run(run_id)).path}">{run_id}</a>' in numbers


def test_a_form_adds_and_changes_a_chart_and_a_link_removes_it(make: RunMaker, studio: Studio) -> None:
    make(metrics={"loss": 1.0, HOSTILE: 2.0})
    before = urlsplit(studio.urls.runs("search=exp&chart=value%3Aloss%3Alast")).geturl().removeprefix(studio.address)

    def changed(*more: tuple[str, str]) -> list[str]:
        fields = query(
            ("kind", "scatter"), ("name", "loss"), ("name", HOSTILE), ("which", "min"), ("which", "max"), *more
        )
        answer = studio.get(f"{studio.urls.chart_form()}?{fields}")
        assert answer.status == 303
        leads_to = urlsplit(answer.headers["location"])
        assert parse_qs(leads_to.query)["search"] == ["exp"]
        return parse_qs(leads_to.query)["chart"]

    added = Chart(SCATTER, (Measure("loss", "min"), Measure(HOSTILE, "max")))
    assert changed(("back", before)) == ["value:loss:last", str(added)]
    assert changed(("back", before), ("at", "value:loss:last")) == [str(added)]
    page = studio.get(studio.urls.runs(replace_charts("", [added, Chart(ONE_VALUE, (Measure("loss"),))]))).text
    assert titles(page) == [f"{HOSTILE} (max) against loss (min)", "loss (last)"]
    (removal, _) = re.findall(r'href="\?([^"]*)"[^>]*aria-label="Remove', page)
    assert parse_qs(html.unescape(removal))["chart"] == ["value:loss:last"]


def test_the_form_of_a_chart_leads_back_to_its_own_workspace_only(studio: Studio) -> None:
    for back in ("https://elsewhere.test/w", "//elsewhere.test/", "/static/x", "", "\\\\elsewhere.test"):
        fields = query(kind="value", name="loss", which="last", back=back)
        assert studio.get(f"{studio.urls.chart_form()}?{fields}").status == 400, back


# --- what they draw --------------------------------------------------------------------------------------------------


def test_curves_are_drawn_over_steps_time_and_the_time_since_the_start(make: RunMaker, studio: Studio) -> None:
    run_id = make(started_at=100 * SECOND)
    make.log(run_id, *curve("loss", 3, 2, 1, step=10, start=105 * SECOND))
    key = str(make.key(run_id))

    def drawn(over: str, **part: str) -> list[float]:
        (series,) = build_figure(studio, chart=f"curve:loss:{over}", runs=key, **part)["series"]
        x: list[float] = series["x"]
        return x

    assert drawn("step") == [0, 10, 20]
    assert drawn("time") == [105, 106, 107]
    assert drawn("relative") == [5, 6, 7]
    assert drawn("step", begin="5", end="15") == [10]
    assert drawn("time", begin="105.5") == [106, 107]
    assert drawn("relative", begin="5", end="6") == [5, 6]


def test_what_cannot_be_drawn_is_a_gap_and_is_counted(make: RunMaker, studio: Studio) -> None:
    run_id = make()
    make.log(run_id, *curve("loss", 1, math.nan, math.inf, -math.inf, math.nan, 2))
    (series,) = build_figure(studio, chart="curve:loss:step", runs=str(make.key(run_id)))["series"]
    assert series["y"] == [1, None, None, None, None, 2]
    assert (series["gaps"], series["below"]) == ("2 NaN, 1 ∞, 1 -∞", "")
    make.log(run_id, *curve("signs", 1, 0, -2, math.nan, -math.inf))
    (series,) = build_figure(studio, chart="curve:signs:step:log", runs=str(make.key(run_id)))["series"]
    assert (series["gaps"], series["below"]) == ("1 NaN, 1 -∞", "2 ≤ 0")
    make.log(run_id, *curve("long", *(math.nan if step % 2 else -1.0 for step in range(3000))))
    (series,) = build_figure(studio, chart="curve:long:step", runs=str(make.key(run_id)))["series"]
    assert (series["gaps"], series["below"]) == ("NaN", "≤ 0")


def test_a_zoom_shows_what_the_whole_curve_had_no_room_for(make: RunMaker, studio: Studio) -> None:
    run_id = make()
    make.log(run_id, *curve("loss", *(float(step % 7) for step in range(20_000))))
    key = str(make.key(run_id))
    (whole,) = build_figure(studio, chart="curve:loss:step", runs=key)["series"]
    (part,) = build_figure(studio, chart="curve:loss:step", runs=key, begin="500", end="999")["series"]
    assert len(whole["x"]) < 1100
    assert part["x"] == list(range(500, 1000))


def test_a_smooth_curve_is_the_mean_of_all_that_was_logged_wherever_it_is_zoomed(
    make: RunMaker, studio: Studio
) -> None:
    run_id = make(started_at=100 * SECOND)
    logged = {
        "spikes": [1.0 if step % 20 else 10.0 for step in range(10_000)],
        "falling": [2 - step / 5000 for step in range(10_000)],
        "short": [1.0, math.nan, 3.0, math.inf, 2.0],
    }
    for name, numbers in logged.items():
        make.log(run_id, *curve(name, *numbers, start=100 * SECOND))
    key = str(make.key(run_id))

    def smooth(name: str, over: str = "step", **part: str) -> Mapping[float, float]:
        (series,) = build_figure(studio, chart=f"curve:{name}:{over}:smooth=0.99", runs=key, **part)["series"]
        return dict(zip(series["x"], series["smooth"], strict=True))

    for name in ("spikes", "falling"):
        means = list(moving_means(logged[name], 0.99))
        whole, part = smooth(name), smooth(name, begin="5000", end="5400")
        by_time = smooth(name, "relative", begin="5000", end="5400")
        assert len(whole) <= 1002 and list(part) == list(by_time) == list(range(5000, 5401))
        for shown, apart in ((whole, 0.1), (part, 0.02), (by_time, 0.02)):
            assert max(abs(value - means[int(step)]) for step, value in shown.items() if step > 500) < apart
    short = list(moving_means([1.0, 3.0, 2.0], 0.99))
    assert list(smooth("short").values()) == pytest.approx([short[0], None, short[1], None, short[2]])
    answer = build_figure(studio, metric="falling", runs=key, smooth="0.99", begin="5000", end="5400")
    assert answer["series"][0]["smooth"] == list(smooth("falling", begin="5000", end="5400").values())
    assert "smooth" not in build_figure(studio, metric="falling", runs=key)["series"][0]


def test_values_and_scatters_have_a_point_for_each_run_that_has_logged_them(make: RunMaker, studio: Studio) -> None:
    runs = [make(metrics={"a": 1.0, "b": 2.0}), make(metrics={"a": 3.0}), make()]
    make.log(runs[0], *curve("a", 5, 4))
    keys = ",".join(str(make.key(run_id)) for run_id in runs)
    bars = build_figure(studio, chart="value:a:max", runs=keys)
    assert [(each["x"], each["y"]) for each in bars["series"]] == [([0], [5]), ([1], [3])]
    assert bars["x"]["names"] == runs[:2]
    (point,) = build_figure(studio, chart="scatter:a:last:b:min", runs=keys)["series"]
    assert (point["x"], point["y"]) == ([4], [2])


def test_a_run_whose_metric_ended_in_nan_is_named_with_its_gap(make: RunMaker, studio: Studio, tab: Page) -> None:
    good, bad = make(metrics={"loss": 1.0, "accuracy": 0.5}), make(metrics={"loss": 2.0, "accuracy": 0.5})
    make.log(bad, *curve("loss", math.nan))
    keys = f"{make.key(good)},{make.key(bad)}"
    bars = build_figure(studio, chart="value:loss:last", runs=keys)
    assert [(each["y"], each["gaps"]) for each in bars["series"]] == [([1], ""), ([None], "1 NaN")]
    assert bars["x"]["names"] == [good, bad]
    points = build_figure(studio, chart="scatter:loss:last:accuracy:last", runs=keys)
    assert [(each["x"], each["gaps"]) for each in points["series"]] == [([1], ""), ([], "1 NaN")]
    shown = query(("columns", "display_name,metric:loss:last"), ("chart", "value:loss:last"), ("select", bad))
    tab.goto(studio.urls.experiment("exp", shown))
    expect(tab.locator("[data-row]").first).to_contain_text("NaN")
    expect(tab.locator(".plot-says")).to_have_text("None of it can be drawn.")
    expect(tab.locator(".legend")).to_contain_text("1 NaN not drawn")


def test_what_cannot_be_drawn_is_said_to_the_script(studio: Studio) -> None:
    wrong = {
        query(chart="pie:a", runs="1"): 400,
        query(chart="value:a:last", runs="one"): 400,
        query(chart="value:a:last", runs="9" * 30): 400,
        query(chart="curve:a:step", runs="1", begin="early"): 400,
        query(chart="curve:a:time", runs="1", begin="nan"): 400,
        query(metric="a", runs="1", over="epoch"): 400,
        query(metric="a", runs="99"): 404,
        query(metric="a"): 404,
    }
    answers = {each: studio.get(studio.urls.chart_data(each)) for each in wrong}
    assert {each: answer.status for each, answer in answers.items()} == wrong
    assert all(json.loads(answer.text)["problem"] for answer in answers.values())


# --- in a browser ----------------------------------------------------------------------------------------------------


def test_charts_follow_filters_and_selection_and_are_added_changed_and_removed(
    make: RunMaker, studio: Studio, tab: Page
) -> None:
    for number in range(12):
        run_id = make(tags={"even": str(number % 2 == 0)}, metrics={HOSTILE: float(number)})
        make.log(run_id, *curve("loss", *(number / (step + 1) for step in range(30))))
    tab.goto(studio.urls.experiment("exp"))
    plots = tab.locator("[data-plot]")
    tab.evaluate("window.isSame = true")
    expect(plots.first).to_have_attribute("data-drawn", "12")
    tab.get_by_text("Add a chart").click()
    form = tab.locator("#chart-add form")
    form.get_by_label("Kind").select_option("scatter")
    form.get_by_label("Metric", exact=True).fill("loss")
    form.get_by_label("Another metric").fill(HOSTILE)
    form.get_by_role("button", name="Add").click()
    expect(plots).to_have_count(3)
    expect(plots.last).to_have_attribute("data-drawn", "12")
    tab.locator("[data-select]").first.check()
    expect(plots.last).to_have_attribute("data-drawn", "1")
    expect(plots.first).to_have_attribute("data-drawn", "1")
    tab.get_by_label("Remove the chart of loss", exact=True).click()
    expect(plots).to_have_count(2)
    assert "select=" in tab.url
    tab.goto(studio.urls.experiment("exp", query(("tag", "even=True"), ("chart", "curve:loss:step"))))
    expect(plots).to_have_attribute("data-drawn", "6")
    tab.get_by_label("Change the chart of loss").click()
    tab.get_by_label("Logarithmic axis").first.check()
    tab.get_by_label("Over").first.select_option("relative")
    tab.get_by_role("button", name="Change", exact=True).click()
    tab.wait_for_url("**chart=curve%3Aloss%3Arelative%3Alog*")
    expect(plots).to_have_attribute("data-drawn", "6")


def test_who_changes_or_removes_a_chart_by_a_key_stays_at_its_place(make: RunMaker, studio: Studio, tab: Page) -> None:
    make(metrics={"loss": 1.0, "accuracy": 0.5})
    charts = [("chart", f"value:loss:{which}") for which in ("last", "min", "max")]
    tab.goto(studio.urls.experiment("exp", query(*charts)))
    second = tab.locator("#chart-grid figure").nth(1)
    second.locator("summary", has_text="Change").press("Enter")
    second.get_by_label("Metric", exact=True).fill("accuracy")
    second.get_by_label("Metric", exact=True).press("Enter")
    expect(tab.get_by_label("Change the chart of accuracy (min)")).to_be_focused()
    tab.get_by_label("Remove the chart of accuracy (min)").press("Enter")
    expect(tab.get_by_label("Change the chart of loss (max)")).to_be_focused()
    tab.get_by_label("Remove the chart of loss (max)").press("Enter")
    expect(tab.locator("#chart-add summary")).to_be_focused()


def test_what_is_no_chart_is_told_in_its_form(make: RunMaker, studio: Studio, browser: Browser) -> None:
    make(metrics={"loss": 1.0, "accuracy": 0.5})
    with browser_of(browser, studio) as context:
        page = context.new_page()
        page.goto(studio.urls.runs())
        page.get_by_text("Add a chart").click()
        form = page.locator("#chart-add form")
        form.get_by_label("Kind").select_option("scatter")
        form.get_by_label("Metric", exact=True).fill("loss")
        form.get_by_label("Metric", exact=True).press("Enter")
        expect(form.get_by_role("alert")).to_contain_text("it needs two metrics")
        expect(form.get_by_label("Metric", exact=True)).to_have_value("loss")
        # Nor does it go when the page has other parts than it had.
        page.evaluate("document.querySelector('#runs').remove()")
        make(metrics={"loss": 2.0, "accuracy": 0.6})
        expect(page.locator("[data-row]")).to_have_count(2)
        expect(form.get_by_role("alert")).to_contain_text("it needs two metrics")
        form.get_by_label("Another metric").fill("accuracy")
        form.get_by_label("Another metric").press("Enter")
        expect(page.locator("[data-plot]")).to_have_count(3)
        expect(form).to_be_hidden()
        page.get_by_text("Add a chart").click()
        expect(form.get_by_role("alert")).to_be_hidden()
        expect(form.get_by_label("Metric", exact=True)).to_have_value("")


def test_a_chart_is_zoomed_and_tells_and_opens_what_is_pointed_at(make: RunMaker, studio: Studio, tab: Page) -> None:
    run_id = make(display_name="the run")
    make.log(run_id, *curve("loss", *(float(step) for step in range(100))))
    tab.goto(studio.urls.runs())
    plot = tab.locator("[data-plot]")
    expect(plot).to_have_attribute("data-points", "100")
    box = plot.locator(".u-over").bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    tab.mouse.move(*middle)
    expect(plot.locator(".plot-tip")).to_contain_text("the run")
    tab.mouse.down()
    tab.mouse.move(middle[0] + box["width"] / 4, middle[1], steps=3)
    tab.mouse.up()
    expect(plot).to_have_attribute("data-points", re.compile(r"^2\d$"))
    plot.get_by_role("button", name="Show all").click()
    expect(plot).to_have_attribute("data-points", "100")
    plot.get_by_role("group").focus()
    tab.keyboard.press("+")
    expect(plot).to_have_attribute("data-points", "50")
    tab.keyboard.press("0")
    expect(plot).to_have_attribute("data-points", "100")
    tab.goto(studio.urls.runs(query(chart="value:loss:last")))
    expect(plot).to_have_attribute("data-points", "1")
    expect(plot.get_by_role("button", name="Zoom in")).to_have_count(0)
    plot.locator(".u-over").click()
    tab.wait_for_url(f"**/runs/{run_id}")


WRITTEN = """
    window.written = [];
    const write = CanvasRenderingContext2D.prototype.fillText;
    CanvasRenderingContext2D.prototype.fillText = function (text, x, y, ...rest) {
        const [middle, half] = [this.getTransform().e + x, this.measureText(text).width / 2];
        const isWhole = middle - half >= 0 && middle + half <= this.canvas.width;
        window.written.push([text, isWhole || this.textAlign !== "center"]);
        return write.call(this, text, x, y, ...rest);
    };
"""
"""Notes what is written on a canvas, and whether what stands around its place ends there."""


def test_the_labels_of_an_axis_are_whole_and_near_its_numbers(make: RunMaker, studio: Studio, tab: Page) -> None:
    begun = 1_700_000_000 * SECOND
    run_id = make(started_at=begun)
    make.log(run_id, *curve("one", 5.0, start=begun), *curve("times", *map(float, range(481)), start=begun))
    make.log(run_id, *curve("steps", *map(float, range(41)), step=25_000))
    tab.add_init_script(WRITTEN)
    for chart in ("curve:one:time", "curve:times:time", "curve:times:relative", "curve:steps:step"):
        tab.goto(studio.urls.runs(query(chart=chart)))
        expect(tab.locator("[data-plot]")).to_have_attribute("data-drawn", "1")
        tab.wait_for_function("window.written.length > 0")
        written = tab.evaluate("window.written")
        assert [text for text, is_whole in written if not is_whole] == [], chart
        if chart == "curve:one:time":
            assert any(":" in text for text, _ in written), written  # seconds, not years
        assert ["time", True] not in written  # beside dates, which say so


BARS = """
    window.bars = [];
    const fill = CanvasRenderingContext2D.prototype.fillRect;
    CanvasRenderingContext2D.prototype.fillRect = function (x, y, width, height) {
        window.bars.push(y);
        return fill.call(this, x, y, width, height);
    };
"""
"""Notes where the bars on a canvas begin."""


def test_bars_of_zero_stand_on_an_axis_and_are_told_apart_by_their_names(
    make: RunMaker, studio: Studio, tab: Page
) -> None:
    runs = [make("nightly-regression-of-everything", metrics={"score": 0.0}) for _ in range(12)]
    tab.add_init_script(WRITTEN)
    tab.add_init_script(BARS)
    tab.goto(studio.urls.runs(query(chart="value:score:last")))
    plot = tab.locator("[data-plot]")
    expect(plot).to_have_attribute("data-drawn", "12")
    written = dict(tab.evaluate("window.written"))
    assert {"0.0", "1.0"} <= set(written)
    labels = {text: is_whole for text, is_whole in written.items() if "…" in text}
    assert len(labels) == len(runs) and all(labels.values())
    ground = plot.locator(".u-over").evaluate("over => over.offsetTop + over.clientHeight")
    assert max(tab.evaluate("window.bars")) < ground
    expect(plot.locator(".legend [stroke-dasharray]")).to_have_count(0)


def test_a_zoom_says_how_many_runs_have_logged_in_its_range(make: RunMaker, studio: Studio, tab: Page) -> None:
    make.log(make(), *curve("loss", *(float(step) for step in range(100))))
    make.log(make(), *curve("loss", 5.0))
    make()
    tab.goto(studio.urls.runs(query(chart="curve:loss:step")))
    plot = tab.locator("[data-plot]")
    expect(plot.locator(".plot-says")).to_have_text("2 of 3 runs have logged it.")
    plot.get_by_role("group").focus()
    tab.keyboard.press("+")
    expect(plot.locator(".plot-says")).to_have_text("1 of 3 runs have logged it in this range.")


def test_a_chart_is_zoomed_by_a_finger(make: RunMaker, studio: Studio, browser: Browser) -> None:
    make()
    make.log(make(), *curve("loss", *(float(step) for step in range(100))))
    with browser.new_context(viewport={"width": 400, "height": 800}, has_touch=True, is_mobile=True) as context:
        page = context.new_page()
        page.goto(f"{studio.address}/?token={studio.token}")
        page.goto(studio.urls.runs())
        plot = page.locator("[data-plot]")
        nearer, farther = (plot.get_by_role("button", name=f"Zoom {way}") for way in ("in", "out"))
        expect(farther).to_be_disabled()
        for button, points in ((nearer, "50"), (nearer, re.compile("^2[456]$")), (farther, "50"), (farther, "100")):
            button.tap()
            expect(plot).to_have_attribute("data-points", points)
        expect(farther).to_be_disabled()
        expect(plot.get_by_role("group")).to_be_focused()
        nearer.tap()
        plot.get_by_role("button", name="Show all").tap()
        expect(plot).to_have_attribute("data-points", "100")
        expect(plot.get_by_role("button", name="Show all")).to_have_count(0)


def test_each_of_forty_overlaid_curves_looks_different(make: RunMaker, studio: Studio, tab: Page) -> None:
    for number in range(40):
        make(metrics={"loss": float(number)})
    tab.goto(studio.urls.runs(query(chart="curve:loss:step")))
    plot = tab.locator("[data-plot]")
    expect(plot).to_have_attribute("data-drawn", "40")
    styles = plot.locator(".legend path").evaluate_all(
        "paths => paths.map(p => p.getAttribute('stroke') + p.getAttribute('stroke-dasharray'))"
    )
    assert len(set(styles)) == 40
    tab.set_viewport_size({"width": 700, "height": 900})
    heights = plot.locator(".legend").evaluate("list => [list.clientHeight, list.children[0].offsetHeight]")
    assert heights[0] < 100 and heights[0] % heights[1] == 0  # no line of it is cut through
    tab.get_by_role("link", name="Skip the charts").press("Enter")
    tab.keyboard.press("Tab")
    expect(tab.get_by_text("Add a chart")).to_be_focused()


def test_a_curve_is_hidden_by_its_entry_in_the_legend(make: RunMaker, studio: Studio, tab: Page) -> None:
    for value in (1.0, 2.0):
        make.log(make(display_name="twin"), *curve("loss", value, value, value))
    tab.goto(studio.urls.runs())
    plot = tab.locator("[data-plot]")
    expect(plot).to_have_attribute("data-points", "6")
    entry = plot.get_by_role("button", name="twin #2")
    entry.click()
    expect(entry).to_have_attribute("aria-pressed", "false")
    plot.locator(".u-over").hover()
    expect(plot.locator(".plot-tip")).to_contain_text("twin #1")
    entry.click()
    plot.locator(".u-over").hover()
    expect(plot.locator(".plot-tip")).to_be_hidden()


def test_new_runs_and_new_points_are_drawn_without_reload(make: RunMaker, studio: Studio, tab: Page) -> None:
    first = make()
    tab.goto(studio.urls.experiment("exp"))
    make.log(first, *curve("loss", 3, 2))
    plot = tab.locator("[data-plot]")
    expect(plot).to_have_attribute("data-points", "2")
    make.log(first, *curve("loss", 1))
    expect(plot).to_have_attribute("data-points", "3")
    make.log(make(), *curve("loss", 1, 2))
    expect(plot).to_have_attribute("data-points", "5")
