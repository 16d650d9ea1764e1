"""A new run, and one like another."""

from __future__ import annotations

import html
import json
import re
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, expect

from tests.running import Mlrun, until
from tests.studio.serving import Studio

_STORE = "workspaceblobstore"
_SCRIPT = "import os, sys; print('given', sys.argv[1:], os.environ.get('API_TOKEN', ''))"


def _run_ids(mlrun: Mlrun) -> list[str]:
    return [str(run_id) for (run_id,) in mlrun.stored("SELECT run_id FROM runs ORDER BY run_key")]


def _filled_in(studio: Studio, run_id: str) -> dict[str, str]:
    """The fields of the form that would submit a run again, as a browser would send them."""
    text = studio.get(studio.urls.submit_form(like=run_id)).text
    fields = dict(re.findall(r'<input id="field-\w+" name="(\w+)" value="([^"]*)"', text))
    return {name: html.unescape(value) for name, value in fields.items()}


def _submission(mlrun: Mlrun, run_id: str) -> Any:
    document = json.loads((mlrun.run_folder(run_id) / "submission.json").read_text(encoding="utf-8"))
    del document["run_id"]
    return document


def _submitted(mlrun: Mlrun, studio: Studio, fields: dict[str, str]) -> str:
    answer = studio.post(studio.urls.submit_form(), **fields, do="submit")
    assert answer.status == 303, answer.text
    run_id = _run_ids(mlrun)[-1]
    mlrun.wait(run_id)
    return run_id


def test_a_run_is_chosen_tried_dry_and_submitted(mlrun: Mlrun, studio: Studio, tab: Page) -> None:
    mlrun.script(_SCRIPT)
    mlrun.script("print()", "tools/other.py")
    (mlrun.folder / "data.bin").write_bytes(bytes(1500 << 10))
    tab.goto(studio.urls.experiments())
    tab.get_by_role("link", name="New run").click()
    tab.wait_for_load_state()
    tab.get_by_label("Folder").fill(str(mlrun.folder))
    tab.get_by_label("Arguments").fill("--api-key sesame")
    tab.get_by_role("button", name="Show its scripts and runconfigs").click()
    expect(tab.get_by_text("2 scripts, 2 runconfigs")).to_be_visible()
    expect(tab.locator("#list-script option")).to_have_count(2)
    expect(tab.get_by_label("Arguments")).to_have_value("--api-key sesame")
    assert urlsplit(tab.url).query == "", "addresses are kept in the browser's history"
    tab.get_by_label("Script").fill("train.py")
    tab.get_by_label("Arguments").fill("--lr 0.1 'two words'")
    tab.get_by_label("Experiment").fill("new-one")
    tab.get_by_label("Tags").fill("quality=good final")
    tab.get_by_role("button", name="Dry run").click()
    expect(tab.get_by_text("Nothing was started.")).to_be_visible()
    expect(tab.get_by_text("train.py --lr 0.1 'two words'", exact=False).first).to_be_visible()
    expect(tab.get_by_text("files, 1.5 MB, of")).to_be_visible()
    assert "files, 1.5 MB, of" in mlrun("run", "submit-script", "--dry-run", "-o", "table", "train.py").stdout
    assert _run_ids(mlrun) == []
    expect(tab.get_by_role("button", name="Dry run")).to_be_focused()
    tab.get_by_role("link", name="Queue").click()
    tab.wait_for_url(studio.urls.queue())
    tab.go_back()
    expect(tab.get_by_label("Tags")).to_have_value("quality=good final")
    expect(tab.get_by_label("Arguments")).to_have_value("--lr 0.1 'two words'")
    tab.get_by_role("button", name="Submit").click()
    expect(tab.locator("#run-status")).to_contain_text("Completed")
    (run_id,) = _run_ids(mlrun)
    assert tab.url == studio.urls.run(run_id)
    assert mlrun.log(run_id) == "given ['--lr', '0.1', 'two words'] \n"
    assert mlrun.show(run_id)["tags"] == {"quality": "good", "final": None}


