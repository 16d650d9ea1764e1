"""`azureml.core.Model`: by a driver script outside of a run, and by the script of a run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import Mlrun

OUTSIDE = """
import datetime, os
from azureml.core import Dataset, Experiment, Model, Workspace
from azureml.core.model import InferenceConfig, Model as SameModel, ModelPackage
from azureml.core.resource_configuration import ResourceConfiguration
from azureml.exceptions import ModelNotFoundException, UserErrorException, WebserviceException

def raised(kinds, call, *said):
    for kind in kinds:
        try:
            call()
        except kind as error:
            assert all(text in error.message for text in said), error.message
            assert "Traceback" not in str(error)
        else:
            raise AssertionError(f"{kind} was not raised")

ws = Workspace.from_config()
assert Model is SameModel and ws.models == {} and Model.list(ws) == []
os.makedirs("net/deep")
for name in ("model.pkl", "net/a.bin", "net/deep/b.bin"):
    open(name, "w").write(name)

# Scripts look for a model first, and catch either of two errors.
lookup = lambda: Model(ws, "mymodel")
raised([WebserviceException, ModelNotFoundException], lookup, "ModelNotFound: ", "'mymodel'", "none yet")

model = Model.register(
    ws, "model.pkl", "mymodel", tags={"area": "diabetes", "n": 1}, description="ä",
    properties={"accuracy": 0.9, "not logged": None},
    model_framework=Model.Framework.SCIKITLEARN, model_framework_version="1.5",
    resource_configuration=ResourceConfiguration(cpu=1, memory_in_gb=0.5),
)
assert (model.name, model.version, model.id) == ("mymodel", 1, "mymodel:1")
assert (model.tags, model.properties) == ({"area": "diabetes", "n": "1"}, {"accuracy": "0.9"})
assert (model.description, model.model_framework, model.model_framework_version) == ("ä", "ScikitLearn", "1.5")
assert (model.resource_configuration.cpu, model.resource_configuration.gpu) == (1, None)
assert (model.run_id, model.run, model.experiment_name, model.datasets) == (None, None, None, {})
assert abs(datetime.datetime.now(datetime.timezone.utc) - model.created_time) < datetime.timedelta(minutes=5)
assert "name=mymodel, id=mymodel:1, version=1" in repr(model)

folder = Model.register(workspace=ws, model_path="./net/", model_name="mymodel", child_paths=["deep"])
assert folder.id == "mymodel:2"
other = Model.register(ws, model_path=os.path.abspath("net"), model_name="other", tags={"area": "iris"})

# The newest is meant, unless more is said.
assert Model(ws, "mymodel").version == 2
assert Model(ws, name="mymodel", version=1).id == Model(ws, id="mymodel:1").id == Model(ws, "mymodel:1").id
assert Model(ws, name="mymodel", version="mymodel:1".split(":")[1]).version == 1
assert Model(ws, "mymodel", tags=[["area", "diabetes"]]).version == Model(ws, "mymodel", tags=["n"]).version == 1
assert Model(ws, "mymodel", model_framework="ScikitLearn").version == 1
raised([WebserviceException], lambda: Model(ws, "mymodel", tags=["nope"]), "ModelNotFound")
raised([WebserviceException], lambda: Model(ws, "mymodel", version=3), "There are: 1, 2")
raised([WebserviceException, UserErrorException], lambda: Model(ws), "name")
raised([WebserviceException, UserErrorException], lambda: Model(ws, "mymodel", version="one"), "'one'")
ids = lambda **which: [found.id for found in Model.list(ws, **which)]
assert ids() == ["other:1", "mymodel:2", "mymodel:1"]
assert ids(latest=True) == ["other:1", "mymodel:2"] and ids(name="mymodel", latest=True) == ["mymodel:2"]
assert ids(tags=["area"]) == ["other:1", "mymodel:1"] and ids(tags=[("area", "iris")]) == ["other:1"]
assert ids(properties=[["accuracy", 0.9]]) == ids(model_framework="ScikitLearn") == ["mymodel:1"]
assert ids(run_id="nope") == [] and {name: found.version for name, found in ws.models.items()} == {
    "mymodel": 2, "other": 1}

