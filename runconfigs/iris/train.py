"""Classify irises with scikit-learn, by cross-validation; logs values, a list and a table."""

from __future__ import annotations

import argparse
from pathlib import Path

import joblib
from azureml.core import Run
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import StratifiedKFold, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def main() -> None:
    """Score the model on five folds, then train it on all flowers and write it to outputs/."""
    parser = argparse.ArgumentParser(description="Classify irises.")
    parser.add_argument("--strength", type=float, default=1.0, help="inverse of the regularisation")
    options = parser.parse_args()

    run = Run.get_context()
    run.tag("model", "logistic regression")

    irises = load_iris()
    model = make_pipeline(StandardScaler(), LogisticRegression(C=options.strength))
    folds = StratifiedKFold(5, shuffle=True, random_state=1)

    scores = cross_val_score(model, irises.data, irises.target, cv=folds)
    run.log("strength", options.strength)
    run.log("accuracy", scores.mean())
    run.log_list("accuracy of folds", scores)
    print(f"accuracy {scores.mean():.3f} on {len(irises.data)} flowers")

    predicted = cross_val_predict(model, irises.data, irises.target, cv=folds)
    confusion = confusion_matrix(irises.target, predicted)
    run.log_table("confusion", dict(zip(irises.target_names.tolist(), confusion.tolist())))

    outputs = Path("outputs")
    outputs.mkdir(exist_ok=True)
    joblib.dump(model.fit(irises.data, irises.target), outputs / "model.joblib")


if __name__ == "__main__":
    main()
