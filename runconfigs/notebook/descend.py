"""Roll down a long, bent valley, that of Rosenbrock's function, whose lowest point is at height 0.

The momentum says how much of its speed the ball keeps from step to step. Needs nothing but Python.
"""

from __future__ import annotations

import argparse
import time

from azureml.core import Run


def main() -> None:
    """Take a thousand steps, and log the height after every hundred."""
    parser = argparse.ArgumentParser(description="Roll down a valley.")
    parser.add_argument("--momentum", type=float, default=0.0)
    parser.add_argument("--rate", type=float, default=0.0005)
    parser.add_argument("--pause", type=float, default=0.0, help="seconds after every hundred steps")
    options = parser.parse_args()

    run = Run.get_context()
    x, y = -1.5, 2.0
    speed_x = speed_y = 0.0
    for step in range(1, 1001):
        slope_x = -2 * (1 - x) - 400 * x * (y - x * x)
        slope_y = 200 * (y - x * x)
        speed_x = options.momentum * speed_x - options.rate * slope_x
        speed_y = options.momentum * speed_y - options.rate * slope_y
        x, y = x + speed_x, y + speed_y
        if step % 100 == 0:
            height = (1 - x) ** 2 + 100 * (y - x * x) ** 2
            run.log("height", height)
            print(f"step {step:4}  height {height:.4f}", flush=True)
            time.sleep(options.pause)


if __name__ == "__main__":
    main()
