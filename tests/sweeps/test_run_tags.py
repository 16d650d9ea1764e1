from __future__ import annotations

import json
from typing import Any

from mlrun_cli.sweeps.definition import definition_from_json
from mlrun_cli.sweeps.run_tags import find_definition, find_run_number, get_sampled_values
from tests.sweeps.test_definition import DOCUMENT

SWEEP = "HD_0000_1"


def test_the_tags_of_a_sweep_hold_its_definition() -> None:
    definition = definition_from_json(DOCUMENT)
    tags = {key: json.dumps(value) for key, value in definition.to_json().items()}
    assert find_definition({**tags, "team": "a", "bare": None}) == definition
    assert find_definition({**tags, "generator_config": "x"}) is None
    assert find_definition({}) is None


def test_runs_of_a_sweep_are_numbered() -> None:
    assert find_run_number(SWEEP, f"{SWEEP}_12") == 12
    for other in (SWEEP, f"{SWEEP}_preparation", f"{SWEEP}_", f"{SWEEP}_1_2", f"{SWEEP}_-1", "HD_2_3"):
        assert find_run_number(SWEEP, other) is None


def test_what_was_sampled_is_a_tag_for_each_run() -> None:
    values: dict[int, dict[str, Any]] = {10: {"--lr": 1e-05, "kind": None}, 2: {"--lr": 3, "kind": [1, "é"]}}
    tags: dict[str, str | None] = {f"{SWEEP}_{number}": json.dumps(one) for number, one in values.items()}
    found = get_sampled_values(SWEEP, {**tags, "team": "a", f"{SWEEP}_3": None, f"{SWEEP}_4": "x"})
    assert found == values
    assert list(found) == [2, 10]
