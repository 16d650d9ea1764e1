"""Compare a polynomial with points that it was not fitted to."""

from __future__ import annotations

import argparse
import csv
import json
from math import sqrt
from pathlib import Path

from azureml.core import Run


def main() -> None:
    """Log the error of the model, for the step and for the whole pipeline."""
    parser = argparse.ArgumentParser(description="Compare a polynomial with points.")
    parser.add_argument("--points", type=Path, required=True, help="folder of the points")
    parser.add_argument("--model", type=Path, required=True, help="folder of the model")
    options = parser.parse_args()

    coefficients = json.loads((options.model / "model.json").read_text(encoding="utf-8"))
    with (options.points / "test.csv").open(encoding="utf-8", newline="") as file:
        points = [(float(x), float(y)) for x, y in csv.reader(file)]
    errors = [sum(a * x**i for i, a in enumerate(coefficients)) - y for x, y in points]
    error = sqrt(sum(one**2 for one in errors) / len(errors))
    run = Run.get_context()
    for each in (run, run.parent):
        each.log("rmse", round(error, 4))
    print(f"The error of the polynomial is {error:.4f}.")


if __name__ == "__main__":
    main()
