"""`azureml.core.Environment`: described, saved, registered and made ready."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import Mlrun
from tests.sdk.driving import BEGINNING, drive


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    one = Mlrun(tmp_path, attach=False)
    yield one
    one.close()


DESCRIBE_ENVIRONMENTS = """
import json, os, shlex
from azureml.core import ContainerRegistry, Environment
from azureml.core.environment import DockerBuildContext, RSection

env = Environment("mine")
assert (env.name, env.version) == ("mine", None)
assert env.environment_variables == {"EXAMPLE_ENV_VAR": "EXAMPLE_VALUE"}
assert str(env) == "Environment(Name: mine,\\nVersion: None)"
assert env.python.interpreter_path == "python" and not env.python.user_managed_dependencies
assert env.docker.base_image.startswith("mcr.microsoft.com/azureml/") and env.docker.shm_size == "2g"
env.docker.enabled = True
env.docker.base_dockerfile = "FROM ubuntu"
assert env.docker.base_image is None
env.docker.base_image = "ubuntu:22.04"
assert env.docker.base_dockerfile is None and json.loads(repr(env))["docker"]["baseImage"] == "ubuntu:22.04"
assert "enabeld" in str(error_of(setattr, env.docker, "enabeld", True))
assert type(error_of(Environment, 3)) is TypeError
env.r = RSection()
assert json.loads(repr(env))["r"]["userManaged"] is False

os.makedirs("sub")
open("sub/conda.yml", "w").write("name: x\\ndependencies:\\n- numpy\\n- pip:\\n  - -r more.txt\\n  - ./lib\\n")
open("sub/pip.txt", "w").write("# first\\nnumpy==1.2\\n\\nscipy>1  # why\\n-e ./lib\\n--pre\\na \\\\\\n  >2\\n")
open("sub/more.txt", "w").write("six\\n")
os.makedirs("sub/lib")
document = lambda env: json.loads(repr(env))["python"]["condaDependencies"]["dependencies"]
lib = os.path.abspath("sub/lib")
conda = Environment.from_conda_specification("c", "sub/conda.yml")
more = os.path.abspath("sub/more.txt")
assert document(conda) == ["numpy", {"pip": [f"-r {shlex.quote(more)}", lib]}]
pip = Environment.from_pip_requirements("p", "sub/pip.txt", pip_version="20.1")
lines = ["numpy==1.2", "scipy>1", f"-e {shlex.quote(lib)}", "--pre", "a    >2"]
assert document(pip) == [{"pip": lines}, "pip=20.1"]
assert type(error_of(Environment.from_conda_specification, "c", "nope.yml")) is FileNotFoundError
assert type(error_of(Environment.from_pip_requirements, "c", "nope.txt")) is FileNotFoundError

registry = ContainerRegistry()
registry.address = "me.azurecr.io"
image = Environment.from_docker_image("i", "ubuntu", container_registry=registry)
assert image.python.user_managed_dependencies and image.docker.base_image_registry.address == "me.azurecr.io"
both = Environment.from_docker_image("i", "ubuntu", pip_requirements="sub/pip.txt")
assert not both.python.user_managed_dependencies and "numpy==1.2" in document(both)[0]["pip"]
assert type(error_of(Environment.from_docker_image, "i", "u", None, "sub/conda.yml", "sub/pip.txt")) is (
    UserErrorException
)
open("Dockerfile", "w").write("FROM a\\n")
assert Environment.from_dockerfile("d", "Dockerfile").docker.base_dockerfile == "FROM a\\n"
text = Environment.from_dockerfile("d", "FROM b", conda_specification="sub/conda.yml")
assert (text.docker.base_dockerfile, text.docker.base_image) == ("FROM b", None)
assert "from_conda_specification" in str(error_of(DockerBuildContext.from_local_directory, None, "."))

copied = conda.clone("copy")
copied.python.conda_dependencies.add_pip_package("more")
assert copied.name == "copy" and "more" not in document(conda)[1]["pip"]
assert type(error_of(conda.clone, "")) is UserErrorException