def test_who_is_told_what_is_wrong_can_go_on_and_come_back(studio: Studio, browser: Browser) -> None:
    with browser.new_context() as context:
        tab = context.new_page()
        tab.goto(f"{studio.address}/?token={studio.token}")
        tab.goto(studio.urls.submit_form(experiment="exp"))
        tab.get_by_label("Folder").fill("relative")
        for button in ("Show its scripts and runconfigs", "Submit"):
            tab.get_by_label("Folder").fill("relative")
            tab.get_by_role("button", name=button).click()
            expect(tab.get_by_role("alert")).to_contain_text("Folder: there is no folder 'relative'.")
            tab.get_by_role("link", name="Queue").click()
            tab.wait_for_url(studio.urls.queue())
            tab.go_back()
            expect(tab.get_by_label("Folder")).to_have_value("relative")
            expect(tab.get_by_role("alert")).to_have_count(0)


def test_resubmit_opens_the_form_as_the_run_was_submitted(mlrun: Mlrun, studio: Studio) -> None:
    mlrun.script(_SCRIPT)
    runconfig = mlrun.folder / ".azureml" / "mine.runconfig"
    runconfig.write_text("script: train.py\nenvironment:\n  python:\n    userManagedDependencies: true\n")
    run_id = mlrun.ended("-c", "mine", "train.py", "--lr", "0.5", "a b")["run_id"]
    text = studio.get(studio.urls.submit_form(like=run_id)).text
    for name, value in (
        ("folder", str(mlrun.folder)),
        ("script", "train.py"),
        ("arguments", "--lr 0.5 &#39;a b&#39;"),
        ("runconfig", "mine"),
        ("experiment", "exp"),
    ):
        assert re.search(rf'name="{name}" value="{re.escape(value)}"', text), name


def _again(mlrun: Mlrun, studio: Studio, run_id: str, **changes: str) -> str:
    """Submit what ran again, by its form as it opens; the new run's id."""
    text = studio.get(studio.urls.submit_form(like=run_id)).text
    assert '<option value="snapshot" selected>' in text, text
    fields = {**_filled_in(studio, run_id), "like": run_id, "source": "snapshot", **changes}
    return _submitted(mlrun, studio, fields)


def test_resubmit_runs_what_ran_whatever_has_become_of_its_folder(mlrun: Mlrun, studio: Studio) -> None:
    script = "import os, sys, helper; print(helper.WORD, sys.argv[1:], os.environ.get('LEVEL', ''))"
    mlrun.script(script)
    mlrun.script("WORD = 'before'", "helper.py")
    mlrun.script(
        f"script: train.py\narguments: [a, b c]\nenvironmentVariables: {{LEVEL: high}}\n{_USER_MANAGED}",
        ".azureml/mine.runconfig",
    )
    mlrun.script(f"command: python train.py x && echo twice\n{_USER_MANAGED}", ".azureml/shell.runconfig")
    firsts = [mlrun.submit(*words) for words in (("train.py", "$HOME"), ("-c", "mine"), ("-c", "shell"))]
    logs = {first: (mlrun.wait(first)["status"], mlrun.log(first)) for first in firsts}
    assert list(logs.values()) == [
        ("Completed", "before ['$HOME'] \n"),
        ("Completed", "before ['a', 'b c'] high\n"),
        ("Completed", "before ['x'] \ntwice\n"),
    ]
    mlrun.script("WORD = 'after'", "helper.py")
    (mlrun.folder / ".azureml" / "mine.runconfig").unlink()
    for first, said in logs.items():
        second = _again(mlrun, studio, first)
        assert (mlrun.show(second)["status"], mlrun.log(second)) == said
        assert _submission(mlrun, second) == _submission(mlrun, first)
    assert mlrun.log(_again(mlrun, studio, firsts[1], script="helper.py")) == ""
    for path in [*mlrun.folder.glob("*.py"), *mlrun.folder.glob(".azureml/*.runconfig")]:
        path.unlink()
    for first, said in logs.items():
        third = _again(mlrun, studio, _again(mlrun, studio, first, name="again"))
        assert (mlrun.show(third)["status"], mlrun.log(third)) == said
        assert mlrun.show(third)["display_name"] == "again"
        assert (
            mlrun.show(third)["properties"]["ContentSnapshotId"] == mlrun.show(first)["properties"]["ContentSnapshotId"]
        )


