"""The pages of published pipelines."""

from __future__ import annotations

import re
import shutil

from tests.running import Mlrun, find_paths
from tests.sdk.driving import drive
from tests.studio.serving import Studio


def test_the_page_of_a_pipeline_whose_files_are_gone_says_so(mlrun: Mlrun, studio: Studio) -> None:
    mlrun.script("")
    mlrun.script(
        "pipeline: {name: cars, steps: {One: {type: PythonScriptStep, script_name: train.py}}}", "pipeline.yml"
    )
    pipeline_id = mlrun.json("pipeline", "create", "-y", "pipeline.yml", "-n", "cars")["id"]
    address = studio.urls.pipelines(pipeline_id)
    assert "1 step" in studio.get(address).text
    (folder,) = (path for path in find_paths(mlrun.home, pipeline_id) if path.is_dir())
    shutil.rmtree(folder)

    answer = studio.get(address)

    assert answer.status == 200
    assert "pipeline.json" in answer.text
    assert "Active" in answer.text


def test_the_page_of_a_pipeline_has_its_parameters_and_endpoints_and_no_statuses(mlrun: Mlrun, studio: Studio) -> None:
    mlrun.script("")
    mlrun.script(
        "pipeline: {name: cars,"
        " parameters: {rows: {type: int, default: 37}, api_key: {type: string, default: s3cr3tx}},"
        " steps: {One: {type: PythonScriptStep, script_name: train.py,"
        " parameters: {rows: {source: rows}, api_key: {source: api_key}}}}}",
        "pipeline.yml",
    )
    pipeline_id = mlrun.json("pipeline", "create", "-y", "pipeline.yml", "-n", "cars")["id"]
    drive(
        mlrun,
        f"""
        from azureml.pipeline.core import PipelineEndpoint, PublishedPipeline
        workspace = Workspace.from_config()
        pipeline = PublishedPipeline.get(workspace, {pipeline_id!r})
        PipelineEndpoint.publish(workspace, name="of cars", pipeline=pipeline, description="d").add(pipeline)
        """,
    )
    page = studio.get(studio.urls.pipelines(pipeline_id)).text
    shown = " ".join(re.sub(r"<[^>]*>", " ", page).split())
    assert "rows int, 37" in shown
    assert "of cars version 0 (default), 1" in shown
    assert "PythonScriptStep" in shown
    assert "Not started" not in page
    assert "s3cr3tx" not in page