text.version = "3"
text.environment_variables = {"A": "1"}
text.save_to_directory("saved")
assert sorted(os.listdir("saved")) == ["BaseDockerfile", "azureml_environment.json", "conda_dependencies.yml"]
definition = json.load(open("saved/azureml_environment.json"))
assert "condaDependencies" not in definition["python"] and "baseDockerfile" not in definition["docker"]
again = Environment.load_from_directory("saved")
assert (again.name, again.version, again.environment_variables) == ("d", "3", {"A": "1"})
assert again.docker.base_dockerfile == "FROM b" and document(again)[0] == "numpy"
assert type(error_of(text.save_to_directory, "saved")) is FileExistsError
text.save_to_directory("saved", overwrite=True)
assert type(error_of(Environment.load_from_directory, "sub")) is FileNotFoundError
"""


def test_environments_are_described_by_files_and_images(mlrun: Mlrun) -> None:
    drive(
        mlrun,
        DESCRIBE_ENVIRONMENTS,
    )


def test_a_conda_environment_of_this_machine_is_used_as_it_is(mlrun: Mlrun) -> None:
    home = Path(mlrun.environment["HOME"])
    for folder in (home / "conda", home / "conda/envs/one", home / ".conda/envs/two", home / "far/three"):
        (folder / "bin").mkdir(parents=True)
        (folder / "bin/python").touch()
    (home / "conda/condabin").mkdir()
    (home / ".conda/environments.txt").write_text(f"{home / 'far/three'}\n", encoding="utf-8")
    command = home / "bin/conda"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\necho \'{{"envs": ["{home}/conda", "{home}/conda/envs/one"]}}\'\n', encoding="utf-8")
    command.chmod(0o755)
    mlrun.environment["PATH"] = f"{command.parent}{os.pathsep}{mlrun.environment['PATH']}"
    drive(
        mlrun,
        """
        import logging, os
        from azureml.core import Environment

        home = os.path.expanduser("~")
        found = lambda name: Environment.from_existing_conda_environment("env", name)
        for name, folder in (
            ("base", "conda"), ("one", "conda/envs/one"), ("two", ".conda/envs/two"), ("three", "far/three"),
            (os.path.join(home, "far/three"), "far/three"),
        ):
            python = found(name).python
            assert (python.user_managed_dependencies, python.interpreter_path) == (True, f"{home}/{folder}/bin/python")
        logging.disable(logging.WARNING)
        assert found("nope") is None
        """,
    )


REGISTER_ENVIRONMENTS = """
import os
from azureml.core import Environment
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.environment import EnvironmentReference

ws = Workspace.create("ws")
assert all(name.startswith("AzureML-") for name in Environment.list(ws))
env = Environment("train")
env.python.conda_dependencies = CondaDependencies.create(pip_packages=["numpy"])
first = env.register(ws)
assert (first.name, first.version, env.version) == ("train", "1", None)
assert repr(first) == repr(Environment.get(ws, "train", version="1"))
assert env.register(workspace=ws).version == first.register(ws).version == "1"

# What has been changed is another version, whatever version it was before; what goes back is too.
first.python.conda_dependencies.add_pip_package("scipy")
assert [first.register(ws).version, env.register(ws).version] == ["2", "3"]
assert Environment.get(ws, "train").version == "3"
env.version = "summer"
env.environment_variables = {"A": "1"}
assert (env.register(ws).version, env.register(ws).version) == ("summer", "summer")
env.version = None
env.environment_variables = {"A": "2"}
assert env.register(ws).version == "4"
two = Environment.get(ws, name="train", version=2)
assert list(two.python.conda_dependencies.pip_packages) == ["numpy", "scipy"]
assert EnvironmentReference("train", "summer").get_environment(ws).environment_variables == {"A": "1"}

Environment.label(ws, "train", "1", ["prod", "old"])
Environment.label(ws, "train", "2", ["prod"])
labelled = {label: Environment.get(ws, "train", label=label).version for label in ("prod", "old", "latest")}
assert labelled == {"prod": "2", "old": "1", "latest": "4"}
other = Environment("another")
other.python.user_managed_dependencies = True
other.register(ws)
own = {name: one.version for name, one in Environment.list(ws).items() if not name.startswith("AzureML")}
assert own == {"another": "1", "train": "4"}
assert Environment.get(ws, "another").python.user_managed_dependencies

