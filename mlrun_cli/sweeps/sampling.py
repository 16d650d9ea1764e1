"""The sampling method of a sweep, and the samplers that apply it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from random import SystemRandom
from typing import Any, Protocol

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import InvalidValue
from mlrun_cli.metrics.goal import Goal
from mlrun_cli.sweeps.expressions import CHOICE, QUNIFORM, UNIFORM, Expression, expression_from_json

_SEEDS = 1 << 31


class SamplingMethod(Enum):
    """A sampling method, by its name in Azure's documents."""

    RANDOM = "RANDOM"
    GRID = "GRID"
    BAYESIAN = "BayesianOptimization"


_Expressions = Mapping[SamplingMethod, Sequence[str]]
_EXPRESSIONS: _Expressions = {SamplingMethod.GRID: (CHOICE,)}
AZURE_EXPRESSIONS: _Expressions = {**_EXPRESSIONS, SamplingMethod.BAYESIAN: (CHOICE, UNIFORM, QUNIFORM)}
"""The expressions from which a method draws in Azure; methods that are not named draw from all."""

_WORDS = {SamplingMethod.RANDOM: "random", SamplingMethod.GRID: "grid", SamplingMethod.BAYESIAN: "Bayesian"}


class Trial(NamedTuple):
    """The parameter values and metric of an earlier run of a sweep, from which Bayesian sampling learns.

    Attributes:
        values: what was sampled for it.
        metric: the best value of the primary metric; None while the run is live, or if it ended without one.
        is_live: whether it has not ended.
    """

    values: Mapping[str, Any]
    metric: float | None
    is_live: bool = False


class Sampler(Protocol):
    """Samples the values of a sweep's runs."""

    def sample(self, run_number: int, trials: Sequence[Trial] = ()) -> dict[str, Any]:
        """Return the parameter values of a run, keyed by name, in the order of the parameter space.

        Args:
            run_number: of the run in the sweep, from 0 and below the size of the space.
            trials: earlier runs, in the order of their numbers. Only Bayesian sampling looks at them; the samples of
                others depend on the seed and the number alone.
        """


class Sampling(NamedTuple):
    """A sampling method and its parameter space.

    Attributes:
        method: how values are sampled.
        space: the expression of each parameter, in the order in which arguments are passed.
        seed: makes samples repeatable; None if none was given, see `with_seed`.
        flags: the parameters that are options without a value, and true or false.
    """

    method: SamplingMethod
    space: Mapping[str, Expression]
    seed: int | None = None
    flags: tuple[str, ...] = ()

    @property
    def space_size(self) -> int | None:
        """The number of combinations of parameter values, or None unless all are `choice` or `randint`.

        None unless all parameters are `choice` or `randint`.
        """
        size = 1
        for expression in self.space.values():
            if expression.size is None:
                return None
            size *= expression.size
        return size

    def with_seed(self) -> Sampling:
        """Return the sampling method, with a random seed added if it has none."""
        return self if self.seed is not None else self._replace(seed=SystemRandom().randrange(_SEEDS))

    def create_sampler(self, goal: Goal) -> Sampler:
        """Create the sampler for this method; every method except a grid needs a seed.

        Raises:
            ProgramNotFound: Bayesian sampling needs a package that is not installed.
        """
        if self.method is SamplingMethod.GRID:
            from mlrun_cli.sweeps.grid_sampling import GridSampler  # noqa: PLC0415 - one of three is needed

            return GridSampler(self.space)
        if self.seed is None:
            raise ValueError("a sampler needs a seed")
        if self.method is SamplingMethod.RANDOM:
            from mlrun_cli.sweeps.random_sampling import RandomSampler  # noqa: PLC0415 - as above

            return RandomSampler(self.space, self.space_size, self.seed)
        from mlrun_cli.sweeps.bayesian_sampling import BayesianSampler  # noqa: PLC0415 - as above

        return BayesianSampler(self.space, goal, self.seed)

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-compatible dict like Azure's `generator_config`; its `properties` contain seed and flags."""
        document: dict[str, Any] = {
            "name": self.method.value,
            "parameter_space": {name: expression.to_json() for name, expression in self.space.items()},
        }
        properties: dict[str, Any] = {} if self.seed is None else {"seed": self.seed}
        if self.flags:
            properties["flags"] = list(self.flags)
        return {**document, "properties": properties} if properties else document


def build_sampling(
    method: SamplingMethod, space: Mapping[str, Expression], seed: int | None = None, flags: Sequence[str] = ()
) -> Sampling:
    """Return the sampling of a parameter space by a method, or raise if they do not fit together.

    Raises:
        InvalidValue: there are no parameters, or the method does not draw from an expression.
    """
    if not space:
        raise InvalidValue("The parameter space has no parameters.", target="parameter_space")
    for name, expression in space.items():
        if not name.strip():
            raise InvalidValue("A parameter has no name.", hint="Name the option of the script.", target=name)
        check_expression(method, name, expression)
    return Sampling(method, dict(space), seed, tuple(flags))


def check_expression(
    method: SamplingMethod, name: str, expression: Expression, expressions: _Expressions = _EXPRESSIONS
) -> None:
    """Raise if a sampling method does not support the expression of the parameter with this name.

    Raises:
        InvalidValue: it does not; `expressions` has those that methods support, if not all.
    """
    allowed = expressions.get(method)
    if allowed is not None and expression.name not in allowed:
        raise InvalidValue(
            f"{name} has {expression.name}, from which {_WORDS[method]} sampling does not draw.",
            hint=f"Use {' or '.join(allowed)}, or random sampling, which draws from all expressions.",
            target=name,
        )


def sampling_from_json(document: Mapping[str, Any]) -> Sampling:
    """Create a sampling method from Azure's `generator_config`; the method's name is case-insensitive.

    Raises:
        InvalidValue: it is not one.
    """
    methods = {method.value.lower(): method for method in SamplingMethod} | {"bayesian": SamplingMethod.BAYESIAN}
    method = methods.get(str(document.get("name")).lower())
    space = document.get("parameter_space")
    if method is None or not isinstance(space, Mapping):
        raise InvalidValue("generator_config needs a name and a parameter_space.", target="generator_config")
    expressions: dict[str, Expression] = {}
    for name, expression in space.items():
        try:
            expressions[name] = expression_from_json(expression)
        except InvalidValue as error:
            error.add_context(name)
            raise
    properties = document.get("properties")
    if not isinstance(properties, Mapping):
        properties = {}
    flags = properties.get("flags") or ()
    named = [name for name in expressions if isinstance(flags, (list, tuple)) and name in flags]
    return build_sampling(method, expressions, check_seed(properties.get("seed")), named)


def check_seed(seed: object) -> int | None:
    """Return the seed, which may be None, or raise if it is not a valid seed.

    Raises:
        InvalidValue: it is not a whole number of 0 or more.
    """
    if seed is None or (isinstance(seed, int) and not isinstance(seed, bool) and seed >= 0):
        return seed
    raise InvalidValue(f"{seed!r} is not a seed.", hint="Use a whole number of 0 or more.", target="seed")
