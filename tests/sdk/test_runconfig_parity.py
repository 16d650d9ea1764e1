"""`RunConfiguration.load` and `save` do with runconfigs of public repositories what azureml-core does.

It was asked once; its answers are in `saved_runconfigs.json`. A Python 3.10 in whose venv are azureml-core 1.61.0,
azureml-dataprep and a setuptools below 81 prints them again:

    python tests/oracles/runconfig_oracle.py tests/data/runconfigs/corpus tests/data/sdk/every_section.runconfig
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.running import Mlrun
from tests.sdk.driving import drive

DATA = Path(__file__).parents[1] / "data"
CORPUS = DATA / "runconfigs" / "corpus"
EVERY_SECTION = DATA / "sdk" / "every_section.runconfig"
AZURE: dict[str, dict[str, Any]] = json.loads((DATA / "sdk" / "saved_runconfigs.json").read_text(encoding="utf-8"))
DEFAULT = "default"
LOADED = sorted(name for name, outcome in AZURE.items() if outcome["loads"])

# Azure's default packages pin a Python that a machine hardly has; without a pin a run gets the one that is here.
DEFAULT_PYTHON = "python=3.8.13"

SAVE_ALL = """
import json, os
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.runconfig import RunConfiguration

for project, name, saves in json.load(open("projects.json")):
    os.chdir(project)
    if name == "default":
        RunConfiguration().save(project, name)
    loaded = RunConfiguration.load(project, name)
    if not saves:  # in Azure neither, until it was given these
        loaded.environment.python.conda_dependencies = CondaDependencies()
    loaded.save(project, "saved")
"""


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """By name a project with the runconfig, which has been loaded and saved again, as deep as in the oracle."""
    mlrun = Mlrun(tmp_path_factory.mktemp("parity"), attach=False)
    made = {name: mlrun.folder / str(number) / "a" / "b" / "project" for number, name in enumerate(LOADED)}
    for name, project in made.items():
        folder = project / AZURE[name]["folder"]
        folder.mkdir(parents=True)
        if name != DEFAULT:
            (folder / name).write_bytes(_given(name))
        for beside, text in AZURE[name]["beside"].items():
            path = project / beside
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    orders = [(str(project), name, AZURE[name]["saves"]) for name, project in made.items()]
    mlrun.script(json.dumps(orders), "projects.json")
    drive(mlrun, SAVE_ALL)
    yield made
    mlrun.close()


@pytest.mark.parametrize("name", LOADED)
def test_what_azure_loads_is_saved_as_azure_saves_it(projects: dict[str, Path], name: str) -> None:
    azure = AZURE[name]
    written = _written(projects[name], name)
    assert _in_order(written.pop(f"{azure['folder']}/saved")) == _in_order(azure["saved"])
    assert {name: yaml.safe_load(text) for name, text in written.items()} == {
        name: _without_default_python(yaml.safe_load(text)) for name, text in azure["written"].items()
    }


def test_a_new_configuration_is_saved_as_azure_saves_it(projects: dict[str, Path]) -> None:
    saved = (projects[DEFAULT] / ".azureml" / DEFAULT).read_text(encoding="utf-8")
    assert _in_order(saved) == _in_order(AZURE[DEFAULT]["saved"])


def test_azure_was_asked_about_all_of_them() -> None:
    names = {path.name for path in CORPUS.iterdir()} - {"README.md", "expected.json"}
    assert AZURE.keys() == names | {EVERY_SECTION.name, DEFAULT}
    assert all("#" not in line[:1] for name in LOADED for line in AZURE[name]["saved"].splitlines())


def _given(name: str) -> bytes:
    return (EVERY_SECTION if name == EVERY_SECTION.name else CORPUS / name).read_bytes()


def _written(project: Path, name: str) -> dict[str, str]:
    """The files of a project that were not there, or not as they are."""
    outcome = AZURE[name]
    there = {os.path.relpath(path, project): path for path in project.parents[2].rglob("*") if path.is_file()}
    del there[f"{outcome['folder']}/{name}"]
    texts = {name: path.read_text(encoding="utf-8") for name, path in there.items()}
    return {name: text for name, text in texts.items() if text != outcome["beside"].get(name)}


def _in_order(text: str) -> str:
    """A document as text in which the order of keys counts and style does not."""
    return json.dumps(yaml.safe_load(text), indent=1)


def _without_default_python(conda: dict[str, Any]) -> dict[str, Any]:
    return {**conda, "dependencies": [entry for entry in conda["dependencies"] if entry != DEFAULT_PYTHON]}
