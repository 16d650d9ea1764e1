"""Command lines found in public repositories, in a folder laid out as theirs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.installed import bash, installed
from tests.running import Mlrun, failure_of

DATA = Path(__file__).parents[1] / "data" / "acceptance"


@pytest.fixture
def project(mlrun: Mlrun) -> Mlrun:
    shutil.copytree(DATA / "project", mlrun.folder, dirs_exist_ok=True)
    mlrun.environment.update(WORKSPACE="ws", RESOURCEGROUP="rg", EXP="mnist")
    return mlrun


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("-g aml-demo -w aml-demo", {"Workspace name": "aml-demo", "Resource group": "aml-demo"}),
        ("-w $WORKSPACE -g $RESOURCEGROUP -e ${EXP}", {"Workspace name": "ws", "Experiment name": "mnist"}),
        ('-w "Your workspace name" -g "Your resource group name"', {"Workspace name": "Your workspace name"}),
        ("--experiment-name $EXP --path sub/folder", {"Experiment name": "mnist"}),
        ("", {"Workspace name": "default", "Experiment name": "exp"}),  # as it is attached already
    ],
)
def test_folder_attach(project: Mlrun, words: str, expected: dict[str, str]) -> None:
    done = bash(project, f"az ml folder attach {words}")
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    assert printed.items() >= expected.items()
    assert set(printed) == {"Experiment name", "Project path", "Resource group", "Subscription id", "Workspace name"}


@pytest.mark.parametrize(
    ("words", "experiment", "argv"),
    [
        (
            "-c config/train --ct local -e diabetes-train-remote train.py",
            "diabetes-train-remote",
            ["train.py", "--alpha", "0.5"],
        ),
        ("-c config/train -e german-credit-train-local", "german-credit-train-local", ["train.py", "--alpha", "0.5"]),
        ("-c mnist -e myexperiment --source-directory scripts", "myexperiment", ["inner.py"]),
        ("-c mnist.runconfig -e cli-test --source-directory scripts", "cli-test", ["inner.py"]),
        ("-c training -e custom-image-training", "custom-image-training", ["train.py"]),
        (
            "-c training -e exp2 train.py --data-folder data --help",
            "exp2",
            ["train.py", "--data-folder", "data", "--help"],
        ),
        ("--ct local -e exp3 train.py", "exp3", ["train.py"]),
        (
            "--run-configuration-name config/train \\\n --target local \\\n --experiment-name long",
            "long",
            ["train.py", "--alpha", "0.5"],
        ),
        (
            "-c training -e exp4 -w default -g default --subscription-id 00000000-0000-0000-0000-000000000000",
            "exp4",
            ["train.py"],
        ),
    ],
)
def test_submit_script_and_its_hand_over(project: Mlrun, words: str, experiment: str, argv: list[str]) -> None:
    done = bash(project, f"az ml run submit-script -t staging/run.json {words}")
    assert done.returncode == 0, done.stderr
    handed_over = json.loads((project.folder / "staging" / "run.json").read_text(encoding="utf-8"))
    assert handed_over == json.loads(done.stdout)
    assert (handed_over["status"], handed_over["_experiment_name"]) == ("Completed", experiment)
    assert f"argv: {argv}" in done.stderr


def test_path_may_be_the_runconfig_itself(project: Mlrun) -> None:
    done = bash(project, "az ml run submit-script --path config/train.runconfig -e e --source-directory . -c train")
    assert "argv: ['train.py', '--alpha', '0.5']" in done.stderr
    done = bash(project, "az ml run submit-script --path .azureml/local.runconfig -e e -c local")
    assert "argv: ['train.py']" in done.stderr


def test_submit_script_async_returns_while_the_run_goes_on(project: Mlrun) -> None:
    done = bash(project, "az ml run submit-script --async -c training -e EXPERIMENT_NAME -t run.json")
    assert done.returncode == 0, done.stderr
    run = json.loads(done.stdout)
    assert "Streaming" not in done.stderr
    assert json.loads((project.folder / "run.json").read_text(encoding="utf-8")) == run
    assert project.wait(run["run_id"])["status"] == "Completed"


def test_a_cluster_that_is_not_here_is_refused_by_name(project: Mlrun) -> None:
    with project.error_format("json"):
        done = bash(project, "az ml run submit-script -c config/train --ct cpu-cluster -e e -t run.json train.py")
    failure = failure_of(done)
    assert (failure.exit_code, failure.code, failure.target) == (3, "ComputeTargetNotFound", "cpu-cluster")
    assert not (project.folder / "run.json").exists()


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mlrun]:
    with installed(tmp_path_factory.mktemp("listed")) as mlrun:
        mlrun.script("")
        mlrun("run", "submit-script", "-e", "tf-mnist", "train.py")
        yield mlrun


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("--query [].[target,run_id,experiment_id] --output table", "local"),
        ("--query \"[?contains(target, 'loc')].[target,run_id,experiment_id,Status]\" --output table", "local"),
        ("--query \"[?contains(status, 'Completed')].[run_id,status]\" --output table", "Completed"),
        ("--query \"[?contains(status, 'Running')].[run_id,status]\" --output table", ""),
        ("--query 'target' -o json", ""),
        ("--last 1 -w default -g default --query '[].properties'", "ContentSnapshotId"),
    ],
)
def test_queries_over_lists(listed: Mlrun, words: str, expected: str) -> None:
    done = bash(listed, f'az ml run list --experiment-name "tf-mnist" {words}')
    assert done.returncode == 0, done.stderr
    assert (expected in done.stdout) if expected else done.stdout.strip() == ""


def test_ids_of_a_query_feed_cancel(listed: Mlrun) -> None:
    done = bash(
        listed,
        "for id in $(az ml run list --experiment-name tf-mnist --query \"[?contains(target, 'loc')].run_id\" -o tsv);"
        ' do az ml run cancel --run "$id" || exit 1; done',
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stderr.splitlines()) == done.stderr.count(": Completed") >= 1


def test_status_of_a_show_is_data(listed: Mlrun) -> None:
    done = bash(
        listed, 'status=$(az ml run show -r @latest -e tf-mnist -w default --query status -o tsv); echo "<$status>"'
    )
    assert done.stdout == "<Completed>\n"
