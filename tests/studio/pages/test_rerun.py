"""Sweeps and pipelines that are submitted again in the studio."""

from __future__ import annotations

import json

from playwright.sync_api import Page, expect

from tests.pipeline_files import PARAMETERS, SECRET
from tests.running import Mlrun
from tests.studio.serving import Studio

PIPELINE = (
    PARAMETERS
    + """  steps:
    Prepare:
      type: PythonScriptStep
      script_name: train.py
      arguments: ['parameter:rows', '--password', 'parameter:password']
      parameters: {rows: {source: rows}, password: {source: password}}
"""
)


def list_logs(mlrun: Mlrun, run_id: str) -> list[str]:
    """Return what the child runs of a run have printed, in their order."""
    children = mlrun.json("run", "list", "--parent-run-id", run_id)
    return [mlrun.log(child["run_id"]).strip() for child in reversed(children)]


def resubmit(tab: Page, studio: Studio, run_id: str, **fields: str) -> str:
    """Open the form by the button of a run's page, fill in fields by their labels, submit, and return the new id."""
    tab.goto(studio.urls.run(run_id))
    tab.get_by_role("link", name="Resubmit").click()
    tab.wait_for_url("**/submit?*")
    for label, text in fields.items():
        tab.get_by_label(label, exact=True).fill(text)
    tab.get_by_role("button", name="Submit").click()
    tab.wait_for_url(lambda url: "/submit" not in url)
    return tab.url.rpartition("/")[2]


def test_a_sweep_is_submitted_again_with_another_seed_and_argument(mlrun: Mlrun, studio: Studio, tab: Page) -> None:
    mlrun.script("import sys; from azureml.core import Run; print(sys.argv[1:]); Run.get_context().log('loss', 1)")
    options = ("--random", "lr=uniform(0,1)", "--max", "2", "--minimize", "loss", "--tag", "team=a")
    first = mlrun.json("run", "sweep", *options, "train.py", "--epochs", "3")["run_id"]
    mlrun.script("raise SystemExit('another script')")

    same = mlrun.wait(resubmit(tab, studio, first))
    other = mlrun.wait(resubmit(tab, studio, first, Seed="12", Arguments="--epochs 4", Tags="more"))

    assert list_logs(mlrun, same["run_id"]) == list_logs(mlrun, first)
    assert (same["tags"]["rerun_of"], same["tags"]["team"]) == (first, "a")
    assert json.loads(other["tags"]["generator_config"])["properties"]["seed"] == 12
    assert [line.split(", ")[1] for line in list_logs(mlrun, other["run_id"])] == ["'4'", "'4'"]
    assert "more" in other["tags"]


def test_a_pipeline_is_submitted_again_with_a_secret_that_is_typed(mlrun: Mlrun, studio: Studio, tab: Page) -> None:
    mlrun.script("import sys; print(sys.argv[1:])")
    mlrun.script(PIPELINE, "pipeline.yml")
    words = ("-y", "pipeline.yml", "-n", "exp", "-p", f"password={SECRET}", "--stream")
    first = mlrun.json("run", "submit-pipeline", *words)["run_id"]

    tab.goto(studio.urls.submit_form(like=first))
    expect(tab.get_by_label("password")).to_have_value("***")
    expect(tab.get_by_text("No record holds the secrets in the parameters password")).to_be_visible()
    fields = {"like": first, "do": "submit", "value-rows": "3", "value-password": "***"}
    refusals = [studio.post(studio.urls.submit_form(), **{**fields, **more}) for more in ({}, {"value-rows": "many"})]
    assert [refusal.status for refusal in refusals] == [400, 400]
    assert "No record holds the secrets in the parameters password" in refusals[0].text
    assert "&#39;many&#39; is not of type int" in refusals[1].text and 'value="many"' in refusals[1].text
    again = mlrun.wait(resubmit(tab, studio, first, rows="4", password="other-secret"))

    assert again["status"] == "Completed"
    assert list_logs(mlrun, again["run_id"]) == ["['4', '--password', 'other-secret']"]
    assert again["tags"]["rerun_of"] == first


def test_a_form_for_a_sweep_whose_files_are_gone_says_so(mlrun: Mlrun, studio: Studio) -> None:
    mlrun.script("from azureml.core import Run; Run.get_context().log('loss', 1)")
    first = mlrun.json("run", "sweep", "--grid", "lr=1,2", "--minimize", "loss", "train.py")["run_id"]
    (mlrun.run_folder(first) / "template" / "configuration.json").unlink()

    answer = studio.get(studio.urls.submit_form(like=first))

    assert (answer.status, "files are missing or damaged" in answer.text) == (200, True)
    assert studio.post(studio.urls.submit_form(), like=first, do="submit").status == 400
    assert studio.post(studio.urls.submit_form(), like=first, source="folder", do="submit").status == 303
    (mlrun.run_folder(first) / "sweep.json").unlink()
    answer = studio.get(studio.urls.submit_form(like=first))
    assert (answer.status, "is gone or damaged" in answer.text) == (200, True)
    assert studio.post(studio.urls.submit_form(), like=first, do="submit").status >= 400
