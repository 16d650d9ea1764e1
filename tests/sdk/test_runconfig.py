"""`azureml.core.runconfig`: set by old and new idioms, saved as Azure saves, and loaded again."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from mlrun_cli.core.temporary import TEMPORARY_PREFIX
from mlrun_cli.errors import InvalidFile
from mlrun_cli.runconfigs.runconfig import parse_configuration_document, read_runconfig
from tests.running import Mlrun
from tests.sdk.driving import drive

DATA = Path(__file__).parents[1] / "data" / "runconfigs"


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    one = Mlrun(tmp_path, attach=False)
    yield one
    one.close()


SET_VALUES = """
import copy, json
from azureml.core import Environment, RunConfiguration
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.runconfig import (
    DEFAULT_CPU_IMAGE, Data, DataLocation, DataReferenceConfiguration, Dataset, DockerConfiguration,
    PyTorchConfiguration,
)

rc = RunConfiguration()
assert (rc.target, rc.framework, rc.communicator, rc.node_count) == ("local", "Python", "None", 1)
assert (rc.script, rc.arguments, rc.command, rc.max_run_duration_seconds) == (None, [], "", None)
assert not rc._has_environment()
rc.environment.docker.enabled = True
rc.environment.docker.base_image = DEFAULT_CPU_IMAGE
rc.environment.docker.gpu_support = True
rc.environment.python.user_managed_dependencies = True
rc.environment.python.interpreter_path = "/opt/python"
rc.environment.python.conda_dependencies = CondaDependencies.create(conda_packages=["scikit-learn"])
rc.prepare_environment = rc.auto_prepare_environment = False
rc.history.output_collection = False
rc.amlcompute.vm_size = "D2"
rc.amlcompute._cluster_max_node_count = 4
rc.environment_variables["A"] = "1"
rc.spark.configuration["spark.app.name"] = "mine"
assert rc._has_environment()

class Cluster:
    name = "cpu-cluster"

rc.target = Cluster()
assert rc.target == "cpu-cluster"
document = json.loads(repr(rc))
assert document == rc._to_document() and document["target"] == "cpu-cluster"
assert document["amlcompute"]["clusterMaxNodeCount"] == 4 and document["amlcompute"]["vmSize"] == "D2"
python = document["environment"]["python"]
assert (python["userManagedDependencies"], python["interpreterPath"]) == (True, "/opt/python")
assert python["condaDependencies"]["dependencies"][1] == "scikit-learn"
assert document["environmentVariables"] == {"A": "1"} and "applicationEndpoints" in document

rc.data["one"] = Data(DataLocation(dataset=Dataset(dataset_id="id")), mechanism="mount")
rc.data_references = {"two": DataReferenceConfiguration(datastore_name="store", mode="download")}
document = rc._to_document()
assert document["data"]["one"]["dataLocation"]["dataset"]["id"] == "id"
assert document["dataReferences"]["two"]["dataStoreName"] == "store"

rc.target = None
assert rc.target == "local" and type(error_of(setattr, rc, "target", 3)) is UserErrorException
assert "node_count" in str(error_of(setattr, rc, "node_cuont", 2))
assert copy.deepcopy(rc)._to_document() == rc._to_document()
whole = RunConfiguration("a.py", ["x"], "PyTorch", "nccl", CondaDependencies.create(pip_packages=["torch"]))
assert (whole.script, whole.arguments, whole.framework) == ("a.py", ["x"], "PyTorch")
assert list(whole.environment.python.conda_dependencies.pip_packages) == ["torch"]
whole = RunConfiguration()
whole.environment = Environment("mine")
assert whole._has_environment() and whole._to_document()["environment"]["name"] == "mine"
assert PyTorchConfiguration("NCCL", 4, 2).communication_backend == "nccl"
assert type(error_of(PyTorchConfiguration, "mpi")) is RunConfigurationException
assert DockerConfiguration().arguments is not DockerConfiguration().arguments
"""


def test_a_configuration_is_set_by_the_idioms_of_all_versions(mlrun: Mlrun) -> None:
    drive(
        mlrun,
        SET_VALUES,
    )


def test_a_configuration_is_saved_as_azure_saves_it(mlrun: Mlrun) -> None:
    drive(
        mlrun,
        """
        from azureml.core import RunConfiguration
        from azureml.core.conda_dependencies import CondaDependencies

        rc = RunConfiguration()
        rc.environment.docker.base_image = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20251130.v1"
        rc.save(path=".", name="local")
        """,
    )
    saved = (mlrun.folder / ".azureml/local").read_text(encoding="utf-8")
    lines = (DATA / "local-2025.runconfig").read_text(encoding="utf-8").splitlines(keepends=True)
    assert saved == "".join(line for line in lines if not line.lstrip().startswith("#"))
    conda_file = mlrun.folder / ".azureml/conda_dependencies.yml"
    assert yaml.safe_load(conda_file.read_text(encoding="utf-8"))["dependencies"] == [{"pip": ["azureml-defaults"]}]
    assert [file for file in (mlrun.folder / ".azureml").iterdir() if file.name.startswith(TEMPORARY_PREFIX)] == []


CHANGE_FILE = """
import os
from azureml.core import RunConfiguration

