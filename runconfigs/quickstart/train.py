"""Teach a small neural network to tell two interleaved half-moons apart.

Needs nothing but Python. Run on its own, `python train.py` prints what it would have logged.
"""

from __future__ import annotations

import argparse
import json
import math
import random
from pathlib import Path
from typing import NamedTuple

from azureml.core import Run


class Example(NamedTuple):
    """A point in the plane, and the moon it comes from: the upper (0) or the lower (1)."""

    x: float
    y: float
    label: int


def two_moons(count: int, noise: float, source: random.Random) -> list[Example]:
    """As many points of the one moon as of the other, blurred by Gaussian noise."""
    examples = []
    for index in range(count):
        label = index % 2
        angle = source.uniform(0, math.pi)
        x, y = math.cos(angle), math.sin(angle)
        if label:
            x, y = 1 - x, 0.5 - y
        examples.append(Example(x + source.gauss(0, noise), y + source.gauss(0, noise), label))
    return examples


class Network:
    """Two inputs, one layer of tanh units, one output: the probability of the lower moon."""

    def __init__(self, units: int, source: random.Random) -> None:
        """Start with small random weights: per unit two for the inputs, a bias, one for the output."""
        self.units = [[source.gauss(0, 1) for _ in range(4)] for _ in range(units)]
        self.bias = 0.0

    def predict(self, example: Example) -> float:
        """The probability that the example belongs to the lower moon."""
        return self._output(self._hidden(example))

    def learn(self, example: Example, rate: float) -> None:
        """Take one step down the gradient of the cross-entropy of this example."""
        hidden = self._hidden(example)
        error = self._output(hidden) - example.label
        for unit, value in zip(self.units, hidden):
            inner = error * unit[3] * (1 - value * value)
            unit[0] -= rate * inner * example.x
            unit[1] -= rate * inner * example.y
            unit[2] -= rate * inner
            unit[3] -= rate * error * value
        self.bias -= rate * error

    def _hidden(self, example: Example) -> list[float]:
        return [math.tanh(a * example.x + b * example.y + c) for a, b, c, _ in self.units]

    def _output(self, hidden: list[float]) -> float:
        total = self.bias + sum(unit[3] * value for unit, value in zip(self.units, hidden))
        return 1 / (1 + math.exp(-total))


def evaluate(network: Network, examples: list[Example]) -> tuple[float, float]:
    """Mean cross-entropy, and the share of examples that are told apart."""
    loss = 0.0
    right = 0
    for example in examples:
        probability = network.predict(example)
        loss -= math.log(max(probability if example.label else 1 - probability, 1e-12))
        right += (probability > 0.5) == bool(example.label)
    return loss / len(examples), right / len(examples)


def main() -> None:
    """Train, log loss and accuracy on points not trained on, and write the model to outputs/."""
    parser = argparse.ArgumentParser(description="Tell two half-moons apart.")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--rate", type=float, default=0.02)
    parser.add_argument("--units", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    run = Run.get_context()
    source = random.Random(options.seed)
    training, test = two_moons(1000, 0.15, source), two_moons(500, 0.15, source)
    network = Network(options.units, source)

    for epoch in range(1, options.epochs + 1):
        source.shuffle(training)
        for example in training:
            network.learn(example, options.rate)
        loss, accuracy = evaluate(network, test)
        run.log("loss", loss, step=epoch)
        run.log("accuracy", accuracy, step=epoch)
        print(f"epoch {epoch:2}  loss {loss:.3f}  accuracy {accuracy:.3f}")

    run.tag("model", "two-moons")
    model = Path("outputs", "model.json")
    model.parent.mkdir(exist_ok=True)
    model.write_text(json.dumps({"units": network.units, "bias": network.bias}), encoding="utf-8")
    print(f"model written to {model}")


if __name__ == "__main__":
    main()
