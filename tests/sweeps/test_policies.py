from __future__ import annotations

import json
import math
import random
from collections import Counter
from typing import Any

import pytest

from mlrun_cli.errors import InvalidValue
from mlrun_cli.metrics.goal import Goal
from mlrun_cli.sweeps.policies import (
    BANDIT,
    DEFAULT,
    MEDIAN,
    TRUNCATION,
    Policy,
    PolicyEvaluator,
    build_policy,
    policy_from_json,
)
from tests.sweeps.reference_policies import is_ended

SWEEPS = 10_000
UP, DOWN = Goal.MAXIMIZE, Goal.MINIMIZE


def _make_policy(rng: random.Random) -> Policy:
    name = rng.choice([DEFAULT, BANDIT, BANDIT, MEDIAN, TRUNCATION])
    if name == DEFAULT:
        return Policy()
    properties: dict[str, Any] = {"evaluation_interval": rng.randint(1, 3), "delay_evaluation": rng.randint(0, 5)}
    if name == BANDIT:
        properties[rng.choice(["slack_factor", "slack_amount"])] = rng.choice([0, 0.125, 0.5, 1, 3])
    if name == TRUNCATION:
        properties["truncation_percentage"] = rng.choice([1, 20, 50, 90, 99])
    return build_policy(name, properties)


def _make_histories(rng: random.Random) -> dict[str, list[float]]:
    """Values of which sums are exact, with ties, and at times what is not a number or infinite."""
    special = rng.random() < 0.2
    low, high = rng.choice([(0, 8), (-8, 0), (-4, 4)])

    def make_value() -> float:
        if special and rng.random() < 0.1:
            return rng.choice([math.nan, -math.inf if low < 0 else math.inf])
        return rng.randint(low * 4, high * 4) / 4

    return {f"r{index}": [make_value() for _ in range(rng.randint(0, 8))] for index in range(rng.randint(1, 9))}


def test_decisions_are_those_of_a_second_implementation() -> None:
    rng = random.Random(20)
    decisions: Counter[tuple[str, Goal, bool]] = Counter()
    for _ in range(SWEEPS):
        policy, histories, goal = _make_policy(rng), _make_histories(rng), rng.choice([UP, DOWN])
        document = policy.to_json()
        judge = PolicyEvaluator(policy, goal, histories)
        for run_id, values in histories.items():
            expected = {n for n in range(1, len(values) + 1) if is_ended(document, goal is UP, histories, run_id, n)}
            found = {n for n in range(10) if judge.find_termination_at(run_id, n)}
            assert found == expected, (document, goal, histories, run_id)
            first = judge.find_termination(run_id)
            assert (first and first.value_count) == min(expected, default=None)
            decisions[policy.name, goal, bool(found)] += 1
    assert all(decisions[name, goal, True] > 500 for name in (BANDIT, MEDIAN, TRUNCATION) for goal in (UP, DOWN))
    assert all(decisions[name, goal, False] > 500 for name in (BANDIT, MEDIAN, TRUNCATION) for goal in (UP, DOWN))


def test_values_may_be_added_in_any_order_of_runs_and_in_parts() -> None:
    rng = random.Random(21)
    for _ in range(300):
        policy, histories, goal = _make_policy(rng), _make_histories(rng), rng.choice([UP, DOWN])
        judge = PolicyEvaluator(policy, goal)
        parts = [(run_id, index) for run_id, values in histories.items() for index in range(len(values))]
        rng.shuffle(parts)
        numbers: Counter[str] = Counter()
        for run_id, _index in parts:
            judge.add_values(run_id, [histories[run_id][numbers[run_id]]])
            numbers[run_id] += 1
        whole = PolicyEvaluator(policy, goal, histories)
        for run_id in histories:
            assert str(judge.find_termination(run_id)) == str(whole.find_termination(run_id))