rc = RunConfiguration.load(path=".", name="train")
assert rc.arguments == ["--lr", "0.10", "--flag", "no", "ä"]
assert rc.environment_variables == {"A": "1e3", "B": None}
assert (rc.script, rc.target, rc.environment.environment_variables) == ("train.py", "cpu", {})
# Names of data are camel-cased as in Azure; a run gets them as they stand in the file.
assert rc.data["inPut"].mechanism == "download" and rc.data["inPut"].data_location.dataset.name == "iris"
assert list(rc._to_document()["data"]) == ["in_put"]
conda = rc.environment.python.conda_dependencies
assert list(conda.conda_packages) == ["numpy"]
assert rc._to_document() == RunConfiguration.load(".azureml/train.runconfig")._to_document()

# A run gets all that was read; saved is what Azure saves of it, in the file that it was loaded from.
conda.add_pip_package("scipy")
rc.node_count = 2
assert rc._to_document()["environment"]["docker"]["gpuSupport"] is True
before = rc._to_document(for_file=True)
assert before["foo"] == {"bar": 1} and "gpuSupport" not in before["environment"]["docker"]
rc.save()
assert "\\nfoo:\\n  bar: 1\\n" in open(".azureml/train.runconfig").read()
assert os.listdir(".azureml") == ["train.runconfig"]
assert RunConfiguration.load(".", "train")._to_document() == before
assert "scipy" in open("conf/conda.yml").read()
rc.save(".", "apart.runconfig", separate_environment_yaml=True)
assert "environment: .azureml/environment.yml\\n" in open(".azureml/apart.runconfig").read()
assert RunConfiguration.load(".", "apart")._to_document() == before
open("here.yml", "w").close()
rc.save("here.yml")
assert RunConfiguration.load("here.yml")._to_document() == before

# A conda file that is the user's own is not written over by defaults.
other = RunConfiguration()
other.environment.python.conda_dependencies_file = "conf/conda.yml"
other.save(".", "other")
assert "scipy" in open("conf/conda.yml").read()
assert other._to_document()["environment"]["python"].get("condaDependencies") is None
other.environment.python.conda_dependencies_file = None
other.environment.python.user_managed_dependencies = True
os.rename(".azureml", "aml_config")
other.save(".", "managed")
assert os.path.exists("aml_config/conda_dependencies.yml")
assert RunConfiguration.load(".", "managed").environment.python.user_managed_dependencies
open("aml_config/conda_dependencies.yml", "w").write("dependencies: [mine]\\n")
other.save(".", "managed")
assert "mine" in open("aml_config/conda_dependencies.yml").read()

RunConfiguration.delete(".", "managed")
said = str(error_of(RunConfiguration.load, ".", "managed"))
assert "aml_config/managed, aml_config/managed.runconfig, managed.runconfig" in said
for call in (RunConfiguration.delete, RunConfiguration.load):
    error = error_of(call, ".", "managed")
    assert isinstance(error, UserErrorException) and isinstance(error, FileNotFoundError) and "'managed'" in str(error)
assert isinstance(error_of(RunConfiguration.load, "nowhere.runconfig"), FileNotFoundError)
assert "name=" in str(error_of(RunConfiguration.load, "."))
assert "name=" in str(error_of(RunConfiguration().save))
assert type(error_of(rc.save, "nowhere", "x")) is FileNotFoundError

# Workbench's keys are today's here.
open("old.runconfig", "w").write("ArgumentVector: [old.py, 0.10]\\nTarget: docker\\nFramework: Python\\n")
old = RunConfiguration.load(".", "old")
assert (old.script, old.arguments, old.target) == ("old.py", ["0.10"], "local")
assert old.environment.docker.enabled

# As in Azure, what was read comes first, in its order, and an image is no default of what was read.
text = "target: cpu\\nscript: a.py\\nenvironment: {docker: {enabled: true}, name: x}\\nhistory: {}\\n"
open("ordered.runconfig", "w").write(text)
document = RunConfiguration.load(".", "ordered")._to_document()
assert list(document)[:6] == ["target", "script", "environment", "history", "arguments", "framework"]
assert list(document["environment"])[:2] == ["name", "version"]
docker = document["environment"]["docker"]
assert (docker["enabled"], docker["baseImage"], docker["shmSize"]) == (True, None, None)

