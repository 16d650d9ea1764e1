"""Estimate pi by throwing darts: one of many runs that share two places."""

import argparse
import random
import time

from azureml.core import Run

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--seed", type=int, default=1, help="of the random numbers (default: 1)")
parser.add_argument("--throws", type=int, default=3_000_000, help="how many darts (default: 3000000)")
options = parser.parse_args()

run = Run.get_context()
darts = random.Random(options.seed)
started = time.time()
hits = 0
for throw in range(1, options.throws + 1):
    hits += darts.random() ** 2 + darts.random() ** 2 < 1
    if throw % (options.throws // 10) == 0:
        run.log("pi", 4 * hits / throw)
run.log("seconds", round(time.time() - started, 3))
run.tag("seed", options.seed)
print(f"seed {options.seed}: pi is about {4 * hits / options.throws:.4f}")
