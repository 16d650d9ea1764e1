"""Fit a polynomial to points, by the normal equations."""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

from azureml.core import Run


def fit(points: list[tuple[float, float]], degree: int) -> list[float]:
    """Return the coefficients of the best polynomial, the constant first."""
    size = degree + 1
    rows = [[sum(x ** (i + j) for x, _ in points) for j in range(size)] for i in range(size)]
    values = [sum(y * x**i for x, y in points) for i in range(size)]
    for i in range(size):
        pivot = max(range(i, size), key=lambda row: abs(rows[row][i]))
        rows[i], rows[pivot], values[i], values[pivot] = rows[pivot], rows[i], values[pivot], values[i]
        for j in range(i + 1, size):
            factor = rows[j][i] / rows[i][i]
            rows[j] = [a - factor * b for a, b in zip(rows[j], rows[i])]
            values[j] -= factor * values[i]
    found = [0.0] * size
    for i in reversed(range(size)):
        found[i] = (values[i] - sum(rows[i][j] * found[j] for j in range(i + 1, size))) / rows[i][i]
    return found


def main() -> None:
    """Write `model.json` into the folder of the step's output."""
    parser = argparse.ArgumentParser(description="Fit a polynomial.")
    parser.add_argument("--points", type=Path, required=True, help="folder of the points")
    parser.add_argument("--degree", type=int, required=True, help="degree of the polynomial")
    parser.add_argument("--out", type=Path, required=True, help="folder of the output")
    options = parser.parse_args()

    with (options.points / "train.csv").open(encoding="utf-8", newline="") as file:
        points = [(float(x), float(y)) for x, y in csv.reader(file)]
    coefficients = fit(points, options.degree)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "model.json").write_text(json.dumps(coefficients), encoding="utf-8")
    Run.get_context().log_list("coefficients", coefficients)


if __name__ == "__main__":
    main()
