"""Bayesian sampling by the tree-structured Parzen estimator of Optuna, which is an optional package."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from statistics import NormalDist
from typing import Any

from mlrun_cli.errors import ProgramNotFound
from mlrun_cli.metrics.goal import Goal
from mlrun_cli.sweeps.expressions import CHOICE, QUNIFORM, RANDINT, Expression, round_to_step
from mlrun_cli.sweeps.sampling import Trial

_SEED_STEP = 1_000_003
_SEEDS = 1 << 32
_STANDARD_NORMAL = NormalDist()
_MARGIN = 2.0**-53  # of probabilities, for whose ends a normal distribution has no value


class BayesianSampler:
    """Samples values near the values of the best earlier runs.

    A sample depends on the seed, its number and the trials alone, so that a sweep that goes on after a crash samples
    as it would have. The first ten are random.

    Raises:
        ProgramNotFound: Optuna is not installed.
    """

    def __init__(self, space: Mapping[str, Expression], goal: Goal, seed: int) -> None:
        check_optuna()
        self._optuna = import_module("optuna")
        self._optuna.logging.set_verbosity(self._optuna.logging.WARNING)
        self._space = space
        self._direction = goal.value
        self._seed = seed
        self._distributions = {name: self._build_optuna_distribution(expression) for name, expression in space.items()}

    def sample(self, run_number: int, trials: Sequence[Trial] = ()) -> dict[str, Any]:
        """Return the parameter values of a run, keyed by name; see `Sampler`."""
        seed = (self._seed * _SEED_STEP + run_number) % _SEEDS
        sampler = self._optuna.samplers.TPESampler(seed=seed, constant_liar=True)
        study = self._optuna.create_study(direction=self._direction, sampler=sampler)
        for trial in trials:
            is_known = trial.metric is not None and not math.isnan(trial.metric)
            if is_known or (trial.metric is None and trial.is_live):
                with suppress(KeyError, TypeError, ValueError):  # a resumed sweep may have had other parameters
                    study.add_trial(self._build_optuna_trial(trial))
        asked = study.ask(self._distributions)
        return {name: self._decode_suggestion(self._space[name], asked.params[name]) for name in self._space}

    def _build_optuna_distribution(self, expression: Expression) -> Any:
        """Return the Optuna distribution that represents an expression."""
        distributions = self._optuna.distributions
        if expression.name == CHOICE:
            return distributions.CategoricalDistribution(range(len(expression.options)))
        if expression.name == RANDINT:
            return distributions.IntDistribution(0, expression.arguments[0] - 1)
        low, high = expression.arguments[:2]
        if expression.name == QUNIFORM:
            factors = sorted(round(bound / expression.arguments[2]) for bound in (low, high))
            return distributions.IntDistribution(*factors)
        return distributions.FloatDistribution(*((_MARGIN, 1 - _MARGIN) if expression.is_normal else (low, high)))

    def _build_optuna_trial(self, trial: Trial) -> Any:
        """Return the Optuna trial that represents a run, without a value if the run has not logged the metric yet."""
        states = self._optuna.trial.TrialState
        return self._optuna.trial.create_trial(
            state=states.RUNNING if trial.metric is None else states.COMPLETE,
            value=trial.metric,
            params={
                name: self._encode_value(expression, trial.values[name]) for name, expression in self._space.items()
            },
            distributions=self._distributions,
        )

    @staticmethod
    def _decode_suggestion(expression: Expression, suggestion: Any) -> Any:
        """Convert a value that Optuna suggested to a parameter value of an expression, and return it."""
        if expression.name == CHOICE:
            return expression.options[suggestion]
        if expression.name == RANDINT:
            return suggestion
        if expression.name == QUNIFORM:
            return suggestion * expression.arguments[2]
        if expression.is_normal:
            mean, deviation = expression.arguments[:2]
            return expression.transform(mean + deviation * _STANDARD_NORMAL.inv_cdf(suggestion))
        return expression.transform(suggestion)

    @staticmethod
    def _encode_value(expression: Expression, value: Any) -> Any:
        """Convert a parameter value to a value of Optuna's distribution for an expression, and return it."""
        if expression.name == CHOICE:
            return [json.dumps(one) for one in expression.options].index(json.dumps(value))
        if expression.name == QUNIFORM:
            return round_to_step(value, expression.arguments[2]) // expression.arguments[2]
        if expression.is_normal:
            return _compute_cumulative_probability(expression, value)
        return _compute_clamped_logarithm(expression, value) if expression.is_logarithmic else value


def _compute_cumulative_probability(expression: Expression, value: float) -> float:
    """Return the cumulative probability of a value under a normal or lognormal expression, strictly between 0 and 1."""
    mean, deviation = expression.arguments[:2]
    number = _compute_logarithm(value) if expression.is_logarithmic else value
    probability = _STANDARD_NORMAL.cdf((number - mean) / deviation) if deviation else 0.5
    return min(max(probability, _MARGIN), 1 - _MARGIN)


def _compute_clamped_logarithm(expression: Expression, value: float) -> float:
    """Return the logarithm of a value, moved to a bound if rounding put it just outside; raise if it is out of bounds.

    Raises:
        ValueError: the value is out of bounds.
    """
    low, high = expression.arguments[:2]
    logarithm = float(min(max(_compute_logarithm(value), low), high))
    if not math.isclose(expression.transform(logarithm), value):
        raise ValueError(f"{value} is out of bounds")
    return logarithm


def _compute_logarithm(value: float) -> float:
    return math.log(value) if value else -math.inf


def check_optuna() -> None:
    """Raise if Optuna is not installed; the package is not imported, since that is slow.

    Raises:
        ProgramNotFound: it is not.
    """
    if find_spec("optuna") is None:
        raise ProgramNotFound(
            "Bayesian sampling needs the package optuna, which is not installed.",
            hint=f"Install it: {sys.executable} -m pip install 'mlrun-cli[sweep]'; or use random sampling.",
            target="mlrun-cli[sweep]",
        )