def test_resubmit_brings_the_data_anew(mlrun: Mlrun, studio: Studio) -> None:
    mlrun.script(
        "import os, sys\n"
        "places = [*sys.argv[1:], os.environ['AZUREML_DATAREFERENCE_in'], os.environ['given']]\n"
        "print([(os.path.relpath(place, '..'), os.listdir(place)) for place in places])"
    )
    mlrun.script("1", "data/a.csv")
    mlrun.script(
        "script: train.py\narguments: [$AZUREML_DATAREFERENCE_in, DatasetConsumptionConfig:given]\n"
        "dataReferences:\n  in: {dataStoreName: workspaceblobstore, pathOnDataStore: in, mode: download}\n"
        "data:\n  given: {dataLocation: {uri: {path: data}}, environmentVariableName: given, mechanism: download}\n"
        f"{_USER_MANAGED}",
        ".azureml/mine.runconfig",
    )
    mlrun("datastore", "upload", "-n", "workspaceblobstore", "-p", "data", "-u", "in")
    first = mlrun.ended("-c", "mine")["run_id"]
    said = mlrun.log(first)
    assert said.count("('inputs/in', ['a.csv'])") == said.count("('inputs/given', ['a.csv'])") == 2, said
    assert mlrun.show(first)["run_definition"]["dataReferences"] == {
        "in": {
            "dataStoreName": "workspaceblobstore",
            "mode": "download",
            "pathOnDataStore": "in",
            "pathOnCompute": None,
        }
    }
    second = _again(mlrun, studio, first)
    assert (mlrun.show(second)["status"], mlrun.log(second)) == ("Completed", said)
    mlrun("run", "delete", "-r", first, "--yes")
    third = _again(mlrun, studio, second)
    assert (mlrun.show(third)["status"], mlrun.log(third)) == ("Completed", said)


def test_resubmit_works_when_the_folder_is_gone(mlrun: Mlrun, studio: Studio) -> None:
    mlrun.script(_SCRIPT)
    first = mlrun.ended("train.py", "x")["run_id"]
    moved = mlrun.folder.rename(mlrun.folder.with_name("moved"))
    page = studio.get(studio.urls.submit_form(like=first)).text
    assert "is not there any more" in page and '<option value="snapshot" selected>' in page
    fields = {"like": first, "source": "snapshot", "script": "train.py", "arguments": "x", "experiment": "exp"}
    dry = studio.post(studio.urls.submit_form(), **fields, do="dry-run")
    assert dry.status == 200 and "Nothing was started." in dry.text
    assert studio.post(studio.urls.submit_form(), **fields, do="submit").status == 303
    moved.rename(mlrun.folder)
    second = _run_ids(mlrun)[-1]
    assert mlrun.wait(second)["status"] == "Completed" and mlrun.log(second) == mlrun.log(first)


