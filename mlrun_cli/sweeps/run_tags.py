"""The tags of a sweep's run, which hold its definition and the values sampled for each child run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mlrun_cli.errors import InvalidValue
from mlrun_cli.sweeps.definition import SweepDefinition, definition_from_json

PLATFORM = "platform_config"
"""The tag with the run definition and the snapshot of the runs."""


def find_definition(tags: Mapping[str, str | None]) -> SweepDefinition | None:
    """Return the sweep definition in a sweep's tags, or None if the tags are missing or cannot be read."""
    document = {key: _parse_json(text) for key, text in tags.items()}
    try:
        return definition_from_json(document)
    except InvalidValue:
        return None


def get_submitted_tags(sweep_id: str, tags: Mapping[str, str | None]) -> dict[str, str | None]:
    """Return the tags of a sweep, without those in which its definition and the sampled values are stored."""
    definition = find_definition(tags)
    known = {PLATFORM, *(() if definition is None else definition.to_json())}
    return {key: text for key, text in tags.items() if key not in known and find_run_number(sweep_id, key) is None}


def find_child_definition(tags: Mapping[str, str | None]) -> Mapping[str, Any] | None:
    """Return the run definition that all child runs of a sweep share, or None if its tag is missing or not readable."""
    try:
        overrides = _parse_json(tags.get(PLATFORM))["Definition"]["Overrides"]
    except (KeyError, TypeError):
        return None
    return overrides if isinstance(overrides, dict) else None


def find_run_number(sweep_id: str, run_id: str) -> int | None:
    """Return the number at the end of the id of a sweep's child run, or None if the sweep did not create the run."""
    beginning, _, number = run_id.rpartition("_")
    return int(number) if beginning == sweep_id and number.isascii() and number.isdecimal() else None


def get_sampled_values(sweep_id: str, tags: Mapping[str, str | None]) -> dict[int, dict[str, Any]]:
    """Return the parameter values of a sweep's child runs from its tags, keyed by run number in ascending order."""
    numbers = {key: find_run_number(sweep_id, key) for key in tags}
    sampled = {number: _parse_json(tags[key]) for key, number in numbers.items() if number is not None}
    return {number: sampled[number] for number in sorted(sampled) if isinstance(sampled[number], dict)}


def _parse_json(text: str | None) -> Any:
    try:
        return json.loads(text or "null")
    except ValueError:
        return None