@pytest.mark.parametrize(
    ("goal", "slack", "values", "ended"),
    [
        (UP, {"slack_factor": 0.2}, {"a": [0.8], "b": [0.66], "c": [0.67]}, {"b"}),
        (UP, {"slack_amount": 0.2}, {"a": [0.8], "b": [0.5], "c": [0.7]}, {"b"}),
        (DOWN, {"slack_factor": 0.2}, {"a": [0.8], "b": [0.97], "c": [0.95]}, {"b"}),
        (DOWN, {"slack_amount": 0.25}, {"a": [0.75], "b": [1.25], "c": [1.0]}, {"b"}),
        (UP, {"slack_factor": 0.5}, {"a": [-1], "b": [-1.4], "c": [-1.6]}, {"c"}),
        (DOWN, {"slack_factor": 0.5}, {"a": [-3], "b": [-2.1], "c": [-1.9]}, {"c"}),
        (UP, {"slack_amount": 0}, {"a": [1], "b": [1], "c": [math.nan]}, {"c"}),
    ],
)
def test_bandit(goal: Goal, slack: dict[str, float], values: dict[str, list[float]], ended: set[str]) -> None:
    judge = PolicyEvaluator(build_policy(BANDIT, slack), goal, values)
    assert {run_id for run_id in values if judge.find_termination(run_id)} == ended


def test_a_decision_counts_no_values_after_those_of_the_judged_run() -> None:
    judge = PolicyEvaluator(build_policy(BANDIT, {"slack_factor": 0.1}), UP, {"a": [0.1, 0.2, 0.9], "b": [0.1, 0.19]})
    assert judge.find_termination("b") is None
    judge.add_values("b", [0.19])
    decision = judge.find_termination("b", judged_count=2)
    assert decision is not None
    assert (decision.value_count, decision.best) == (3, 0.19)
    assert decision.format_reason("acc") == (
        "Ended early by BanditPolicy: after 3 values the best acc was 0.19, and 0.818182 was needed."
    )


def test_half_of_the_runs_end_by_truncation_of_fifty_percent_and_ties_end_nobody() -> None:
    policy = build_policy(TRUNCATION, {"truncation_percentage": 50})
    judge = PolicyEvaluator(policy, DOWN, {f"r{index}": [index] for index in range(7)})
    assert [index for index in range(7) if judge.find_termination(f"r{index}")] == [4, 5, 6]
    tied = PolicyEvaluator(policy, DOWN, {f"r{index}": [1] for index in range(7)})
    assert not any(tied.find_termination(f"r{index}") for index in range(7))


def test_a_run_is_judged_at_multiples_of_the_interval_from_the_delay_on() -> None:
    policy = build_policy(BANDIT, {"slack_amount": 0, "evaluation_interval": 2, "delay_evaluation": 5})
    judge = PolicyEvaluator(policy, UP, {"a": [1] * 9, "b": [0] * 9})
    assert [n for n in range(10) if judge.find_termination_at("b", n)] == [6, 8]
    assert judge.find_termination_at("unknown", 6) is None
    assert judge.find_termination("unknown") is None


@pytest.mark.parametrize(
    ("name", "properties", "target"),
    [
        ("bandit", {}, "name"),
        (BANDIT, {}, "slack_factor"),
        (BANDIT, {"slack_factor": 1, "slack_amount": 1}, "slack_factor"),
        (BANDIT, {"slack_factor": -0.1}, "slack_factor"),
        (BANDIT, {"slack_amount": math.nan}, "slack_amount"),
        (BANDIT, {"slack_amount": "1"}, "slack_amount"),
        (BANDIT, {"slack_factor": 1, "evaluation_interval": 0}, "evaluation_interval"),
        (MEDIAN, {"evaluation_interval": 1.0}, "evaluation_interval"),
        (MEDIAN, {"delay_evaluation": -1}, "delay_evaluation"),
        (MEDIAN, {"slack_factor": 1}, "slack_factor"),
        (TRUNCATION, {}, "truncation_percentage"),
        (TRUNCATION, {"truncation_percentage": 0}, "truncation_percentage"),
        (TRUNCATION, {"truncation_percentage": 100}, "truncation_percentage"),
        (TRUNCATION, {"truncation_percentage": True}, "truncation_percentage"),
        (DEFAULT, {"evaluation_interval": 1}, "evaluation_interval"),
    ],
)
def test_wrong_policies_are_refused(name: str, properties: dict[str, Any], target: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        build_policy(name, properties)
    assert caught.value.target == target


def test_policies_are_kept_and_their_names_have_any_letter_case() -> None:
    rng = random.Random(22)
    for _ in range(50):
        policy = _make_policy(rng)
        document = json.loads(json.dumps(policy.to_json()))
        assert policy_from_json({**document, "name": document["name"].upper()}) == policy
    truncation = build_policy(TRUNCATION, {"truncation_percentage": 20}).to_json()
    assert truncation["properties"]["exclude_finished_jobs"] is False
    truncation["properties"]["exclude_finished_jobs"] = True
    with pytest.raises(InvalidValue, match="excluded"):
        policy_from_json(truncation)