def test_resubmit_shows_how_the_folder_differs_from_what_ran(mlrun: Mlrun, studio: Studio, tab: Page) -> None:
    mlrun.script("print('one')\nprint('same')")
    mlrun.script("", "gone.py")
    run_id = mlrun.ended()["run_id"]
    assert "nothing has changed" in studio.get(studio.urls.submit_form(like=run_id)).text
    mlrun.script("print('two')\nprint('same')")
    mlrun.script("", "new.py")
    (mlrun.folder / "gone.py").unlink()
    tab.goto(studio.urls.run(run_id))
    tab.get_by_role("link", name="Resubmit").click()
    changes = tab.get_by_role("region", name="What has changed in the folder since")
    expect(changes.locator(".removed")).to_have_text("-print('one')")
    expect(changes.locator(".added")).to_have_text("+print('two')")
    expect(changes).to_contain_text("added new.py")
    expect(changes).to_contain_text("removed gone.py")
    for source, said in (("snapshot", "one\nsame\n"), ("folder", "two\nsame\n")):
        tab.goto(studio.urls.submit_form(like=run_id))
        tab.get_by_label("Source", exact=True).select_option(source)
        tab.get_by_role("button", name="Dry run").click()
        expect(tab.get_by_text("Nothing was started.")).to_be_visible()
        tab.get_by_role("button", name="Submit").click()
        expect(tab.locator("#run-status")).to_contain_text("Completed")
        assert mlrun.log(_run_ids(mlrun)[-1]) == said


def test_what_ran_with_a_secret_is_not_run_without_it(mlrun: Mlrun, studio: Studio) -> None:
    mlrun.script(_SCRIPT)
    mlrun.script(f"script: train.py\narguments: [--api-key, hunter2]\n{_USER_MANAGED}", ".azureml/mine.runconfig")
    mlrun.script(f"environmentVariables: {{API_TOKEN: hunter2}}\n{_USER_MANAGED}", ".azureml/variable.runconfig")
    first = mlrun.ended("-c", "mine")["run_id"]
    fields = {**_filled_in(studio, first), "like": first, "source": "snapshot", "do": "submit"}
    refused = studio.post(studio.urls.submit_form(), **fields)
    ((code, text),) = refused.problems
    assert (refused.status, code) == (400, "RunNotRepeatable") and "'--api-key ***'" in text
    again = _again(mlrun, studio, first, script="train.py", arguments="--api-key hunter2")
    assert mlrun.log(again) == mlrun.log(first)
    second = mlrun.ended("-c", "variable", "train.py")["run_id"]
    page = studio.get(studio.urls.submit_form(like=second)).text
    assert "No record holds the secrets in the environment variables API_TOKEN" in page
    assert '<option value="folder" selected>' in page and "hunter2" not in page
    fields = {**_filled_in(studio, second), "like": second, "source": "snapshot", "do": "submit"}
    assert studio.post(studio.urls.submit_form(), **fields).status == 400
    missing = {**fields, "like": first, "script": "nothing.py"}
    refused = studio.post(studio.urls.submit_form(), **missing)
    ((code, text),) = refused.problems
    assert (refused.status, code) == (400, "ScriptNotFound")
    assert "'nothing.py'" in text and f"'{first}'" in text


def test_a_command_is_submitted_and_resubmitted(mlrun: Mlrun, studio: Studio) -> None:
    mlrun.script("import sys; print(sys.argv[1:])")
    for typed, said in (("python train.py --lr 0.1", "['--lr', '0.1']\n"), ("echo a && echo b", "a\nb\n")):
        first = _submitted(mlrun, studio, {"folder": str(mlrun.folder), "experiment": "exp", "command": typed})
        assert mlrun.log(first) == said
        assert _filled_in(studio, first)["command"] == typed
        assert mlrun.log(_again(mlrun, studio, first, source="folder")) == said
        assert mlrun.log(_again(mlrun, studio, first, source="snapshot", command="echo c")) == "c\n"
    fields = {**_filled_in(studio, first), "source": "folder", "script": "train.py", "do": "submit"}
    ((code, text),) = studio.post(studio.urls.submit_form(), **fields).problems
    assert code == "ConflictingOptions" and text.startswith("Command:")


_USER_MANAGED = "environment:\n  python:\n    userManagedDependencies: true\n"


