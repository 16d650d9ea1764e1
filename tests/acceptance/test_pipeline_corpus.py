"""Pipelines of public repositories, with scripts of our own: each runs, or is refused by its kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.step_pipelines import (
    BATCH_CONFIG,
    READS_DATA,
    RUNCONFIG,
    SCRIPT,
    WRITES_REFERENCE,
    find,
    prepare,
)
from tests.running import Mlrun

RUNCONFIGS = Path(__file__).parents[1] / "data" / "runconfigs" / "corpus"
SCORES_FILES = """
import os, sys
assert sys.argv[sys.argv.index("--model_name") + 1] == "german-credit", sys.argv
def init():
    pass
def run(paths):
    return [os.path.basename(path) for path in paths]
"""

INDENTED_PIPELINE = """
   pipeline:
       name: SampleTraining
       steps:
           FitStep:
               python_script_step:
                   name: "Fit"
                   script_name: "fit.py"
                   allow_reuse: True
                   source_directory: "."
               runconfig: 'aml_config/fit.runconfig'
               outputs:
                   fitted:
                       destination: Fitted
                       datastore: workspaceblobstore
                       type: mount
"""
"""The shape of a public pipeline without a licence: all lines are indented, and the step is in the older spelling."""
JSON_RUNCONFIG = """{
  "script": "other.py", "arguments": [

  ],
  "target": "cpu-cluster", "framework": "Python", "communicator": "None", "autoPrepareEnvironment": true,
  "maxRunDurationSeconds": null, "nodeCount": 1,
  "environment": {
    "name": null, "version": null, "environmentVariables": {"FIT": "yes"},
    "python": {"userManagedDependencies": false, "interpreterPath": "python",
               "condaDependenciesFile": "fit.yml", "baseCondaEnvironment": null},
    "docker": {"enabled": true, "baseImage": "mcr.microsoft.com/azureml/base:latest", "sharedVolumes": true,
               "gpuSupport": false, "shmSize": "1g", "arguments": [],
               "baseImageRegistry": {"address": null, "username": null, "password": null}}
  },
  "history": {"outputCollection": true, "snapshotProject": true, "directoriesToWatch": ["logs"]},
  "mpi": {"processCountPerNode": 1}, "dataReferences": {}, "sourceDirectoryDataStore": null,
  "amlcompute": {"vmSize": "STANDARD_D2_V2", "vmPriority": null, "retainCluster": false, "name": null,
                 "clusterMaxNodeCount": 1}
}"""
FIT = """
import os
os.makedirs(os.environ["AZUREML_DATAREFERENCE_fitted"])
open(os.path.join(os.environ["AZUREML_DATAREFERENCE_fitted"], "done"), "w").write(os.environ["FIT"])
"""


def test_the_training_pipeline_of_mlopspython_runs(mlrun: Mlrun) -> None:
    prepare(
        mlrun,
        "ml_training_pipeline.yml",
        ".pipelines/training.yml",
        {
            ".azureml/diabetes_regression.runconfig": RUNCONFIG,
            "source/training/train.py": SCRIPT,
            "source/register/eval_register.py": SCRIPT,
            "raw/diabetes.csv": "1,2\n",
        },
    )
    target = ("-n", "workspaceblobstore", "-p", "raw", "-u", "diabetes_regression_training_data")
    mlrun("datastore", "upload", *target)
    words = ("-y", ".pipelines/training.yml", "-p", "model_name=m,model_folder=f", "--stream")
    run = mlrun.json("run", "submit-pipeline", *words)
    assert (run["status"], run["_experiment_name"]) == ("Completed", "DiabetesTrainingPipeline")
    register, train = mlrun.json("run", "list", "--parent-run-id", run["run_id"])
    assert (train["display_name"], register["display_name"]) == ("Train Model", "Register Model")
    assert "('--model_name', 'm')" in mlrun.log(train["run_id"])
    assert "'AML_PARAMETER_model_folder': 'f'" in mlrun.log(register["run_id"])


def test_the_script_step_of_azures_examples_runs_in_the_older_spelling(mlrun: Mlrun) -> None:
    prepare(
        mlrun,
        "test_pipeline_pythonscriptstep.yml",
        "p.yml",
        {
            "yaml/default_runconfig.yml": RUNCONFIG,
            "helloworld/train.py": WRITES_REFERENCE,
            "raw/sample.txt": "sample",
        },
    )
    mlrun("datastore", "upload", "-n", "workspaceblobstore", "-p", "raw", "-u", "testfolder")
    run = mlrun.json("run", "submit-pipeline", "-y", "p.yml", "--stream")
    assert run["status"] == "Completed"


def test_the_training_pipeline_of_the_acceleration_template_runs_from_its_own_folder(mlrun: Mlrun) -> None:
    prepare(
        mlrun,
        "pipelines-yaml__train__pipeline.yml",
        "pipelines-yaml/train/pipeline.yml",
        {
            "pipelines-yaml/train/runconfig.yml": RUNCONFIG,
            "models/model1/train.py": READS_DATA,
            "raw/credit.csv": "1\n",
        },
    )
    mlrun("dataset", "register", "-n", "german-credit-dataset", "-p", "raw")
    run = mlrun.json("run", "submit-pipeline", "-y", "pipelines-yaml/train/pipeline.yml", "--stream")
    assert run["status"] == "Completed", run
    assert run["description"] == "Training pipeline"


def test_the_batch_inference_of_the_acceleration_template_scores_every_file_once(mlrun: Mlrun) -> None:
    files = {
        "a/b/runconfig.yml": (RUNCONFIGS / BATCH_CONFIG).read_text(encoding="utf-8"),
        "models/model1/score_batch.py": SCORES_FILES,
        "a/b/parallel_run_env/azureml_environment.json": '{"name": "e", "python": {"userManagedDependencies": true}}',
        **{f"raw/{number}.csv": "1\n" for number in range(5)},
    }
    prepare(mlrun, "batch-inference__pipeline.yml", "a/b/pipeline.yml", files)
    mlrun("dataset", "register", "-n", "german-credit-batch", "-p", "raw")
    run = mlrun.json("run", "submit-pipeline", "-y", "a/b/pipeline.yml", "-n", "exp", "--stream")
    [step] = mlrun.json("run", "list", "--parent-run-id", run["run_id"])
    assert (run["status"], step["status"]) == ("Completed", "Completed"), mlrun.log(step["run_id"])
    mlrun("datastore", "download", "-n", "workspaceblobstore", "-d", "results", "-p", "azureml")
    [rows] = (mlrun.folder / "results").rglob("batch-predictions.txt")
    assert sorted(rows.read_text(encoding="utf-8").split()) == [f"{number}.csv" for number in range(5)]


def test_an_indented_pipeline_with_a_runconfig_in_json_runs(mlrun: Mlrun) -> None:
    files = {"p.yml": INDENTED_PIPELINE, "aml_config/fit.runconfig": JSON_RUNCONFIG, "fit.py": FIT}
    for path, text in files.items():
        mlrun.script(text, path)
    mlrun("computetarget", "create", "amlcompute", "-n", "cpu-cluster", "-s", "STANDARD_D2_V2", "--max-nodes", "2")
    done = mlrun("run", "submit-pipeline", "-y", "p.yml", "--stream", check=False)
    assert (done.returncode, "'fit.yml'" in done.stderr) == (2, True), done.stderr
    assert "fit.runconfig, line 10:" in done.stderr
    mlrun.script("name: fit\ndependencies: [python]\n", "aml_config/fit.yml")
    run = mlrun.json("run", "submit-pipeline", "-y", "p.yml", "--stream")
    assert (run["status"], run["description"]) == ("Completed", "SampleTraining")
    [step] = mlrun.json("run", "list", "--parent-run-id", run["run_id"])
    assert (step["display_name"], step["status"]) == ("Fit", "Completed")
    mlrun("datastore", "download", "-n", "workspaceblobstore", "-d", "results", "-p", "azureml")
    assert (mlrun.folder / "results" / "azureml" / step["run_id"] / "fitted" / "done").read_text() == "yes"


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("test_pipeline_azurebatchstep.yml", [20]),
        ("test_pipeline_datatransferstep.yml", [23]),
        ("test_pipeline_graph_params.yml", [23, 38, 67]),
        ("test_pipeline_with_adlastep.yml", [20]),
        ("test_schedule_with_recurrence.yaml", [1]),
    ],
)
def test_what_needs_azure_is_refused_by_its_kind_with_its_line(mlrun: Mlrun, name: str, lines: list[int]) -> None:
    path = find(name)
    with mlrun.error_format("json"):
        done = mlrun("run", "submit-pipeline", "-y", str(path), check=False)
    assert done.returncode == 2
    assert '"code": "Unsupported"' in done.stderr
    assert '"code": "InvalidFile"' not in done.stderr
    for line in lines:
        assert f"{path}, line {line}:" in done.stderr