def loading(text):
    open("wrong.runconfig", "w").write(text)
    error = error_of(RunConfiguration.load, ".", "wrong")
    assert isinstance(error, UserErrorException), repr(error)
    return str(error)

assert "line 2" in loading("script: [a\\n") and "mapping" in loading("- a\\n")
assert "environment.python" in loading("environment: {python: 3}\\n")
assert "a parallel step of a pipeline" in loading("parallel_run_config: {entry_script: score.py}\\n")
assert "a job of version 2" in loading("$schema: https://x/commandJob.schema.json\\n")
assert "description of an environment" in loading("name: mine\\npython: {interpreterPath: p}\\n")
assert "has no key of a runconfig" in loading("a: 1\\n")
assert "gone.yml" in loading("environment: gone.yml\\n")
assert "gone.yml" in loading("environment: {python: {condaDependenciesFile: gone.yml}}\\n")
"""


def test_a_configuration_is_found_loaded_changed_saved_and_deleted(mlrun: Mlrun) -> None:
    folder = mlrun.folder / ".azureml"
    folder.mkdir()
    (folder / "train.runconfig").write_text(
        "script: train.py\narguments: [--lr, 0.10, --flag, no, ä]\ntarget: cpu\nfoo: {bar: 1}\n"
        "environmentVariables: {A: 1e3, B: }\n"
        "environment:\n  more: 3\n  docker: {gpuSupport: true}\n"
        "  python:\n    condaDependenciesFile: conf/conda.yml\n"
        "data:\n  in_put:\n    dataLocation: {dataset: {name: iris, version: 1}}\n    mechanism: download\n",
        encoding="utf-8",
    )
    (mlrun.folder / "conf").mkdir()
    (mlrun.folder / "conf/conda.yml").write_text("dependencies:\n- numpy\n", encoding="utf-8")
    drive(
        mlrun,
        CHANGE_FILE,
    )


def test_a_configuration_that_is_loaded_and_submitted_runs_as_its_file_does(tmp_path: Path) -> None:
    mlrun = Mlrun(tmp_path)
    mlrun.script(
        "import os, sys\n"
        "for word in sys.argv[1:]: print('argument', word)\n"
        "for name in sorted(os.environ):\n"
        "    if name.startswith('AZUREML_DATAREFERENCE_') or name in ('IN', 'RATE'): print(name, os.environ[name])\n"
    )
    mlrun.script(
        "script: train.py\n"
        "arguments: [0.10, 1e-3, 16, 3.0, 0x1F, 1_000, no, true, '0.10', $AZUREML_DATAREFERENCE_my_data,"
        " DatasetConsumptionConfig:in_put, $AZUREML_DATAREFERENCE_myData]\n"
        "environmentVariables: {RATE: 0.10}\n"
        f"environment: {{python: {{userManagedDependencies: true, interpreterPath: {json.dumps(sys.executable)}}}}}\n"
        "dataReferences:\n  my_data: {dataStoreName: workspaceblobstore, pathOnDataStore: a}\n"
        "data:\n  in_put:\n    mechanism: mount\n    environmentVariableName: IN\n"
        "    dataLocation: {dataPath: {datastoreName: workspaceblobstore, relativePath: a}}\n",
        "train.runconfig",
    )
    mlrun.script("x", "a/x")
    mlrun("datastore", "upload", "-n", "workspaceblobstore", "--src-path", "a", "--target-path", "a")
    by_command = mlrun.submit("-c", "train")
    by_sdk = drive(
        mlrun,
        """
        from azureml.core import Experiment, RunConfiguration, ScriptRunConfig

        configuration = RunConfiguration.load(".", "train")
        assert configuration.arguments[:4] == ["0.10", "1e-3", 16, 3.0]
        config = ScriptRunConfig(".", run_config=configuration)
        print(Experiment(Workspace.from_config(), "exp").submit(config).id)
        """,
    ).strip()
    told = []
    for run_id in (by_command, by_sdk):
        assert mlrun.wait(run_id)["status"] == "Completed"
        told.append(mlrun.log(run_id))
    assert told[0] == told[1]
    arguments = [line.removeprefix("argument ") for line in told[0].splitlines() if line.startswith("argument ")]
    assert arguments[:9] == ["0.10", "1e-3", "16", "3.0", "0x1F", "1_000", "no", "true", "0.10"]
    for name in ("my_data", "myData", "in_put", "inPut"):
        assert f"AZUREML_DATAREFERENCE_{name} " in told[0]
    mlrun.close()


FIND_FILES = """
import os
from azureml.core import RunConfiguration

