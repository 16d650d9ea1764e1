"""A run's page: its toolbar, its details, its child runs and its record."""

from __future__ import annotations

import json
from functools import partial

from playwright.sync_api import Page, expect

from tests.running import Mlrun, until
from tests.studio.serving import Studio

_COPIED_MS = 1500


def test_the_details_say_what_ran_and_how_it_ended(mlrun: Mlrun, studio: Studio) -> None:
    mlrun.script("import sys; raise ValueError(f'<b>{sys.argv[1]}</b>')")
    run_id = mlrun.submit("train.py", "two words", "--lr=0.1")
    mlrun.wait_for_status(run_id, "Failed")
    mlrun("run", "update", "-r", run_id, "--add-tag", "quality=<i>", "--add-tag", "final")
    text = studio.get(studio.urls.run(run_id)).text
    assert "train.py &#39;two words&#39; --lr=0.1" in text
    assert "ValueError: &lt;b&gt;two words&lt;/b&gt;" in text and "Traceback (most recent call last)" in text
    assert "Exit code 1" in text
    for status in mlrun.history(run_id):
        assert f"</span>{status}</span>" in text
    assert '<span class="value">&lt;i&gt;</span>' in text
    assert "tag=quality%3D%3Ci%3E" in text and "tag=final" in text
    assert "ContentSnapshotId" in text


def test_the_attempts_of_a_run_are_listed_with_their_logs(mlrun: Mlrun, studio: Studio) -> None:
    mlrun.script(
        "import os, sys\nnumber = int(os.environ['MLRUN_ATTEMPT'])\nprint('this is', number)\n"
        "sys.exit(75 if number == 1 else 0)"
    )
    run_id = mlrun.submit("--retry", "2", "train.py")
    mlrun.wait(run_id)
    text = studio.get(studio.urls.run(run_id)).text
    listed = text[text.index("attempts-title") :]
    assert listed.count("Log of attempt") == 2
    assert listed.index("Exit code 75") < listed.index("Log of attempt 1") < listed.index("Exit code 0")
    log = studio.get(studio.urls.file(run_id, "logs", "user_logs/std_log_attempt1.txt")).text
    assert "this is 1" in log and "this is 2" not in log


def test_a_signal_that_ended_a_run_is_named(mlrun: Mlrun, studio: Studio) -> None:
    mlrun.script("import os; os.kill(os.getpid(), 9)")
    run_id = mlrun.ended()["run_id"]
    assert "Signal SIGKILL" in studio.get(studio.urls.run(run_id)).text


def test_a_description_is_markdown_without_anything_that_acts(mlrun: Mlrun, studio: Studio) -> None:
    mlrun.script("print()")
    run_id = mlrun.ended()["run_id"]
    description = (
        "# Title\n**bold** [good](https://example.org) [bad](javascript:alert(1))\n"
        "<script>alert(1)</script> ![far](https://example.org/x.png)\n<img src=x onerror=alert(1)>"
    )
    mlrun("run", "update", "-r", run_id, "--description", description)
    text = studio.get(studio.urls.run(run_id)).text
    assert "<h3>Title</h3>" in text and "<strong>bold</strong>" in text
    assert '<a href="https://example.org" rel="noopener noreferrer nofollow">good</a>' in text
    assert "<script>alert" not in text and "javascript:" not in text.replace("(javascript:", "") and "x.png" not in text
    assert "<img src=x" not in text


def test_the_raw_json_is_what_run_show_prints(mlrun: Mlrun, studio: Studio) -> None:
    mlrun.script("from azureml.core import Run; Run.get_context().tag('a', 'ü')")
    run_id = mlrun.ended()["run_id"]
    printed = mlrun("run", "show", "-r", run_id).stdout
    assert studio.get(studio.urls.run(run_id, "json", "download")).text == printed
    shown = studio.get(studio.urls.run(run_id, "json")).text
    assert json.loads(printed)["run_uuid"] in shown


def test_child_runs_are_listed_with_what_they_logged(mlrun: Mlrun, studio: Studio) -> None:
    mlrun.script(
        """
        from azureml.core import Run
        run = Run.get_context()
        for number in range(3):
            with run.child_run(name=f"fold {number}") as child:
                child.log("accuracy", 0.9 + number / 100)
        """
    )
    run_id = mlrun.ended()["run_id"]
    text = studio.get(studio.urls.run(run_id, "children")).text
    assert "3 child runs" in text
    assert text.index("fold 0") < text.index("fold 1") < text.index("fold 2")
    assert '<td class="number">0.92</td>' in text


