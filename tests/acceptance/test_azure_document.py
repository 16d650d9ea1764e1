"""The command lines of Azure's document, as they are written there, with a shell function named `az`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.installed import bash, installed, refused
from tests.running import Mlrun

AUTHOR = "[?properties.author=='azureml-user']"
LOOK = "[?tags.keys(@)[?starts_with(@, 'worth another look')]]"
BOTH = "[?properties.author=='azureml-user' && tags.quality=='fantastic run']"

TRAIN = """
import os
import sklearn
from azureml.core import Run

os.makedirs("outputs", exist_ok=True)
with open("outputs/version.txt", "w") as file:
    file.write(sklearn.__version__)
Run.get_context().log("accuracy", 0.5)
"""


def test_the_blocks_run_as_written(tmp_path: Path) -> None:
    with installed(tmp_path, attach=False) as mlrun:
        attached = json.loads(bash(mlrun, "az ml folder attach -w myworkspace -g myresourcegroup").stdout)
        assert attached["Workspace name"] == "myworkspace"
        assert attached["Resource group"] == "myresourcegroup"
        mlrun.script(TRAIN)

        submitted = bash(mlrun, "az ml run submit-script -c sklearn -e testexperiment train.py")
        assert submitted.returncode == 0, submitted.stderr
        run = json.loads(submitted.stdout)
        assert (run["status"], run["_experiment_name"], run["target"]) == ("Completed", "testexperiment", "local")
        run_id = run["run_id"]

        listed = bash(mlrun, "az ml run list --experiment-name testexperiment")
        assert [each["run_id"] for each in json.loads(listed.stdout)] == [run_id]
        assert json.loads(bash(mlrun, "az ml run list --experiment-name experiment").stdout) == []
        assert json.loads(bash(mlrun, f"az ml run show -r {run_id}").stdout)["run_id"] == run_id
        updated = bash(mlrun, f"az ml run update -r {run_id} --add-tag quality='fantastic run'")
        assert json.loads(updated.stdout)["tags"] == {"quality": "fantastic run"}
        experiments = json.loads(bash(mlrun, "az ml experiment list").stdout)
        assert [each["name"] for each in experiments] == ["testexperiment"]

        again = bash(
            mlrun,
            "az ml run submit-script -e testexperiment -c sklearn -d .azureml/conda_dependencies.yml"
            " -t run.json train.py",
        )
        assert again.returncode == 0, again.stderr
        assert json.loads((mlrun.folder / "run.json").read_text(encoding="utf-8"))["status"] == "Completed"


def test_cancel_finds_the_run_by_workspace_and_experiment_alone(tmp_path: Path) -> None:
    with installed(tmp_path, attach=False) as mlrun:
        mlrun("folder", "attach", "-w", "workspace_name", "-g", "myresourcegroup", "-e", "experiment_name")
        mlrun.script("import time; time.sleep(600)")
        run_id = mlrun.submit()
        canceled = bash(mlrun, f"az ml run cancel -r {run_id} -w workspace_name -e experiment_name")
        assert canceled.returncode == 0, canceled.stderr
        assert mlrun.wait(run_id)["status"] == "Canceled"


@pytest.fixture(scope="module")
def tagged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mlrun]:
    with installed(tmp_path_factory.mktemp("tagged")) as mlrun:
        mlrun.script("")
        for words in (
            ("--add-properties", "author=azureml-user", "--add-tag", "quality=fantastic run"),
            ("--add-properties", "author=azureml-user"),
            ("--add-properties", "author=someone", "--add-tag", "worth another look"),
        ):
            run_id = mlrun.json("run", "submit-script", "train.py")["run_id"]
            mlrun("run", "update", "-r", run_id, *words)
        yield mlrun


@pytest.mark.parametrize("option", ["", "--query "])
@pytest.mark.parametrize(("query", "numbers"), [(AUTHOR, [2, 1]), (LOOK, [3]), (BOTH, [1])])
def test_each_query_works_as_one_quoted_word(tagged: Mlrun, option: str, query: str, numbers: list[int]) -> None:
    done = bash(tagged, f'az ml run list --experiment-name exp {option}"{query}"')
    assert done.returncode == 0, done.stderr
    assert [run["run_number"] for run in json.loads(done.stdout)] == numbers
    assert done.stderr == ""


def test_the_first_query_works_unquoted_and_says_how_it_was_read(tagged: Mlrun) -> None:
    done = bash(tagged, f"az ml run list --experiment-name exp {AUTHOR}")
    assert [run["run_number"] for run in json.loads(done.stdout)] == [2, 1]
    assert f'"{AUTHOR}"' in done.stderr


def test_a_query_that_the_shell_has_cut_shows_how_to_quote_it(tagged: Mlrun) -> None:
    done = bash(tagged, "az ml run list --experiment-name exp [?properties.author=='azureml-user'")
    assert "\"[?properties.author=='azureml-user']\"" in refused(done, 2)


@pytest.mark.parametrize("words", ["", "--service-principal -u app -p word --tenant t", "--use-device-code", "-h"])
def test_no_login_is_needed(mlrun: Mlrun, words: str) -> None:
    done = bash(mlrun, f"az login {words}")
    assert (done.returncode, done.stdout) == (0, "")
    (note,) = done.stderr.splitlines()
    assert re.search(r"\blogin\b", note)
