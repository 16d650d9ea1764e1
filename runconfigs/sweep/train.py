"""Teach a logistic regression which parcels arrive late, at a learning rate and a batch size that a sweep chooses.

Needs nothing but Python, and gives the same accuracies for the same arguments on every machine. Run on its own,
`python train.py` prints what it would have logged.
"""

from __future__ import annotations

import argparse
import math
import random
import time

from azureml.core import Run

FEATURES = 8


def make_parcels(count: int, weights: list[float], source: random.Random) -> list[tuple[list[float], int]]:
    """Return the features of parcels, and whether each arrives late, which chance has a part in."""
    parcels = []
    for _ in range(count):
        features = [source.uniform(-1, 1) for _ in range(FEATURES)]
        late = sum(map(float.__mul__, weights, features)) + source.uniform(-0.2, 0.2) > 0
        parcels.append((features, int(late)))
    return parcels


def predict(model: list[float], features: list[float]) -> float:
    """Return the probability that a parcel arrives late."""
    total = sum(map(float.__mul__, model, features))
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))


def learn(model: list[float], batch: list[tuple[list[float], int]], rate: float) -> None:
    """Take one step down the mean gradient of a batch."""
    errors = [predict(model, features) - late for features, late in batch]
    for place in range(FEATURES):
        slope = sum(error * features[place] for error, (features, _) in zip(errors, batch)) / len(batch)
        model[place] -= rate * slope


def main() -> None:
    """Train, and log the accuracy on parcels not trained on after each epoch."""
    parser = argparse.ArgumentParser(description="Learn which parcels arrive late.")
    parser.add_argument("--learning-rate", type=float, default=0.1)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--pause", type=float, default=0.0, help="seconds to rest after each epoch (default: 0)")
    options = parser.parse_args()

    run = Run.get_context()
    source = random.Random(1)
    weights = [source.uniform(-1, 1) for _ in range(FEATURES)]
    training, test = make_parcels(400, weights, source), make_parcels(400, weights, source)
    model = [-weight for weight in weights]  # as wrong as can be

    for epoch in range(1, options.epochs + 1):
        for start in range(0, len(training), options.batch_size):
            learn(model, training[start : start + options.batch_size], options.learning_rate)
        right = sum((predict(model, features) > 0.5) == bool(late) for features, late in test)
        accuracy = right / len(test)
        run.log("accuracy", accuracy)
        print(f"epoch {epoch:2}  accuracy {accuracy:.4f}", flush=True)
        time.sleep(options.pause)


if __name__ == "__main__":
    main()
