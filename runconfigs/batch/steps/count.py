"""Count the words of texts: `init` is called once in each process, and `run` for every five of them."""

import argparse
import os

from azureml.core import Run

least = 1


def init():
    """Read the arguments of the step, among which are those of the program that calls these functions."""
    global least  # noqa: PLW0603 - what init prepares, run uses
    parser = argparse.ArgumentParser()
    parser.add_argument("--least", type=int, default=1)
    arguments, _ = parser.parse_known_args()
    least = arguments.least


def run(mini_batch):
    """Return a line for each text."""
    lines = []
    for path in mini_batch:
        with open(path, encoding="utf-8") as file:
            words = [word for word in file.read().split() if len(word) >= least]
        lines.append(f"{os.path.basename(path)} {len(words)}")
    Run.get_context().log("texts", len(mini_batch))
    return lines
