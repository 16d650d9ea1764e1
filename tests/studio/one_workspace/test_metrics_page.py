"""A run's tabs Metrics and Images."""

from __future__ import annotations

import html
import json
import math
import re
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page, expect

from mlrun_cli.metrics.metric import CONFUSION_MATRIX, ROW, TABLE, VALUE, LoggedValue
from tests.running import Mlrun, until
from tests.studio.run_maker import RunMaker, query
from tests.studio.serving import Studio

SCRIPT = """
    import struct, zlib
    from azureml.core import Run

    run = Run.get_context()

    def log_document(kind, **data):
        value = {"schema_type": kind, "schema_version": "1.0.0", "data": data}
        getattr(run, f"log_{kind}")(kind.replace("_", " "), value)

    def png(red):
        def piece(name, data):
            return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        head = piece(b"IHDR", struct.pack(">IIBBBBB", 30, 20, 8, 2, 0, 0, 0))
        rows = piece(b"IDAT", zlib.compress((b"\\0" + bytes((red, 90, 200)) * 30) * 20))
        return b"\\x89PNG\\r\\n\\x1a\\n" + head + rows + piece(b"IEND", b"")

    for step in range(3):
        run.log("loss", 1 / (step + 1))
        run.log_row("cosine", angle=step, cosine=step * step)
        with open("sample.png", "wb") as file:
            file.write(png(80 * step))
        run.log_image("samples", "sample.png", description="what it sees")
    run.log("final", 0.25)
    run.log("note", "<b>fine</b>")
    run.log_list("list", [1, 5, 2])
    run.log_row("row", a=1, b=3)
    run.log_table("table", {"who": ["x", "y"], "much": [1.5, 2]})
    log_document("confusion_matrix", class_labels=["cat", "dog"], matrix=[[30, 10], [0, 7]])
    log_document("residuals", bin_edges=[50, 100, 200], bin_counts=[88, 20])
    log_document(
        "predictions", bin_averages=[0.25, 0.75], bin_errors=[0.1, 0.2], bin_counts=[56, 34], bin_edges=[0, 0.5, 1]
    )
    log_document(
        "accuracy_table",
        class_labels=["one"],
        probability_thresholds=[0, 0.5, 1],
        probability_tables=[[[5, 5, 0, 0], [4, 1, 4, 1], [0, 0, 5, 5]]],
        percentile_thresholds=[],
        percentile_tables=[],
    )
"""


def panels(page: str) -> dict[str, str]:
    """The panel of each metric of a page."""
    found = re.findall(r'<figure class="chart box" id="metric-.*?</figure>', page, re.DOTALL)
    return {html.unescape(re.findall(r'class="chart-title".*?>(.*?)</a>', each)[0]): each for each in found}


