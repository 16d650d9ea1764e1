"""Policies as they are written on a command line: `bandit:slack=0.1,interval=2`."""

from __future__ import annotations

import difflib
from typing import Any

from mlrun_cli.errors import InvalidValue
from mlrun_cli.sweeps.policies import BANDIT, DEFAULT, MEDIAN, TRUNCATION, Policy, build_policy

_NAMES = {"bandit": BANDIT, "median": MEDIAN, "truncation": TRUNCATION, "none": DEFAULT}
_KEYS = {
    "amount": "slack_amount",
    "delay": "delay_evaluation",
    "interval": "evaluation_interval",
    "percentage": "truncation_percentage",
    "slack": "slack_factor",
}
_EXAMPLE = "Write bandit:slack=0.1,interval=2, median:delay=5, truncation:percentage=20 or none."


def parse_policy(text: str) -> Policy:
    """Parse `KIND` or `KIND:KEY=VALUE,…` and return the policy.

    Kinds are `bandit`, `median`, `truncation` and `none`; keys `slack` (a share of the best value), `amount`,
    `percentage`, `interval` and `delay`, or Azure's longer names.

    Raises:
        InvalidValue: there is no such kind or key, or a value is wrong.
    """
    kind, _, rest = text.partition(":")
    name = _NAMES.get(kind.strip().lower())
    if name is None:
        raise InvalidValue(f"'{kind}' is not a policy.", hint=_EXAMPLE, target=text)
    properties: dict[str, Any] = {}
    for part in rest.split(",") if rest.strip() else []:
        key, has_value, value = (word.strip() for word in part.partition("="))
        known = _KEYS.get(key, key if key in _KEYS.values() else None)
        if known is None or not has_value:
            near = difflib.get_close_matches(key, _KEYS, n=1)
            guess = f"Did you mean '{near[0]}'? " if near else ""
            raise InvalidValue(f"'{part}' is not a setting of a policy.", hint=f"{guess}{_EXAMPLE}", target=text)
        properties[known] = _parse_number(value)
    return build_policy(name, properties)


def _parse_number(text: str) -> int | float | str:
    """Return a text as a number, or unchanged, for the policy to reject, if it is not a number."""
    for parse in (int, float):
        try:
            return parse(text)
        except ValueError:
            continue
    return text