# A conda file that is only named is kept with it.
os.makedirs("deep")
open("deep/conda.yml", "w").write("dependencies:\\n- pandas\\n")
named = Environment("named")
named.python.conda_dependencies_file = "deep/conda.yml"
assert list(named.register(ws).python.conda_dependencies.conda_packages) == ["pandas"]

def said(call, *arguments, **named):
    error = error_of(call, *arguments, **named)
    assert type(error) is UserErrorException, repr(error)
    return str(error)

assert "another, named, train" in said(Environment.get, ws, "nope")
assert "1, 2, 3, summer, 4" in said(Environment.get, ws, "train", version="9")
assert "'blue'" in said(Environment.get, ws, "train", label="blue")
said(Environment.get, ws, "train", "1", "prod")
said(Environment.label, ws, "train", "9", ["x"])
said(Environment.label, ws, "train", "1", ["latest"])
assert "from_conda_specification" in said(Environment.get, ws, "AzureML-Designer-R")
assert "clone" in said(Environment("AzureML-mine").register, ws)
said(Environment(None).register, ws)
said(Environment("train").get_image_details, ws)

open("a-1-py3-none-any.whl", "w").write("wheel")
address = Environment.add_private_pip_wheel(ws, "a-1-py3-none-any.whl")
assert open(address[len("file://"):]).read() == "wheel"
assert Environment.add_private_pip_wheel(ws, "a-1-py3-none-any.whl", exist_ok=True) == address
assert "exist_ok" in said(Environment.add_private_pip_wheel, ws, "a-1-py3-none-any.whl")
assert "nope.whl" in said(Environment.add_private_pip_wheel, ws, "nope.whl")
"""


def test_environments_are_registered_in_versions_and_found_by_version_or_label(mlrun: Mlrun) -> None:
    drive(
        mlrun,
        REGISTER_ENVIRONMENTS,
    )


def test_build_makes_an_environment_ready_or_says_why_it_cannot(mlrun: Mlrun) -> None:
    output = drive(
        mlrun,
        """
        from azureml.core import Environment
        from azureml.core.conda_dependencies import CondaDependencies

        ws = Workspace.create("ws")
        details = Environment("empty").build(ws)
        details.wait_for_completion(show_output=True)
        assert details.status == "Succeeded" and "ready" in details.get_log()
        managed = Environment("managed")
        managed.python.user_managed_dependencies = True
        assert "as it is" in managed.build_local(ws).get_log()
        broken = Environment("broken")
        broken.python.conda_dependencies = CondaDependencies.create(pip_packages=["nope @ file:///nowhere/nope.whl"])
        error = error_of(broken.build, ws)
        assert isinstance(error, AzureMLException) and "'broken'" in str(error) and "nope" in str(error), error
        """,
    )
    assert "is ready" in output
    assert list(mlrun.home.glob("environments/*/bin/python")) or list(mlrun.home.glob("environments/*/*/bin/python"))


def test_notes_name_the_environment_that_a_script_has_built_of_a_file(mlrun: Mlrun) -> None:
    mlrun.script("pass", "src/train.py")
    mlrun.script("dependencies: [{pip: [azureml-defaults]}]", "conda.yml")
    code = """
    from azureml.core import Environment, Experiment, ScriptRunConfig
    ws = Workspace.create("ws")
    environment = Environment.from_conda_specification("mine", "conda.yml")
    Experiment(ws, "e").submit(ScriptRunConfig("src", "train.py", environment=environment)).wait_for_completion()
    """
    done = mlrun.run(sys.executable, "-c", textwrap.dedent(BEGINNING) + textwrap.dedent(code))
    assert done.returncode == 0, done.stderr
    [note] = [line for line in done.stderr.splitlines() if "azureml-defaults" in line]
    assert "environment 'mine'" in note
    assert "src" not in note