def test_a_program_that_accepts_json_gets_the_error_as_json(mlrun: Mlrun, studio: Studio) -> None:
    address = studio.urls.run("exp_1_nobody")
    answer = studio.ask("GET", address, headers={"Accept": "application/json"})
    failure = mlrun.fails("run", "show", "-r", "exp_1_nobody", exit_code=3)
    assert (answer.status, json.loads(answer.body)) == (404, {"error": failure.record})
    page = studio.ask("GET", address, headers={"Accept": "text/html,application/json;q=0.9"})
    assert page.status == 404 and page.text.startswith("<!doctype html>")
    nowhere = studio.ask("GET", f"{studio.address}/nowhere", headers={"Accept": "application/json"})
    assert (nowhere.status, json.loads(nowhere.body)["error"]["code"]) == (404, "PageNotFound")


def test_a_run_that_is_not_there_is_said_with_a_way_back(studio: Studio) -> None:
    answer = studio.get(studio.urls.run("exp_1_nobody"))
    assert answer.status == 404
    ((code, text),) = answer.problems
    assert code == "RunNotFound" and "'exp_1_nobody'" in text
    assert "<code>RunNotFound</code>" in answer.text
    assert studio.urls.experiments().removeprefix(studio.address) in answer.text


def test_cancel_asks_once_and_the_page_shows_the_end(mlrun: Mlrun, tab: Page, studio: Studio) -> None:
    mlrun.script("import time; print('on'); time.sleep(600)")
    run_id = mlrun.submit()
    mlrun.wait_for_status(run_id, "Running")
    tab.goto(studio.urls.run(run_id))
    tab.get_by_role("toolbar").get_by_text("Cancel", exact=True).click()
    tab.get_by_role("button", name="Cancel the run").click()
    expect(tab.locator("#run-status")).to_contain_text("Canceled")
    expect(tab.locator("#details")).to_contain_text("CancelRequested")
    expect(tab.get_by_text("SIGTERM")).to_have_text(["Canceled: stopped by SIGTERM"])
    expect(tab.locator(".failure")).to_have_count(0)
    assert mlrun.wait(run_id)["status"] == "Canceled"


def test_the_status_that_a_run_has_pulses_alone(mlrun: Mlrun, tab: Page, studio: Studio) -> None:
    mlrun.script("import time; time.sleep(300)")
    run_id = mlrun.submit()
    mlrun.wait_for_status(run_id, "Running")
    tab.goto(studio.urls.run(run_id))
    expect(tab.locator(".history li").last).to_contain_text("Running")
    pulses = tab.locator(".history .dot").evaluate_all("dots => dots.map((dot) => getComputedStyle(dot).animationName)")
    assert pulses[-1] == "pulse" and set(pulses[:-1]) == {"none"}


def test_ids_and_commands_can_be_copied(mlrun: Mlrun, tab: Page, studio: Studio) -> None:
    mlrun.script("print()")
    run_id = mlrun.ended("train.py", "a b")["run_id"]
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.clock.install(time="2026-01-31T10:00:00")
    tab.goto(studio.urls.run(run_id))
    tab.clock.pause_at("2026-01-31T11:00:00")  # so that it says so until it has been looked at
    command = f"mlrun run submit-script --path '{mlrun.folder}' -e exp train.py 'a b'"
    for name, copied in (("Copy id", run_id), ("Copy command", command)):
        tab.get_by_role("button", name=name).click()
        expect(tab.get_by_role("button", name="Copied")).to_be_visible()
        until(partial(_clipboard_holds, tab, copied))
        tab.clock.run_for(_COPIED_MS)
        expect(tab.get_by_role("button", name=name)).to_be_visible()


def test_news_leave_alone_what_says_that_it_has_been_copied(mlrun: Mlrun, studio: Studio, tab: Page) -> None:
    mlrun.script("print()")
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.goto(studio.urls.run(mlrun.ended()["run_id"]))
    shown = tab.evaluate(
        """async () => {
            const toolbar = document.querySelector("#run-toolbar"), button = toolbar.querySelector("[data-copy]");
            const news = toolbar.outerHTML;
            const said = new Promise((resolve) => new MutationObserver(resolve).observe(button, { childList: true }));
            button.click();
            await said;
            Idiomorph.morph(toolbar, news, { morphStyle: "outerHTML" });
            return document.querySelector("#run-toolbar [data-copy]").textContent;
        }"""
    )
    assert shown == "Copied"


def _clipboard_holds(tab: Page, text: str) -> bool:
    return bool(tab.evaluate("navigator.clipboard.readText()") == text)
