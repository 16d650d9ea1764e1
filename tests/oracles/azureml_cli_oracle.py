"""Runs in a venv with azureml-core 1.61: prints the commands of `python -m azureml._cli` and their options, as JSON.

What it printed is kept in `tests/data/acceptance/azureml_cli.json`. The venv takes Python 3.8, azureml-core==1.61.*,
azureml-cli-common, importlib_resources and setuptools.
"""

from __future__ import annotations

import argparse
import json
import runpy
from collections.abc import Iterator
from typing import Any


class _Parsed(Exception):
    def __init__(self, parser: argparse.ArgumentParser) -> None:
        super().__init__()
        self.parser = parser


def _parse(parser: argparse.ArgumentParser, *_args: Any, **_options: Any) -> Any:
    raise _Parsed(parser)


def whole_parser() -> argparse.ArgumentParser:
    """Return the parser that the program builds when it is run."""
    argparse.ArgumentParser.parse_args = _parse  # type: ignore[method-assign,assignment]
    argparse.ArgumentParser.parse_known_args = _parse  # type: ignore[method-assign,assignment]
    try:
        runpy.run_module("azureml._cli", run_name="__main__")
    except _Parsed as parsed:
        return parsed.parser
    raise SystemExit("azureml._cli parsed nothing")


def commands(parser: argparse.ArgumentParser, words: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield each command and its parser."""
    groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not groups:
        yield words.strip(), parser
    for group in groups:
        for name, one in group.choices.items():
            yield from commands(one, f"{words} {name}")


def options(parser: argparse.ArgumentParser) -> list[str]:
    """Return each option except help, as `-n|--name=` if it takes a value and as `--minimal` if it takes none."""
    return [
        "|".join(action.option_strings) + ("" if action.nargs == 0 else "=")
        for action in parser._actions
        if action.option_strings and action.dest != "help"
    ]


def main() -> None:
    """Print all commands, one per line."""
    lines = [f"{json.dumps(name)}: {json.dumps(options(parser))}" for name, parser in commands(whole_parser())]
    print("{\n" + ",\n".join(lines) + "\n}")


main()
