"""Predict the progression of diabetes by ridge regression, at many strengths; each model is kept."""

import os

import joblib
from azureml.core import Run
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import train_test_split


def main() -> None:
    """Train one model per strength, log its error on patients it has not seen, and write it to outputs/."""
    run = Run.get_context()
    patients = load_diabetes()
    known, unseen, progress, progress_of_unseen = train_test_split(
        patients.data, patients.target, test_size=0.2, random_state=0
    )

    for step in range(20):
        alpha = step / 20
        model = Ridge(alpha=alpha, solver="cholesky").fit(known, progress)
        error = mean_squared_error(progress_of_unseen, model.predict(unseen))
        run.log("alpha", alpha)
        run.log("mse", error)
        joblib.dump(model, os.path.join("outputs", f"ridge_{alpha:.2f}.pkl"))
        print(f"alpha {alpha:.2f}  mean squared error {error:.2f}")


if __name__ == "__main__":
    main()
