"""MLflow's autologging of training libraries: each value in the run is that which MLflow's own store has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from tests.running import Mlrun
from tests.sdk.mlflow_environments import find_mlflow_python, read_result, run_alone_in, submit_in

pytestmark = pytest.mark.mlflow

BEGINNING = """
import json, math, os, warnings
os.environ.setdefault("KERAS_BACKEND", "jax")
warnings.simplefilter("ignore")
import mlflow
import numpy as np

generator = np.random.default_rng(0)
X = generator.normal(size=(80, 4)).astype("float32")
y = (X @ np.array([1, -2, 0.5, 0], dtype="float32") + generator.normal(scale=0.1, size=80)).astype("float32")
"""
# Some libraries' values are logged by several threads of MLflow, in any order, also to its own store.
END = """
client = mlflow.tracking.MlflowClient()
run = mlflow.last_active_run()

def list_files(path=None):
    listed = client.list_artifacts(run.info.run_id, path)
    here = [one.path for one in listed if not one.is_dir]
    return here + [file for one in listed if one.is_dir for file in list_files(one.path)]

print(json.dumps({
    "metrics": {
        name: sorted([one.step, one.value] for one in client.get_metric_history(run.info.run_id, name))
        for name in sorted(run.data.metrics)
    },
    "params": run.data.params,
    "tags": {key: value for key, value in run.data.tags.items() if not key.startswith("mlflow.")},
    "files": sorted(file for file in list_files() if "_logs/" not in file and not file.startswith("model/")),
    "of model": sorted(list_files("model")) == sorted(set(list_files("model"))),
    "datasets": sorted(one.dataset.name for one in run.inputs.dataset_inputs),
    "models": len(run.outputs.model_outputs) if run.outputs else 0,
}))
"""
LIBRARIES = {
    "scikit-learn": """
        mlflow.sklearn.autolog()
        from sklearn.linear_model import ElasticNet

        model = ElasticNet(alpha=0.1).fit(X, y)
        loaded = mlflow.sklearn.load_model(f"runs:/{mlflow.last_active_run().info.run_id}/model")
        assert np.allclose(loaded.predict(X), model.predict(X))
    """,
    "xgboost": """
        mlflow.xgboost.autolog(log_models=False)
        import xgboost

        data = xgboost.DMatrix(X, y)
        xgboost.train({"max_depth": 2, "seed": 1}, data, 8, evals=[(data, "train")], verbose_eval=False)
    """,
    "lightgbm": """
        mlflow.lightgbm.autolog(log_models=False)
        import lightgbm

        data = lightgbm.Dataset(X, y)
        options = {"objective": "regression", "verbose": -1, "seed": 1, "num_threads": 1, "deterministic": True}
        lightgbm.train(options, data, 8, valid_sets=[data], valid_names=["train"])
    """,
    "keras": """
        import keras

        mlflow.keras.autolog(log_models=False)
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        model.fit(X, y, epochs=3, verbose=0)
    """,
    "lightning": """
        import lightning, torch
        import logging

        logging.disable(logging.WARNING)
        mlflow.pytorch.autolog(log_models=False)
        lightning.seed_everything(1, verbose=False)

        class Line(lightning.LightningModule):
            def __init__(self):
                super().__init__()
                self.layer = torch.nn.Linear(4, 1)

            def training_step(self, batch, place):
                loss = ((self.layer(batch[0])[:, 0] - batch[1]) ** 2).mean()
                self.log("loss", loss)
                return loss

            def configure_optimizers(self):
                return torch.optim.SGD(self.parameters(), 0.01)

        data = torch.utils.data.TensorDataset(torch.from_numpy(X), torch.from_numpy(y))
        trainer = lightning.Trainer(
            max_epochs=3, accelerator="cpu", enable_progress_bar=False, enable_checkpointing=False, logger=False,
            enable_model_summary=False, log_every_n_steps=1,
        )
        trainer.fit(Line(), torch.utils.data.DataLoader(data, batch_size=20))
    """,
}
SCIKIT_LEARN_SCRIPT = BEGINNING + dedent(LIBRARIES["scikit-learn"]) + END
"""A script whose last line of output is what autologging has logged."""


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    """A folder attached to the experiment `exp`."""
    one = Mlrun(tmp_path)
    yield one
    one.close()


@pytest.mark.parametrize("library", LIBRARIES)
def test_what_is_logged_by_itself_is_in_the_run(mlrun: Mlrun, tmp_path: Path, library: str) -> None:
    python = find_mlflow_python("lightning" if library == "lightning" else "learners")
    code = BEGINNING + dedent(LIBRARIES[library]) + END
    record = submit_in(mlrun, python, code)
    found = read_result(mlrun, record)
    alone = run_alone_in(python, code, tmp_path / "alone")
    assert {name: value for name, value in found.items() if value != alone[name]} == {}
    assert found["metrics"]
    logged = mlrun.metrics(record["run_id"])
    assert {name: sorted(values if isinstance(values, list) else [values]) for name, values in logged.items()} == {
        name: sorted(value for _, value in history) for name, history in found["metrics"].items()
    }
    assert record["parameters"].keys() == found["params"].keys()
    assert record.get("warnings") is None
