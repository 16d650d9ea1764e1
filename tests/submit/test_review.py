from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlrun_cli.environments.mode import EnvironmentMode
from mlrun_cli.errors import ConflictingOptions, SeveralProblems, Unsupported
from mlrun_cli.runconfigs.run_configuration import PythonSection, RunConfiguration
from mlrun_cli.runconfigs.runconfig import read_runconfig
from mlrun_cli.submit.review import review_configuration

REAL = Path(__file__).parents[1] / "data" / "runconfigs"


def refusal(configuration: RunConfiguration) -> Unsupported:
    with pytest.raises(Unsupported) as caught:
        review_configuration(configuration)
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize("name", ["local-2018", "local-2019", "local-2020", "local-2025"])
def test_real_local_files_of_all_years_say_nothing(name: str) -> None:
    configuration, _ = read_runconfig(REAL / f"{name}.runconfig")

    assert review_configuration(configuration) == ()


def test_all_that_is_honoured_says_nothing() -> None:
    configuration = RunConfiguration(
        script="train.py",
        arguments=("--lr", "0.1"),
        max_run_duration_seconds=60,
        environment_variables={"A": "1"},
        python=PythonSection(user_managed_dependencies=True, interpreter_path="python"),
    )

    assert review_configuration(configuration) == ()


def test_a_script_and_a_command_are_one_too_many() -> None:
    with pytest.raises(ConflictingOptions):
        review_configuration(RunConfiguration(script="train.py", command="python train.py"))


@pytest.mark.parametrize(
    ("changed", "key_path"),
    [
        ({"framework": "PySpark"}, "framework"),
        ({"communicator": "Smoke"}, "communicator"),
        ({"node_count": 1_000}, "nodeCount"),
        ({"python": PythonSection(base_conda_environment="base")}, "environment.python.baseCondaEnvironment"),
        ({"rest": {"environment.name": "AzureML-PyTorch-1.6-CPU"}}, "environment.name"),
    ],
)
def test_a_field_that_cannot_be_honoured_is_refused_by_name(changed: dict[str, Any], key_path: str) -> None:
    error = refusal(RunConfiguration(**changed))

    assert error.target == key_path


@pytest.mark.parametrize(
    ("key_path", "value"),
    [
        ("datacaches", [{"datacacheId": "x"}]),
        ("environment.databricks.pypiLibraries", [{"package": "seaborn"}]),
        ("environment.databricks.cluster", {"nodeType": "x"}),
        ("environment.r", {"rVersion": "4.0"}),
        ("environment.r", {"userManaged": False, "cranPackages": [{"name": "caret"}]}),
        ("environment.r", {"userManaged": True, "cranPackages": [{"name": "caret"}]}),
        ("history.ambientAuthentication", {"method": "x"}),
        ("credentialPassthrough", True),
    ],
)
def test_any_other_key_that_cannot_be_honoured_is_refused_by_name(key_path: str, value: object) -> None:
    assert refusal(RunConfiguration(rest={key_path: value})).target == key_path


@pytest.mark.parametrize("key_path", ["environment.docker.enabled", "docker.useDocker"])
def test_a_container_gives_way_to_the_conda_part_and_that_is_said(key_path: str) -> None:
    (note,) = review_configuration(RunConfiguration(rest={key_path: True}))

    assert note.startswith(f"{key_path}: ") and "conda" in note
    (note,) = review_configuration(RunConfiguration(rest={key_path: True}), mode=EnvironmentMode.CURRENT)
    assert note.startswith(f"{key_path}: ") and "PATH" in note


@pytest.mark.parametrize("key_path", ["environment.docker.enabled", "docker.useDocker"])
def test_a_container_whose_image_holds_the_packages_is_refused(key_path: str) -> None:
    python = PythonSection(user_managed_dependencies=True)

    assert refusal(RunConfiguration(python=python, rest={key_path: True})).target == key_path


