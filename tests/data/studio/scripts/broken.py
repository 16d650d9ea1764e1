"""Fails as scripts do: deep in a call, with a traceback."""

import argparse

parser = argparse.ArgumentParser()
parser.add_argument("--batch-size", type=int, default=512)


def forward(batch_size: int) -> None:
    """Ask for more than there is."""
    needed = batch_size * 96
    if needed > 16_384:
        raise MemoryError(f"needs {needed} MiB for a batch of {batch_size}, 16384 MiB are there")


print("loading 50,000 images")
forward(parser.parse_args().batch_size)
