"""The graph of a pipeline's run, and the page of a step."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.running import Mlrun, until
from tests.studio.demo_pages import browser_of
from tests.studio.serving import Studio

WRITE = "import os, sys; os.makedirs(sys.argv[1], exist_ok=True); open(os.path.join(sys.argv[1], 'a'), 'w').close()"
READ = "import os, sys; print(os.listdir(sys.argv[1]))"
PIPELINE = """
pipeline:
  name: <cars> & "others"
  steps:
    Fetch:
      {type: PythonScriptStep, name: fetch, script_name: write.py, source_directory: steps, allow_reuse: true,
       arguments: ['output:rows'], outputs: {rows: {destination: rows}}}
    Train:
      {type: PythonScriptStep, name: <train> & test, script_name: read.py, source_directory: steps, allow_reuse: false,
       arguments: ['input:rows'], inputs: {rows: {source: rows}}, parameters: {depth: 2}}
    Report:
      {type: PythonScriptStep, name: report, script_name: read.py, source_directory: steps, allow_reuse: false,
       arguments: ['input:rows'], inputs: {rows: {source: rows}}, run_after: [Train]}
"""


def submit(mlrun: Mlrun) -> str:
    mlrun.script(WRITE, "steps/write.py")
    mlrun.script(READ, "steps/read.py")
    mlrun.script(PIPELINE, "pipeline.yml")
    return str(mlrun.json("run", "submit-pipeline", "-y", "pipeline.yml", "-n", "exp")["run_id"])


def get_path(studio: Studio, run_id: str, *segments: str) -> str:
    """Return the path of a page of a run, as its links have it."""
    return studio.urls.run(run_id, *segments).removeprefix(studio.origin)


def get_steps(mlrun: Mlrun, run_id: str) -> dict[str, dict[str, Any]]:
    found: list[dict[str, Any]] = mlrun.json("pipeline", "list-steps", "-r", run_id)
    return {step["display_name"]: step for step in found}


def test_the_graph_links_steps_and_says_what_was_reused(mlrun: Mlrun, studio: Studio) -> None:
    first = submit(mlrun)
    assert mlrun.wait(first)["status"] == "Completed"
    second = submit(mlrun)
    assert mlrun.wait(second)["status"] == "Completed"
    steps = get_steps(mlrun, second)
    page = studio.get(studio.urls.run(second, "graph")).text
    assert page.count('<g class="graph-node') == 3
    assert page.count('class="graph-edge') == 3 and page.count('class="graph-edge order"') == 1
    for name, step in steps.items():
        assert f'href="{get_path(studio, step["run_id"], "step")}"' in page, name
    assert "&lt;train&gt; &amp; test" in page and "<train>" not in page
    reused = get_steps(mlrun, first)["fetch"]["run_id"]
    assert page.count("graph-node good reused") == 1
    assert f"Reused: the results of the run {reused}" in page
    assert 'aria-current="page">Graph</a>' in page and ">Step</a>" not in page
    step_page = studio.get(studio.urls.run(steps["fetch"]["run_id"], "step")).text
    assert f'href="{get_path(studio, reused)}"' in step_page
    assert f"workspaceblobstore/azureml/{reused}/rows" in step_page
    trained = studio.get(studio.urls.run(steps["<train> & test"]["run_id"], "step")).text
    assert f'href="{get_path(studio, steps["fetch"]["run_id"], "step")}">rows of fetch</a>' in trained
    assert "allow_reuse: false" in trained


def test_a_run_that_is_no_pipelines_has_no_graph(mlrun: Mlrun, studio: Studio) -> None:
    mlrun.script("print(1)")
    run_id = mlrun.ended("train.py")["run_id"]
    assert ">Graph</a>" not in studio.get(studio.urls.run(run_id)).text
    for tab in ("graph", "step"):
        assert studio.get(studio.urls.run(run_id, tab)).status == 400


def test_steps_that_have_not_started_are_drawn_and_follow_their_runs(mlrun: Mlrun, studio: Studio, tab: Page) -> None:
    go = mlrun.folder / "go"
    mlrun.script(PIPELINE, "pipeline.yml")
    mlrun.script(f"import os, time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.02)\n{WRITE}", "steps/write.py")
    mlrun.script(READ, "steps/read.py")
    run_id = mlrun.json("run", "submit-pipeline", "-y", "pipeline.yml", "-n", "exp")["run_id"]
    until(lambda: get_steps(mlrun, run_id).get("fetch", {}).get("status") == "Running")
    tab.goto(studio.urls.run(run_id, "graph"))
    expect(tab.locator(".graph-node.none")).to_have_count(2)
    expect(tab.locator(".graph-node.active")).to_have_count(1)
    go.touch()
    expect(tab.locator(".graph-node.good")).to_have_count(3)
    expect(tab.get_by_role("region", name="Steps").locator(".status.good")).to_have_count(3)
    tab.get_by_role("link", name="report: Completed").click()
    expect(tab.get_by_role("heading", name="Inputs")).to_be_visible()


@pytest.mark.parametrize("width", [390, 1280])
def test_the_graph_is_readable_without_scripts_and_does_not_widen_the_page(
    mlrun: Mlrun, studio: Studio, browser: Browser, width: int
) -> None:
    run_id = submit(mlrun)
    mlrun.wait(run_id)
    context = browser.new_context(java_script_enabled=False, viewport={"width": width, "height": 800})
    context.add_cookies(browser_of(browser, studio).cookies())  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(studio.urls.run(run_id, "graph"))
    boxes = [box for one in page.locator(".graph-node rect").all() if (box := one.bounding_box())]
    assert len(boxes) == 3
    assert len({round(box["y"]) for box in boxes}) == 3  # one below the other
    assert re.search("report", page.locator("svg.graph").text_content() or "")
    names = page.locator(".graph-name").all()
    for name, box in zip(names, boxes, strict=True):
        found = name.bounding_box()
        assert found is not None and found["x"] + found["width"] <= box["x"] + box["width"]
    frame = page.locator("#page").bounding_box()
    assert frame is not None and frame["width"] <= width
    context.close()


def test_a_published_pipeline_has_a_page_with_its_graph_schedules_and_runs(mlrun: Mlrun, studio: Studio) -> None:
    assert "mlrun pipeline create" in studio.get(studio.urls.pipelines()).text
    mlrun.wait(submit(mlrun))
    published = mlrun.json("pipeline", "create", "-y", "pipeline.yml", "-n", "<cars>", "-v", "7")["id"]
    times = "{frequency: Day, interval: 1, time_of_day: '03:00', start_time: '2099-01-01T00:00:00'}"
    mlrun.script(f"Schedule:\n  recurrence: {times}\n", "schedule.yml")
    mlrun("pipeline", "create-schedule", "-n", "nightly", "-i", published, "-e", "exp", "-y", "schedule.yml")
    run_id = mlrun.json("run", "submit-pipeline", "-i", published, "-n", "exp")["run_id"]
    mlrun.wait(run_id)
    listed = studio.get(studio.urls.pipelines()).text
    assert "&lt;cars&gt;" in listed and "every day at 03:00, UTC" in listed
    page = studio.get(studio.urls.pipelines(published)).text
    assert page.count('<g class="graph-node none') == 3
    assert f'href="{get_path(studio, run_id, "graph")}"' in page
    assert "nightly" in page and "every day at 03:00, UTC" in page
    assert studio.get(studio.urls.pipelines("nothing")).status == 404
    mlrun("pipeline", "disable-schedule", "-s", mlrun.json("pipeline", "show", "-i", published)["schedules"][0]["id"])