def write(path, text):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "w") as file:
        file.write(text)

def packages(*where):
    return [*RunConfiguration.load(*where).environment.python.conda_dependencies.conda_packages]

# aml_config goes before .azureml, a name before the name with .runconfig, both before the project itself.
places = ["aml_config/t", "aml_config/t.runconfig", "t.runconfig"]
for place in [*places, ".azureml/t", ".azureml/t.runconfig"]:
    write(place, f"script: {place}\\n")
for place in places:
    assert RunConfiguration.load(".", "t").script == place
    os.remove(place)
os.rmdir("aml_config")
assert RunConfiguration.load(".", "t").script == ".azureml/t"

# By name, paths are relative to the project; by path, to the file.
write("c.yml", "dependencies: [outer]\\n")
write(".azureml/c.yml", "dependencies: [inner]\\n")
write(".azureml/t", "environment: {python: {condaDependenciesFile: c.yml}}\\n")
assert packages(".", "t") == ["outer"] and packages(".azureml/t") == ["inner"]
changed = RunConfiguration.load(".azureml/t")
changed.environment.python.conda_dependencies.add_conda_package("more")
changed.save()
assert packages(".azureml/t") == ["inner", "more"] and packages(".", "t") == ["outer"]

# What Azure would not find is found, and named so that what is saved is found again.
os.remove("c.yml")
beside = RunConfiguration.load(".", "t")
assert beside.environment.python.conda_dependencies_file == ".azureml/c.yml"
beside.environment.python.conda_dependencies.add_conda_package("third")
beside.save()
assert not os.path.exists("c.yml") and packages(".", "t") == ["inner", "more", "third"]
absolute = os.path.abspath(".azureml/c.yml")
write(".azureml/t", f"environment: {{python: {{condaDependenciesFile: '{absolute}'}}}}\\n")
assert RunConfiguration.load(".", "t").environment.python.conda_dependencies_file == absolute

write("sub/f.yml", "")
RunConfiguration().save("sub/f.yml", separate_environment_yaml=True)
assert sorted(os.listdir("sub")) == ["conda_dependencies.yml", "environment.yml", "f.yml"]
assert "environment: environment.yml\\n" in open("sub/f.yml").read()
assert "condaDependenciesFile: conda_dependencies.yml\\n" in open("sub/environment.yml").read()
assert RunConfiguration.load("sub/f.yml").environment.name == "default-environment"

# Two names that would become one stay two.
write("sub/two", "data:\\n  inPut: {mechanism: mount}\\n  in_put: {mechanism: download}\\n")
two = RunConfiguration.load("sub/two")
assert list(two.data) == list(two._to_document()["data"]) == ["inPut", "in_put"]

# JSON is YAML too; a number that Python would write otherwise stays the text that a script gets.
write("sub/j.json", '{"script": "a.py", "arguments": [1.50, 1.5, "1e3"], "environmentVariables": {"A": "1e3"}}')
one = RunConfiguration.load("sub/j.json")
assert one.arguments == ["1.50", 1.5, "1e3"]
one.save()
text = open("sub/j.json").read()
assert "- '1.50'\\n- 1.5\\n- '1e3'\\n" in text and "A: '1e3'\\n" in text, text
"""


def test_files_are_found_and_written_where_azure_has_them(mlrun: Mlrun) -> None:
    drive(
        mlrun,
        FIND_FILES,
    )


@pytest.mark.parametrize("path", sorted(DATA.glob("*.runconfig")), ids=lambda path: path.stem)
def test_a_runconfig_means_the_same_as_a_file_and_as_values(path: Path) -> None:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert parse_configuration_document(document, path)[0] == read_runconfig(path)[0]


def test_what_is_wrong_in_a_runconfig_of_values_is_named_without_a_line() -> None:
    where = Path("/code")
    configuration, notes = parse_configuration_document({"script": "a.py", "arguments": [1, True], "skript": 1}, where)
    assert configuration.arguments == ("1", "true")
    (note,) = notes
    assert note.startswith("/code: ") and "'skript'" in note and note.endswith(" script?")
    for document, said in (
        ({"script": {"a": 1}}, "/code: script: expected text"),
        ({"script": "a", "data": {"x": {1: 2}}}, "/code: data.x: a key is not text"),
        ({"script": "a", "nodeCount": 10**5000}, "/code: nodeCount: is too large a number"),
        ({"script": object()}, "/code: script: expected a value of JSON, found object"),
        ([1], "/code: expected a mapping"),
    ):
        with pytest.raises(InvalidFile) as caught:
            parse_configuration_document(document, where)
        assert caught.value.message.startswith(said)