def cells(panel: str) -> list[str]:
    return [html.unescape(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", panel)]


def drawn(studio: Studio, panel: str) -> list[tuple[str, list[float], list[float]]]:
    """What the plot of a panel draws: name, x and y of each series."""
    return [(each["name"], each["x"], each["y"]) for each in figure(studio, panel)["series"]]


def figure(studio: Studio, panel: str) -> dict[str, Any]:
    """What the plot of a panel fetches."""
    (source,) = re.findall(r'data-source="([^"]*)"', panel)
    answer = studio.get(html.unescape(source))
    assert answer.status == 200
    found: dict[str, Any] = json.loads(answer.text)
    return found


def values(name: str, count: int) -> list[LoggedValue]:
    return [LoggedValue(VALUE, name, step, None, float(step), None) for step in range(count)]


def test_each_metric_is_shown_by_what_was_logged(mlrun: Mlrun, studio: Studio, tab: Page) -> None:
    mlrun.script(SCRIPT)
    run_id = mlrun.ended()["run_id"]
    found = panels(studio.get(studio.urls.run(run_id, "metrics")).text)
    plots = {name: drawn(studio, panel) for name, panel in found.items() if "data-plot" in panel}
    assert plots == {
        "loss": [("loss", [0, 1, 2], [1, 0.5, 0.333333333])],
        "list": [("list", [0, 1, 2], [1, 5, 2])],
        "cosine": [("cosine", [0, 1, 2], [0, 1, 4])],
        "row": [("", [0, 1], [1, 3])],
        "residuals": [("count", [0, 1], [88, 20])],
        "predictions": [
            ("average prediction", [0.25, 0.75], [0.25, 0.75]),
            ("prediction = true value", [0.25, 0.75], [0.25, 0.75]),
        ],
        "accuracy table": [("one", [0, 0.2, 1], [0, 0.8, 1])],
    }
    assert '<p class="single-value">0.25</p>' in found["final"]
    assert '<p class="single-value">&lt;b&gt;fine&lt;/b&gt;</p>' in found["note"]
    assert cells(found["table"]) == ["x", "1.5", "y", "2"]
    assert cells(found["confusion matrix"]) == ["", "30", "10", "0", "7"]
    assert [re.findall(r"shade-(\d)", found["confusion matrix"])] == [["7", "2", "0", "9"]]
    assert cells(found["residuals"]) == ["50", "100", "88", "100", "200", "20"]
    assert "samples" not in found

    tab.goto(studio.urls.run(run_id, "images"))
    images = tab.locator(".image-grid img")
    expect(images).to_have_count(3)
    assert (
        images.evaluate_all("images => Promise.all(images.map(i => i.decode().then(() => i.naturalWidth)))") == [30] * 3
    )
    expect(tab.get_by_text("what it sees")).to_be_visible()
    images.nth(1).click()
    large = tab.get_by_role("dialog", name="samples, 1")
    expect(large.locator("img")).to_be_visible()
    tab.keyboard.press("Escape")
    expect(large).to_have_count(0)


def test_a_metric_that_ends_in_nan_says_so(make: RunMaker, studio: Studio, tab: Page) -> None:
    run_id = make()
    for value in (3.0, 2.0, math.nan, math.nan):
        make.log(run_id, LoggedValue(VALUE, "loss", 0, None, value, None))
    make.log(run_id, *(LoggedValue(VALUE, "never", 0, None, math.nan, None) for _ in range(2)))
    found = panels(studio.get(studio.urls.run(run_id, "metrics")).text)
    assert "last NaN, min 2, max 3, 4 values" in found["loss"]
    assert "last NaN, min –, max –, 2 values" in found["never"]  # noqa: RUF001
    tab.goto(studio.urls.run(run_id, "metrics"))
    expect(tab.locator(".chart", has_text="never").locator(".plot-says")).not_to_have_text("")
    expect(tab.locator(".chart", has_text="never").locator(".legend")).to_contain_text("2 NaN")


def test_what_a_logarithmic_axis_has_no_place_for_is_told(make: RunMaker, studio: Studio, tab: Page) -> None:
    run_id = make()
    make.log(run_id, *values("rising", 3), *(LoggedValue(VALUE, "flat", step, None, 0.0, None) for step in range(2)))
    tab.goto(f"{studio.urls.run(run_id, 'metrics')}?log=on")
    flat, rising = (tab.locator(".chart", has_text=name) for name in ("flat", "rising"))
    expect(flat.locator(".plot-says")).not_to_have_text("")
    expect(flat.locator(".legend")).to_contain_text("2 ≤ 0")
    expect(rising.locator(".plot-says")).to_have_text("")
    expect(rising.locator(".legend")).to_contain_text("1 ≤ 0")
    tab.get_by_label("Logarithmic axis").uncheck()
    expect(tab.locator(".legend:visible")).to_have_count(0)


def test_ten_thousand_metrics_are_paged_and_searched(make: RunMaker, studio: Studio, tab: Page) -> None:
    run_id = make()
    make.log(run_id, *(each for number in range(10_000) for each in values(f"layer {number:04}", 2)))
    address = studio.urls.run(run_id, "metrics")
    page = studio.get(address).text
    assert list(panels(page)) == [f"layer {number:04}" for number in range(30)]
    assert "10,000 metrics" in page and len(page) < 100_000
    assert len(panels(studio.get(f"{address}?page=334").text)) == 10
    assert "data-past-end" in studio.get(f"{address}?page=9999").text
    assert list(panels(studio.get(f"{address}?search=R+99&page=4").text))[-1] == "layer 9999"
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url) if "/chart-data?" in request.url else None)
    tab.goto(address)
    expect(tab.locator("[data-plot]").first).to_have_attribute("data-points", "2")
    assert not any("0029" in each for each in asked)
    tab.locator("[data-plot]").last.scroll_into_view_if_needed()
    expect(tab.locator("[data-plot]").last).to_have_attribute("data-points", "2")
    tab.get_by_role("link", name="Next").click()
    expect(tab.get_by_role("link", name="layer 0030")).to_be_visible()
    tab.get_by_label("Search names").fill("9999")
    tab.get_by_label("Search names").press("Enter")
    expect(tab.locator("[data-plot]")).to_have_count(1)


