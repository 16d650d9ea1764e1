"""Notebooks of public repositories, run as they are from checkouts, and notebooks of our own with the same calls.

The public ones are kept by name only: `tests.sdk.checkouts` says where they are looked for.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.running import Mlrun
from tests.sdk.checkouts import find_in_checkout

RUN_CELLS = """
import json, sys

with open(sys.argv[1], encoding="utf-8") as file:
    cells = [cell for cell in json.load(file)["cells"] if cell["cell_type"] == "code"]
names = {"__name__": "__main__"}
for number, cell in enumerate(cells, 1):
    text = "".join(cell["source"])
    if text.startswith("%%writefile "):
        first, _, text = text.partition("\\n")
        words = first.split()
        parts = words[-1].split("/")
        path = "/".join(str(names[part[1:]]) if part.startswith("$") else part for part in parts)
        with open(path, "a" if "-a" in words else "w", encoding="utf-8") as file:
            file.write(text)
        continue
    code = "\\n".join(line for line in text.split("\\n") if not line.lstrip().startswith(("%", "!")))
    print("cell", number, flush=True)
    exec(compile(code, "cell %d" % number, "exec"), names)
print("all cells")
"""
"""A runner of a notebook's code cells; lines for the notebook's shell are left out."""


class PublicNotebook(NamedTuple):
    """A notebook of a public repository.

    Attributes:
        repository: its owner and name on GitHub.
        path: below the repository.
        commit: at which all cells have been seen to run.
        packages: those which it, or the script that it submits, imports.
    """

    repository: str
    path: str
    commit: str
    packages: tuple[str, ...] = ()


_HOW_TO = "how-to-use-azureml"
_PIPELINES = f"{_HOW_TO}/machine-learning-pipelines/intro-to-pipelines"
_DATASETS = f"{_HOW_TO}/work-with-data/datasets-tutorial"
NOTEBOOKS = [
    PublicNotebook("Azure/MachineLearningNotebooks", path, commit, packages)
    for path, commit, packages in [
        (
            f"{_HOW_TO}/track-and-monitor-experiments/manage-runs/manage-runs.ipynb",
            "3228bbfc63d0c7652c06c9cc240b77117eb9d5a7",
            (),
        ),
        (
            f"{_HOW_TO}/training/train-on-local/train-on-local.ipynb",
            "0514eee64b296328d0c98b9a45b74c17b09b7bec",
            ("joblib", "numpy", "sklearn"),
        ),
        (
            f"{_DATASETS}/scriptrun-with-data-input-output/how-to-use-scriptrun.ipynb",
            "3228bbfc63d0c7652c06c9cc240b77117eb9d5a7",
            (),
        ),
        (
            f"{_DATASETS}/timeseries-datasets/tabular-timeseries-dataset-filtering.ipynb",
            "2165cf308e1dddb977940ee7d9b5853daee28c35",
            ("pandas", "pyarrow"),
        ),
        (
            f"{_PIPELINES}/aml-pipelines-setup-schedule-for-a-published-pipeline.ipynb",
            "046c6051fb0ef99c4a6c313ef66e72715971b89c",
            (),
        ),
        (
            f"{_PIPELINES}/aml-pipelines-with-data-dependency-steps.ipynb",
            "182eea36c7d47b91f356b68de057f6c70c9a3dae",
            (),
        ),
    ]
]

OWN = {
    "runs of a notebook, of scripts, and their tags": """
import azureml.core
from azureml.core import Experiment, Run, ScriptRunConfig, Workspace
# %%
ws = Workspace.from_config()
experiment = Experiment(workspace=ws, name="exploring")
# %%
%%writefile hello.py
from azureml.core import Run
Run.get_context().log(name="greeting", value="hello")
# %%
%%writefile waiting.py
import time
time.sleep(600)
# %%
!more hello.py
with experiment.start_logging() as first:
    first.log(name="a", value=1)
assert first.get_status() == "Completed"
# %%
run = experiment.submit(ScriptRunConfig(source_directory=".", script="hello.py"))
run.get_details_with_logs()
run.wait_for_completion(show_output=True)
assert run.get_metrics() == {"greeting": "hello"}
# %%
run.add_properties({"author": "me"})
run.tag("quality", "good")
run.tag("look again")
# %%
for tags in ({"quality": "good"}, "look again"):
    assert [one.id for one in experiment.get_runs(properties={"author": "me"}, tags=tags)] == [run.id]
