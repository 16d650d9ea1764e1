"""Runs written as one page that stands alone."""

from __future__ import annotations

import base64
import errno
import os
import re
import struct
import sys
import zlib
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page, expect

from mlrun_cli.metrics.metric import VALUE, LoggedValue
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.studio.charts.figure import BARS, LINES, POINTS, build_figure, build_series
from mlrun_cli.studio.export.svg_drawing import HEIGHT, LEFT, WIDTH, draw_figure
from tests.running import Mlrun
from tests.studio.run_maker import RunMaker

HOSTILE = '"></title></style><script>alert(1)</script><img src=x onerror=alert(2)>'
SCRIPT = """
import sys
from azureml.core import Run

run = Run.get_context()
for step in range(5):
    run.log("loss", 1 / (step + 1))
run.log("final", 0.9375)
run.log_table("table", {"name": ["a", "b"], "size": [1, 2]})
run.log_confusion_matrix("matrix", {"schema_type": "confusion_matrix", "schema_version": "1.0.0",
    "data": {"class_labels": ["cat", "dog"], "matrix": [[8, 2], [1, 9]]}})
run.log_image("small", path="small.png")
run.log_image("large", path="large.png")
print("\\033[31mred\\033[0m <b>bold</b> https://ada:sesame@host/x")
"""


def export(mlrun: Mlrun, *run_ids: str) -> str:
    """The page that the command writes."""
    options = [word for run_id in run_ids for word in ("-r", run_id)]
    assert mlrun.json("run", "export", "--html", "page.html", "--overwrite", *options) == {"file": "page.html"}
    return (mlrun.folder / "page.html").read_text(encoding="utf-8")