def test_resubmit_submits_the_same(mlrun: Mlrun, studio: Studio) -> None:
    mlrun.script(_SCRIPT)
    mlrun.script("print('top')", "which.py")
    mlrun.script("print('sub')", "sub/which.py")
    mlrun.script("dependencies: [python=3.4]", "conda.yml")
    mlrun.script(f"script: train.py\narguments: [--api-key, hunter2]\n{_USER_MANAGED}", ".azureml/mine.runconfig")
    mlrun.script(f"command: echo said && echo twice\n{_USER_MANAGED}", ".azureml/shell.runconfig")
    mlrun("computetarget", "create", "amlcompute", "-n", "cpu", "--max-nodes", "1", "--vm-size", "any")
    for words in (
        ("train.py", "--lr", "a b", "$HOME", ""),
        ("-c", "mine"),
        ("-c", "mine", "train.py", "typed"),
        ("-c", "shell"),
        ("--source-directory", "sub", "which.py", "x"),
        ("--environment", "current", "-d", "conda.yml", "-e", "other", "train.py"),
        ("--ct", "cpu", "train.py"),
    ):
        first = mlrun.submit(*words)
        assert mlrun.wait(first)["status"] == "Completed", words
        fields = _filled_in(studio, first)
        assert "hunter2" not in str(fields), words
        second = _submitted(mlrun, studio, fields)
        assert _submission(mlrun, second) == _submission(mlrun, first), words
        assert mlrun.log(second) == mlrun.log(first), words
        assert "hunter2" not in json.dumps(_submission(mlrun, first)), words


def test_resubmit_has_the_tags_that_were_typed_and_not_those_of_later(mlrun: Mlrun, studio: Studio) -> None:
    mlrun.script(_SCRIPT)
    typed = {"folder": str(mlrun.folder), "script": "train.py", "experiment": "exp", "tags": "'a key=two words' final"}
    first = _submitted(mlrun, studio, {**typed, "environment": "dated:2020-06-01"})
    mlrun("run", "update", "-r", first, "--add-tag", "later=1")
    second = _submitted(mlrun, studio, _filled_in(studio, first))
    assert mlrun.show(second)["tags"] == {"a key": "two words", "final": None}
    assert _submission(mlrun, second) == _submission(mlrun, first)


def test_what_an_older_version_submitted_is_filled_in_from_what_it_came_to(mlrun: Mlrun, studio: Studio) -> None:
    mlrun.script(_SCRIPT)
    mlrun.script(_USER_MANAGED, ".azureml/mine.runconfig")
    run_id = mlrun.ended("-c", "mine", "train.py", "a b")["run_id"]
    path = mlrun.run_folder(run_id) / "submission.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    del document["asked"]
    path.write_text(json.dumps(document), encoding="utf-8")
    fields = _filled_in(studio, run_id)
    assert (fields["script"], fields["arguments"], fields["runconfig"]) == ("train.py", "'a b'", "mine")
    assert mlrun.log(_submitted(mlrun, studio, fields)) == mlrun.log(run_id)


def test_a_secret_argument_is_not_in_the_form_and_has_to_be_typed(mlrun: Mlrun, studio: Studio) -> None:
    mlrun.script(_SCRIPT)
    for given, said in (
        (("--api-key", "hunter2"), "--api-key ***"),
        (("--api-key=hunter2",), "--api-key=***"),
        (("https://me:hunter2@host/x",), "https://***@host/x"),
    ):
        run_id = mlrun.ended("train.py", *given, "end")["run_id"]
        fields = _filled_in(studio, run_id)
        shown = [studio.get(studio.urls.submit_form(like=run_id))]
        shown += [studio.post(studio.urls.submit_form(), **fields, do=do) for do in ("submit", "dry-run")]
        assert [answer.status for answer in shown] == [200, 400, 400]
        for answer in shown:
            assert re.search(r'id="field-arguments".*?id="problem" role="alert">', answer.text, re.DOTALL)
            ((code, text),) = answer.problems
            assert code == "InvalidValue" and f"'{said}'" in text and "hunter2" not in answer.text
        assert _run_ids(mlrun)[-1] == run_id
        fields["arguments"] = " ".join((*given, "end"))
        assert mlrun.log(_submitted(mlrun, studio, fields)) == mlrun.log(run_id)


