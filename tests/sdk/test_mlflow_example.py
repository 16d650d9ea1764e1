"""The training script of MLflow's example, unchanged: its run has what MLflow's own store has.

It is not in this repository: `tests.sdk.checkouts` says where it is looked for.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import Mlrun
from tests.sdk.checkouts import find_in_checkout
from tests.sdk.mlflow_environments import find_mlflow_python, run_alone_in, submit_in

REPOSITORY, COMMIT = "mlflow/mlflow-example", "4c35731ff8a2c744d790b97965748a07167d8da6"
END = """
import json
run = mlflow.last_active_run()
print(json.dumps([run.data.metrics, run.data.params]))
"""


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    """A folder attached to the experiment `exp`."""
    one = Mlrun(tmp_path)
    yield one
    one.close()


@pytest.mark.parametrize("version", [pytest.param(each, marks=pytest.mark.mlflow) for each in ("1", "2", "3-tests")])
def test_the_training_script_of_mlflows_example_runs_as_it_stands(mlrun: Mlrun, tmp_path: Path, version: str) -> None:
    script = find_in_checkout(REPOSITORY, "train.py", COMMIT).read_text(encoding="utf-8")
    data = find_in_checkout(REPOSITORY, "wine-quality.csv", COMMIT)
    python = find_mlflow_python(version)
    shutil.copy(data, mlrun.folder)
    run_id = submit_in(mlrun, python, script)["run_id"]
    metrics, parameters = run_alone_in(python, script + END, tmp_path / "alone", data)
    assert metrics.keys() == {"rmse", "r2", "mae"}
    assert mlrun.metrics(run_id) == metrics
    assert {name: str(value) for name, value in mlrun.show(run_id)["parameters"].items()} == parameters
