"""The tab of a run's outputs and logs."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.running import Mlrun, until
from tests.studio.serving import Studio

_LOG = "user_logs/std_log.txt"


@pytest.fixture
def run_id(mlrun: Mlrun) -> str:
    """A run that has ended."""
    mlrun.script("print('done')")
    run_id = mlrun.submit()
    mlrun.wait(run_id)
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
        b"\x1b]0;title\x07no title\n\xff\xfe \x00 end"
    )
    text = studio.get(studio.pages.run(run_id, "logs")).text
    assert '<div class="line"><span class="fg1 bold">red</span> &lt;script&gt;' in text
    assert '<div class="line">99%|#########\n</div>' in text
    assert '<div class="line">above\n</div>' in text and "first" not in text
    assert '<div class="line">no title\n</div>' in text
    assert "� � �" not in text and "��  end" in text


def test_no_more_of_a_long_log_is_read_than_is_shown(mlrun: Mlrun, studio: Studio, run_id: str) -> None:
    with _log(mlrun, run_id).open("wb") as log:
        log.write(b"the first line\n")
        log.seek(2 << 30)
        log.write(b"\n" + b"".join(b"line %d\n" % number for number in range(20_000)) + b"the last line")
    page = studio.get(studio.pages.run(run_id, "logs"))
    assert len(page.body) < 1_500_000
    assert "the last line" in page.text and "the first line" not in page.text
    start = studio.get(f"{studio.pages.file(run_id, 'logs', _LOG)}?from=0").text
    assert "the first line" in start and "the last line" not in start
    assert _peak_bytes(studio.process.pid) < 200 << 20


def test_a_line_that_is_longer_than_what_is_shown_is_shown_in_part(mlrun: Mlrun, studio: Studio, run_id: str) -> None:
    _log(mlrun, run_id).write_bytes(b"x" * 300_000 + b"the end\n\n\n")
    assert "xxxthe end" in studio.get(studio.pages.run(run_id, "logs")).text


def test_a_log_is_searched_from_where_one_is(mlrun: Mlrun, studio: Studio, run_id: str) -> None:
    lines = [b"loss <b>%d</b>\n" % number for number in range(30_000)]
    lines[123] = lines[23_456] = b"Warning: NaN\n"
    _log(mlrun, run_id).write_bytes(b"".join(lines))
    address = studio.pages.file(run_id, "logs", _LOG)
    first = studio.get(f"{address}?find=warning").text
    assert "<mark>Warning</mark>: NaN" in first and "&lt;b&gt;122&lt;/b&gt;" in first and "23455" not in first
    at = b"".join(lines).index(b"Warning") + 1
    assert f"from={at}" in first
    second = studio.get(f"{address}?find=warning&from={at}").text
    assert "23455" in second and "<mark>Warning</mark>" in second
    assert "Not found." in studio.get(f"{address}?find=no+such+text").text


def test_what_a_script_wrote_is_shown_as_what_it_is(mlrun: Mlrun, studio: Studio, run_id: str) -> None:
    _output(mlrun, run_id, "m.json", b'{"a":[1,{"<b>":null}]}')
    _output(mlrun, run_id, "t.csv", b"x,y\n" + b"".join(b"%d,<i>\n" % number for number in range(1000)))
    _output(mlrun, run_id, "model.bin", b"\0\1\2")
    _output(mlrun, run_id, "bad.json", b"{")
    names = os.listdir(mlrun.run_folder(run_id) / "work" / "outputs")
    shown = {name: studio.get(studio.pages.file(run_id, "logs", f"outputs/{name}")).text for name in names}
    assert "&#34;&lt;b&gt;&#34;: null" in shown["m.json"]
    assert "<td>199</td><td>&lt;i&gt;</td>" in shown["t.csv"] and "<td>200</td>" not in shown["t.csv"]
    assert "This is no text" in shown["model.bin"]
    assert '<div class="line">{\n</div>' in shown["bad.json"]


def test_files_of_any_name_and_depth_have_a_page(mlrun: Mlrun, studio: Studio, run_id: str) -> None:
    _output(mlrun, run_id, "two\nlines.txt", b"found")
    _output(mlrun, run_id, os.fsdecode(b"no \xff text.txt"), b"")
    deep = f"outputs/{'d/' * 320}deep.txt"
    path = mlrun.run_folder(run_id) / "work" / deep
    path.parent.mkdir(parents=True)
    path.write_bytes(b"found")
    page = studio.get(studio.pages.run(run_id, "logs")).text
    assert "no ? text.txt" in page and "/deep.txt</a>" in page
    for name in ("outputs/two\nlines.txt", deep):
        assert "found" in studio.get(studio.pages.file(run_id, "logs", name)).text
        assert studio.get(studio.pages.file(run_id, "files", name)).body == b"found"


def test_json_that_would_fill_the_page_with_blanks_is_shown_as_it_is(mlrun: Mlrun, studio: Studio, run_id: str) -> None:
    _output(mlrun, run_id, "deep.json", b"[" * 200 + b",".join([b"0"] * 100_000) + b"]" * 200)
    _output(mlrun, run_id, "half.json", b'{"half": "\\ud800"}')
    deep, half = (studio.get(studio.pages.file(run_id, "logs", f"outputs/{name}.json")) for name in ("deep", "half"))
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
    answer = studio.get(studio.pages.file(run_id, "files", f"outputs/{name}"))
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
            answer = studio.ask("GET", f"{studio.pages.run(run_id, tab)}/{path}")
            assert answer.status == 404, (tab, path)
            assert b"a secret text" not in answer.body


def test_a_part_of_a_file_can_be_asked_for(mlrun: Mlrun, studio: Studio, run_id: str) -> None:
    _output(mlrun, run_id, "model.bin", bytes(range(256)) * 1000)
    address = studio.pages.file(run_id, "files", "outputs/model.bin")
    answer = studio.ask("GET", address, headers={"Range": "bytes=1000-1003"})
    assert (answer.status, answer.body) == (206, bytes([232, 233, 234, 235]))


def test_all_files_come_as_one_archive(mlrun: Mlrun, studio: Studio, run_id: str) -> None:
    _output(mlrun, run_id, "a.txt", b"one")
    _output(mlrun, run_id, "ü ñ.txt", b"two")
    answer = studio.get(studio.pages.run(run_id, "zip"))
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        assert archive.testzip() is None
        assert archive.read("outputs/a.txt") == b"one"
        assert archive.read("outputs/ü ñ.txt") == b"two"
        assert archive.read(_LOG) == b"done\n"


def test_the_snapshot_is_shown_with_line_numbers_and_comes_as_an_archive(studio: Studio, run_id: str) -> None:
    page = studio.get(studio.pages.run(run_id, "snapshot")).text
    assert '<tr id="L1"><td class="line-number"><a href="#L1">1</a></td>' in page
    assert "print(<span" in page
    with zipfile.ZipFile(io.BytesIO(studio.get(studio.pages.run(run_id, "snapshot-zip")).body)) as archive:
        assert archive.read("train.py") == b"print('done')"
    answer = studio.get(studio.pages.file(run_id, "snapshot-files", "train.py"))
    assert (answer.body, answer.headers["content-disposition"]) == (
        b"print('done')",
        "attachment; filename*=utf-8''train.py",
    )
    assert studio.get(studio.pages.file(run_id, "snapshot", "nothing.py")).status == 404


def test_a_file_that_is_not_there_is_said_beside_those_that_are(studio: Studio, run_id: str) -> None:
    answer = studio.get(studio.pages.file(run_id, "logs", "outputs/gone.txt"))
    assert answer.status == 404
    assert "has no file" in answer.text and "std_log.txt" in answer.text


def test_lines_of_a_log_appear_by_themselves(mlrun: Mlrun, studio: Studio, tab: Page) -> None:
    mlrun.script(
        """
        import pathlib, sys, time
        print("begun")
        while not pathlib.Path("/proc/self").exists() or not pathlib.Path(sys.argv[1]).exists():
            time.sleep(0.02)
        print("working 10%", end="")
        time.sleep(0.5)
        print("\\rworking 99%")
        """
    )
    gate = mlrun.folder.parent / "gate"
    run_id = mlrun.submit("train.py", str(gate))
    until(lambda: "begun" in mlrun.log(run_id))
    tab.goto(studio.pages.run(run_id, "logs"))
    expect(tab.locator("#log")).to_have_text("begun\n", use_inner_text=True)
    gate.touch()
    expect(tab.locator("#log .line", has_text="working 10%")).to_be_visible()
    expect(tab.locator("#log .line", has_text="working 99%")).to_be_visible()
    expect(tab.locator("#log .line")).to_have_count(2)
    expect(tab.locator("#run-status")).to_contain_text("Completed")


def test_a_file_of_the_script_is_as_live_as_a_log(mlrun: Mlrun, studio: Studio, tab: Page, run_id: str) -> None:
    _output(mlrun, run_id, "own.log", b"first\n")
    tab.goto(studio.pages.file(run_id, "logs", "outputs/own.log"))
    expect(tab.locator("#log .line")).to_have_text(["first\n"], use_inner_text=True)
    _output(mlrun, run_id, "own.log", b"first\nsecond\n")
    expect(tab.locator("#log .line", has_text="second")).to_be_visible()


def test_earlier_lines_come_when_they_are_asked_for(mlrun: Mlrun, studio: Studio, tab: Page, run_id: str) -> None:
    _log(mlrun, run_id).write_bytes(b"".join(b"line %d of the log\n" % number for number in range(10_000)))
    tab.goto(studio.pages.run(run_id, "logs"))
    expect(tab.locator("#log")).to_contain_text("line 9999 of the log")
    expect(tab.locator("#log")).not_to_contain_text("line 0 of the log")
    tab.get_by_text("Earlier (").click()
    expect(tab.locator("#log")).to_contain_text("line 0 of the log")
    expect(tab.get_by_text("Earlier (")).to_have_count(0)
    expect(tab.locator("#log .line")).to_have_count(10_000)


def _peak_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return 1024 * int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])