def test_a_metric_has_a_page_with_all_its_values(make: RunMaker, studio: Studio) -> None:
    run_id, name = make(), "a&b <script>'\"" + "😀" * 200
    make.log(run_id, *values(name, 150), LoggedValue(VALUE, name, 200, None, math.nan, None))
    panel = panels(studio.get(studio.urls.run(run_id, "metrics")).text)[name]
    address = html.unescape(re.findall(r'<a href="([^"]*)">Show as table', panel)[0])
    page = studio.get(address).text
    assert cells(page)[:4] == ["0", "0", "1", "1"] and len(cells(page)) == 200
    assert cells(studio.get(f"{address}&page=2").text)[-2:] == ["150", "NaN"]
    assert studio.get(f"{studio.urls.run(run_id, 'metrics')}?metric=other").status == 404
    assert "<script>'" not in page


def test_what_was_logged_as_text_rows_or_a_table_is_paged_too(make: RunMaker, studio: Studio) -> None:
    run_id, count = make(), 2150
    make.log(
        run_id,
        *(LoggedValue(VALUE, "note", step, None, f"note {step}", None) for step in range(count)),
        *(LoggedValue(ROW, "roc", step, None, {"x": step, "y": 0.5}, None) for step in range(count)),
        *(LoggedValue(ROW, "wide", step, None, {"a": step, "b": 2, "c": 3}, None) for step in range(101)),
        LoggedValue(TABLE, "table", 1, None, {"x": list(range(100)), "y": [0.5] * 100}, None),
        LoggedValue(TABLE, "table", 2, None, {"x": list(range(100, count)), "y": [0.5] * (count - 100)}, None),
    )
    for name, cell in (("note", "note 150"), ("roc", "150"), ("table", "150")):
        address = studio.urls.run(run_id, "metrics")
        first, second, last = (
            studio.get(f"{address}?{query(metric=name, page=str(page))}").text for page in (1, 2, 22)
        )
        assert cell not in cells(first) and cell in cells(second), name
        assert [len(cells(page)) for page in (first, second, last)] == [200, 200, 100], name
        assert {"data-plot" in page for page in (first, second, last)} == {name != "note"}, name
        assert ["page=3" in page for page in (first, second, last)] == [False, True, False], name
        assert ['rel="next"' in page for page in (first, second, last)] == [True, True, False], name
    # It has one row on its last page, which alone would be bars.
    page = studio.get(f"{address}?{query(metric='wide', page='2')}").text
    assert cells(page) == ["100", "2", "3"] and "data-plot" not in page
    for name in ("roc", "table"):
        found = figure(studio, studio.get(f"{address}?{query(metric=name)}").text)
        assert found["note"] == "The first 2,000 rows are drawn." and len(found["series"][0]["x"]) == 2000


def test_a_file_that_is_gone_or_holds_something_else_is_told(make: RunMaker, studio: Studio, mlrun: Mlrun) -> None:
    run_id = make()
    folder = mlrun.run_folder(run_id) / "uploads"
    folder.mkdir(parents=True)
    for name, content in {"empty": "", "text": '{"data": "x"}', "odd": '{"data": {"matrix": [[1], "x"]}}'}.items():
        (folder / name).write_text(content)
    (folder / "out").symlink_to("/etc/hostname")
    for name in ("gone", "empty", "text", "odd", "out", "../submission.json"):
        address = f"aml://artifactId/ExperimentRun/dcid.{run_id}/{name}"
        make.log(run_id, LoggedValue(CONFUSION_MATRIX, name, 1, None, address, None))
    found = panels(studio.get(studio.urls.run(run_id, "metrics")).text)
    told = {name: re.findall(r'<p class="hint">(.*?)</p>', panel) for name, panel in found.items()}
    unreadable, other = ["Its file cannot be read."], ["Its file has not the data that its schema asks for."]
    assert told == {
        "gone": unreadable,
        "empty": unreadable,
        "text": unreadable,
        "odd": other,
        "out": unreadable,
        "../submission.json": unreadable,
    }


