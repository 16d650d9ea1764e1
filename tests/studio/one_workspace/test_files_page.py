"""The tab of a run's outputs and logs."""

from __future__ import annotations

import html
import io
import os
import re
import shutil
import tempfile
import textwrap
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from mlrun_cli.studio.app import ACTIONS, FILES, PAGES
from tests.running import Mlrun, until
from tests.studio.run_maker import RunMaker
from tests.studio.serving import Studio, serving

_LOG = "user_logs/std_log.txt"


@pytest.fixture(scope="module")
def ended(mlrun: Mlrun) -> str:
    """A run that has ended, of which nothing is changed."""
    mlrun.script("print('done')")
    run_id: str = mlrun.ended()["run_id"]
    return run_id


@pytest.fixture
def run_id(mlrun: Mlrun, ended: str) -> str:
    """A run with the same files, for one test to change."""
    run_id = RunMaker(mlrun.database.parent)()
    shutil.copytree(mlrun.run_folder(ended), mlrun.run_folder(run_id))
    return run_id


def _log(mlrun: Mlrun, run_id: str) -> Path:
    return mlrun.run_folder(run_id) / "artifacts" / _LOG


def _output(mlrun: Mlrun, run_id: str, name: str, data: bytes) -> None:
    path = mlrun.run_folder(run_id) / "work" / "outputs" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)


def test_a_log_is_shown_as_a_terminal_would(mlrun: Mlrun, studio: Studio, run_id: str) -> None:
    _log(mlrun, run_id).write_bytes(
        b"\x1b[1;31mred\x1b[0m <script>alert(1)</script>\n"
        b"10%|#\r99%|#########\n"
        b"first\nsecond\x1b[1A\x1b[2K\rabove\x1b[1B\n"
        b"\x1b[19999Cfar right\n" + b"-" * 900 + b"\r\x1b[901Gwithin\n"
        b"\x1b]0;title\x07no title\n\xff\xfe \x00 end"
    )
    text = studio.get(studio.urls.run(run_id, "logs")).text
    assert '<div class="line"><span class="fg1 bold">red</span> &lt;script&gt;' in text
    assert '<div class="line">99%|#########\n</div>' in text
    assert '<div class="line">above\n</div>' in text and "first" not in text
    assert f'<div class="line">{" " * 300}far right\n</div>' in text
    assert f'<div class="line">{"-" * 900}within\n</div>' in text
    assert '<div class="line">no title\n</div>' in text
    assert "� � �" not in text and "��  end" in text


def test_no_more_of_a_long_log_is_read_than_is_shown(mlrun: Mlrun, run_id: str) -> None:
    with _log(mlrun, run_id).open("wb") as log:
        log.write(b"the first line\n")
        log.seek(2 << 30)
        log.write(b"\n" + b"".join(b"line %d\n" % number for number in range(20_000)) + b"the last line")
    with serving(mlrun) as studio:
        page = studio.get(studio.urls.run(run_id, "logs"))
        assert len(page.body) < 1_500_000
        assert "the last line" in page.text and "the first line" not in page.text
        start = studio.get(f"{studio.urls.file(run_id, 'logs', _LOG)}?from=0").text
        assert "the first line" in start and "the last line" not in start
        assert _peak_bytes(studio.process.pid) < 200 << 20


def test_a_line_that_is_longer_than_what_is_shown_is_shown_in_part(mlrun: Mlrun, studio: Studio, run_id: str) -> None:
    _log(mlrun, run_id).write_bytes(b"x" * 300_000 + b"the end\n\n\n")
    assert "xxxthe end" in studio.get(studio.urls.run(run_id, "logs")).text


