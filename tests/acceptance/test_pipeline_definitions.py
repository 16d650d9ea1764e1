"""`pipeline get` and `pipeline clone`: files that say the same as what they were written of."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlrun_cli.core.json_files import read_json
from mlrun_cli.pipelines.graph import Graph
from tests.acceptance.installed import installed
from tests.acceptance.step_pipelines import (
    BATCH_CONFIG,
    READS_DATA,
    RUNCONFIG,
    SCRIPT,
    WRITES_REFERENCE,
    find,
    prepare,
)
from tests.pipelines.round_trip import number_keys
from tests.running import Mlrun
from tests.sdk.driving import drive

GALLERY = Path(__file__).parents[2] / "runconfigs"
RUNCONFIGS = Path(__file__).parents[1] / "data" / "runconfigs" / "corpus"
TRAINING = {
    ".azureml/diabetes_regression.runconfig": RUNCONFIG,
    "source/training/train.py": SCRIPT,
    "source/register/eval_register.py": SCRIPT,
}
OLD_SPELLING = """
   pipeline:
       name: SamplePipelineForTraining
       steps:
           TrainStep:
               python_script_step: {name: "PythonScriptStep", script_name: "train.py", source_directory: "."}
               runconfig: 'aml_config/train.runconfig'
               outputs: {result: {destination: Output, datastore: workspaceblobstore, type: mount}}
"""
DRIVER = """
from azureml.core import Environment, RunConfiguration, Workspace
from azureml.data import OutputFileDatasetConfig
from azureml.pipeline.core import Pipeline, PipelineData, PipelineParameter
from azureml.pipeline.steps import CommandStep, PythonScriptStep
from azureml.train.hyperdrive import *

workspace = Workspace.from_config()
rate = PipelineParameter("rate", 0.5)
data = PipelineData("points", pipeline_output_name="all")
table = OutputFileDatasetConfig("table", (workspace.get_default_datastore(), "tables/{run-id}"))
table = table.read_delimited_files().register_on_complete("table")
configuration = RunConfiguration()
configuration.environment_variables = {"LEVEL": "0.10"}
first = PythonScriptStep("train.py", arguments=["--rate", rate, "input:points", "--out", data], outputs=[data, table],
                         source_directory="src", runconfig=configuration, params={"p": "no"}, version=2)
