"""A naive evaluation of conditions and searches in Python."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlrun_cli.runs.order import METRIC, PARAMETER, PROPERTY, TAG
from mlrun_cli.runs.parameters import parse_number
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.where.condition import AllOf, AnyOf, Condition, Negation, Predicate
from mlrun_cli.runs.where.value_name import PLAIN, parse_value_names
from mlrun_cli.workspace import Workspace


class Facts:
    """The values of a run, as the naive evaluation sees them."""

    def __init__(self, workspace: Workspace, run: Run) -> None:
        self.run = run
        self.parameters = workspace.parameters.get(run.key)
        self.metrics = workspace.metric_summaries.get_for_runs([run.key], ["loss", "lr"])

    def get(self, predicate: Predicate) -> Any:
        kind, name, which = predicate.name
        if kind == METRIC:
            summary = self.metrics.get((self.run.key, name))
            return None if summary is None else summary.get_statistic(which)
        is_text = predicate.operator in {"~", "!~"}
        if kind == PARAMETER:
            parameter = self.parameters.get(name)
            return None if parameter is None else parameter.text if is_text else parameter.sort_value
        if kind in {TAG, PROPERTY}:
            text = (self.run.tags if kind == TAG else self.run.properties).get(name)
            number = parse_number(text or "")
            return text if is_text or number is None or predicate.operator in {"=", "!=", "in"} else number
        return {
            "status": self.run.status.value,
            "experiment": self.run.experiment_name,
            "submitter": self.run.user_name,
            "created": self.run.created_at,
            "started": self.run.started_at,
            "ended": self.run.ended_at,
            "duration": self.run.compute_elapsed_seconds(0),
        }.get(name, getattr(self.run, name, None))

    def get_sort_value(self, column: str) -> Any:
        (name,) = parse_value_names(column)
        if name.kind == PLAIN:
            name = name._replace(kind=METRIC)
        value = self.get(Predicate(name, "<"))
        return value[:64] if column == "description" and value is not None else value

    def contains(self, text: str) -> bool:
        run = self.run
        names = [run.run_id, run.user_name, run.display_name or "", run.description or "", run.experiment_name]
        own = "\n".join([*names, *(f"{name}={each.text}" for name, each in self.parameters.items())])
        tags = "\n".join(f"{key} {value or ''}" for key, value in run.tags.items())
        return all(word.lower() in own.lower() or word.lower() in tags.lower() for word in text.split())

    def exists(self, predicate: Predicate) -> bool:
        kind, name, _ = predicate.name
        places: Mapping[str, Any] = {
            METRIC: {name for _, name in self.metrics},
            PARAMETER: self.parameters,
            TAG: self.run.tags,
            PROPERTY: self.run.properties,
        }
        return name in places[kind]


def holds(condition: Condition, facts: Facts) -> bool:
    if isinstance(condition, Negation):
        return not holds(condition.condition, facts)
    if isinstance(condition, AllOf):
        return all(holds(each, facts) for each in condition.conditions)
    if isinstance(condition, AnyOf):
        return any(holds(each, facts) for each in condition.conditions)
    if condition.operator == "exists":
        return facts.exists(condition)
    value = facts.get(condition)
    return value is not None and _compare(value, condition)


def _compare(value: Any, predicate: Predicate) -> bool:
    operator, values = predicate.operator, predicate.values
    if predicate.name.name in {"created", "started", "ended"}:
        start, end = (int(each) for each in values)
        end = max(end, start + 1)
        inside = start <= value < end
        by_operator = {
            "=": inside,
            "!=": not inside,
            "<": value < start,
            "<=": value < end,
            ">": value >= end,
            ">=": value >= start,
        }
        return bool(by_operator[operator])
    if operator in {"~", "!~"}:
        return (str(values[0]).lower() in str(value).lower()) == (operator == "~")
    if predicate.name.name == "status":
        return (value in values) == (operator != "!=")
    if operator in {"=", "!=", "in"}:
        return (value in values) == (operator != "!=")
    if isinstance(value, str) != isinstance(values[0], str):
        return False
    return bool(
        {"<": value < values[0], "<=": value <= values[0], ">": value > values[0], ">=": value >= values[0]}[operator]
    )
