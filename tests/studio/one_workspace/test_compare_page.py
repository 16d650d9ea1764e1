"""Runs side by side: what differs between them, and how the set of them is changed."""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, urlencode

from playwright.sync_api import Browser, Locator, Page, expect

from mlrun_cli.actions.snapshots import create_snapshot
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.metrics.metric import VALUE, LoggedValue
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.run import SCRIPT_RUN
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.studio.files.text_diff import NOT_TEXT, SAME, TOO_LONG
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import parse_locator
from tests.running import Mlrun
from tests.studio.run_maker import RunMaker, link, query
from tests.studio.serving import Studio

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>'
EMOJI = "🎉" * 200
NOTHING = "\N{EN DASH}"
OUT = "\N{MULTIPLICATION SIGN}"


class Compared:
    """The compare page of some runs."""

    def __init__(self, studio: Studio, *run_ids: str, **values: str) -> None:
        answer = studio.get(address(studio, *run_ids, **values))
        assert answer.status == 200, answer.text
        self.text, self.problems = answer.text, answer.problems

    @property
    def columns(self) -> list[str]:
        """The ids of the runs that stand side by side."""
        head = self.text[self.text.index('<table class="rows comparison">') :].partition("</thead>")[0]
        return [html.unescape(found) for found in re.findall(r'title="([^"]*)">[^<]*</a>\s*<span class="tools">', head)]

    def section(self, title: str) -> dict[str, list[str]]:
        """The rows of a section, each a name and a value for each run."""
        (body,) = [each for each in self.text.split("<tbody>") if f'<span class="section-title">{title}' in each]
        found = {}
        for row in re.findall(r"<tr><th scope=\"row\".*?</tr>", body, re.DOTALL):
            name, *values = (
                html.unescape(re.sub(r"<a .*?</a>|<[^>]*>", "", cell)).strip()
                for cell in re.findall(r"<t[hd][ >].*?</t[hd]>", row, re.DOTALL)
            )
            assert name not in found
            found[name] = values
        return found

    def links(self, pattern: str) -> list[list[str]]:
        """The runs that the links which match lead to."""
        found = re.findall(rf'<a [^>]*?href="\?([^"]*)"[^>]*>{pattern}</a>', self.text)
        return [parse_qs(html.unescape(each)).get("run", []) for each in found]


def address(studio: Studio, *run_ids: str, **values: str) -> str:
    """Of the compare page."""
    return studio.urls.comparison(query(*(("run", run_id) for run_id in run_ids), **values))


def definition(*arguments: str, **more: object) -> Mapping[str, object]:
    """What a run was submitted with."""
    return {"script": "train.py", "arguments": list(arguments), **more}