def png(more: int) -> bytes:
    """An image of one pixel, and so many bytes in which there is no picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    size = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + size + chunk(b"IDAT", zlib.compress(b"\0\1\2\3")) + chunk(b"IEND", b"") + bytes(more)


def size_of_letters(tab: Page) -> float:
    """How large the letters of the first drawing come out, in CSS pixels."""
    size: float = tab.locator("svg.drawing").first.evaluate(
        "svg => parseFloat(getComputedStyle(svg.querySelector('text')).fontSize) * svg.getScreenCTM().a"
    )
    return size


# --- what is in it ---------------------------------------------------------------------------------------------------


def test_a_run_is_a_page_that_needs_nothing_else(mlrun: Mlrun, browser: Browser) -> None:
    mlrun.script(SCRIPT)
    (mlrun.folder / "small.png").write_bytes(png(0))
    (mlrun.folder / "large.png").write_bytes(png(3 << 20))
    run_id = mlrun.json("run", "submit-script", "train.py", "--api-token", "sesame", "--lr", "0.1")["run_id"]
    mlrun("run", "update", "-r", run_id, "--description", "**bold** ![x](http://elsewhere.test/x.png) <i>no</i>")
    page = export(mlrun)
    assert f"<title>{run_id}</title>" in page and "Completed" in page
    assert "train.py --api-token &#39;***&#39; --lr 0.1" in page and "sesame" not in page
    assert "<strong>bold</strong>" in page and "elsewhere.test" not in page
    assert '<span class="fg1">red</span> &lt;b&gt;bold&lt;/b&gt; https://***@host/x' in page
    assert '<p class="single-value">0.9375</p>' in page and "last 0.2, min 0.2, max 1, 5 values" in page
    (image,) = re.findall(r'<img src="data:image/png;base64,([^"]*)" alt="small, step 0">', page)
    assert base64.b64decode(image) == png(0)
    assert 'data-further-images="1"' in page
    with browser.new_context(viewport={"width": 400, "height": 800}) as context:
        tab = context.new_page()
        problems, asked = [], []
        tab.on("pageerror", lambda error: problems.append(str(error)))
        tab.on("console", lambda said: problems.append(said.text))
        tab.on("request", lambda request: asked.append(request.url.partition(":")[0]))
        tab.goto((mlrun.folder / "page.html").as_uri())
        expect(tab.get_by_role("img", name="loss").locator("path")).to_have_count(1)
        expect(tab.locator("table.matrix")).to_contain_text("cat")
        assert tab.evaluate("document.images[0].naturalWidth") == 1
        assert tab.evaluate("document.documentElement.scrollWidth") <= 400
        assert tab.evaluate("getComputedStyle(document.querySelector('.chart')).borderTopStyle") == "solid"
        assert tab.evaluate("document.scripts.length") == 0
        assert size_of_letters(tab) > 8.5
        assert set(asked) <= {"file", "data"} and asked.count("file") == 1
        assert problems == []


def test_what_went_wrong_stands_apart_from_what_follows(mlrun: Mlrun, make: RunMaker, browser: Browser) -> None:
    run_id = make(status=RunStatus.FAILED, error={"error": {"code": "UserError", "message": "It broke."}})
    export(mlrun, run_id)
    with browser.new_context() as context:
        tab = context.new_page()
        tab.goto((mlrun.folder / "page.html").as_uri())
        fault, next_box = (tab.locator(which).bounding_box() for which in (".failure", ".details .box >> nth=0"))
        assert fault is not None and next_box is not None
        assert next_box["y"] - fault["y"] - fault["height"] >= 8


def test_several_runs_are_compared_with_the_first(mlrun: Mlrun, make: RunMaker, browser: Browser) -> None:
    runs = [
        make(
            definition={"script": "train.py", "arguments": ["--lr", f"{rate}", "--epochs", "3"]},
            metrics={"final": rate},
            display_name=f"rate {rate}",
        )
        for rate in (0.1, 0.2)
    ]
    for run_id in runs:
        make.log(run_id, *(LoggedValue(VALUE, "loss", step, float(step), 1 / (step + 1), None) for step in range(9)))
    export(mlrun, *runs)
    with browser.new_context() as context:
        tab = context.new_page()
        tab.goto((mlrun.folder / "page.html").as_uri())
        expect(tab.get_by_role("img", name="loss").locator("path")).to_have_count(2)
        expect(tab.get_by_role("img", name="final (last)").locator("rect")).to_have_count(2)
        expect(tab.locator("figure", has_text="loss").locator(".legend")).to_contain_text("rate 0.2")
        expect(tab.get_by_role("row", name="lr 0.1 0.2")).to_be_visible()
        same = tab.get_by_role("row", name="epochs 3 3")
        expect(same).to_be_hidden()
        tab.get_by_label("Show what is the same in all").check()
        expect(same).to_be_visible()
        expect(tab.get_by_role("columnheader").nth(1)).to_contain_text(f"rate 0.1 · {runs[0]}")
        keys = tab.locator("figure", has_text="final").locator(".legend svg")
        expect(keys.locator("rect")).to_have_count(2)
        expect(keys.locator("path")).to_have_count(0)
        tab.set_viewport_size({"width": 1920, "height": 900})
        assert size_of_letters(tab) < 14


def test_many_runs_stand_in_several_tables_and_too_many_are_refused(mlrun: Mlrun, make: RunMaker) -> None:
    runs = [make(tags={"n": str(number)}) for number in range(25)]
    page = export(mlrun, *runs)
    tables = [re.findall(r"exp_\d+", head) for head in re.findall(r"<thead>.*?</thead>", page, re.DOTALL)]
    assert tables == [runs[:20], [runs[0], *runs[20:]]]
    mlrun.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)"
        " INSERT INTO runs (run_id, run_uuid, experiment_key, run_number, created_at, run_type, user_name, status)"
        " SELECT 'more_' || i, 'uuid' || i, experiment_key, 100 + i, created_at, run_type, user_name, status"
        " FROM runs, n WHERE run_number = 1"
    )
    words = [word for number in range(1, 201) for word in ("-r", f"more_{number}")]
    refused = mlrun.fails("run", "export", "--html", "many.html", *words, "-r", runs[0])
    assert refused.code == "LimitExceeded" and refused.message.startswith("201 ") and " 200 " in refused.message
    assert not (mlrun.folder / "many.html").exists()


def test_whatever_a_run_holds_is_text(mlrun: Mlrun, make: RunMaker) -> None:
    hostile = make(
        status=RunStatus.FAILED,
        definition={"script": HOSTILE, "arguments": [f"--{'x'}", HOSTILE], "environmentVariables": {HOSTILE: HOSTILE}},
        error={"error": {"code": HOSTILE, "message": HOSTILE, "debugInfo": {"stackTrace": HOSTILE}}},
        tags={HOSTILE: HOSTILE},
        properties={HOSTILE: HOSTILE},
        metrics={HOSTILE: 1.0, "🎉" * 200: float("inf")},
        display_name=HOSTILE,
        description=HOSTILE,
        user_name=HOSTILE,
        target=HOSTILE,
    )
    make.log(hostile, *(LoggedValue(VALUE, f"curve {HOSTILE}", at, float(at), float(at), HOSTILE) for at in range(3)))
    for runs in ([hostile], [hostile, make(metrics={HOSTILE: 2.0})]):
        page = export(mlrun, *runs)
        assert "&lt;script&gt;alert(1)" in page
        assert page.count("<script") == page.count("<img") == 0
        assert page.count("</style>") == page.count("</title>") - len(re.findall(r"<title>", page)) + 1 == 1


# --- what can go wrong -----------------------------------------------------------------------------------------------


def test_a_file_that_is_there_is_left_alone_unless_it_may_be_replaced(mlrun: Mlrun, make: RunMaker) -> None:
    make()
    path = mlrun.folder / "page.html"
    path.write_text("mine", encoding="utf-8")
    refused = mlrun.fails("run", "export", "--html", "page.html")
    assert refused.code == "FileAlreadyExists" and "page.html" in refused.message and "--overwrite" in refused.hint
    assert path.read_text(encoding="utf-8") == "mine"
    mlrun("run", "export", "--html", "page.html", "--overwrite")
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--html", "nowhere/page.html"], 1, "cannot be written"),
        (["--html", "."], 2, "is a folder"),
        (["--html", "page.html", "-r", "nobody_1"], 3, "nobody_1"),
        ([], 2, "--html"),
    ],
)
def test_what_cannot_be_written_is_told(mlrun: Mlrun, make: RunMaker, words: list[str], code: int, said: str) -> None:
    make()
    before = set(mlrun.folder.iterdir())
    refused = mlrun("run", "export", *words, check=False)
    assert refused.returncode == code and said in refused.stderr and refused.stdout == ""
    assert set(mlrun.folder.iterdir()) == before


def test_a_page_that_is_not_finished_leaves_the_old_one(mlrun: Mlrun, make: RunMaker) -> None:
    make(description="long " * 100_000)
    path = mlrun.folder / "page.html"
    path.write_text("old", encoding="utf-8")
    before = set(mlrun.folder.iterdir())
    command = mlrun.command
    mlrun.command = ["sh", "-c", 'trap "" XFSZ; ulimit -f 400; exec "$0" "$@"', *command]
    refused = mlrun.fails("run", "export", "--html", "page.html", "--overwrite", exit_code=1)
    assert refused.code == "OperatingSystemError" and os.strerror(errno.EFBIG) in refused.message
    assert path.read_text(encoding="utf-8") == "old" and set(mlrun.folder.iterdir()) == before


def test_without_the_studio_the_one_command_to_type_is_told(mlrun: Mlrun, make: RunMaker, tmp_path: Path) -> None:
    make()
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / "sitecustomize.py").write_text("import sys\nsys.modules['nh3'] = None\n", encoding="utf-8")
    mlrun.environment["PYTHONPATH"] = str(tmp_path / "without")
    refused = mlrun.fails("run", "export", "--html", "page.html", exit_code=1)
    assert refused.code == "ProgramNotFound" and "-m pip install 'mlrun-cli[studio]'" in refused.hint


# --- drawings --------------------------------------------------------------------------------------------------------

numbers = st.floats(allow_nan=True, allow_infinity=True)


@given(kind=st.sampled_from([LINES, POINTS, BARS]), values=st.lists(numbers, min_size=1, max_size=30))
@example(LINES, [sys.float_info.max])
@example(LINES, [-sys.float_info.max])
def test_whatever_was_logged_is_drawn_within_its_frame(kind: str, values: list[float]) -> None:
    drawn = draw_figure(
        build_figure(kind, [build_series("loss", range(len(values)), values, 1)], x="step", y="loss"), {1: "a"}
    )
    finite = [value for value in values if abs(value) < float("inf")]
    assert (drawn is None) == (not finite)
    if drawn is None:
        return
    (mark,) = drawn.marks
    path = [tuple(map(float, place.split())) for place in re.findall(r"[\d.]+ [\d.]+", mark.path)]
    bars = [corner for x, y, width, height in mark.bars for corner in ((x, y), (x + width, y + height))]
    places = [*path, *mark.dots, *bars]
    assert len(mark.bars) + len(mark.dots) + len(path) == len(finite)
    assert all(LEFT <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in places)
    assert all(0 <= tick.at <= HEIGHT and "a" not in tick.text for tick in drawn.y_ticks)


def test_bars_of_zero_are_seen_and_named_by_what_differs() -> None:
    names = [f"nightly-regression_{number}_{number:08x}" for number in range(8)]
    series = [build_series("score", [place], [0.0], place) for place in range(8)]
    drawn = draw_figure(build_figure(BARS, series, x="run", y="score", names=names), dict(enumerate(names)))
    assert drawn is not None
    assert drawn.y_ticks[0].text == "0" and drawn.y_ticks[-1].text == "1"
    assert all(height > 0 for mark in drawn.marks for *_, height in mark.bars)
    assert len({tick.text for tick in drawn.x_ticks}) == 8


def test_a_value_that_cannot_be_drawn_is_a_gap_and_runs_keep_their_colours() -> None:
    series = [
        build_series("loss", range(5), [1.0, 2.0, float("nan"), 3.0, 4.0], 7),
        build_series("loss", [0], [1.0], 8),
        build_series("loss", range(2), [float("nan")] * 2, 9),
        build_series("loss", range(2), [2.0, 3.0], 10),
    ]
    drawn = draw_figure(build_figure(LINES, series, x="step", y="loss"), {7: "a", 8: "b", 9: "c", 10: "d"})
    assert drawn is not None
    assert [mark.path.count("M") for mark in drawn.marks] == [2, 0, 1] and len(drawn.marks[1].dots) == 1
    assert drawn.legend == [
        ("a", "series-1 dash-0", "1 NaN"),
        ("b", "series-2 dash-0", ""),
        ("d", "series-4 dash-0", ""),
    ]