# What is changed through one handle is seen through another.
model.add_tags({"stage": "test"})
model.remove_tags(["n"])
model.add_properties({"more": "x", "again not": None})
assert model.tags == Model(ws, id=model.id).tags == {"area": "diabetes", "stage": "test"}
assert Model(ws, id=model.id).properties == {"accuracy": "0.9", "more": "x"}
raised([WebserviceException, UserErrorException], lambda: model.add_properties({"more": "y"}), "'more'", "'x'")
model.update(tags={"only": "this"}, description="new")
assert (model.tags, Model(ws, id=model.id).description) == ({"only": "this"}, "new")
model.add_dataset_references([("training", "a-guid")])
assert ids(dataset_id="a-guid") == ["mymodel:1"]
assert Model.deserialize(ws, model.serialize()).id == model.id

raised([WebserviceException, UserErrorException], model.download, "model.pkl", "already exists")
assert model.download(target_dir="here") == os.path.join("here", "model.pkl")
assert open("here/model.pkl").read() == "model.pkl"
raised([WebserviceException, UserErrorException], lambda: model.download("here"), "exist_ok")
assert model.download("here", exist_ok=True) == folder.download("here")[:-3] + "model.pkl"
assert sorted(os.listdir("here/net")) == ["deep"] and open("here/net/deep/b.bin").read() == "net/deep/b.bin"
assert list(other.get_sas_urls()) == ["net/a.bin", "net/deep/b.bin"]

# Outside of a run the path of a model is that in a workspace, or where files lie prepared, as for a scoring script.
path = Model.get_model_path("mymodel", _workspace=ws)
assert os.path.isabs(path) and open(os.path.join(path, "deep/b.bin")).read() == "net/deep/b.bin"
raised([ModelNotFoundException, WebserviceException], lambda: Model.get_model_path("nope", _workspace=ws), "other")
raised([ModelNotFoundException], lambda: Model.get_model_path("mymodel"), "_workspace=workspace")
os.makedirs("azureml-models/mymodel/2"); os.makedirs("azureml-models/mymodel/10")
open("azureml-models/mymodel/2/two", "w").close(); open("azureml-models/mymodel/10/ten", "w").close()
assert Model.get_model_path("mymodel") == "azureml-models/mymodel/10/ten"
assert Model.get_model_path("mymodel", 2) == "azureml-models/mymodel/2/two"
raised([ModelNotFoundException], lambda: Model.get_model_path("mymodel", version=3))
raised([WebserviceException], lambda: Model.get_model_path("mymodel", version="2"), "int")
assert Model.get_model_path("net") == "net"
os.environ["AZUREML_MODEL_DIR"] = os.path.abspath("azureml-models/mymodel/2")
assert Model.get_model_path("mymodel").endswith("/2/two") and Model.get_model_path("mymodel", 10).endswith("10/ten")
os.environ["AZUREML_MODEL_DIR"] = os.path.abspath("azureml-models")
assert Model.get_model_path("mymodel", _workspace=ws) == os.path.abspath("azureml-models/mymodel/10/ten")
del os.environ["AZUREML_MODEL_DIR"]

# What cannot be right, and what is not for here.
raised([FileNotFoundError, UserErrorException], lambda: Model.register(ws, "nope.pkl", "x"), "nope.pkl")
raised([WebserviceException, UserErrorException], lambda: Model.register(ws, "model.pkl", "my model"), "255")
raised([WebserviceException], lambda: Model.register(ws, "net", "x", child_paths=["nope"]), "net/nope")
raised([WebserviceException], lambda: Model.register(ws, "net", "x", model_framework_version="1"), "framework")
raised([WebserviceException], lambda: Model.register(ws, "net", "x", datasets=[1]), "pairs")
raised([WebserviceException], lambda: Model.register(ws, "net", "x", datasets=[("a", object())]), "register")
raised([UserErrorException], lambda: Model.register(ws, "net", "x", tags=["a"]), "dict")
raised([WebserviceException], lambda: ResourceConfiguration(cpu=-1), "cpu")
raised([WebserviceException], lambda: ResourceConfiguration.deserialize({"cpu": 1}), "memoryInGB")
assert ids(name="x") == []
config = InferenceConfig("driver.py", environment=None)
assert config.entry_script == "driver.py"
raised([WebserviceException], lambda: InferenceConfig("nope.py"), "nope.py")
for call in (lambda: Model.deploy(ws, "service", [model], config), lambda: Model.package(ws, [model]),
             lambda: Model.profile(ws, "p", [model], config, None), lambda: ModelPackage(ws, "1", None)):
    raised([UserErrorException], call, "Model.get_model_path")

