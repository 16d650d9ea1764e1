"""The arguments by which a run of a sweep gets the values that were drawn for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def build_arguments(values: Mapping[str, Any]) -> list[str]:
    """Return the arguments with a run's parameter values, such as `["--lr", "0.05", "--depth", "3"]`.

    Names are used as they stand; one without dashes gets two, as in Azure. Numbers keep all digits, lists and
    mappings are JSON.
    """
    words: list[str] = []
    for name, value in values.items():
        words += [name if name.startswith("-") else f"--{name}", format_value(value)]
    return words


def format_value(value: object) -> str:
    """Return a parameter value in the format of a command-line argument."""
    return json.dumps(value) if isinstance(value, (list, tuple, dict)) else str(value)
