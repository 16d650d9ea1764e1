"""Make points on a curve, and keep one part for training and one for a test."""

from __future__ import annotations

import argparse
import csv
import random
from math import sin
from pathlib import Path


def main() -> None:
    """Write `train.csv` and `test.csv` into the folder of the step's output."""
    parser = argparse.ArgumentParser(description="Make noisy points on a curve.")
    parser.add_argument("--noise", type=float, required=True, help="standard deviation of the noise")
    parser.add_argument("--out", type=Path, required=True, help="folder of the output")
    options = parser.parse_args()

    dice = random.Random(7)
    options.out.mkdir(parents=True, exist_ok=True)
    for name, count in (("train", 60), ("test", 30)):
        with (options.out / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            for _ in range(count):
                x = dice.uniform(-2, 2)
                writer.writerow([x, sin(2 * x) + dice.gauss(0, options.noise)])
    print(f"Points are in {options.out}.")


if __name__ == "__main__":
    main()
