"""`azureml.core.ScriptRunConfig`: what is given comes to one document."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import Mlrun
from tests.sdk.driving import drive


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    one = Mlrun(tmp_path, attach=False)
    yield one
    one.close()


CONFIGURE_SCRIPT_RUNS = """
import logging, os, pathlib, sys
from azureml.core import Environment, RunConfiguration, ScriptRunConfig
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.runconfig import (
    DockerConfiguration, MpiConfiguration, PyTorchConfiguration, TensorflowConfiguration
)
from azureml.core.script_run_config import get_run_config_from_script_run

os.makedirs("src")
config = ScriptRunConfig("src", "train.py", ["--lr", 0.1, "--n", 3, True, pathlib.Path("a b")])
assert config.source_directory == "src" and config._get_source_path() == os.path.abspath("src")
assert ScriptRunConfig(None, "a.py")._get_source_path() == os.getcwd()
document = config._to_document()
assert document["script"] == "train.py" and document["command"] == ""
assert document["arguments"] == ["--lr", "0.1", "--n", "3", "True", "a b"]
assert (document["maxRunDurationSeconds"], config.run_config.max_run_duration_seconds) == (2592000, 2592000)
python = document["environment"]["python"]
assert not config._has_environment
assert (python["userManagedDependencies"], python["interpreterPath"]) == (True, sys.executable)
assert config.run_config.environment.python.user_managed_dependencies is False

arguments = lambda given: ScriptRunConfig(".", "a.py", given)._to_document()["arguments"]
assert arguments("--a 3 'b c'") == ["--a", "3", "b c"] and arguments(("x", 1)) == ["x", "1"]
assert arguments(3) == ["3"] and arguments(None) == [] and arguments([""]) == arguments([None]) == [""]
assert "arguments[0]" in str(error_of(arguments, [["a"]]))

command = lambda given: ScriptRunConfig(".", command=given)._to_document()
assert command("ls -l && x")["command"] == "ls -l && x" and command("x")["script"] is None
assert command(["ls", 3])["command"] == ["ls", "3"]
assert type(error_of(ScriptRunConfig(".", "a.py", command="ls")._to_document)) is UserErrorException
assert type(error_of(ScriptRunConfig(".")._to_document)) is UserErrorException

environment = Environment("mine")
environment.environment_variables = {"A": 1}
environment.python.conda_dependencies = CondaDependencies.create(pip_packages=["numpy"])
config = ScriptRunConfig(
    ".", "a.py", compute_target="cpu", environment=environment, max_run_duration_seconds=60,
    docker_runtime_config=DockerConfiguration(use_docker=True), distributed_job_config=MpiConfiguration(2, 3),
)
document = config._to_document()
assert config._has_environment and document["target"] == "cpu" and document["docker"]["useDocker"] is True
assert document["environment"]["environmentVariables"] == {"A": "1"} and document["maxRunDurationSeconds"] == 60
assert document["environment"]["python"]["condaDependencies"]["dependencies"] == [{"pip": ["numpy"]}]
assert (document["communicator"], document["nodeCount"]) == ("IntelMpi", 3)
assert document["mpi"]["processCountPerNode"] == 2
distributed = lambda job: ScriptRunConfig(".", "a.py", distributed_job_config=job)._to_document()
torch = distributed(PyTorchConfiguration("Gloo", 4, 2))
assert [torch[key] for key in ("framework", "communicator", "nodeCount")] == ["PyTorch", "gloo", 2]
tensorflow = distributed(TensorflowConfiguration(3, 1))
assert [tensorflow[key] for key in ("framework", "communicator", "nodeCount")] == [
    "TensorFlow", "ParameterServer", 3
]

for wrong in (
    dict(distributed_job_config=3), dict(docker_runtime_config=3), dict(environment="a"), dict(run_config="a")
):
    assert type(error_of(ScriptRunConfig, ".", "a.py", **wrong)) is RunConfigurationException, wrong
for none in ("", {}, False, 0, []):
    plain = ScriptRunConfig(".", "a.py", run_config=none, compute_target="gpu", max_run_duration_seconds=9)
    assert (plain.run_config.target, plain.run_config.max_run_duration_seconds) == ("gpu", 9), none
assert "resume_from" in str(error_of(ScriptRunConfig, ".", "a.py", resume_from=3))

# A run configuration holds, but for what is started.
logging.disable(logging.WARNING)
rc = RunConfiguration("z.py", ["q"])
rc.target = "gpu"
rc.environment.name = "named"
rc.max_run_duration_seconds = 7
same = ScriptRunConfig(".", run_config=rc, compute_target="x", environment=environment)
assert same.run_config is rc and (same.script, same.arguments) == ("z.py", ["q"])
document = same._to_document()
assert [document[key] for key in ("script", "arguments", "target", "maxRunDurationSeconds")] == [
    "z.py", ["q"], "gpu", 7
]
assert not same._has_environment
over = ScriptRunConfig(".", "a.py", ["w"], rc)
assert over._to_document()["script"] == "a.py" and over._to_document()["arguments"] == ["w"]
resolved = get_run_config_from_script_run(over)
assert (resolved.script, resolved.arguments, rc.script, rc.arguments) == ("a.py", ["w"], "z.py", ["q"])
late = ScriptRunConfig(".", "a.py")
late.run_config.arguments = ["late"]
assert late._to_document()["arguments"] == ["late"]

# A conda file of the source folder is found from anywhere.
open("src/conda.yml", "w").write("dependencies: []\\n")
config = ScriptRunConfig("src", "a.py")
config.run_config.environment.python.conda_dependencies_file = "conda.yml"
python = config._to_document()["environment"]["python"]
assert python["condaDependenciesFile"] == os.path.abspath("src/conda.yml")
assert not python["userManagedDependencies"]
"""


def test_script_arguments_and_configuration_come_to_one_document(mlrun: Mlrun) -> None:
    drive(
        mlrun,
        CONFIGURE_SCRIPT_RUNS,
    )


def test_data_among_the_arguments_goes_into_its_section_of_the_document(mlrun: Mlrun) -> None:
    drive(
        mlrun,
        """
        import os
        from azureml.core import Dataset, RunConfiguration, ScriptRunConfig

        open("a.csv", "w").write("x\\n1\\n")
        ws = Workspace.create("ws")
        dataset = Dataset.File.from_files(os.path.abspath("a.csv"))
        config = ScriptRunConfig(".", "a.py", ["--in", dataset.as_named_input("iris").as_mount()])
        document = config._to_document()
        assert document["arguments"] == ["--in", "DatasetConsumptionConfig:iris"], document["arguments"]
        assert list(document["data"]) == ["iris"] and document["data"]["iris"]["mechanism"] == "mount"
        assert config.run_config.data == {}
        words = ScriptRunConfig(".", command=["cat", dataset.as_named_input("iris").as_download()])._to_document()
        assert words["command"][1] == "DatasetConsumptionConfig:iris"
        for command, expected in ((["echo a  b"], "echo a  b"), (["ls"], ["ls"]), (["a b", "c"], ["a b", "c"])):
            same(ScriptRunConfig(".", command=command)._to_document()["command"], expected)
        assert words["data"]["iris"]["mechanism"] == "download"
        rc = RunConfiguration()
        rc.data = {"iris": dataset.as_named_input("iris").as_mount()}
        assert rc._to_document()["data"]["iris"] == document["data"]["iris"]
        """,
    )
