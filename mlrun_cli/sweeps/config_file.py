"""Sweep configuration files, YAML or JSON, as `az ml run submit-hyperdrive` reads them.

What Azure accepts is read in the same way; where it ends in an error of Python, or sends what the service refuses, the
error names file, line and key, and says what to write. All errors of a file are reported together.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from mlrun_cli.core.documents.node import Node
from mlrun_cli.core.documents.read import read_document
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.problems import Problems
from mlrun_cli.errors import InvalidValue
from mlrun_cli.sweeps.definition import PrimaryMetric, SweepDefinition, build_definition, check_positive, parse_goal
from mlrun_cli.sweeps.expressions import CHOICE, PARAMETERS, Expression, build_expression
from mlrun_cli.sweeps.policies import DEFAULT, POLICIES, Policy, build_policy
from mlrun_cli.sweeps.sampling import AZURE_EXPRESSIONS, Sampling, SamplingMethod, check_expression, check_seed

_METHODS = {
    "random": SamplingMethod.RANDOM,
    "grid": SamplingMethod.GRID,
    "bayesian": SamplingMethod.BAYESIAN,
}
_POLICY_TYPES = {sdk_name: name for name, sdk_name in POLICIES.items()}
_PROPERTIES = ("evaluation_interval", "delay_evaluation", "slack_factor", "slack_amount", "truncation_percentage")
_TOP_KEYS = (
    "sampling",
    "policy",
    "primary_metric_name",
    "primary_metric_goal",
    "max_total_runs",
    "max_concurrent_runs",
    "max_duration_minutes",
)
_KNOWN_KEYS = frozenset((*_TOP_KEYS, "type", "parameter_space", "properties", "name", "expression", "values"))
_V2_KEYS = frozenset({"search_space", "sampling_algorithm", "objective", "trial"})
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)[eE][+-]?\d+"  # which YAML 1.1 takes for text if it has no dot or no sign
_PARAMETER_EXAMPLE = "{name: --lr, expression: uniform, values: [0.01, 0.1]}"

_Value = TypeVar("_Value")


class SweepFile(NamedTuple):
    """The content of a sweep configuration file.

    Attributes:
        definition: the sweep; it has a seed only if the file has `sampling.properties.seed`.
        notes: lines for stderr, about keys that are not read.
    """

    definition: SweepDefinition
    notes: tuple[str, ...]


def read_sweep_file(path: Path) -> SweepFile:
    """Read and validate a sweep configuration file, and return the sweep definition and notes on ignored keys.

    Raises:
        InvalidFile: as `read_document`; or a key is missing or wrong.
        SeveralProblems: several of these.
    """
    return _Reader().read(read_document(path))


class _Reader:
    def __init__(self) -> None:
        self._problems = Problems()
        self._notes: list[str] = []

    def read(self, root: Node) -> SweepFile:
        nodes = root.as_mapping()
        if _V2_KEYS & nodes.keys():
            raise root.build_error(
                "is a sweep job of Azure ML v2, not a sweep configuration of v1",
                hint=f"Write {', '.join(_TOP_KEYS)}, and name script and environment in a runconfig.",
            )
        self._note_unknown_keys(root, _TOP_KEYS)
        sampling = self._read_or_collect_error(
            lambda: self._read_sampling(_get_required(root, "sampling", "a mapping with type and parameter_space"))
        )
        policy = self._read_or_collect_error(lambda: self._read_policy(root))
        name = self._read_or_collect_error(lambda: self._read_metric_name(root))
        goal_node = self._read_or_collect_error(
            lambda: _get_required(root, "primary_metric_goal", "maximize or minimize")
        )
        goal = goal_node and self._read_or_collect_error(
            lambda: _check_with_location(goal_node, lambda: parse_goal(goal_node.as_text()))
        )
        total = self._read_number(root, "max_total_runs", 20)
        concurrent = self._read_max_concurrent_runs(root, total)
        duration = self._read_number(root, "max_duration_minutes", 10080)
        if self._problems:
            error = self._problems.combine()
            error.notes = self._notes
            raise error
        assert sampling and policy and name and goal
        definition = build_definition(sampling, policy, PrimaryMetric(name, goal), total, concurrent)
        return SweepFile(definition._replace(max_duration_minutes=duration), tuple(self._notes))

    def _read_or_collect_error(self, read: Callable[[], _Value]) -> _Value | None:
        with self._problems.collect_errors():
            return read()
        return None

    def _note_unknown_keys(self, node: Node, known: tuple[str, ...]) -> None:
        for key, value in node.as_mapping().items():
            if key not in known:
                nearest = difflib.get_close_matches(key, known, n=1)
                guess = f"; did you mean {nearest[0]}?" if nearest else "."
                self._notes.append(f"{value.location}: {value.key_path} is not read{guess}")

    def _read_sampling(self, node: Node) -> Sampling | None:
        self._note_unknown_keys(node, ("type", "parameter_space", "properties"))
        method = self._read_or_collect_error(lambda: _read_choice(node, "type", _METHODS))
        space = self._read_or_collect_error(lambda: self._read_space(node, method))
        seed = self._read_or_collect_error(lambda: self._read_seed(node))
        return Sampling(method, space, seed) if method and space else None

    def _read_seed(self, node: Node) -> int | None:
        properties = node.as_mapping().get("properties")
        if properties is None or properties.is_null:
            return None
        self._note_unknown_keys(properties, ("seed",))
        seed = properties.as_mapping().get("seed")
        return None if seed is None else _check_with_location(seed, lambda: check_seed(seed.content))

    def _read_space(self, node: Node, method: SamplingMethod | None) -> Mapping[str, Expression]:
        wanted = f"a list of parameters, such as - {_PARAMETER_EXAMPLE}"
        space = _get_required(node, "parameter_space", wanted)
        if isinstance(space.content, dict):
            raise space.build_error("is a mapping", hint=f"Write {wanted}.")
        parameters: dict[str, Expression] = {}
        for item in space.as_list():
            with self._problems.collect_errors():
                name_node = _get_required(item, "name", "the option of the script, such as --lr")
                name = name_node.as_text()
                self._note_unknown_keys(item, ("name", "expression", "values"))
                if not name.strip():
                    raise name_node.build_error("is empty", hint="Name the option of the script, such as --lr.")
                if name in parameters:
                    raise name_node.build_error(f"'{name}' stands twice", hint="Give each parameter one expression.")
                parameters[name] = _read_expression(item)
                if method is not None:
                    expression = parameters[name]
                    _check_with_location(
                        item,
                        lambda: check_expression(method, name, expression, AZURE_EXPRESSIONS),  # noqa: B023
                    )
        if not space.as_list():
            raise space.build_error("has no parameters", hint=f"Write {wanted}.")
        return parameters

    def _read_policy(self, root: Node) -> Policy:
        node = _get_required(root, "policy", "a mapping, with type: NoTerminationPolicy if no run is to end early")
        if "type" not in node.as_mapping():
            self._note_unknown_keys(node, ("type",))
            return Policy()
        name = _read_choice(node, "type", _POLICY_TYPES)
        self._note_unknown_keys(node, ("type", *_PROPERTIES))
        nodes = {key: one for key, one in node.as_mapping().items() if key in _PROPERTIES}
        if name == DEFAULT:
            return Policy()
        for key in ("evaluation_interval", "delay_evaluation"):
            if key in nodes and nodes[key].is_null:
                raise nodes[key].build_error("has no value", hint="Leave the key out, or write a whole number.")
        try:
            return build_policy(name, {key: _read_plain_value(one) for key, one in nodes.items()})
        except InvalidValue as error:
            place = nodes.get(error.target or "", node)
            raise place.build_error(_get_reason(error), hint=error.hint) from error

    @staticmethod
    def _read_metric_name(root: Node) -> str:
        node = _get_required(root, "primary_metric_name", "the name that the script gives to run.log")
        name = node.as_text()
        if not name.strip():
            raise node.build_error("has no value", hint="Write the name that the script gives to run.log.")
        return name

    def _read_number(self, root: Node, key: str, example: int) -> int | None:
        node = self._read_or_collect_error(lambda: _get_required(root, key, f"a whole number, such as {example}"))
        if node is not None:
            self._read_or_collect_error(lambda: _check_with_location(node, lambda: check_positive(key, node.content)))
        return node.content if node is not None and isinstance(node.content, int) else None

    def _read_max_concurrent_runs(self, root: Node, total: int | None) -> int | None:
        node = root.as_mapping().get("max_concurrent_runs")
        if node is None or node.is_null or node.content == 0:
            return total
        return self._read_number(root, "max_concurrent_runs", 4)


def _get_required(node: Node, key: str, expected: str) -> Node:
    """Return the value node of a required key; raise if the key is missing or its value is null."""
    found = node.as_mapping().get(key)
    if found is None:
        unknown = [one for one in node.as_mapping() if one not in _KNOWN_KEYS]
        near = difflib.get_close_matches(key, unknown, n=1)
        guess = f"Did you mean it by '{near[0]}'? " if near else ""
        raise node.build_error(
            f"has no {key}" if node.key_path else f"{key} is missing", hint=f"{guess}Write {key}: {expected}."
        )
    if found.is_null:
        raise found.build_error("has no value", hint=f"Write {expected}.")
    return found


def _read_choice(node: Node, key: str, choices: Mapping[str, _Value]) -> _Value:
    """Return the value in `choices` for the text under a node's key, ignoring case; raise if there is none."""
    found = _get_required(node, key, f"one of {', '.join(choices)}")
    text = found.as_text()
    by_word = {word.lower(): word for word in choices}
    word = by_word.get(text.lower())
    if word is not None:
        return choices[word]
    near = [one for lower, one in by_word.items() if text and lower.startswith(text.lower())]
    near += [by_word[lower] for lower in difflib.get_close_matches(text.lower(), by_word, n=1)]
    guess = f"Did you mean {near[0]}? " if near else ""
    raise found.build_error(f"'{text}' is unknown", hint=f"{guess}There are: {', '.join(choices)}.")


