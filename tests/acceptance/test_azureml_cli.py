"""All commands of Azure's own command line: each is here with all of its options, or is refused with a way out.

The names are those of azureml-core 1.61, which `tests/oracles/azureml_cli_oracle.py` prints.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.installed import installed
from tests.running import Mlrun, failure_of

COMMANDS: dict[str, list[str]] = json.loads(
    (Path(__file__).parents[1] / "data" / "acceptance" / "azureml_cli.json").read_text(encoding="utf-8")
)


@pytest.fixture(scope="module")
def mlrun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mlrun]:
    with installed(tmp_path_factory.mktemp("azure")) as command:
        yield command


def test_there_are_79_of_them() -> None:
    assert len(COMMANDS) == 79


@pytest.fixture(scope="module")
def answers(mlrun: Mlrun) -> dict[str, subprocess.CompletedProcess[str]]:
    """The result of each command with all of its options, keyed by name; it prints its help instead of running."""
    calls = [
        [
            "ml",
            *name.split(),
            *(word for option in options for word in _typed(option)),
            *([] if name == "login" else ["-h"]),
        ]
        for name, options in COMMANDS.items()
    ]
    with mlrun.error_format("json"):
        return {name: mlrun(*words, check=False) for name, words in zip(COMMANDS, calls, strict=True)}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_of_azure_takes_its_options_or_names_a_way_out(
    answers: dict[str, subprocess.CompletedProcess[str]], name: str
) -> None:
    done = answers[name]
    if done.returncode == 0:  # options are read before help is shown
        assert name == "login" or f"Usage: mlrun ml {name} " in " ".join(done.stdout.split())
    else:
        failure = failure_of(done)
        assert failure.code == "UnsupportedCommand"
        assert failure.target and name.startswith(failure.target)
        assert failure.hint


@pytest.mark.parametrize("kind", ["aks", "datafactory"])
def test_a_target_that_only_azure_has_is_refused_with_its_own_options(mlrun: Mlrun, kind: str) -> None:
    words = ("-n", "cluster", "--agent-count", "3", "--vm-size", "Standard_D3_v2", "--cluster-purpose", "DevTest")
    told = mlrun.fails("ml", "computetarget", "create", kind, *words)
    assert told.code == "UnsupportedCommand"
    assert told.target == f"computetarget create {kind}"
    assert mlrun.fails("ml", "computetarget", "update", "-n", "cluster").code == "UnsupportedCommand"


@pytest.mark.parametrize("verb", ["register", "list", "show", "download", "update", "delete"])
def test_verbs_of_models_take_the_flag_of_azure(mlrun: Mlrun, verb: str) -> None:
    mlrun("ml", "model", verb, "-v", "-h")


def test_a_workspace_is_made_with_all_of_azures_options(mlrun: Mlrun) -> None:
    words = [word for option in COMMANDS["workspace create"] for word in _typed(option) if option.count("|") == 0]
    more = ("-w", "made", "-g", "group", "-f", "Friendly", "-t", "team=blue", "-l", "westeurope", "-y", "-v", "true")
    made = json.loads(mlrun("ml", "workspace", "create", *words, *more).stdout)
    assert (made["friendlyName"], made["tags"]) == ("Friendly", {"team": "blue"})
    assert mlrun.json("workspace", "create", "-w", "made", "-g", "group")["tags"] == {"team": "blue"}


@pytest.mark.parametrize("name", ["-w", "--workspace-name", "--workspace-n", "-n", "--name"])
def test_a_workspace_is_made_with_each_name_of_its_option(mlrun: Mlrun, name: str) -> None:
    assert mlrun.json("workspace", "create", name, "made")["name"] == "made"


def _typed(option: str) -> list[str]:
    """Each of its names, with a value if it takes one."""
    value = ["1"] if option.endswith("=") else []
    return [word for name in option.rstrip("=").split("|") for word in (name, *value)]
