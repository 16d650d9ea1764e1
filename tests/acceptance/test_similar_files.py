"""The names of files with a typing error: told with the file that is there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.installed import installed
from tests.running import Mlrun

_RUNCONFIG = "script: train.py\nenvironment:\n  python:\n    condaDependenciesFile: envs/cnda.yml\n"
_FILES = ("conda.yml", "envs/conda.yml", "pipeline.yaml", "model.pkl", "hyperdrive.json", "train.py")
_SWEEP = "run submit-hyperdrive --hyperdrive-configuration-name"


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mlrun]:
    with installed(tmp_path_factory.mktemp("similar")) as mlrun:
        for name in _FILES:
            mlrun.script("x", name)
        mlrun.script(_RUNCONFIG, ".azureml/wrong.runconfig")
        yield mlrun


@pytest.mark.parametrize(
    ("line", "name", "meant"),
    [
        ("run submit-script -c wrong", "envs/cnda.yml", "envs/conda.yml"),
        ("run submit-script -d cnda.yml train.py", "cnda.yml", "conda.yml"),
        ("run submit-script trian.py", "trian.py", "train.py"),
        ("run submit-script t.py", "t.py", None),
        ("run submit-pipeline -y pipelin.yml", "pipelin.yml", "pipeline.yaml"),
        (
            "run submit-hyperdrive --hyperdrive-configuration-name hyperdriv.yml x.py",
            "hyperdriv.yml",
            "hyperdrive.json",
        ),
        ("run submit-hyperdrive --hyperdrive-configuration-name nosuch.yml x.py", "nosuch.yml", None),
        ("dataset register -f cond.json", "cond.json", "conda.yml"),
        ("model register -n new -p modl.pkl", "modl.pkl", "model.pkl"),
        ("model register -n new -p modl.yml", "modl.yml", None),
        ("datastore upload -n workspaceblobstore -p modl.pkl", "modl.pkl", "model.pkl"),
    ],
)
def test_a_missing_file_is_told_with_the_one_of_a_similar_name(
    ready: Mlrun, line: str, name: str, meant: str | None
) -> None:
    failure = ready.fails(*line.split())
    assert name in failure.message
    guessed = f"{failure.hint} ".partition("Did you mean '")[2].partition("'?")[0]
    assert guessed.removeprefix(f"{ready.folder}/") == (meant or "")
