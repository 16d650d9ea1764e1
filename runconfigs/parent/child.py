"""Guess points of a wave by asking the nearest noisy measurements, and log how far off the guesses are.

With few neighbours the guesses follow the noise, with many the wave is flattened. Run on its own,
`python child.py` prints what it would have logged.
"""

from __future__ import annotations

import argparse
import math
import random

from azureml.core import Run


def measure(count: int, noise: float, source: random.Random) -> list[tuple[float, float]]:
    """Places on the wave from 0 to 1, and the heights that were measured there."""
    places = [source.random() for _ in range(count)]
    return [(place, wave(place) + source.gauss(0, noise)) for place in places]


def wave(place: float) -> float:
    """What is to be guessed."""
    return math.sin(4 * math.pi * place)


def guess(place: float, measured: list[tuple[float, float]], neighbours: int) -> float:
    """The mean height of the measurements that lie nearest."""
    nearest = sorted(measured, key=lambda point: abs(point[0] - place))[:neighbours]
    return sum(height for _, height in nearest) / len(nearest)


def main() -> None:
    """Guess two hundred points, and log the root of the mean square error."""
    parser = argparse.ArgumentParser(description="Guess a wave from noisy measurements.")
    parser.add_argument("--neighbours", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    run = Run.get_context()
    measured = measure(200, 0.4, random.Random(options.seed))
    places = [(index + 0.5) / 200 for index in range(200)]
    squares = [(guess(place, measured, options.neighbours) - wave(place)) ** 2 for place in places]
    error = math.sqrt(sum(squares) / len(squares))
    run.log("error", error)
    print(f"{options.neighbours} neighbours: off by {error:.3f}")


if __name__ == "__main__":
    main()