def test_a_log_is_searched_from_where_one_is(mlrun: Mlrun, studio: Studio, run_id: str) -> None:
    lines = [b"loss <b>%d</b>\n" % number for number in range(30_000)]
    lines[123] = lines[23_456] = b"Warning: NaN\n"
    _log(mlrun, run_id).write_bytes(b"".join(lines))
    address = studio.urls.file(run_id, "logs", _LOG)
    first = studio.get(f"{address}?find=warning").text
    assert (
        '<mark aria-current="true">Warning</mark>: NaN' in first
        and "&lt;b&gt;122&lt;/b&gt;" in first
        and "23455" not in first
    )
    at = b"".join(lines).index(b"Warning") + 1
    assert f"from={at}" in first
    second = studio.get(f"{address}?find=warning&from={at}").text
    assert "23455" in second and '<mark aria-current="true">Warning</mark>' in second
    assert "data-not-found" in studio.get(f"{address}?find=no+such+text").text and "data-not-found" not in second


def test_what_a_script_wrote_is_shown_as_what_it_is(mlrun: Mlrun, studio: Studio, run_id: str) -> None:
    _output(mlrun, run_id, "m.json", b'{"a":[1,{"<b>":null}]}')
    _output(mlrun, run_id, "t.csv", b"x,y\n" + b"".join(b"%d,<i>\n" % number for number in range(1000)))
    _output(mlrun, run_id, "model.bin", b"\0\1\2")
    _output(mlrun, run_id, "bad.json", b"{")
    _output(mlrun, run_id, "none.csv", b"")
    _output(mlrun, run_id, "cells.csv", 'a,b\r\n"two\r\nlines \x0b \x85 \u2028 end",1\r\n'.encode())
    _output(mlrun, run_id, "commas.csv", b'name,"x;y;z"\n1,2\n')
    _output(mlrun, run_id, "semicolons.csv", b'"a, b";c\n1,5;<i>\n')
    _output(mlrun, run_id, "tabs.csv", b'"a, b"\tc\n1\t<i>\n')
    _output(mlrun, run_id, "cut.csv", b"x,y\n" + b"".join(b'%d,"%s\nend"\n' % (n, b"l" * 3000) for n in range(150)))
    names = os.listdir(mlrun.run_folder(run_id) / "work" / "outputs")
    shown = {name: studio.get(studio.urls.file(run_id, "logs", f"outputs/{name}")).text for name in names}
    assert "&#34;&lt;b&gt;&#34;: null" in shown["m.json"]
    assert "<td>199</td><td>&lt;i&gt;</td>" in shown["t.csv"] and "<td>200</td>" not in shown["t.csv"]
    assert "data-binary" in shown["model.bin"] and "data-binary" not in shown["t.csv"]
    assert '<div class="line">{\n</div>' in shown["bad.json"] and "data-as-it-is" in shown["bad.json"]
    assert "data-log-empty" in shown["none.csv"] and "data-log-empty" not in shown["bad.json"]
    assert '<td class="lines">two\r\nlines \x0b \x85 \u2028 end</td><td>1</td></tr></tbody>' in shown["cells.csv"]
    assert ">x;y;z</th>" in shown["commas.csv"] and "<td>1</td><td>2</td>" in shown["commas.csv"]
    assert ">a, b</th><th" in shown["semicolons.csv"] and "<td>1,5</td><td>&lt;i&gt;</td>" in shown["semicolons.csv"]
    assert ">a, b</th><th" in shown["tabs.csv"] and "<td>1</td><td>&lt;i&gt;</td>" in shown["tabs.csv"]
    assert shown["cut.csv"].count("<tr>") == 1 + shown["cut.csv"].count("end</td>") < 100, "no row is shown in part"


def test_what_cannot_be_shown_as_what_it_is_begins_at_its_start(mlrun: Mlrun, studio: Studio, run_id: str) -> None:
    _output(mlrun, run_id, "big.json", b"[" + b"".join(b'"item %d",\n' % number for number in range(60_000)) + b"0]")
    _output(mlrun, run_id, "t.csv", b"x,y\n" + b"".join(b"item %d,2\n" % number for number in range(60_000)))
    big, table = (studio.urls.file(run_id, "logs", f"outputs/{name}") for name in ("big.json", "t.csv"))
    for address in (big, f"{table}?plain=1"):
        page = studio.get(address).text
        assert "item 0" in page and "item 59999" not in page
        end = re.search(r'data-log-end href="([^"]*)"', page)
        assert end is not None and "item 59999" in studio.get(html.unescape(end[1])).text
        assert 'class="log"' in studio.get(f"{address.partition('?')[0]}?from=0").text
    assert "data-as-it-is" in studio.get(big).text


