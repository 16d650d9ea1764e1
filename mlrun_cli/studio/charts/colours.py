"""The colours of runs according to a parameter."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.runs.parameters import Parameter, Parameters

_DECADES = 2
"""Positive numbers that span more powers of ten are coloured by their logarithms."""


def add_colours(
    series: Sequence[Mapping[str, Any]], name: str, parameters: Mapping[int, Parameters]
) -> Sequence[Mapping[str, Any]]:
    """Return series with the colours of their runs according to this parameter, as described in `figure.py`.

    Series of runs without the parameter keep their colours.
    """
    found = {key: own[name] for key, own in parameters.items() if name in own}
    tints = _compute_tints(found)
    texts = sorted({parameter.text for parameter in found.values()})
    return [
        {
            **each,
            "tag": f"{name} {found[each['run']].text}",
            **({"tint": tints[each["run"]]} if tints else {"group": texts.index(found[each["run"]].text)}),
        }
        if each["run"] in found
        else each
        for each in series
    ]


def _compute_tints(parameters: Mapping[int, Parameter]) -> Mapping[int, float]:
    """Return each number's position from 0 (lowest) to 1 (highest), or nothing if any value is not a number."""
    numbers = {key: each.number for key, each in parameters.items() if each.number is not None}
    if not numbers or len(numbers) < len(parameters):
        return {}
    low, high = min(numbers.values()), max(numbers.values())
    if low > 0 and high / low >= 10**_DECADES:
        numbers = {key: math.log(number) for key, number in numbers.items()}
        low, high = math.log(low), math.log(high)
    return {key: round((number / 2 - low / 2) / ((high / 2 - low / 2) or 1), 4) for key, number in numbers.items()}