def test_integers_longer_than_any_number_of_the_machine_are_shown(make: RunMaker, studio: Studio, mlrun: Mlrun) -> None:
    run_id = make()
    folder = mlrun.run_folder(run_id) / "uploads"
    folder.mkdir(parents=True)
    (folder / "file").write_text(f'{{"data": {{"matrix": [[{10**400}, 1], [1, 1]]}}}}')
    address = f"aml://artifactId/ExperimentRun/dcid.{run_id}/file"
    make.log(run_id, LoggedValue(CONFUSION_MATRIX, "matrix", 1, None, address, None))
    make.log(run_id, LoggedValue(ROW, "row", 1, None, {"long": 10**400, "short": 1}, None))
    found = panels(studio.get(studio.urls.run(run_id, "metrics")).text)
    assert "has not the data" in found["matrix"] and "1.00000e+400" in found["row"]
    drawn = {"runs": str(make.key(run_id)), "metric": "row", "over": "relative", "begin": "1e18"}
    assert studio.get(studio.urls.chart_data(query(**drawn))).status == 200


def test_a_run_without_metrics_says_what_to_type(make: RunMaker, studio: Studio) -> None:
    run_id = make()
    assert "Run.get_context().log(" in studio.get(studio.urls.run(run_id, "metrics")).text
    assert "Run.get_context().log_image(" in studio.get(studio.urls.run(run_id, "images")).text


def test_new_metrics_and_new_points_appear_without_reload(make: RunMaker, studio: Studio, tab: Page) -> None:
    run_id = make()
    tab.goto(studio.urls.run(run_id, "metrics"))
    make.log(run_id, *values("loss", 2))
    plot = tab.locator("[data-plot]")
    expect(plot).to_have_attribute("data-points", "2")
    make.log(run_id, *values("loss", 3))
    expect(plot).to_have_attribute("data-points", "5")
    expect(tab.get_by_text("5 values")).to_be_visible()


def test_one_choice_is_for_all_curves_of_the_tab(make: RunMaker, studio: Studio, tab: Page) -> None:
    run_id = make()
    make.log(run_id, *values("loss", 3), *values("accuracy", 3))
    tab.goto(studio.urls.run(run_id, "metrics"))
    plots = tab.locator("[data-plot]")
    expect(plots.last).to_have_attribute("data-drawn", "1")
    tab.evaluate("window.isSame = true")
    tab.get_by_label("Over").select_option("relative")
    expect(tab.locator("[data-plot][data-source*='over=relative']")).to_have_count(2)
    tab.get_by_label("Logarithmic axis").check()
    expect(tab.locator("[data-plot][data-logarithmic=yes]")).to_have_count(2)
    tab.get_by_label("Smoothing").fill("0.5")
    expect(tab.locator("[data-plot][data-smoothing='0.5']")).to_have_count(2)
    assert urlsplit(tab.url).query == query(search="", over="relative", log="on", smooth="0.5")
    tab.get_by_label("Logarithmic axis").uncheck()
    expect(tab.locator("[data-plot][data-logarithmic=no]")).to_have_count(2)
    tab.get_by_label("Over").select_option("step")
    expect(tab.locator("[data-plot][data-source*='over=step']")).to_have_count(2)
    drawn = plots.last.locator(".u-over")

    def is_told() -> bool:
        box = drawn.bounding_box()
        if box is None:  # while it is drawn anew
            return False
        for across, down in ((0.5, 0.6), (0.98, 0.3)):
            tab.mouse.move(box["x"] + box["width"] * across, box["y"] + box["height"] * down)
        return "1.42857 smoothed, 2" in (plots.last.locator(".plot-tip").text_content() or "")

    until(is_told)
    assert tab.evaluate("window.isSame")