def test_the_log_of_the_process_that_failed_is_looked_at_first(mlrun: Mlrun, studio: Studio) -> None:
    mlrun.script("import os, time\nwhile os.environ['RANK'] == '0':\n    time.sleep(600)\nraise SystemError('no more')")
    two = "{script: train.py, communicator: Gloo, framework: PyTorch, nodeCount: 1, pytorch: {processCount: 2}}"
    mlrun.script(two, ".azureml/two.runconfig")
    run_id = mlrun.submit("-c", "two")
    mlrun.wait_for_status(run_id, "Failed")
    page = studio.get(studio.urls.run(run_id, "logs")).text
    assert "SystemError: no more" in page and "std_log_process_1.txt</h2>" in page
    assert 'std_log_process_1.txt">Read the log' in studio.get(studio.urls.run(run_id)).text


def test_files_of_any_name_and_depth_have_a_page(mlrun: Mlrun, studio: Studio, run_id: str) -> None:
    _output(mlrun, run_id, "two\nlines.txt", b"found")
    _output(mlrun, run_id, os.fsdecode(b"no \xff text.txt"), b"")
    deep = f"outputs/{'d/' * 320}deep.txt"
    path = mlrun.run_folder(run_id) / "work" / deep
    path.parent.mkdir(parents=True)
    path.write_bytes(b"found")
    page = studio.get(studio.urls.run(run_id, "logs")).text
    assert "no ? text.txt" in page and "/deep.txt</a>" in page
    for name in ("outputs/two\nlines.txt", deep):
        assert "found" in studio.get(studio.urls.file(run_id, "logs", name)).text
        assert studio.get(studio.urls.file(run_id, "files", name)).body == b"found"


def test_a_name_that_is_no_text_is_led_to_by_its_bytes(mlrun: Mlrun, studio: Studio, tab: Page, run_id: str) -> None:
    name = os.fsdecode(b"caf\xe9 50%25?.txt")
    _output(mlrun, run_id, name, b"first\n")
    _output(mlrun, run_id, "caf\ufffd 50%25?.txt", b"another")
    tab.goto(studio.urls.run(run_id, "logs"))
    tab.get_by_role("link", name="caf? 50%25?.txt").click()
    expect(tab.locator("#log .line")).to_have_text(["first\n"], use_inner_text=True)
    written = b"first\n"
    for line in ("second", "third"):  # the page asks once when it has begun to listen; what comes later is news
        written += f"{line}\n".encode()
        _output(mlrun, run_id, name, written)
        expect(tab.locator("#log .line", has_text=line)).to_be_visible()
    tab.get_by_role("link", name="Refresh").click()
    expect(tab.locator("#log .line", has_text="third")).to_be_visible()
    with tab.expect_download() as begun:
        tab.get_by_role("link", name="Download", exact=True).click()
    assert begun.value.path().read_bytes() == written
    address = studio.urls.file(run_id, "files", f"outputs/{name}")
    assert studio.get(address).headers["content-disposition"].endswith("''caf%E9%2050%2525%3F.txt")
    with zipfile.ZipFile(io.BytesIO(studio.get(studio.urls.run(run_id, "zip")).body)) as archive:
        assert archive.read("outputs/caf%E9 50%25?.txt") == written
        assert archive.read("outputs/caf\ufffd 50%25?.txt") == b"another"


