from __future__ import annotations

from typing import Any

import pytest

from mlrun_cli.errors import InvalidValue
from mlrun_cli.sweeps.definition import definition_from_json

DOCUMENT: dict[str, Any] = {
    "generator_config": {
        "name": "RANDOM",
        "parameter_space": {"--lr": ["uniform", [0, 1]]},
        "properties": {"seed": 3},
    },
    "policy_config": {"name": "BANDIT", "properties": {"slack_factor": 0.1}},
    "primary_metric_config": {"name": "acc", "goal": "MAXIMIZE"},
    "max_total_jobs": 20,
    "max_concurrent_jobs": 4,
    "max_duration_minutes": 10080,
    "name": "experiment",
    "platform": "AML",
    "resume_from": ["HD_1"],
    "resume_child_runs": None,
}


def test_the_document_of_the_sdk_is_read() -> None:
    definition = definition_from_json(DOCUMENT)
    assert (definition.total_runs, definition.max_concurrent, definition.max_duration_minutes) == (20, 4, 10080)
    assert (definition.resume_from, definition.resume_child_runs) == (("HD_1",), ())
    assert definition_from_json(definition.to_json()) == definition
    assert definition.with_seed() == definition
    unseeded = definition._replace(sampling=definition.sampling._replace(seed=None))
    assert unseeded.with_seed().sampling.seed is not None


def test_a_document_without_policy_and_with_as_many_at_a_time_as_there_are() -> None:
    document = {**DOCUMENT, "policy_config": None, "max_concurrent_jobs": None, "max_duration_minutes": None}
    definition = definition_from_json(document)
    assert (definition.policy.name, definition.max_concurrent) == ("Default", 20)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"generator_config": None}, "generator_config is missing"),
        ({"generator_config": {"name": "SOBOL", "parameter_space": {}}}, "generator_config"),
        ({"generator_config": {"name": "RANDOM", "parameter_space": {"a": 5}}}, "generator_config: a: 5"),
        ({"policy_config": {"name": "Bandit"}}, "policy_config: BanditPolicy"),
        ({"policy_config": 5}, "policy_config is missing"),
        ({"primary_metric_config": {"goal": "maximize"}}, "primary_metric_config: None"),
        ({"primary_metric_config": {"name": "a", "goal": "max"}}, "primary_metric_config: 'max'"),
        ({"max_total_jobs": 0}, "max_total_jobs"),
        ({"max_total_jobs": None}, "max_total_jobs"),
        ({"max_concurrent_jobs": -1}, "max_concurrent_jobs"),
        ({"max_duration_minutes": 0.5}, "max_duration_minutes"),
        ({"resume_from": "HD_1"}, "resume_from"),
        ({"resume_child_runs": [1]}, "resume_child_runs"),
    ],
)
def test_a_wrong_part_is_named(changes: dict[str, Any], word: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        definition_from_json({**DOCUMENT, **changes})
    assert word in caught.value.message
