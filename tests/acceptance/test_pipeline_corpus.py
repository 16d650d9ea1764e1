"""Pipelines of public repositories, with scripts of our own: each runs, or is refused by its kind."""

from __future__ import annotations

import pytest

from tests.acceptance.step_pipelines import READS_DATA, RUNCONFIG, SCRIPT, WRITES_REFERENCE, find, prepare
from tests.running import Mlrun


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


@pytest.mark.parametrize(
    "name",
    [
        "test_pipeline_azurebatchstep.yml",
        "test_pipeline_datatransferstep.yml",
        "test_pipeline_graph_params.yml",
        "test_pipeline_with_adlastep.yml",
        "test_schedule_with_recurrence.yaml",
    ],
)
def test_what_needs_azure_is_refused_by_its_kind(mlrun: Mlrun, name: str) -> None:
    with mlrun.error_format("json"):
        done = mlrun("run", "submit-pipeline", "-y", str(find(name)), check=False)
    assert done.returncode == 2
    assert '"code": "Unsupported"' in done.stderr
    assert '"code": "InvalidFile"' not in done.stderr
