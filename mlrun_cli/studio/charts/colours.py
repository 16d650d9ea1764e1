"""The colours of runs according to a parameter."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.runs.parameters import Parameter, Parameters

_DECADES = 2
"""Positive numbers that span more powers of ten are coloured by their logarithms."""


def add_colours(
    series: Sequence[Mapping[str, Any]], parameter_name: str, run_parameters: Mapping[int, Parameters]
) -> Sequence[Mapping[str, Any]]:
    """Return the series with colours that depend on the value of a parameter of their runs.

    Series of runs without the parameter keep their colours.
    """
    found = {key: own[parameter_name] for key, own in run_parameters.items() if parameter_name in own}
    tints = _scale_to_unit_range(found)
    texts = sorted({parameter.text for parameter in found.values()})
    return [
        {
            **each,
            "tag": f"{parameter_name} {found[each['run']].text}",
            **({"tint": tints[each["run"]]} if tints else {"group": texts.index(found[each["run"]].text)}),
        }
        if each["run"] in found
        else each
        for each in series
    ]


def _scale_to_unit_range(parameters: Mapping[int, Parameter]) -> Mapping[int, float]:
    """Return numeric values scaled to the range from 0 to 1, keyed by run key; empty if any value is not a number."""
    numbers = {key: each.number for key, each in parameters.items() if each.number is not None}
    if not numbers or len(numbers) < len(parameters):
        return {}
    low, high = min(numbers.values()), max(numbers.values())
    if low > 0 and high / low >= 10**_DECADES:
        numbers = {key: math.log(number) for key, number in numbers.items()}
        low, high = math.log(low), math.log(high)
    return {key: round((number / 2 - low / 2) / ((high / 2 - low / 2) or 1), 4) for key, number in numbers.items()}
