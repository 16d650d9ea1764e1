"""The pages of published pipelines."""

from __future__ import annotations

import shutil

from tests.running import Mlrun, find_paths
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
