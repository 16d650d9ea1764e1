"""The parameters of a run, read from the arguments of its script."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.runs.run import Run

_OPTION = re.compile(r"--?(?P<name>[A-Za-z_][\w.-]*)(?:=(?P<value>.*))?", re.DOTALL)


def parameters_of(run: Run) -> dict[str, str]:
    """Names and values: `--lr 0.1`, `--lr=0.1`, a flag without a value, `argument 1` for what stands alone.

    An option takes all words up to the next one, as `--layers 64 32` does.
    """
    definition: Mapping[str, Any] = run.definition or {}
    return read_parameters([str(argument) for argument in definition.get("arguments") or ()])


def read_parameters(arguments: Sequence[str]) -> dict[str, str]:
    """The same of the arguments themselves; of an option that is given twice both values, with a space between."""
    found: dict[str, str] = {}
    name: str | None = None
    alone = 0
    for argument in arguments:
        option = _OPTION.fullmatch(argument)
        if option is not None:
            name = option["name"]
            _add(found, name, option["value"] or "")
            if option["value"] is not None:
                name = None
        elif name is not None:
            _add(found, name, argument)
        else:
            alone += 1
            _add(found, f"argument {alone}", argument)
    return found


def _add(found: dict[str, str], name: str, value: str) -> None:
    found[name] = f"{found[name]} {value}".strip() if name in found else value
