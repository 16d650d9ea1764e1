"""The parameters of a run, parsed from its script's arguments."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.runs.run import Run

_OPTION = re.compile(r"--?(?P<name>[A-Za-z_][\w.-]*)(?:=(?P<value>.*))?", re.DOTALL)


def read_run_parameters(run: Run) -> dict[str, str]:
    """Return the parameters of a run, keyed by name.

    Both `--lr 0.1` and `--lr=0.1` are recognized. A flag has an empty value, and positional arguments are named
    `argument 1`, …. The value of an option extends to the next option, as in `--layers 64 32`.
    """
    definition: Mapping[str, Any] = run.definition or {}
    return parse_parameters([str(argument) for argument in definition.get("arguments") or ()])


def parse_parameters(arguments: Sequence[str]) -> dict[str, str]:
    """Parse arguments into parameters, keyed by name, with the values of repeated options joined by spaces."""
    found: dict[str, str] = {}
    name: str | None = None
    alone = 0
    for argument in arguments:
        option = _OPTION.fullmatch(argument)
        if option is not None:
            name = option["name"]
            _add_value(found, name, option["value"] or "")
            if option["value"] is not None:
                name = None
        elif name is not None:
            _add_value(found, name, argument)
        else:
            alone += 1
            _add_value(found, f"argument {alone}", argument)
    return found


def _add_value(found: dict[str, str], name: str, value: str) -> None:
    found[name] = f"{found[name]} {value}".strip() if name in found else value