@pytest.fixture
def programs(tmp_path: Path) -> str:
    """A PATH with docker and Rscript on it."""
    for name in ("docker", "Rscript"):
        (tmp_path / name).write_text("#!/bin/sh\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    return str(tmp_path)


def test_with_an_engine_a_container_is_honoured_and_nothing_said_of_its_keys(programs: str) -> None:
    rest = {"docker.useDocker": True, "docker.shmSize": "8g", "environment.docker.baseImage": "me/image:1"}
    configuration = RunConfiguration(python=PythonSection(user_managed_dependencies=True), rest=rest)

    assert review_configuration(configuration, search_path=programs) == ()


def test_a_framework_whose_program_is_on_path_is_honoured(programs: str) -> None:
    assert review_configuration(RunConfiguration(framework="R"), search_path=programs) == ()


@pytest.mark.parametrize("others", [{}, {"rVersion": None, "cranPackages": []}])
def test_an_r_that_its_user_manages_is_the_one_on_path(programs: str, others: dict[str, Any]) -> None:
    configuration = RunConfiguration(framework="R", rest={"environment.r": {"userManaged": True, **others}})

    assert review_configuration(configuration, search_path=programs) == ()


@pytest.mark.parametrize(
    "asked",
    [
        RunConfiguration(python=PythonSection(user_managed_dependencies=True), rest={"docker.useDocker": True}),
        RunConfiguration(python=PythonSection(base_conda_environment="base")),
        RunConfiguration(rest={"environment.r": {"rVersion": "3.6"}}),
    ],
)
def test_what_is_asked_of_the_environment_matters_not_when_it_is_the_current_one(asked: RunConfiguration) -> None:
    refusal(asked)

    review_configuration(asked, mode=EnvironmentMode.CURRENT)


def test_all_that_is_refused_is_said_at_once() -> None:
    rest = {"datacaches": [{"x": {}}], "credentialPassthrough": True}
    with pytest.raises(SeveralProblems) as caught:
        review_configuration(RunConfiguration(script="a.py", command="a.py", node_count=1_000, rest=rest))

    messages = [problem.message for problem in caught.value.problems]
    assert [message.split(" ")[0] for message in messages] == [
        "Both",
        "nodeCount",
        "datacaches",
        "credentialPassthrough",
    ]
    assert all(problem.hint for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("key_path", "value"),
    [
        ("priority", 5),
        ("sourceDirectoryDataStore", "workspaceblobstore"),
        ("amlcompute.vmSize", "STANDARD_D2_V2"),
        ("amlcompute.retainCluster", True),
        ("kubernetescompute.instanceType", "gpu"),
        ("history.snapshotProject", False),
        ("history.outputCollection", False),
        ("environment.docker.baseImage", "pytorch/pytorch:2.0"),
        ("environment.inferencingStackVersion", "latest"),
        ("environment.configUri", "/subscriptions/x"),
        ("applicationEndpoints", {"ssh": {}}),
        ("autoPrepareEnvironment", False),
    ],
)
def test_what_is_harmless_is_skipped_with_one_line(key_path: str, value: object) -> None:
    (note,) = review_configuration(RunConfiguration(rest={key_path: value}))

    assert note.startswith(f"{key_path} ")
    assert "\n" not in note


def test_the_name_of_an_environment_that_is_described_says_nothing() -> None:
    rest = {"environment.name": "conda-env", "environment.version": "3"}
    configuration = RunConfiguration(rest=rest, python=PythonSection(conda_dependencies_file="conda.yml"))

    assert review_configuration(configuration) == ()


@pytest.mark.parametrize(
    ("key_path", "value"),
    [
        ("environment.docker.baseImage", "mcr.microsoft.com/azureml/base:0.2.4"),
        ("environment.spark.packages", [{"group": "x"}]),
        ("spark.configuration", {"spark.app.name": "mine"}),
        ("hdi.yarnDeployMode", "client"),
        ("batchai.nodeCount", 3),
        ("history.directoriesToWatch", ["logs", "more"]),
    ],
)
def test_what_belongs_to_another_target_or_framework_says_nothing(key_path: str, value: object) -> None:
    assert review_configuration(RunConfiguration(rest={key_path: value})) == ()


@pytest.mark.parametrize(
    ("key_path", "value", "switch"),
    [
        ("environment.docker.arguments", ["-v", "/a:/b"], "docker"),
        ("docker.shmSize", "6g", "docker"),
        ("tensorflow.workerCount", 2, "communicator"),
        ("mpi.processCountPerNode", 4, "communicator"),
        ("pytorch.nodeCount", 2, "communicator"),
        ("pytorch.communicationBackend", "gloo", "communicator"),
        ("paralleltask.workerCountPerNode", 2, "pipelines"),
    ],
)
def test_what_is_not_switched_on_is_named(key_path: str, value: object, switch: str) -> None:
    (note,) = review_configuration(RunConfiguration(rest={key_path: value}))
    assert note.startswith(f"{key_path} ") and switch in note


def test_a_conda_environment_to_extend_is_inert_when_the_interpreter_is_given() -> None:
    python = PythonSection(user_managed_dependencies=True, base_conda_environment="base")

    assert review_configuration(RunConfiguration(python=python)) == ()