# %%
for end in (Run.cancel, Run.fail):
    run = experiment.submit(ScriptRunConfig(source_directory=".", script="waiting.py"))
    end(run)
    run.wait_for_completion(raise_on_error=False)
    print(run.get_status())
# %%
assert run.restore_snapshot(path="snapshots").endswith(".zip")
""",
    "a cluster, and data that go in and out of a script": """
import os
from azureml.core import Dataset, Environment, Experiment, ScriptRunConfig, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.core.compute_target import ComputeTargetException
from azureml.core.runconfig import DockerConfiguration
from azureml.data import OutputFileDatasetConfig
from azureml.data.datapath import DataPath
ws = Workspace.from_config()
store = ws.get_default_datastore()
# %%
folder = "project"
os.makedirs(folder)
os.makedirs("data")
with open("data/numbers.csv", "w") as file:
    file.write("1,2,3")
# %%
%%writefile $folder/sum.py
import glob, os, sys
from azureml.core import Run
run = Run.get_context()
(path,) = glob.glob(run.input_datasets["numbers"] + "/*.csv")
assert path.startswith(sys.argv[1])
total = sum(map(int, open(path).read().split(",")))
run.log("sum", total)
with open(os.path.join(sys.argv[2], "sum.txt"), "w") as file:
    file.write(str(total))
# %%
for name in ("cluster", "cluster"):
    try:
        target = ComputeTarget(workspace=ws, name=name)
        is_new = False
    except ComputeTargetException:
        config = AmlCompute.provisioning_configuration(
            vm_size="STANDARD_D2_V2", vm_priority="lowpriority", min_nodes=0, max_nodes=4,
            idle_seconds_before_scaledown="300")
        target = ComputeTarget.create(ws, name, config)
        target.wait_for_completion(show_output=True, min_node_count=None, timeout_in_minutes=20)
        is_new = True
assert not is_new and type(target) is AmlCompute
# %%
Dataset.File.upload_directory(src_dir="data", target=DataPath(store, "numbers/"))
files = Dataset.File.from_files(path=(store, "numbers/*.csv"))
files = files.register(workspace=ws, name="numbers", tags={"format": "CSV"}, create_new_version=True)
assert files.to_path() == ["/numbers.csv"] and ws.datasets.get("numbers").version == 1
# %%
environment = Environment("mine")
environment.python.user_managed_dependencies = True
environment.register(ws)
environment = Environment.get(ws, "mine")
# %%
output = OutputFileDatasetConfig(destination=(store, "sums"))
config = ScriptRunConfig(
    source_directory=folder, script="sum.py", compute_target=target, environment=environment,
    arguments=[files.as_named_input("numbers").as_download(), output],
    docker_runtime_config=DockerConfiguration(use_docker=False))
run = Experiment(ws, "sums").submit(config=config)
run.wait_for_completion(show_output=True)
# %%
store.download(".", prefix="sums", show_progress=False)
assert open("sums/sum.txt").read() == "6"
# %%
run.get_details()["runDefinition"]["arguments"]
target.delete()
""",
    "a published pipeline with versions, and its schedule": """
import os
from azureml.core import Experiment, Workspace
from azureml.core.runconfig import RunConfiguration
from azureml.pipeline.core import Pipeline, PipelineData, PipelineEndpoint, PublishedPipeline
from azureml.pipeline.core.graph import PipelineParameter
from azureml.pipeline.core.schedule import Schedule, ScheduleRecurrence
from azureml.pipeline.steps import PythonScriptStep
from azureml.widgets import RunDetails
ws = Workspace.from_config()
os.makedirs("steps")
# %%
%%writefile steps/train.py
import os, sys
from azureml.core.run import Run
run = Run.get_context()
run.parent.log("loss", 0.5)
run.parent.tag("build", value=sys.argv[1])
os.makedirs(sys.argv[2], exist_ok=True)
with open(os.path.join(sys.argv[2], "model.pkl"), "w") as file:
    file.write("model")
