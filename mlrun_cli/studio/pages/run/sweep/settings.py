"""The definition of a sweep as labels and texts for the Sweep tab."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlrun_cli.studio.formatting import format_count, format_duration
from mlrun_cli.sweeps.arguments import format_value
from mlrun_cli.sweeps.definition import SweepDefinition
from mlrun_cli.sweeps.expressions import CHOICE, Expression
from mlrun_cli.sweeps.policies import POLICIES, Policy
from mlrun_cli.sweeps.sampling import SamplingMethod

_METHODS = {
    SamplingMethod.RANDOM: "random",
    SamplingMethod.GRID: "grid",
    SamplingMethod.BAYESIAN: "Bayesian",
}
_MAX_CHARACTERS = 120
_SECONDS_PER_MINUTE = 60


def list_sweep_settings(definition: SweepDefinition) -> Sequence[tuple[str, str]]:
    """Return the settings of a sweep as pairs of a label and a displayed value."""
    sampling, limit = definition.sampling, definition.max_duration_minutes
    settings: list[tuple[str, str | None]] = [
        ("Primary metric", f"{definition.metric.name}, {definition.metric.goal.value}"),
        ("Sampling", _METHODS[sampling.method]),
        ("Seed", None if sampling.seed is None else str(sampling.seed)),
        ("Combinations", None if sampling.space_size is None else format_count(sampling.space_size)),
        ("Early termination", _describe_policy(definition.policy)),
        ("Runs", f"at most {format_count(definition.max_total)}, {format_count(definition.max_concurrent)} at a time"),
        ("Time limit", None if limit is None else format_duration(limit * _SECONDS_PER_MINUTE)),
        ("Resumes from", ", ".join((*definition.resume_from, *definition.resume_child_runs)) or None),
    ]
    settings += [(name, _describe_expression(expression)) for name, expression in sampling.space.items()]
    return [(name, text) for name, text in settings if text is not None]


def _describe_policy(policy: Policy) -> str:
    properties: dict[str, Any] = policy.to_json().get("properties", {})
    told = ", ".join(f"{name} {value}" for name, value in properties.items() if value is not False)
    return f"{POLICIES[policy.name]}: {told}" if told else POLICIES[policy.name]


def _describe_expression(expression: Expression) -> str:
    arguments = expression.options if expression.name == CHOICE else expression.arguments
    text = f"{expression.name}({', '.join(map(format_value, arguments))})"
    return text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}…"