# Datasets go with a model by their ids.
dataset = Dataset.File.from_files(os.path.abspath("net")).register(ws, "netfiles")
known = Model.register(ws, "net", "known", datasets=[("training", dataset)], sample_input_dataset=dataset)
assert [found.id for found in known.datasets["training"]] == [known.sample_input_dataset.id] == [dataset.id]
assert ids(dataset_id=dataset.id) == ["known:1"] and known.sample_output_dataset is None
known.delete()

# A run that this process has opened has the files that it has uploaded.
run = Experiment(ws, "interactive").start_logging()
run.upload_file("outputs/uploaded.pkl", "model.pkl")
of_run = run.register_model("fromrun", "outputs/uploaded.pkl", tags={"a": "b"})
assert (of_run.run_id, of_run.run.id, of_run.experiment_name) == (run.id, run.id, "interactive")
assert ids(run_id=run.id) == ["fromrun:1"]
run.complete()

folder.delete()
raised([WebserviceException, ModelNotFoundException], folder.delete, "There are: 1")
assert Model(ws, "mymodel").version == 1
assert Model.register(ws, "model.pkl", "mymodel").version == 3
print("all is well")
"""

INSIDE = """
import os
from azureml.core import Model, Run
from azureml.exceptions import ModelPathNotFoundException, WebserviceException

try:
    import mlrun_cli
except ImportError:
    pass
else:
    raise AssertionError("this script is to run without mlrun_cli")

run = Run.get_context()
ws = run.experiment.workspace
os.makedirs("outputs/net", exist_ok=True)
for name in ("outputs/model.pkl", "outputs/net/a", "outputs/net/b", "elsewhere"):
    open(name, "w").write(name)

model = run.register_model(model_name="mymodel", model_path="outputs/model.pkl", tags={"run": run.id})
assert (model.version, model.run_id, model.experiment_name) == (1, run.id, run.experiment.name)
assert run.register_model("mymodel", "./outputs/net/", model_framework="Custom").id == "mymodel:2"
assert Model.register(ws, model_path="elsewhere", model_name="other").run_id is None
try:
    run.register_model("nope")
except ModelPathNotFoundException as error:
    assert "'nope'" in error.message and "outputs/model.pkl" in error.message, error.message
else:
    raise AssertionError("there is no such file")

assert open(Model.get_model_path("mymodel", version=1)).read() == "outputs/model.pkl"
assert sorted(os.listdir(Model.get_model_path("mymodel"))) == ["a", "b"]
assert Model(ws, "mymodel").model_framework == "Custom"
assert [found.id for found in Model.list(ws, latest=True)] == ["other:1", "mymodel:2"]
assert open(Model(ws, "mymodel", version=1).download("got")).read() == "outputs/model.pkl"
try:
    Model(ws, "unknown")
except WebserviceException as error:
    assert "ModelNotFound" in str(error), error
else:
    raise AssertionError("there is no such model")
print("all is well")
"""


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    command = Mlrun(tmp_path)
    yield command
    command.close()


def test_models_outside_of_a_run(mlrun: Mlrun) -> None:
    path = mlrun.script(OUTSIDE, "driver.py")
    done = subprocess.run(
        [sys.executable, str(path)],
        cwd=mlrun.folder,
        env=mlrun.environment,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, ["all is well"]), done.stderr


def test_models_in_the_script_of_a_run(mlrun: Mlrun, tmp_path: Path) -> None:
    mlrun.script(INSIDE)
    # An interpreter without this program: a virtual environment of its own, with nothing installed.
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    mlrun.environment["PATH"] = f"{tmp_path / 'bare' / 'bin'}:{mlrun.environment['PATH']}"
    done = mlrun("run", "submit-script", "train.py", check=False)
    assert "all is well" in done.stderr, done.stderr
    assert done.returncode == 0
