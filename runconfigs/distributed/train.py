"""Fit a line by gradient descent with four processes, each on data of its own.

After each step the processes average their gradients, as torch.distributed's all_reduce does. Here that is done over
sockets: the first process listens on MASTER_ADDR and MASTER_PORT, and the others connect to it. All that a process
knows of the others it has from its environment variables.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import time

from azureml.core import Run

SLOPE, HEIGHT = 3.0, -1.0


class Processes:
    """The processes of this run, as one of them sees the others."""

    def __init__(self) -> None:
        self.rank = int(os.environ["RANK"])
        self.count = int(os.environ["WORLD_SIZE"])
        address = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
        if self.rank == 0:
            with socket.create_server(address) as server:
                self._lines = [server.accept()[0].makefile("rw") for _ in range(1, self.count)]
        else:
            self._lines = [connected(address).makefile("rw")]

    def average(self, values: list[float]) -> list[float]:
        """The averages of the values of all processes."""
        if self.rank != 0:
            send(self._lines[0], values)
            return receive(self._lines[0])
        everybody = [values, *(receive(line) for line in self._lines)]
        averages = [sum(column) / self.count for column in zip(*everybody)]
        for line in self._lines:
            send(line, averages)
        return averages


def connected(address: tuple[str, int]) -> socket.socket:
    """A connection to the first process, which may not listen yet."""
    while True:
        try:
            return socket.create_connection(address)
        except ConnectionRefusedError:
            time.sleep(0.01)


def send(line, values: list[float]) -> None:
    """Write one line."""
    line.write(json.dumps(values) + "\n")
    line.flush()


def receive(line) -> list[float]:
    """Read one line; when the other process is gone there is none, and this one fails too."""
    return json.loads(line.readline())


def main() -> None:
    """Train; the first process logs how it goes."""
    parser = argparse.ArgumentParser(description="Fit a line with several processes.")
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--rate", type=float, default=0.3)
    options = parser.parse_args()

    run = Run.get_context(allow_offline=False)
    processes = Processes()
    print(f"process {processes.rank} of {processes.count}, on node {os.environ['NODE_RANK']}")

    # Its own part of the data, which no other process sees.
    numbers = random.Random(processes.rank)
    xs = [numbers.uniform(-1, 1) for _ in range(200)]
    points = [(x, SLOPE * x + HEIGHT + numbers.gauss(0, 0.1)) for x in xs]

    slope = height = 0.0
    for step in range(options.steps):
        errors = [(x, slope * x + height - y) for x, y in points]
        mine = [
            sum(error * x for x, error in errors) / len(errors),
            sum(error for _, error in errors) / len(errors),
            sum(error * error for _, error in errors) / len(errors),
        ]
        slope_gradient, height_gradient, loss = processes.average(mine)
        slope -= 2 * options.rate * slope_gradient
        height -= 2 * options.rate * height_gradient
        if processes.rank == 0:
            run.log("loss", loss)
            if step % 10 == 0:
                print(f"step {step:3}  loss {loss:.4f}")
    # Every process has the same line now.
    run.log_row("lines", rank=processes.rank, slope=slope, height=height)


if __name__ == "__main__":
    main()