def _read_expression(item: Node) -> Expression:
    name_node = _get_required(item, "expression", f"one of {', '.join(PARAMETERS)}")
    name = name_node.as_text()
    if name not in PARAMETERS:
        _check_with_location(name_node, lambda: build_expression(name, ()))
    values = _get_required(item, "values", f"a list: {', '.join(PARAMETERS[name])}")
    if not isinstance(values.content, tuple):
        raise values.build_error("is not a list", hint="Put the values into brackets: [1, 2].")
    read = _read_option if name == CHOICE else _read_plain_value
    return _check_with_location(values, lambda: build_expression(name, [read(one) for one in values.as_list()]))


def _read_plain_value(node: Node) -> Any:
    """Return a node's plain value; text that is a number, but not in YAML's notation, such as 1e-5, becomes a float."""
    text = node.content
    return float(text) if isinstance(text, str) and re.fullmatch(_NUMBER, text) else node.to_plain()


def _read_option(node: Node) -> Any:
    """Return one value of a `choice`; words that YAML 1.1 parses as booleans, such as `no`, remain text."""
    if isinstance(node.content, bool) and node.source.lower() not in {"true", "false"}:
        return node.source
    if isinstance(node.content, tuple):
        return [_read_option(one) for one in node.content]
    return node.to_plain()


def _check_with_location(node: Node, check: Callable[[], _Value]) -> _Value:
    """Call a check and return its result; if it raises InvalidValue, add the node's file, line and key to the error."""
    try:
        return check()
    except InvalidValue as error:
        raise node.build_error(_get_reason(error), hint=error.hint) from error


def _get_reason(error: InvalidValue) -> str:
    return error.message.removesuffix(".")
