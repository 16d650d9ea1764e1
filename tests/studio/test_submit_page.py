"""A new run, and one like another."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.running import Mlrun, until
from tests.studio.serving import Studio

_SCRIPT = "import os, sys; print('given', sys.argv[1:], os.environ.get('API_TOKEN', ''))"


def _run_ids(mlrun: Mlrun) -> list[str]:
    return [str(run_id) for (run_id,) in mlrun.stored("SELECT run_id FROM runs ORDER BY run_key")]


def test_a_run_is_chosen_tried_dry_and_submitted(mlrun: Mlrun, studio: Studio, tab: Page) -> None:
    mlrun.script(_SCRIPT)
    mlrun.script("print()", "tools/other.py")
    tab.goto(studio.pages.experiments())
    tab.get_by_role("link", name="New run").click()
    tab.get_by_label("Folder").fill(str(mlrun.folder))
    tab.get_by_role("button", name="Show its scripts and runconfigs").click()
    expect(tab.locator("#list-script option")).to_have_count(2)
    tab.get_by_label("Script").fill("train.py")
    tab.get_by_label("Arguments").fill("--lr 0.1 'two words'")
    tab.get_by_label("Experiment").fill("new-one")
    tab.get_by_label("Tags").fill("quality=good final")
    tab.get_by_role("button", name="Dry run").click()
    expect(tab.get_by_text("Nothing was started.")).to_be_visible()
    expect(tab.get_by_text("train.py --lr 0.1 'two words'", exact=False).first).to_be_visible()
    assert _run_ids(mlrun) == []
    tab.get_by_role("button", name="Submit").click()
    expect(tab.locator("#run-status")).to_contain_text("Completed")
    (run_id,) = _run_ids(mlrun)
    assert tab.url == studio.pages.run(run_id)
    assert mlrun.log(run_id) == "given ['--lr', '0.1', 'two words'] \n"
    assert mlrun.show(run_id)["tags"] == {"quality": "good", "final": None}


def test_resubmit_opens_the_form_as_the_run_was_submitted(mlrun: Mlrun, studio: Studio) -> None:
    mlrun.script(_SCRIPT)
    runconfig = mlrun.folder / ".azureml" / "mine.runconfig"
    runconfig.write_text("script: train.py\nenvironment:\n  python:\n    userManagedDependencies: true\n")
    run_id = mlrun.submit("-c", "mine", "train.py", "--lr", "0.5", "a b")
    mlrun.wait(run_id)
    text = studio.get(studio.pages.submit(like=run_id)).text
    for name, value in (
        ("folder", str(mlrun.folder)),
        ("script", "train.py"),
        ("arguments", "--lr 0.5 &#39;a b&#39;"),
        ("runconfig", "mine"),
        ("experiment", "exp"),
    ):
        assert re.search(rf'name="{name}" value="{re.escape(value)}"', text), name


def test_a_secret_argument_is_not_in_the_form(mlrun: Mlrun, studio: Studio) -> None:
    mlrun.script(_SCRIPT)
    run_id = mlrun.submit("train.py", "--password", "hunter2")
    mlrun.wait(run_id)
    text = studio.get(studio.pages.submit(like=run_id)).text
    assert "hunter2" not in text and "--password &#39;***&#39;" in text


def test_what_cannot_be_right_is_said_and_what_was_typed_stays(mlrun: Mlrun, studio: Studio) -> None:
    mlrun.script(_SCRIPT)
    typed = {"folder": str(mlrun.folder), "script": "train.py", "experiment": "exp", "arguments": "a 'b"}
    for change, said in (
        ({}, "Arguments: a quotation mark is not closed"),
        ({"folder": "/no/such"}, "Folder: there is no folder"),
        ({"folder": "~no-such-user/x"}, "Folder: there is no folder"),
        ({"arguments": "a\0b"}, "Arguments: there is a zero byte"),
        ({"arguments": "", "script": "nothing.py"}, "nothing.py"),
        ({"arguments": "", "target": "gpu-cluster"}, "There is no compute target"),
        ({"arguments": "", "experiment": "bad/name"}, "bad/name"),
        ({"arguments": "", "environment": "none"}, "Environment: there is no"),
    ):
        answer = studio.post(studio.pages.submit(), **typed | change, do="submit")
        assert answer.status == 400 and said in answer.text, change
        assert 'role="alert"' in answer.text and 'name="script" value=' in answer.text
    assert _run_ids(mlrun) == []


def test_a_folder_that_is_gone_is_said(mlrun: Mlrun, studio: Studio) -> None:
    mlrun.script(_SCRIPT)
    run_id = mlrun.submit()
    mlrun.wait(run_id)
    mlrun.folder.rename(mlrun.folder.with_name("moved"))
    assert "is not there any more" in studio.get(studio.pages.submit(like=run_id)).text


def test_the_queue_says_what_runs_and_what_waits_and_why(mlrun: Mlrun, studio: Studio, tab: Page) -> None:
    mlrun.script("import time; time.sleep(600)")
    mlrun("computetarget", "create", "amlcompute", "-n", "cpu", "--max-nodes", "1", "--vm-size", "any")
    first, second = mlrun.submit("--ct", "cpu", "train.py"), mlrun.submit("--ct", "cpu", "train.py")
    mlrun.wait_for_status(first, "Running")
    tab.goto(studio.pages.queue())
    expect(tab.locator("#queue")).to_contain_text("1 of 1 node taken, 1 waiting")
    expect(tab.locator("tr", has_text=second)).to_contain_text("1 of the 1 node of 'cpu' taken")
    tab.locator("tr", has_text=first).get_by_text("Cancel", exact=True).click()
    tab.locator("tr", has_text=first).get_by_role("button", name="Cancel the run").click()
    expect(tab.locator("tr", has_text=first)).to_have_count(0)
    expect(tab.locator("tr", has_text=second)).to_contain_text("Running")
    mlrun("run", "cancel", "-r", second)
    expect(tab.locator("#queue")).to_contain_text("0 of 1 node taken, 0 waiting")
    assert until(lambda: mlrun.stored_status(first) == "Canceled")