def test_what_cannot_be_right_is_said_and_what_was_typed_stays(mlrun: Mlrun, studio: Studio) -> None:
    mlrun.script(_SCRIPT)
    typed = {"folder": str(mlrun.folder), "script": "train.py", "experiment": "exp", "arguments": "a 'b"}
    for change, code, fact in (
        ({}, "InvalidValue", "Arguments: "),
        ({"folder": "/no/such"}, "MissingFile", "Folder: "),
        ({"folder": "~no-such-user/x"}, "MissingFile", "Folder: "),
        ({"folder": f"/{'x' * 300}"}, "MissingFile", "Folder: "),
        ({"source_directory": "x" * 300}, "MissingFile", "Source directory: "),
        ({"arguments": "", "tags": "a 'b"}, "InvalidValue", "Tags: "),
        ({"do": "choices", "folder": ""}, "MissingOption", "Folder: "),
        ({"do": "choices", "folder": "/no/such"}, "MissingFile", "Folder: "),
        ({"do": "choices", "folder": "a/relative/path"}, "MissingFile", "Folder: "),
        ({"do": "choices", "folder": "/no\0such"}, "InvalidValue", "Folder: "),
        ({"do": "choices", "source_directory": "no-such"}, "MissingFile", "Source directory: "),
        ({"arguments": "a\0b"}, "InvalidValue", "Arguments: "),
        ({"arguments": "", "script": "nothing.py"}, "ScriptNotFound", "'nothing.py'"),
        ({"arguments": "a", "script": "", "runconfig": "local"}, "ConflictingOptions", "Arguments: "),
        ({"arguments": "", "source_directory": "no-such"}, "MissingFile", "'no-such'"),
        ({"arguments": "", "source_directory": "a\0b"}, "InvalidValue", "Source directory: "),
        ({"arguments": "", "conda_file": "no-such.yml"}, "MissingFile", "no-such.yml"),
        ({"arguments": "", "target": "gpu-cluster"}, "ComputeTargetNotFound", "'gpu-cluster'"),
        ({"arguments": "", "target": "gpu", "script": "gone.py"}, "SeveralProblems", "2 "),
        ({"arguments": "", "experiment": "bad/name"}, "InvalidName", "'bad/name'"),
        ({"arguments": "", "environment": "none"}, "InvalidValue", "'none'"),
        ({"arguments": "", "environment": "dated:2020-02-30"}, "InvalidValue", "'2020-02-30'"),
    ):
        answer = studio.post(studio.urls.submit_form(), **{**typed, "do": "submit", **change})
        (found, text), *several = answer.problems
        assert (answer.status, found) == (400, code) and fact in text, (change, answer.problems)
        if code == "SeveralProblems":
            assert {each for each, _ in several} == {"ComputeTargetNotFound", "ScriptNotFound"}
        assert 'role="alert"' in answer.text and 'name="script" value=' in answer.text
    assert _run_ids(mlrun) == []


def test_a_folder_that_is_gone_is_said(mlrun: Mlrun, studio: Studio) -> None:
    mlrun.script(_SCRIPT)
    run_id = mlrun.ended()["run_id"]
    mlrun.folder.rename(mlrun.folder.with_name("moved"))
    assert "is not there any more" in studio.get(studio.urls.submit_form(like=run_id)).text