def test_a_name_that_is_no_text_is_found_in_a_snapshot_and_behind_a_proxy(mlrun: Mlrun) -> None:
    name = os.fsdecode(b"folder \xff/caf\xe9.py")
    script = mlrun.script("print('found')")
    (mlrun.folder / name).parent.mkdir()
    (mlrun.folder / name).write_bytes(script.read_bytes())
    run_id = mlrun.ended()["run_id"]
    with serving(mlrun, base_path="/me") as studio:
        assert "caf?.py" in studio.get(studio.urls.run(run_id, "snapshot")).text
        for address in (studio.urls.file(run_id, "snapshot", name), studio.urls.file(run_id, "snapshot-files", name)):
            for asked in (address, address.removeprefix(studio.address)):
                assert "found" in studio.get(asked).text, asked
            entered = studio.ask("GET", f"{address}?token={studio.token}", cookie="")
            assert entered.headers["location"] == address.removeprefix(studio.origin)
        with zipfile.ZipFile(io.BytesIO(studio.get(studio.urls.run(run_id, "snapshot-zip")).body)) as archive:
            assert archive.read("folder %FF/caf%E9.py") == script.read_bytes()


def test_bytes_that_are_no_text_are_of_no_record(studio: Studio, run_id: str) -> None:
    for method, table in (("GET", (*PAGES, *FILES)), ("POST", ACTIONS)):
        for path in (path for path, _ in table if "{" in path):
            address = f"{studio.urls}{re.sub(r'{[^}]*}', '%e9%FF%ed%a0%80', path)}"
            answer = studio.get(address) if method == "GET" else studio.post(address)
            assert answer.status == 404, address
    for tab in ("files", "logs", "piece"):
        for name in ("%e9", "%e9/%2e%2e/%2e%2e", "outputs/%e9%00.txt", "%c0%ae%c0%ae/%c0%ae%c0%ae"):
            assert studio.get(f"{studio.urls.run(run_id, tab)}/{name}").status == 404, (tab, name)


def test_json_that_would_fill_the_page_with_blanks_is_shown_as_it_is(mlrun: Mlrun, studio: Studio, run_id: str) -> None:
    _output(mlrun, run_id, "deep.json", b"[" * 200 + b",".join([b"0"] * 100_000) + b"]" * 200)
    _output(mlrun, run_id, "half.json", b'{"half": "\\ud800"}')
    deep, half = (studio.get(studio.urls.file(run_id, "logs", f"outputs/{name}.json")) for name in ("deep", "half"))
    assert len(deep.body) < 500_000 and "0,0,0" in deep.text
    assert "&#34;half&#34;: &#34;?&#34;" in half.text


@pytest.mark.parametrize(
    ("name", "data", "kind", "disposition"),
    [
        ("a.png", b"\x89PNG\r\n\x1a\n...", "image/png", "inline"),
        ("a.svg", b"<svg><script>alert(1)</script></svg>", "image/svg+xml", "inline"),
        ("a.html", b"<script>alert(1)</script>", "application/octet-stream", "attachment"),
        ("a.js", b"alert(1)", "application/octet-stream", "attachment"),
        ("no.png", b"<script>alert(1)</script>", "application/octet-stream", "attachment"),
    ],
)
def test_no_script_of_a_file_can_run(
    mlrun: Mlrun, studio: Studio, run_id: str, name: str, data: bytes, kind: str, disposition: str
) -> None:
    _output(mlrun, run_id, name, data)
    answer = studio.get(studio.urls.file(run_id, "files", f"outputs/{name}"))
    assert (answer.status, answer.body) == (200, data)
    assert answer.headers["content-type"].partition(";")[0] == kind
    assert answer.headers["content-disposition"].startswith(f"{disposition};")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].endswith("; sandbox")


