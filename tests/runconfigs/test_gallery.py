from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import Mlrun

GALLERY = Path(__file__).parents[2] / "runconfigs"


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    command = Mlrun(tmp_path, attach=False)
    yield command
    command.close()


def train(mlrun: Mlrun, name: str) -> dict[str, object]:
    """Run a folder of the gallery as it stands; what it logged."""
    shutil.copytree(GALLERY / name, mlrun.folder, dirs_exist_ok=True)
    done = mlrun("run", "submit-script", "-c", "train", timeout=300.0)
    run = json.loads(done.stdout)
    assert run["status"] == "Completed", done.stderr
    assert run["_experiment_name"] == name
    assert not [line for line in done.stderr.splitlines() if line.startswith("WARNING")]
    return mlrun.metrics(run["run_id"])


def test_the_gallery_is_what_is_tested_here() -> None:
    assert {folder.name for folder in GALLERY.iterdir()} == {"quickstart", "iris"}


def test_quickstart_logs_ten_epochs_and_keeps_a_model(mlrun: Mlrun) -> None:
    metrics = train(mlrun, "quickstart")
    losses, accuracies = metrics["loss"], metrics["accuracy"]
    assert isinstance(losses, list)
    assert isinstance(accuracies, list)
    assert len(losses) == len(accuracies) == 10
    assert losses[-1] < losses[0] / 3
    assert accuracies[-1] > 0.98
    assert "outputs/model.json" in mlrun.json("run", "files", "-r", "@latest")


def test_iris_runs_in_an_environment_made_for_it(mlrun: Mlrun) -> None:
    metrics = train(mlrun, "iris")
    assert isinstance(metrics["accuracy"], float)
    assert metrics["accuracy"] > 0.9
    assert set(metrics) == {"strength", "accuracy", "accuracy of folds", "confusion"}
    assert "outputs/model.joblib" in mlrun.json("run", "files", "-r", "@latest")
