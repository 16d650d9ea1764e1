"""Read what weather stations have measured, where it lies, and log the mean temperature of each."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from statistics import mean

from azureml.core import Run


def main() -> None:
    """Log one row per station, and the difference between the warmest and the coldest."""
    parser = argparse.ArgumentParser(description="Compare weather stations.")
    parser.add_argument("--data", type=Path, required=True, help="folder with a CSV file per station")
    options = parser.parse_args()

    run = Run.get_context()
    means = {}
    for path in sorted(options.data.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            means[path.stem] = mean(float(row["temperature"]) for row in csv.DictReader(file))
        run.log_row("temperature", station=path.stem, mean=round(means[path.stem], 2))
        print(f"{path.stem:8} {means[path.stem]:.2f} degrees")
    run.log("difference", round(max(means.values()) - min(means.values()), 2))


if __name__ == "__main__":
    main()