def snapshot(mlrun: Mlrun, folder: Path, files: Mapping[str, bytes]) -> Mapping[str, str]:
    """The properties of a run whose source these files are."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    with Workspace.connect(parse_locator(mlrun.database.parent), redactor=Redactor()) as workspace:
        return {"ContentSnapshotId": create_snapshot(workspace, folder)}


def curve(name: str, *values: float) -> list[LoggedValue]:
    return [LoggedValue(VALUE, name, place, float(place), value, None) for place, value in enumerate(values)]


# --- what differs ----------------------------------------------------------------------------------------------------


def test_rows_that_are_the_same_in_all_runs_are_hidden_until_asked_for(make: RunMaker, studio: Studio) -> None:
    variables = {"environmentVariables": {"MODE": "a", "SEED": "1"}}
    first = make(
        definition=definition("--lr", "0.1", "--epochs", "3", **variables),
        tags={"kind": "a", "fast": None},
        metrics={"accuracy": 0.5, "size": 1.0},
        properties={"azureml.git.commit": "abc", "azureml.git.branch": "main"},
        description="the base",
    )
    second = make(
        definition=definition("--lr", "0.2", "--epochs", "3", environmentVariables={"MODE": "b", "SEED": "1"}),
        tags={"kind": "b", "fast": None},
        metrics={"accuracy": 0.75, "size": 1.0},
        properties={"azureml.git.commit": "def", "azureml.git.branch": "main"},
    )
    page = Compared(studio, first, second)
    assert page.columns == [first, second]
    assert page.section("Parameters") == {"lr": ["0.1", "0.2"]}
    assert page.section("Metrics") == {"accuracy": ["0.5", "0.75"]}
    assert page.section("Tags") == {"kind": ["a", "b"]}
    assert page.section("Environment variables") == {"MODE": ["a", "b"]}
    assert page.section("Git") == {"Commit": ["abc", "def"]}
    assert page.section("Run")["Description"] == ["the base", NOTHING]
    assert 'class="section-title">Parameters <span class="hint">1 the same</span>' in page.text
    assert page.text.count('<td class="differs">') >= 6
    everything = Compared(studio, first, second, **dict(parse_qsl(link(page.text, "Show what is the same in all"))))
    assert everything.section("Parameters") == {"lr": ["0.1", "0.2"], "epochs": ["3", "3"]}
    assert everything.section("Tags") == {"kind": ["a", "b"], "fast": ["✓", "✓"]}
    assert "constant" not in link(everything.text, "Hide what is the same in all")


def test_a_metric_that_was_logged_once_has_one_row_and_others_have_three(make: RunMaker, studio: Studio) -> None:
    runs = [make(metrics={"final": float(number)}) for number in range(2)]
    for number, run_id in enumerate(runs):
        make.log(run_id, *curve("loss", 3 + number, 1 + number, 2 + number))
    assert Compared(studio, *runs).section("Metrics") == {
        "loss (last)": ["2", "3"],
        "loss (min)": ["1", "2"],
        "loss (max)": ["3", "4"],
        "final": ["0", "1"],
    }


def test_numbers_that_differ_can_be_told_apart(make: RunMaker, studio: Studio) -> None:
    first, second = {"params": 25557032, "lr": 0.00001234567}, {"params": 25559999, "lr": 0.00001234999}
    runs = [
        make(metrics={**each, "close": 0.1234567 + 1e-9 * place, "same": 123456789012.0})
        for place, each in enumerate((first, second))
    ]

    assert Compared(studio, *runs).section("Metrics") == {
        "params": ["25557032", "25559999"],
        "lr": ["1.23457e-05", "1.235e-05"],
        "close": ["0.1234567", "0.123456701"],
    }
    assert Compared(studio, *runs, constant="1").section("Metrics")["same"] == ["123456789012"] * 2


def test_numbers_in_full_are_written_as_others_are(make: RunMaker, studio: Studio) -> None:
    values = (0.1234561, 0.1234562, math.nan, math.inf, 1e12)
    page = Compared(studio, *(make(metrics={"k": value}) for value in values))
    assert page.section("Metrics")["k"] == ["0.1234561", "0.1234562", "NaN", "∞", "1000000000000"]


def test_metrics_beyond_the_first_are_counted(make: RunMaker, studio: Studio) -> None:
    runs = [make(metrics={f"m{number}": place for number in range(502)}) for place in (1.0, 2.0)]
    page = Compared(studio, *runs)
    assert len(page.section("Metrics")) == 500
    assert 'class="section-title">Metrics <span class="hint">2 more not shown</span>' in page.text


def test_packages_are_compared_version_by_version(make: RunMaker, mlrun: Mlrun, studio: Studio) -> None:
    runs = [make(), make()]
    for run_id, version in zip(runs, ("1.26.0", "2.1.0"), strict=True):
        record = RunFolder(mlrun.run_folder(run_id)).environment_record
        record.parent.mkdir(parents=True)
        installed = [f"numpy=={version}", "pandas==2.2.0"]
        record.write_text(json.dumps({"python": "3.11.4", "installed": installed}), encoding="utf-8")
    assert Compared(studio, *runs).section("Environment") == {"numpy": ["1.26.0", "2.1.0"]}
    assert Compared(studio, *runs, constant="1").section("Environment")["python"] == ["3.11.4", "3.11.4"]


def test_source_files_are_compared_and_one_of_them_line_by_line(
    make: RunMaker, mlrun: Mlrun, studio: Studio, tmp_path: Path
) -> None:
    code = b"import os\nlr = 0.1\nprint(lr)\n"
    before = {"train.py": code, "same.py": b"x\n", "gone.py": b"old\n", "<b>.py": b"1", "data.bin": b"\0a"}
    after = {"train.py": code.replace(b"0.1", b"0.2"), "same.py": b"x\n", "new/a.py": b"n\n", "<b>.py": b"2"}
    after["data.bin"] = b"\0b"
    first = make(properties=snapshot(mlrun, tmp_path / "before", before))
    second = make(properties=snapshot(mlrun, tmp_path / "after", after))
    page = Compared(studio, first, second)
    found = page.section("Source files")
    assert list(found) == ["<b>.py", "data.bin", "gone.py", "train.py", "new/a.py"]
    assert found["gone.py"][1] == NOTHING and found["new/a.py"][0] == NOTHING
    links = [html.unescape(each) for each in re.findall(r'href="([^"]*)">diff</a>', page.text)]
    assert len(links) == 5
    texts = {dict(parse_qsl(each.partition("?")[2]))["path"]: studio.get(each).text for each in links}
    assert '<span class="removed">-lr = 0.1\n</span><span class="added">+lr = 0.2\n</span>' in texts["train.py"]
    assert '<span class="removed">-old\n</span>' in texts["gone.py"]
    assert '<span class="added">+n\n</span>' in texts["new/a.py"]
    assert '<span class="added">+2\n</span>' in texts["<b>.py"] and "<title>&lt;b&gt;.py" in texts["<b>.py"]
    assert NOT_TEXT.problem in texts["data.bin"]
    difference = studio.urls.run(second, "difference")
    assert SAME.problem in studio.get(f"{difference}?{query(**{'with': first, 'path': 'same.py'})}").text
    for wrong in ({"with": first, "path": "no.py"}, {"with": "nobody_1", "path": "train.py"}, {"path": "train.py"}):
        assert studio.get(f"{difference}?{urlencode(wrong)}").status == 404


def test_a_long_file_is_not_compared_and_a_long_difference_is_cut(
    make: RunMaker, mlrun: Mlrun, studio: Studio, tmp_path: Path
) -> None:
    lines = b"".join(b"%d\n" % number for number in range(9000))
    rows = b"\n" * 20_000
    first = make(
        properties=snapshot(mlrun, tmp_path / "before", {"long.txt": b"a" * 300_000, "many.txt": b"", "rows.txt": b""})
    )
    second = make(
        properties=snapshot(
            mlrun, tmp_path / "after", {"long.txt": b"b" * 300_000, "many.txt": lines, "rows.txt": rows}
        )
    )
    difference = studio.urls.run(second, "difference")
    for path in ("long.txt", "rows.txt"):
        long = studio.get(f"{difference}?{query(**{'with': first, 'path': path})}")
        assert long.status == 200 and TOO_LONG.problem in long.text
    many = studio.get(f"{difference}?{query(**{'with': first, 'path': 'many.txt'})}").text
    assert "data-cut" in many and many.count('class="added"') < 5001


# --- the set of runs -------------------------------------------------------------------------------------------------


def test_links_take_runs_out_put_one_first_and_add_those_that_were_found(make: RunMaker, studio: Studio) -> None:
    first, second, third = make(), make(), make()
    found = [make("other", tags={"kind": "found"}), make("other", tags={"kind": "found"})]
    page = Compared(studio, first, second, third, find="FOUND", axis="lr", chart="none")
    assert page.links(OUT) == [[second, third], [first, third], [first, second]]
    assert page.links("first") == [[second, first, third], [third, first, second]]
    assert page.links(r"Add other_\d") == [[first, second, third, run_id] for run_id in reversed(found)]
    assert page.links("Add all 2") == [[first, second, third, *reversed(found)]]
    kept = parse_qs(link(page.text, OUT))
    assert kept["axis"] == ["lr"] and kept["chart"] == ["none"]
    form = page.text[page.text.index('role="search"') :].partition("</form>")[0]
    for name, value in (("run", first), ("run", third), ("axis", "lr"), ("chart", "none")):
        assert f'<input type="hidden" name="{name}" value="{value}">' in form
    assert "data-none-found" in Compared(studio, first, find="nothing").text


def test_a_search_that_is_too_long_is_told_and_the_page_stands(make: RunMaker, studio: Studio) -> None:
    page = Compared(studio, make(), find="a b " * 60)
    assert [code for code, _ in page.problems] == ["InvalidFilter"] and len(page.columns) == 1


def test_runs_that_are_not_there_are_named_and_the_others_stand(make: RunMaker, studio: Studio) -> None:
    first, second = make(metrics={"loss": 1.0}), make(metrics={"loss": 2.0})
    page = Compared(studio, "<b>", first, "gone_7", second)
    assert 'data-missing="&lt;b&gt; gone_7"' in page.text
    assert page.columns == [first, second]
    assert page.links("Leave them out") == [[first, second]]


def test_one_run_or_none_can_be_looked_at_too(make: RunMaker, studio: Studio) -> None:
    alone = make(tags={"kind": "a"})
    page = Compared(studio, alone)
    assert page.section("Tags") == {"kind": ["a"]} and "Parallel coordinates" not in page.text
    assert "<title>Compare 1 run " in page.text
    assert re.search(r'<td><time datetime="[^"]*" data-timestamp>\d{4}-\d\d-\d\d [\d:]{8} UTC</time>', page.text)
    empty = studio.get(studio.urls.comparison())
    assert empty.status == 200 and "press Compare" in empty.text
    assert "press Compare" in studio.get(address(studio, "gone_1")).text


def test_two_hundred_runs_are_compared_twenty_at_a_time_with_the_first(mlrun: Mlrun, studio: Studio) -> None:
    runs = [f"many_{number}" for number in range(1, 202)]
    with (
        Workspace.connect(parse_locator(mlrun.database.parent), redactor=Redactor()) as workspace,
        workspace.transaction(),
    ):
        for run_id in runs:
            experiment, number = workspace.experiments.reserve_run_numbers("many")
            columns = {"run_type": SCRIPT_RUN, "user_name": "someone", "status": RunStatus.COMPLETED}
            key = workspace.runs.insert(experiment, number, run_id, **columns)
            workspace.metrics.add(key, [LoggedValue(VALUE, "loss", 1, None, float(number), None)])
    page = Compared(studio, *runs)
    assert page.columns == runs[:20]
    assert 'data-left-out="1"' in page.text
    assert html.unescape(page.text).count('"address":') == 200
    last = Compared(studio, *runs[:200], page="11")
    assert last.columns == [runs[0], *runs[191:200]]
    assert "Further runs" not in last.text and "Runs before" in last.text


def test_whatever_a_run_holds_is_text(make: RunMaker, studio: Studio) -> None:
    hostile = make(
        definition=definition(f"--{'x'}", HOSTILE, environmentVariables={HOSTILE: HOSTILE}),
        tags={HOSTILE: HOSTILE},
        properties={HOSTILE: HOSTILE},
        metrics={HOSTILE: 1.0, EMOJI: 2.0},
        display_name=HOSTILE,
        description=HOSTILE,
        user_name=HOSTILE,
    )
    page = Compared(studio, make(metrics={HOSTILE: 3.0, EMOJI: 4.0}), hostile, find=HOSTILE, axis=HOSTILE)
    assert "<script>alert" not in page.text and "<img src=x" not in page.text
    assert page.section("Tags") == {HOSTILE: [NOTHING, HOSTILE]}
    assert page.section("Metrics")[EMOJI] == ["4", "2"]


def test_secrets_of_a_run_are_hidden(mlrun: Mlrun, studio: Studio) -> None:
    mlrun.script("print('done')")
    run_id = mlrun.ended("train.py", "--api-token", "sesame", "--lr", "0.1")["run_id"]
    page = Compared(studio, run_id)
    assert page.section("Parameters") == {"api-token": ["***"], "lr": ["0.1"]}
    assert "sesame" not in page.text


# --- sweeps ----------------------------------------------------------------------------------------------------------


def test_the_axes_of_a_sweep_are_numbers_and_texts_that_differ(make: RunMaker, studio: Studio) -> None:
    runs = [
        make(
            definition=definition("--lr", f"{rate}", "--epochs", "3", "--optimizer", ("adam", "sgd", "sgd")[number]),
            metrics={"accuracy": rate * 2},
            tags={"fold": str(number), "note": "x"},
        )
        for number, rate in enumerate((0.1, 0.2, 0.3))
    ]
    page = Compared(studio, *runs, make())
    candidates = re.findall(r'name="axis" value="([^"]*)" checked', page.text)
    assert candidates == ["lr", "optimizer", "fold", "metric:accuracy"]
    table = page.text[page.text.index('id="sweep-table"') :].partition("</table>")[0]
    assert re.findall(r'<td class="number">(.*?)</td>', table)[:6] == ["0.1", "adam", "0", "0.2", "0.2", "sgd"]
    chosen = studio.get(f"{address(studio, *runs, axis='metric:accuracy')}&axis=lr").text
    assert re.findall(r'name="axis" value="([^"]*)" checked', chosen) == ["lr", "metric:accuracy"]
    one = Compared(studio, *runs, axis="metric:accuracy").text
    assert re.findall(r'name="axis" value="([^"]*)" checked', one) == candidates


def test_runs_that_differ_in_one_number_have_no_parallel_coordinates(make: RunMaker, studio: Studio) -> None:
    assert "Parallel coordinates" not in Compared(studio, make(tags={"n": "1"}), make(tags={"n": "2"})).text


# --- in a browser ----------------------------------------------------------------------------------------------------


def test_the_set_of_runs_is_changed_without_leaving_the_page(make: RunMaker, studio: Studio, tab: Page) -> None:
    runs = [make(tags={"same": "1", "kind": str(number)}) for number in range(3)]
    for number, run_id in enumerate(runs):
        make.log(run_id, *curve("loss", 3 + number, 2 + number))
    tab.goto(address(studio, *runs[:2]))
    tab.evaluate("window.isSame = true")
    plot, heads = tab.locator("[data-plot]"), tab.locator(".comparison thead .tools")
    expect(plot).to_have_attribute("data-drawn", "2")
    expect(tab.get_by_role("rowheader", name="same", exact=True)).to_have_count(0)
    tab.get_by_role("link", name="Show what is the same in all").click()
    expect(tab.get_by_role("rowheader", name="same", exact=True)).to_be_visible()
    tab.get_by_label("Find runs to add").fill(runs[2])
    tab.get_by_role("button", name="Find").click()
    tab.get_by_role("link", name=f"Add {runs[2]}").click()
    expect(plot).to_have_attribute("data-drawn", "3")
    tab.locator("th", has=tab.locator(f"[title='{runs[2]}']")).get_by_role("link", name="first").click()
    expect(tab.locator(".comparison thead th a[title]").nth(0)).to_have_text(runs[2])
    tab.get_by_label(f"Take {runs[0]} out").click()
    expect(heads).to_have_count(2)
    expect(plot).to_have_attribute("data-drawn", "2")
    assert parse_qs(tab.url.partition("?")[2])["run"] == [runs[2], runs[1]]
    assert tab.evaluate("window.isSame")
    make.log(runs[2], *curve("loss", 7.5))
    expect(tab.locator("#comparison tr", has_text="loss (max)").locator("td").first).to_have_text("7.5")
    tab.go_back()
    expect(heads).to_have_count(3)


def test_a_run_that_is_deleted_is_named_without_reload(mlrun: Mlrun, make: RunMaker, studio: Studio, tab: Page) -> None:
    runs = [make(metrics={"loss": 1.0}) for _ in range(2)]
    tab.goto(address(studio, *runs))
    heading, note = tab.get_by_role("heading", level=1), tab.locator("#compare-notes .warning")
    expect(heading).to_have_text("Compare 2 runs")
    mlrun("run", "delete", "-r", runs[1], "--yes")
    expect(heading).to_have_text("Compare 1 run")
    expect(note).to_contain_text(runs[1])
    lower, upper = tab.get_by_role("search").bounding_box(), note.bounding_box()
    assert lower is not None and upper is not None and lower["y"] >= upper["y"] + upper["height"] + 6


def _drag(tab: Page, area: Locator, begin: float, end: float) -> None:
    """Along an axis, from a share of its height to another."""
    box = area.bounding_box()
    assert box is not None
    across = box["x"] + box["width"] / 2
    tab.mouse.move(across, box["y"] + begin * box["height"])
    tab.mouse.down()
    tab.mouse.move(across, box["y"] + end * box["height"], steps=3)
    tab.mouse.up()


def test_a_stretch_of_an_axis_selects_the_runs_of_a_sweep(make: RunMaker, studio: Studio, tab: Page) -> None:
    rates = (0.001, 0.01, 0.1, 1.0)
    runs = [
        make(definition=definition("--lr", f"{rate}", f"--by={name}"), metrics={"accuracy": rate})
        for rate, name in zip(rates, ("adam", "sgd", "adam", "lion"), strict=True)
    ]
    tab.goto(address(studio, *runs, make(), chart="scatter:lr:parameter:accuracy:last:logx:colour=by", axis="lr"))
    expect(tab.locator("[data-plot]")).to_have_attribute("data-drawn", "4")
    expect(tab.locator(".legend-name")).to_contain_text([f"{runs[0]}, by adam", "by sgd", "by adam", "by lion"])
    assert (
        tab.evaluate("new Set([...document.querySelectorAll('.legend rect')].map((r) => r.getAttribute('fill'))).size")
        == 3
    )
    tab.goto(f"{address(studio, *runs, make(), chart='none')}&axis=lr&axis=by&axis=metric:accuracy")
    texts = tab.locator("#parallel text").all_text_contents()
    assert texts == ["lr (log)", "1", "0.001", "by", "adam", "lion", "sgd", "accuracy (log)", "1", "0.001"]
    lines, status = tab.locator("#parallel .line"), tab.locator("#parallel [role=status]")
    expect(lines).to_have_count(5)
    expect(status).to_have_text("Drag along an axis to select runs.")
    first, second = tab.locator("#parallel .catch").nth(0), tab.locator("#parallel .catch").nth(2)
    _drag(tab, first, 0.0, 0.5)  # the axis is logarithmic: its upper half holds 0.1 and 1
    expect(status).to_contain_text("2 of 5 runs.")
    expect(tab.locator("#parallel .line.off")).to_have_count(3)
    _drag(tab, second, 0.0, 0.2)
    expect(status).to_contain_text("1 of 5 runs.")
    tab.set_viewport_size({"width": 900, "height": 900})
    expect(status).to_contain_text("1 of 5 runs.")
    second.click()
    expect(status).to_contain_text("2 of 5 runs.")
    tab.get_by_role("link", name="Compare these alone").click()
    expect(lines).to_have_count(2)
    assert parse_qs(tab.url.partition("?")[2])["run"] == runs[2:]


def test_a_comparison_is_saved_as_a_view_and_opened_in_a_second_browser(
    make: RunMaker, studio: Studio, tab: Page, browser: Browser
) -> None:
    runs = [make(metrics={"loss": 1.0}), make(metrics={"loss": 2.0})]
    tab.goto(address(studio, *runs, constant="1"))
    tab.get_by_text("Save view").click()
    tab.get_by_label("Name of the view").fill("both")
    tab.get_by_role("button", name="Save", exact=True).click()
    tab.wait_for_url(address(studio, *runs, constant="1"))
    expect(tab.get_by_text("Saved as “both”")).to_be_visible()
    with browser.new_context() as context:
        other = context.new_page()
        other.goto(f"{studio.address}/?token={studio.token}")
        other.goto(studio.urls.views())
        other.get_by_role("link", name="both").click()
        expect(other.locator(".comparison thead .tools")).to_have_count(2)
        expect(other.get_by_role("link", name="Hide what is the same in all")).to_be_visible()


def test_a_phone_scrolls_the_table_and_not_the_page(make: RunMaker, studio: Studio, tab: Page) -> None:
    runs = [make(tags={"word" * 20: "value" * 50, "n": str(number)}, description="long " * 80) for number in range(8)]
    tab.set_viewport_size({"width": 400, "height": 800})
    tab.goto(address(studio, *runs, constant="1"))
    assert tab.evaluate("document.documentElement.scrollWidth") <= 400
    head = tab.get_by_role("rowheader", name="n", exact=True)
    before = head.bounding_box()
    tab.locator("#comparison .table-box").evaluate("box => { box.scrollLeft = 200; }")
    assert head.bounding_box() == before