second = CommandStep(command=["cat", data, table.as_input("rows")], inputs=[data], source_directory="src")
third = PythonScriptStep("other.py", source_directory="src", allow_reuse=False)
third.run_after(second)
pipeline = Pipeline(workspace, [second, third, first], description="of a script")
print(pipeline.publish("published", version="3").id)
"""


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    """The installed command in an attached folder with a target, and a folder for what is written."""
    with installed(tmp_path) as command:
        (command.folder / "written").mkdir()
        yield command


def read_stored(mlrun: Mlrun, pipeline_id: str) -> dict[str, Any]:
    """Return the stored graph of a published pipeline, with the names of its folders in place of their paths."""
    document = read_json(mlrun.database.parent / "pipelines" / pipeline_id / "pipeline.json")
    assert document is not None
    graph = number_keys(Graph.from_json(document))
    for step in graph["steps"]:
        step["source_directory"] = Path(step["source_directory"]).name
        step.get("parallel_run", {}).pop("source_directory", None)
    return graph


def publish(mlrun: Mlrun, file: str) -> str:
    return str(mlrun.json("pipeline", "create", "-y", file, "-n", "name")["id"])


def list_fingerprints(mlrun: Mlrun, *words: str) -> list[tuple[str, str, str]]:
    """Submit a pipeline; return the name, the fingerprint and the reason for reuse of each step, the latest first."""
    run = mlrun.json("run", "submit-pipeline", *words, "--stream")
    assert run["status"] == "Completed", run
    steps = mlrun.json("pipeline", "list-steps", "-r", run["run_id"])
    return [
        (one["display_name"], one["properties"]["mlrun.stepFingerprint"], one["properties"].get("azureml.isreused", ""))
        for one in steps
    ]


def prepare_named(mlrun: Mlrun, name: str) -> str:
    """Lay out a pipeline with everything it names; return its file."""
    if name == "old spelling":
        for path, text in {"p.yml": OLD_SPELLING, "train.py": SCRIPT, "aml_config/train.runconfig": RUNCONFIG}.items():
            mlrun.script(text, path)
        return "p.yml"
    if name in ("pipeline", "batch"):
        shutil.copytree(GALLERY / name, mlrun.folder, dirs_exist_ok=True)
        return "pipeline.yml"
    files: dict[str, dict[str, str]] = {
        "ml_training_pipeline.yml": TRAINING,
        "test_pipeline_pythonscriptstep.yml": {
            "yaml/default_runconfig.yml": RUNCONFIG,
            "helloworld/train.py": WRITES_REFERENCE,
        },
        "pipelines-yaml__train__pipeline.yml": {"a/b/runconfig.yml": RUNCONFIG, "models/model1/train.py": READS_DATA},
        "batch-inference__pipeline.yml": {
            "a/b/runconfig.yml": (RUNCONFIGS / BATCH_CONFIG).read_text(encoding="utf-8"),
            "models/model1/score_batch.py": "",
            "a/b/parallel_run_env/azureml_environment.json": '{"name": "e"}',
        },
    }
    prepare(mlrun, name, "a/b/pipeline.yml", files[name])
    return "a/b/pipeline.yml"


@pytest.mark.parametrize("with_sources", [False, True])
@pytest.mark.parametrize(
    "name",
    [
        *("ml_training_pipeline.yml", "test_pipeline_pythonscriptstep.yml", "pipelines-yaml__train__pipeline.yml"),
        *("batch-inference__pipeline.yml", "old spelling", "pipeline", "batch"),
    ],
)
def test_a_published_file_is_written_and_published_again_as_the_same(
    mlrun: Mlrun, name: str, with_sources: bool
) -> None:
    first = publish(mlrun, prepare_named(mlrun, name))
    sources = ("--sources", "written/code") if with_sources else ()
    written = mlrun.json("ml", "pipeline", "get", "-i", first, "--path", "written/p.yml", *sources)
    assert written == {"path": str(mlrun.folder / "written" / "p.yml"), "pipelineId": first}
    second = publish(mlrun, "written/p.yml")
    assert read_stored(mlrun, second) == read_stored(mlrun, first)
    assert (mlrun.folder / "written" / "code").is_dir() == with_sources


def test_a_pipeline_of_a_script_is_written_and_published_again_as_the_same(mlrun: Mlrun) -> None:
    for name in ("train.py", "other.py"):
        mlrun.script("pass", f"src/{name}")
    first = drive(mlrun, DRIVER).splitlines()[-1]
    mlrun("pipeline", "get", "-i", first, "-p", "written/p.yml")
    second = str(mlrun.json("pipeline", "create", "-y", "written/p.yml", "-n", "published")["id"])
    assert read_stored(mlrun, second) == read_stored(mlrun, first)


def test_what_is_cloned_of_a_run_uses_the_results_of_that_run(mlrun: Mlrun) -> None:
    """The scripts have changed since, so that the files as they ran are needed."""
    text = find("ml_training_pipeline.yml").read_text(encoding="utf-8").replace("allow_reuse: False", "version: 1")
    mlrun.script("1,2\n", "raw/diabetes.csv")
    mlrun("datastore", "upload", "-n", "workspaceblobstore", "-p", "raw", "-u", "diabetes_regression_training_data")
    prepare(mlrun, "ml_training_pipeline.yml", "p.yml", TRAINING)
    mlrun.script(text, "p.yml")
    before = list_fingerprints(mlrun, "-y", "p.yml", "-n", "exp")
    mlrun("pipeline", "clone", "-i", "@latest", "-p", "same.yml")
    assert list_fingerprints(mlrun, "-y", "same.yml", "-n", "exp") == [(*one[:2], "true") for one in before]
    mlrun.script("raise SystemExit(3)", "source/training/train.py")
    record = mlrun.json(
        *("pipeline", "clone", "-i", "@latest", "-p", "written/p.yml", "--sources", "written/code", "-f", "record.json")
    )
    assert read_json(mlrun.folder / "record.json") == record
    assert list_fingerprints(mlrun, "-y", "written/p.yml", "-n", "exp") == [(*one[:2], "true") for one in before]


def test_a_file_with_other_content_is_kept_unless_it_may_be_replaced(mlrun: Mlrun) -> None:
    pipeline_id = publish(mlrun, prepare_named(mlrun, "old spelling"))
    words = ("pipeline", "get", "-i", pipeline_id, "-p")
    mlrun(*words, "written/p.yml")
    mlrun(*words, "written/p.yml")
    before = (mlrun.folder / "p.yml").read_bytes()
    assert mlrun.fails(*words, "p.yml").code == "FileAlreadyExists"
    assert (mlrun.folder / "p.yml").read_bytes() == before
    mlrun(*words, "p.yml", "--overwrite")
    assert (mlrun.folder / "p.yml").read_bytes() == (mlrun.folder / "written" / "p.yml").read_bytes()
    assert mlrun.fails(*words, "new.yml", "--sources", "aml_config").code == "FileAlreadyExists"
    assert not (mlrun.folder / "new.yml").exists()


def test_what_cannot_be_written_is_said(mlrun: Mlrun) -> None:
    assert mlrun.fails("pipeline", "get", "-p", "p.yml").code == "OneOptionRequired"
    assert mlrun.fails("pipeline", "get", "-d", "draft", "-p", "p.yml").code == "Unsupported"
    assert mlrun.fails("pipeline", "get", "-i", "none", "-p", "p.yml", exit_code=3).code == "PipelineNotFound"
    mlrun.script("pass")
    run_id = mlrun.submit()
    assert mlrun.fails("pipeline", "clone", "-i", run_id, "-p", "p.yml").target == run_id


def test_secrets_and_folders_that_are_gone_are_told(mlrun: Mlrun) -> None:
    mlrun.script(OLD_SPELLING.replace('"."', '"src", params: {PASSWORD: geheim}'), "p.yml")
    mlrun.script("pass", "src/train.py")
    mlrun.script(RUNCONFIG, "aml_config/train.runconfig")
    mlrun("run", "submit-pipeline", "-y", "p.yml", "-n", "exp", "--stream")
    published = mlrun.json("pipeline", "create", "-y", "p.yml", "-n", "secret")["id"]
    mlrun("pipeline", "get", "-i", published, "-p", "got.yml")
    assert "geheim" in (mlrun.folder / "got.yml").read_text(encoding="utf-8")
    assert (mlrun.folder / "got.yml").stat().st_mode & 0o777 == 0o600
    shutil.rmtree(mlrun.folder / "src")
    shutil.rmtree(mlrun.folder / "aml_config")
    done = mlrun("pipeline", "clone", "-i", "@latest", "-p", "written/p.yml")
    assert "geheim" not in (mlrun.folder / "written" / "p.yml").read_text(encoding="utf-8")
    for word in ("secrets", str(mlrun.folder / "src"), "train.runconfig"):
        assert word in done.stderr
