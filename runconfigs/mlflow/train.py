"""Compare strengths of a ridge regression with MLflow, as a script that knows nothing of mlrun-cli."""

from __future__ import annotations

import argparse

import mlflow
import numpy as np
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import train_test_split


def main() -> None:
    """Train a model for each strength in a nested run, and record the best one."""
    parser = argparse.ArgumentParser(description="Compare strengths of a ridge regression.")
    parser.add_argument("--alphas", type=float, nargs="+", default=[0.01, 0.1, 1.0])
    options = parser.parse_args()

    generator = np.random.default_rng(7)
    inputs = generator.normal(size=(200, 5))
    outputs = inputs @ [3.0, -2.0, 0.0, 0.5, 1.0] + generator.normal(scale=0.3, size=200)
    known, unseen, wanted, expected = train_test_split(inputs, outputs, random_state=1)

    mlflow.sklearn.autolog(log_models=False, log_datasets=False, silent=True)
    with mlflow.start_run():
        mlflow.set_tag("data", "generated")
        errors = {}
        for step, alpha in enumerate(options.alphas):
            with mlflow.start_run(run_name=f"alpha {alpha}", nested=True):
                model = Ridge(alpha=alpha).fit(known, wanted)
                errors[alpha] = mean_squared_error(expected, model.predict(unseen))
                mlflow.log_metric("error", errors[alpha])
                mlflow.log_dict({"coefficients": model.coef_.tolist()}, "model.json")
            mlflow.log_metric("error", errors[alpha], step=step)
        best = min(errors, key=errors.__getitem__)
        mlflow.log_param("best alpha", best)
        print(f"alpha {best} is best: {errors[best]:.4f}")


if __name__ == "__main__":
    main()
