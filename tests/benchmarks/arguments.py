"""Parsing of the command lines of benchmarks; `--help` prints the docstring of the module."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path


def build_parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser without arguments, whose help begins with a module's docstring."""
    return argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)


def parse_numbers(description: str | None, **defaults: int) -> Sequence[int]:
    """Return the numbers that the command line has, each in its place, or else their defaults."""
    parser = build_parser(description)
    for name, default in defaults.items():
        parser.add_argument(name, type=parse_positive, nargs="?", default=default, metavar=name.upper())
    return list(vars(parser.parse_args()).values())


def parse_sizes(description: str | None, *defaults: int) -> Sequence[int]:
    """Return the sizes of workspaces on the command line, or the default ones."""
    parser = build_parser(description)
    parser.add_argument("sizes", type=parse_positive, nargs="*", default=defaults, metavar="RUNS")
    return list(parser.parse_args().sizes)


def parse_folder(description: str | None) -> Path | None:
    """Return the existing folder that the command line has, or None."""
    parser = build_parser(description)
    parser.add_argument("folder", type=_parse_existing, nargs="?", metavar="FOLDER")
    folder: Path | None = parser.parse_args().folder
    return folder


def parse_size_or_home(word: str) -> str:
    """Return the number of runs of a workspace to be created, or the existing folder of one."""
    return word if word.isdecimal() else str(_parse_existing(word))


def parse_positive(word: str) -> int:
    """Return a number that is at least 1."""
    if not word.isdecimal() or int(word) < 1:
        raise argparse.ArgumentTypeError(f"{word!r} is no number of at least 1")
    return int(word)


def _parse_existing(word: str) -> Path:
    if not Path(word).is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {word!r}")
    return Path(word)
