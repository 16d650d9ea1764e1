"""MLflow's projects with the backend `azureml`: an entry point becomes a run, in the environment of the project."""

from __future__ import annotations

import json
import os
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import Mlrun
from tests.sdk.mlflow_environments import VERSIONS, drive_in, find_mlflow_python

PROJECT = """
name: line
conda_env: conda.yaml
entry_points:
  main:
    parameters:
      alpha: {type: float, default: 0.5}
      word: {type: string, default: two words}
    command: "python train.py {alpha} {word}"
  stuck:
    command: "python -c 'import time; time.sleep(600)'"
"""

TRAIN = """
import sys
import mlflow

with mlflow.start_run():
    mlflow.log_metric("alpha", float(sys.argv[1]))
    mlflow.set_tag("word", sys.argv[2])
"""

DRIVER = """
import json, mlflow
from azureml.core import Workspace

workspace = Workspace.from_config()
mlflow.set_tracking_uri(workspace.get_mlflow_tracking_uri())
here = {"COMPUTE": "LOCAL"}
run = mlflow.projects.run(
    uri=".", experiment_name="lines", parameters={"alpha": 0.25}, backend="azureml", backend_config=here,
    env_manager="local",
)
logged = mlflow.tracking.MlflowClient().get_run(run.run_id)
stuck = mlflow.projects.run(
    uri=".", entry_point="stuck", experiment_name="lines", backend="azureml", synchronous=False,
    backend_config={"USE_CONDA": False},
)
stuck.cancel()
canceled = stuck.wait()
print(json.dumps([
    run.get_status(), logged.data.metrics, logged.data.tags["word"], logged.data.tags["mlflow.project.backend"],
    canceled, stuck.get_status(),
]))
"""

ENVIRONMENTS = """
import json, mlflow, os
from azureml.mlflow._projects import _build_environment
from mlflow.projects.utils import load_project

def packages_of(**settings):
    python = _build_environment(load_project(os.getcwd()), settings, os.getcwd()).python
    return [python.user_managed_dependencies, python.conda_dependencies.serialize_to_string()]

conda = packages_of(COMPUTE="local", ENV_MANAGER=None)
kept = packages_of(ENV_MANAGER="local")[0]
with open("MLproject", "w") as file:
    file.write("name: line\\npython_env: python_env.yaml\\nentry_points:\\n  main:\\n    command: 'echo'\\n")
listed = packages_of(USE_CONDA=True)
with open("MLproject", "w") as file:
    file.write("name: line\\ndocker_env:\\n  image: mine\\nentry_points:\\n  main:\\n    command: 'echo'\\n")
errors = []
for uri in ("azureml://localhost/mlflow/v1.0/subscriptions/s/resourceGroups/g/providers"
            "/Microsoft.MachineLearningServices/workspaces/w", "file:///tmp/elsewhere"):
    from azureml.mlflow._projects import ProjectBackend
    try:
        ProjectBackend().run(os.getcwd(), "main", {}, None, None, uri, "1")
    except mlflow.exceptions.ExecutionException as error:
        errors.append(str(error))
print(json.dumps([conda, kept, listed, errors]))
"""


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    """A folder attached to the experiment `exp`."""
    one = Mlrun(tmp_path)
    yield one
    one.close()


def test_a_project_is_a_run_of_the_experiment(mlrun: Mlrun) -> None:
    mlrun.script(PROJECT, "MLproject")
    mlrun.script("name: line\ndependencies: []\n", "conda.yaml")
    mlrun.script(TRAIN)
    python = find_mlflow_python("server")
    mlrun.environment["PATH"] = f"{Path(python).parent}{os.pathsep}{os.environ['PATH']}"
    done = mlrun.run(python, "-W", "ignore", "-c", DRIVER)
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout.splitlines()[-1])
    assert facts == ["Completed", {"alpha": 0.25}, "two words", "azureml", False, "Canceled"]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_project_has_its_environment_or_is_refused(mlrun: Mlrun, version: str) -> None:
    mlrun.script(PROJECT, "MLproject")
    mlrun.script("name: line\ndependencies:\n- python=3.8\n- pip:\n  - joblib\n", "conda.yaml")
    mlrun.script(
        "python: 3.9.7\nbuild_dependencies:\n- pip\ndependencies:\n- pandas==2.0\n- -r requirements.txt\n",
        "python_env.yaml",
    )
    mlrun.script("joblib # to save\n", "requirements.txt")
    output = drive_in(mlrun, find_mlflow_python(version), textwrap.dedent(ENVIRONMENTS))
    conda, kept, listed, (container, elsewhere) = json.loads(output.splitlines()[-1])
    assert (conda[0], kept, listed[0]) == (False, True, False)
    assert "python=3.8" in conda[1]
    assert "joblib" in conda[1]
    assert [word in listed[1] for word in ("python=3.9", "pandas==2.0", "joblib", "to save")] == [True] * 3 + [False]
    assert "docker_env" in container
    assert "needs a workspace" in elsewhere