# %%
%%writefile steps/register.py
import os, sys
from azureml.core import Model
from azureml.core.run import Run
run = Run.get_context()
model = Model.register(
    workspace=run.experiment.workspace, model_name="model", model_path=os.path.join(sys.argv[1], "model.pkl"),
    tags={**run.parent.get_tags(), "loss": run.parent.get_metrics()["loss"]})
print("version", model.version)
# %%
build = PipelineParameter(name="build_id", default_value="1")
data = PipelineData("data", datastore=ws.get_default_datastore())
train = PythonScriptStep(
    name="Train", script_name="train.py", source_directory="steps", runconfig=RunConfiguration(), outputs=[data],
    arguments=[build, data], allow_reuse=False)
register = PythonScriptStep(
    name="Register", script_name="register.py", source_directory="steps", runconfig=RunConfiguration(), inputs=[data],
    arguments=[data], allow_reuse=False)
register.run_after(train)
pipeline = Pipeline(workspace=ws, steps=[train, register])
pipeline._set_experiment_name
assert pipeline.validate() == []
published = pipeline.publish(name="training", description="trains", version="7")
# %%
(found,) = [one for one in PublishedPipeline.list(ws) if (one.name, one.version) == ("training", "7")]
run = Experiment(ws, "training").submit(
    found, tags={"BuildId": "7"}, pipeline_parameters={"build_id": "7", "model_version": "none"})
RunDetails(run).show()
assert run.wait_for_completion(show_output=True) == "Finished"
# %%
from azureml.core import Model
model = Model(ws, name="model", tags=[["build", "7"]])
assert (model.version, model.tags["loss"], run.get_tags()["BuildId"]) == (1, "0.5", "7")
# %%
endpoint = PipelineEndpoint.publish(workspace=ws, name="training", pipeline=published, description="d")
endpoint.add_default(pipeline)
assert [one.version for one in endpoint.get_all_versions()] == ["0", "1"]
endpoint.set_default_version("0")
# %%
daily = ScheduleRecurrence(frequency="Day", interval=2, start_time="2099-01-01T00:00:00", hours=[22], minutes=[30])
schedule = Schedule.create(
    workspace=ws, name="daily", pipeline_id=published.id, experiment_name="training", recurrence=daily,
    wait_for_provisioning=True)
assert "Runs at 22:30 every 2 Days" in repr(schedule)
schedule.disable(wait_for_provisioning=True)
assert [one.id for one in Schedule.get_all(ws, active_only=False, pipeline_id=published.id)] == [schedule.id]
""",
}
"""Notebooks of our own; a line `# %%` begins a cell."""


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    one = Mlrun(tmp_path)
    yield one
    one.close()


def run_notebook(mlrun: Mlrun, path: str) -> None:
    """Run the code cells of a notebook in the attached folder, in its own folder, and check that none fails."""
    place = (mlrun.folder / path).parent
    done = mlrun.run(sys.executable, "-c", RUN_CELLS, Path(path).name, folder=place, timeout=900.0)
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr}"
    assert done.stdout.endswith("all cells\n")


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=[one.path.rpartition("/")[2] for one in NOTEBOOKS])
def test_a_public_notebook_runs_as_it_is(mlrun: Mlrun, notebook: PublicNotebook) -> None:
    file = find_in_checkout(notebook.repository, notebook.path, notebook.commit)
    lacking = [name for name in notebook.packages if importlib.util.find_spec(name) is None]
    if lacking:
        pytest.skip(f"not installed: {', '.join(lacking)}")
    shutil.copytree(file.parent, mlrun.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".azureml"))
    run_notebook(mlrun, file.name)


@pytest.mark.parametrize("text", OWN.values(), ids=OWN)
def test_an_own_notebook_with_the_calls_of_public_ones_runs(mlrun: Mlrun, text: str) -> None:
    cells = [cell.strip("\n").splitlines(keepends=True) for cell in text.split("\n# %%\n")]
    document = {
        "cells": [
            {"cell_type": "markdown", "source": ["# Title"]},
            *({"cell_type": "code", "source": cell} for cell in cells),
        ],
        "nbformat": 4,
    }
    mlrun.script(json.dumps(document), "own.ipynb")
    run_notebook(mlrun, "own.ipynb")