def test_the_queue_says_what_runs_and_what_waits_and_why(mlrun: Mlrun, studio: Studio, tab: Page) -> None:
    mlrun.script("import time; time.sleep(600)")
    mlrun("computetarget", "create", "amlcompute", "-n", "cpu", "--max-nodes", "1", "--vm-size", "any")
    first, second = mlrun.submit("--ct", "cpu", "train.py"), mlrun.submit("--ct", "cpu", "train.py")
    mlrun.wait_for_status(first, "Running")
    tab.goto(studio.urls.queue())
    expect(tab.locator("#queue")).to_contain_text("1 of 1 node taken, 1 waiting")
    expect(tab.locator("tr", has_text=second)).to_contain_text("1 of the 1 node of 'cpu' taken")
    assert "Nothing has been printed yet." in studio.get(studio.urls.run(second, "logs")).text
    tab.set_viewport_size({"width": 400, "height": 800})
    expect(tab.locator("tr", has_text=second).get_by_text("of 'cpu' taken")).to_be_in_viewport(ratio=1)
    expect(tab.locator("tr", has_text=first).get_by_text("Cancel", exact=True)).to_be_in_viewport(ratio=1)
    tab.locator("tr", has_text=first).get_by_text("Cancel", exact=True).click()
    expect(tab.locator("tr", has_text=first).get_by_role("button", name="Cancel the run")).to_be_in_viewport(ratio=1)
    tab.locator("tr", has_text=first).get_by_role("button", name="Cancel the run").click()
    expect(tab.locator("tr", has_text=first)).to_have_count(0)
    expect(tab.locator("tr", has_text=second)).to_contain_text("Running")
    mlrun("run", "cancel", "-r", second)
    expect(tab.locator("#queue")).to_contain_text("0 of 1 node taken, 0 waiting")
    assert until(lambda: mlrun.stored_status(first) == "Canceled")


def test_pages_say_in_the_readers_time_until_when_a_run_waits(mlrun: Mlrun, studio: Studio, tab: Page) -> None:
    mlrun.script("")
    run_id = mlrun.submit("--begin", "2099-01-02T03:04", "train.py")
    (begin,) = re.findall(r"2099-\S+Z", mlrun.show(run_id)["waiting_for"])
    for address in (studio.urls.queue(), studio.urls.run(run_id)):
        assert begin.removesuffix("Z")[:19].replace("T", " ") + " UTC" in studio.get(address).text
        tab.goto(address)
        shown = tab.evaluate(
            "time => new Date(time).toLocaleString(undefined, {dateStyle: 'medium', timeStyle: 'medium'})", begin
        )
        expect(tab.locator("main")).to_contain_text(f"its begin at {shown}")
        expect(tab.locator("main")).not_to_contain_text(begin)
    mlrun("run", "cancel", "-r", run_id)


def test_a_run_is_submitted_with_retries_after_another_and_not_before_a_time(mlrun: Mlrun, studio: Studio) -> None:
    mlrun.script("import os, sys; sys.exit(75 if os.environ['MLRUN_ATTEMPT'] == '1' else 0)")
    first = mlrun.submit("--retry", "3", "train.py")
    mlrun.wait(first)
    fields = _filled_in(studio, first)
    assert (fields["retry"], fields["retry_on"]) == ("3", "")
    common = {**fields, "like": first, "source": "snapshot", "retry": "1", "retry_on": "exit:75", "after": first}
    second = mlrun.show(_submitted(mlrun, studio, {**common, "begin": "+0.1s", "priority": "high"}))
    assert [each["exit_code"] for each in second["attempts"]] == [75, 0]
    (stored,) = mlrun.stored("SELECT predecessor_key, priority FROM runs ORDER BY run_key DESC LIMIT 1")
    assert stored == (1, 1)
    for name, text in (
        ("retry", "often"),
        ("retry_on", "exit:often"),
        ("after", "no-such-run"),
        ("begin", "yesterday"),
        ("priority", "highest"),
    ):
        answer = studio.post(studio.urls.submit_form(), **{**common, name: text}, do="submit")
        assert answer.status == 400
        assert f'aria-describedby="problem hint-{name}"' in answer.text, name