def test_paths_never_leave_the_run(mlrun: Mlrun, studio: Studio, run_id: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("a secret text")
    outputs = mlrun.run_folder(run_id) / "work" / "outputs"
    outputs.mkdir()
    (outputs / "link.txt").symlink_to(secret)
    (outputs / "up").symlink_to(tmp_path)
    os.mkfifo(outputs / "pipe")
    up = "/".join(["%2e%2e"] * 12)
    for path in (
        "outputs/link.txt",
        "outputs/up/secret.txt",
        "outputs/pipe",
        f"{up}{secret}",
        f"/{secret}",
        "../submission.json",
        "outputs/../../submission.json",
        "user_logs/../../submission.json",
    ):
        for tab in ("files", "logs", "piece"):
            answer = studio.ask("GET", f"{studio.urls.run(run_id, tab)}/{path}")
            assert answer.status == 404, (tab, path)
            assert b"a secret text" not in answer.body


def test_a_part_of_a_file_can_be_asked_for(mlrun: Mlrun, studio: Studio, run_id: str) -> None:
    _output(mlrun, run_id, "model.bin", bytes(range(256)) * 1000)
    address = studio.urls.file(run_id, "files", "outputs/model.bin")
    answer = studio.ask("GET", address, headers={"Range": "bytes=1000-1003"})
    assert (answer.status, answer.body) == (206, bytes([232, 233, 234, 235]))


def test_all_files_come_as_one_archive(mlrun: Mlrun, studio: Studio, run_id: str) -> None:
    _output(mlrun, run_id, "a.txt", b"one")
    _output(mlrun, run_id, "ü ñ.txt", b"two")
    answer = studio.get(studio.urls.run(run_id, "zip"))
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        assert archive.testzip() is None
        assert archive.read("outputs/a.txt") == b"one"
        assert archive.read("outputs/ü ñ.txt") == b"two"
        assert archive.read(_LOG) == b"done\n"


def test_the_snapshot_is_shown_with_line_numbers_and_comes_as_an_archive(studio: Studio, ended: str) -> None:
    page = studio.get(studio.urls.run(ended, "snapshot")).text
    assert '<tr id="L1"><td class="line-number"><a href="#L1">1</a></td>' in page
    assert "print(<span" in page
    with zipfile.ZipFile(io.BytesIO(studio.get(studio.urls.run(ended, "snapshot-zip")).body)) as archive:
        assert archive.read("train.py") == b"print('done')"
    answer = studio.get(studio.urls.file(ended, "snapshot-files", "train.py"))
    assert (answer.body, answer.headers["content-disposition"]) == (
        b"print('done')",
        "attachment; filename*=utf-8''train.py",
    )
    assert studio.get(studio.urls.file(ended, "snapshot", "nothing.py")).status == 404


def test_a_file_that_is_not_there_is_said_beside_those_that_are(studio: Studio, run_id: str) -> None:
    answer = studio.get(studio.urls.file(run_id, "logs", "outputs/gone.txt"))
    assert answer.status == 404
    ((code, text),) = answer.problems
    assert code == "RunFileNotFound" and "outputs/gone.txt" in text and run_id in text
    assert "std_log.txt" in answer.text


def test_lines_of_a_log_appear_by_themselves(mlrun: Mlrun, studio: Studio, tab: Page) -> None:
    run_id, gates = _gated(
        mlrun,
        """
        print("begun")
        wait(1)
        print("working 10%", end="", flush=True)
        wait(2)
        print("\\rworking 99%")
        """,
    )
    until(lambda: "begun" in mlrun.log(run_id))
    tab.goto(studio.urls.run(run_id, "logs"))
    expect(tab.locator("#log")).to_have_text("begun\n", use_inner_text=True)
    gates[1].touch()
    expect(tab.locator("#log .line", has_text="working 10%")).to_be_visible()
    expect(tab.locator("#file-size")).to_have_text("17 bytes")
    gates[2].touch()
    expect(tab.locator("#log .line", has_text="working 99%")).to_be_visible()
    expect(tab.locator("#log .line")).to_have_count(2)
    expect(tab.locator("#run-status")).to_contain_text("Completed")


def test_a_file_of_the_script_is_as_live_as_a_log(mlrun: Mlrun, studio: Studio, tab: Page, run_id: str) -> None:
    _output(mlrun, run_id, "own.log", b"first\n")
    tab.goto(studio.urls.file(run_id, "logs", "outputs/own.log"))
    expect(tab.locator("#log .line")).to_have_text(["first\n"], use_inner_text=True)
    tab.locator("#log .line").select_text()
    for begin, end in ((0, 10), (10, 80)):
        with (mlrun.run_folder(run_id) / "work" / "outputs" / "own.log").open("a") as log:
            log.writelines(f"line {number}\n" for number in range(begin, end))
        expect(tab.locator("#log .line").last).to_have_text(f"line {end - 1}\n", use_inner_text=True)
        assert tab.evaluate("getSelection().toString().trim()") == "first"


def test_earlier_lines_come_when_they_are_asked_for(mlrun: Mlrun, studio: Studio, tab: Page, run_id: str) -> None:
    _log(mlrun, run_id).write_bytes(b"".join(b"line %d of the log\n" % number for number in range(10_000)))
    tab.goto(studio.urls.run(run_id, "logs"))
    expect(tab.locator("#log")).to_contain_text("line 9999 of the log")
    expect(tab.locator("#log")).not_to_contain_text("line 0 of the log")
    line = tab.locator("#log .line", has_text="line 8000 of the log")
    line.evaluate("(line) => line.scrollIntoView()")
    before = line.evaluate(_FROM_TOP)
    tab.get_by_text("Earlier (").click()
    expect(tab.locator("#log")).to_contain_text("line 0 of the log")
    assert abs(line.evaluate(_FROM_TOP) - before) < 2, "what is read stays where it is"
    expect(tab.get_by_text("Earlier")).to_be_hidden()
    expect(tab.locator("#log .line")).to_have_count(10_000)


def test_a_match_and_the_start_stay_in_sight_while_lines_are_added(mlrun: Mlrun, studio: Studio, tab: Page) -> None:
    run_id, gates = _gated(
        mlrun,
        """
        for number in range(400):
            print("line", number, "wanted" if number in (150, 154, 398) else "")
        wait(1)
        print("an added line")
        wait(2)
        print("another one")
        wait(3)
        """,
    )
    until(lambda: "line 399" in mlrun.log(run_id))
    follow = tab.get_by_label("Follow")
    tab.goto(studio.urls.run(run_id, "logs"))
    expect(follow).to_be_checked()
    _expect_in_sight(tab, "line 399")
    tab.get_by_role("link", name="Start").click()
    expect(follow).not_to_be_checked()
    _expect_in_sight(tab, "line 0 ")
    tab.get_by_label("Search this file").fill("WANTED")
    tab.get_by_role("button", name="Find").click()
    for number in (150, 154):
        expect(tab.locator("#log .line:has(mark[aria-current])")).to_contain_text(f"line {number} ")
        expect(follow).not_to_be_checked()
        tab.wait_for_function(_IS_CENTRED)
        if number == 150:
            tab.get_by_role("link", name="Next").click()
    gates[1].touch()
    expect(tab.locator("#log")).to_contain_text("an added line")
    assert tab.evaluate(_IS_CENTRED)
    tab.get_by_role("link", name="Next").click()
    expect(tab.locator("#log .line:has(mark[aria-current])")).to_contain_text("line 398 ")
    gates[2].touch()
    expect(tab.locator("#log")).to_contain_text("another one")
    expect(tab.locator("#log .line:has(mark[aria-current])")).to_contain_text("line 398 ")
    expect(follow).not_to_be_checked()
    tab.get_by_role("link", name="Start").click()
    tab.wait_for_load_state()
    follow.check()
    _expect_in_sight(tab, "another one")
    held: list[Route] = []
    tab.route("**/log.js*", lambda route: held.append(route))  # noqa: PLW0108 - playwright refuses built-ins
    with tab.expect_request("**/log.js*"):
        tab.goto(f"{studio.urls.file(run_id, 'logs', _LOG)}?from=0", wait_until="commit")
    follow.check()
    held[0].continue_()
    _expect_in_sight(tab, "another one")
    expect(follow).to_be_checked()
    gates[3].touch()


def test_follow_leads_to_the_end_of_a_log_that_is_too_long_to_show(mlrun: Mlrun, studio: Studio, tab: Page) -> None:
    run_id, gates = _gated(mlrun, "print(*map('line {}'.format, range(30_000)), sep='\\n')\nwait(1)")
    until(lambda: "line 29999" in mlrun.log(run_id))
    tab.goto(f"{studio.urls.file(run_id, 'logs', _LOG)}?from=0")
    _expect_in_sight(tab, "line 0")
    tab.get_by_label("Follow").check()
    _expect_in_sight(tab, "line 29999")
    expect(tab.get_by_label("Follow")).to_be_checked()
    gates[1].touch()


def test_what_a_live_log_has_dropped_comes_again(mlrun: Mlrun, studio: Studio, tab: Page) -> None:
    run_id, gates = _gated(
        mlrun,
        """
        lines = [f"line {number} of the log" for number in range(45_000)]
        print("\\n".join(lines[:20_000]))
        wait(1)
        print("\\n".join(lines[20_000:]))
        wait(2)
        """,
    )
    until(lambda: "line 19999 " in mlrun.log(run_id))
    tab.goto(studio.urls.run(run_id, "logs"))
    _expect_in_sight(tab, "line 19999 ")
    gates[1].touch()
    _expect_in_sight(tab, "line 44999 ")
    assert 20_000 <= _first_number(tab.evaluate(_LINES), "line 44999 ")[1] < 30_000
    earlier = tab.get_by_role("link", name="Earlier")
    while earlier.is_visible():
        first, count = _first_number(tab.evaluate(_LINES), "line 44999 ")
        assert count == 45_000 - first, "no line is left out, and none comes twice"
        earlier.click()
        expect(tab.locator("#log .line").first).not_to_contain_text(f"line {first} ")
    assert _first_number(tab.evaluate(_LINES), "line 44999 ") == (0, 45_000)
    gates[2].touch()


def test_a_line_that_is_written_over_for_long_is_one_line(mlrun: Mlrun, studio: Studio, tab: Page) -> None:
    run_id, gates = _gated(
        mlrun,
        """
        print("begun")
        wait(1)
        def bar(first, last):
            for number in range(first, last):
                print(f"\\r{number:6}/2200|{'#' * 112}", end="")
        bar(1, 1101)
        wait(2)
        bar(1101, 2201)
        wait(3)
        print()
        print("ended")
        """,
    )
    until(lambda: "begun" in mlrun.log(run_id))
    lines = tab.locator("#log .line")
    states = [re.compile(text) for text in ("^begun", "^ +1100/2200[|]#{112}\n$", "^ +2200/2200[|]#{112}\n$", "^ended")]
    tab.goto(studio.urls.run(run_id, "logs"))
    expect(lines).to_have_text([states[0]])
    gates[1].touch()
    expect(lines).to_have_text(states[:2])
    gates[2].touch()
    expect(lines).to_have_text([states[0], states[2]])
    _expect_after_reload(tab, [states[2]], [states[0], states[2]])
    gates[3].touch()
    expect(lines).to_have_text([states[0], *states[2:]])
    expect(tab.locator("#run-status")).to_contain_text("Completed")
    _expect_after_reload(tab, states[2:], [states[0], *states[2:]])
    tab.get_by_role("link", name="Start").click()
    tab.get_by_role("link", name="Later").click()
    tab.get_by_role("link", name="Later").click()
    expect(lines).to_have_count(1)


def test_what_is_searched_for_is_text(mlrun: Mlrun, studio: Studio, tab: Page, run_id: str) -> None:
    text = 'if a<b && "c">d: it\'s &lt; lt amp'
    coloured = "if \x1b[31ma<\x1b[1mb\x1b[0m end"
    _log(mlrun, run_id).write_text(f"{text}\n{coloured}\n", encoding="utf-8")
    for wanted, marks in (
        ("lt", ["lt", "lt"]),
        ("amp", ["amp"]),
        ('b && "C">d: it\'s &', ['b && "c">d: it\'s &']),
        ("a<b", ["a<b", "a<", "b"]),
        ("&lt;", ["&lt;"]),
        ("3", []),
    ):
        tab.goto(studio.urls.file(run_id, "logs", _LOG))
        tab.get_by_label("Search this file").fill(wanted)
        tab.get_by_role("button", name="Find").click()
        expect(tab.get_by_label("Search this file")).to_have_value(wanted)
        expect(tab.locator("#log mark")).to_have_text(marks)
        expect(tab.locator("#log .line")).to_have_text([f"{text}\n", "if a<b end\n"], use_inner_text=True)
    expect(tab.locator("#log .fg1.bold")).to_have_text("b")


def test_one_place_is_the_one_that_was_found(mlrun: Mlrun, studio: Studio, tab: Page, run_id: str) -> None:
    _log(mlrun, run_id).write_text("".join(f"epoch {number}\n" for number in range(300)), encoding="utf-8")
    tab.goto(studio.urls.file(run_id, "logs", _LOG))
    tab.get_by_label("Search this file").fill("epoch")
    tab.get_by_role("button", name="Find").click()
    expect(tab.locator("#log mark")).to_have_count(300)
    expect(tab.locator("#log .line", has=tab.locator("mark[aria-current]"))).to_have_text(["epoch 0\n"])


_FROM_TOP = "(line) => line.getBoundingClientRect().top - line.closest('#log').getBoundingClientRect().top"
_LINES = "() => [...document.querySelectorAll('#log .line')].map((line) => line.textContent)"
_IS_CENTRED = """() => {
  const middle = (element) => {
    const { top, bottom } = element.getBoundingClientRect();
    return (top + bottom) / 2;
  };
  const [mark, log] = ["#log mark[aria-current]", "#log"].map((which) => document.querySelector(which));
  return Math.abs(middle(mark) - middle(log)) < 2;
}"""
_IS_IN_SIGHT = """(text) => {
  const { top, bottom } = document.querySelector("#log").getBoundingClientRect();
  return [...document.querySelectorAll("#log .line")].some((line) => {
    const box = line.getBoundingClientRect();
    return line.textContent.startsWith(text) && box.top >= top && box.bottom <= bottom;
  });
}"""


def _gated(mlrun: Mlrun, script: str) -> tuple[str, dict[int, Path]]:
    """A run of a script that waits, as `wait(1)`, until the file of that number is there."""
    head = (
        "import pathlib, sys, time\n"
        "def wait(number):\n"
        "    while not pathlib.Path(f'{sys.argv[1]}{number}').exists():\n"
        "        time.sleep(0.02)\n"
    )
    mlrun.script(head + textwrap.dedent(script))
    gate = tempfile.mkdtemp(dir=mlrun.folder.parent, prefix="gates-") + "/"
    return mlrun.submit("train.py", gate), {number: Path(f"{gate}{number}") for number in (1, 2, 3)}


def _expect_in_sight(tab: Page, text: str) -> None:
    tab.wait_for_function(_IS_IN_SIGHT, arg=text)


def _expect_after_reload(tab: Page, shown: list[re.Pattern[str]], with_earlier: list[re.Pattern[str]]) -> None:
    tab.goto(tab.url)
    expect(tab.locator("#log .line")).to_have_text(shown)
    tab.get_by_role("link", name="Earlier").click()
    expect(tab.locator("#log .line")).to_have_text(with_earlier)
    expect(tab.get_by_text("Earlier")).to_be_hidden()


def _first_number(lines: list[str], last: str) -> tuple[int, int]:
    """The number in the first of the lines, and how many there are."""
    assert lines[-1].startswith(last)
    return int(lines[0].split()[1]), len(lines)


def _peak_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return 1024 * int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])
