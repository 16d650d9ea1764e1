"""The ten expressions of sweeps, distributions from which the value of a parameter is sampled.

Names, arguments and checks are Azure's: the bounds of `loguniform` and `qloguniform` are natural logarithms, `q` is a
whole number, and values of the `q` forms are `round(value / q) * q`, which can lie outside of the bounds.
"""

from __future__ import annotations

import difflib
import json
import math
import sys
from collections.abc import Sequence
from random import Random
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import InvalidValue

CHOICE, RANDINT, UNIFORM, QUNIFORM = "choice", "randint", "uniform", "quniform"
PARAMETERS = {
    CHOICE: ("options",),
    RANDINT: ("upper",),
    UNIFORM: ("min_value", "max_value"),
    QUNIFORM: ("min_value", "max_value", "q"),
    "loguniform": ("min_value", "max_value"),
    "qloguniform": ("min_value", "max_value", "q"),
    "normal": ("mu", "sigma"),
    "qnormal": ("mu", "sigma", "q"),
    "lognormal": ("mu", "sigma"),
    "qlognormal": ("mu", "sigma", "q"),
}
"""The names of all expressions, with the names of their arguments."""

_EXAMPLES = {CHOICE: "choice(1, 2, 3)", RANDINT: "randint(10)", UNIFORM: "uniform(0, 1)", QUNIFORM: "quniform(0, 9, 1)"}
_LARGEST_LOG = math.log(sys.float_info.max)


class Expression(NamedTuple):
    """A checked expression.

    Attributes:
        name: one of `PARAMETERS`.
        arguments: as in Azure's documents; those of `choice` are one tuple, of its options.
    """

    name: str
    arguments: tuple[Any, ...]

    @property
    def options(self) -> tuple[Any, ...]:
        """The options of a `choice` expression."""
        options: tuple[Any, ...] = self.arguments[0]
        return options

    @property
    def size(self) -> int | None:
        """The number of equally likely values of a `choice` or a `randint`; None for other expressions."""
        if self.name == CHOICE:
            return len(self.options)
        return int(self.arguments[0]) if self.name == RANDINT else None

    @property
    def is_normal(self) -> bool:
        """True if the value, or its logarithm, is normally and not uniformly distributed."""
        return self.name.endswith("normal")

    @property
    def is_logarithmic(self) -> bool:
        """True if the logarithm of the value is uniformly or normally distributed."""
        return "log" in self.name

    def get_value(self, index: int) -> Any:
        """Return the value with this index from the values of a `choice` or `randint` expression."""
        return self.options[index] if self.name == CHOICE else index

    def sample(self, generator: Random) -> Any:
        """Return a sampled value, which depends only on the generator's numbers, not on the version of Python."""
        size = self.size
        if size is not None:
            return self.get_value(sample_index(generator, size))
        first, second = float(self.arguments[0]), float(self.arguments[1])
        if self.is_normal:
            return self.transform(first + second * _sample_normal(generator))
        return self.transform(_sample_uniform(generator, first, second))

    def transform(self, number: float) -> float:
        """Return the value for a number that was sampled uniformly between the bounds or normally around `mu`.

        It is the number's exponential in the `log` forms, and rounded in the `q` forms; the expression has no size.
        """
        value = math.exp(min(number, _LARGEST_LOG)) if self.is_logarithmic else number
        value = min(max(value, -sys.float_info.max), sys.float_info.max)
        return round_to_step(value, self.arguments[2]) if self.name.startswith("q") else value

    def to_json(self) -> list[Any]:
        """Return the expression in Azure's format, such as `["uniform", [0, 1]]` or `["choice", [[1, 2]]]`."""
        return [self.name, [list(one) if isinstance(one, tuple) else one for one in self.arguments]]


def build_expression(name: str, arguments: Sequence[Any]) -> Expression:
    """Return an expression with this name and these arguments, or raise if they are not valid.

    Args:
        name: one of `PARAMETERS`.
        arguments: its arguments; for a choice its options, or one list of them.

    Raises:
        InvalidValue: there is no such expression, or it does not take these arguments.
    """
    if name not in PARAMETERS:
        raise build_name_error(name)
    if name == CHOICE:
        return _build_choice(arguments)
    names = PARAMETERS[name]
    if len(arguments) != len(names):
        raise _build_error(name, f"takes {len(names)} ({', '.join(names)}), and has {len(arguments)}")
    for parameter, value in zip(names, arguments, strict=True):
        _check_argument(name, parameter, value)
    if names[0] == "min_value":
        _check_bounds(name, *arguments[:2])
    return Expression(name, tuple(arguments))


def build_name_error(name: str) -> InvalidValue:
    """Return an error about an unknown expression name, with the most similar name as a suggestion."""
    nearest = difflib.get_close_matches(name.lower(), PARAMETERS, n=1)
    guess = f"Did you mean {nearest[0]}? " if nearest else ""
    return InvalidValue(
        f"'{name}' is not an expression.", hint=f"{guess}There are: {', '.join(PARAMETERS)}.", target=name
    )


def expression_from_json(document: object) -> Expression:
    """Create an expression from a JSON document in Azure's format; see `Expression.to_json`.

    Raises:
        InvalidValue: as `build_expression`; or it is not a list of a name and a list.
    """
    if isinstance(document, (list, tuple)) and len(document) == 2:
        name, arguments = document
        if isinstance(name, str) and isinstance(arguments, (list, tuple)):
            return build_expression(name, arguments)
    shown = json.dumps(document, default=repr)
    raise InvalidValue(f"{shown} is not an expression.", hint=f"For one fixed value, use choice({shown}).")


def sample_index(generator: Random, size: int) -> int:
    """Return a random integer from 0 to `size - 1`; deviations from uniformity are below 2^-64."""
    bits = size.bit_length() + 64
    return (generator.getrandbits(bits) * size) >> bits


def round_to_step(value: float, step: int) -> int:
    """Return the multiple of `step` nearest to a value; ties go to the even multiple."""
    return round(value / step) * step


def _sample_uniform(generator: Random, low: float, high: float) -> float:
    share = generator.random()
    return min(max(low * (1 - share) + high * share, low), high)


def _sample_normal(generator: Random) -> float:
    """Return a sample from the standard normal distribution, computed with the Box-Muller method."""
    radius = math.sqrt(-2 * math.log(1 - generator.random()))
    return radius * math.cos(2 * math.pi * generator.random())


def _build_choice(arguments: Sequence[Any]) -> Expression:
    options = arguments[0] if len(arguments) == 1 and _is_list(arguments[0]) else arguments
    if not options:
        raise _build_error(CHOICE, "has nothing to choose from")
    if options is arguments and any(_is_list(one) for one in arguments):
        raise _build_error(
            CHOICE, "takes options or one list of them, not several lists; lists are chosen by [[1, 2], [3, 4]]"
        )
    return Expression(CHOICE, (tuple(options),))


def _is_list(value: object) -> bool:
    return isinstance(value, (list, tuple))


def _check_argument(expression_name: str, parameter_name: str, value: object) -> None:
    needs_integer = parameter_name in {"upper", "q"}
    if isinstance(value, bool) or not isinstance(value, int if needs_integer else (int, float)):
        wanted = "a whole number" if needs_integer else "a number"
        raise _build_error(expression_name, f"needs {wanted} as {parameter_name}, and has {value!r}")
    if not abs(value) < sys.float_info.max and parameter_name != "upper":
        raise _build_error(expression_name, f"has a {parameter_name} that is too large or not a number")
    if parameter_name == "upper" and value <= 0:
        raise _build_error(expression_name, f"needs an upper above 0, and has {value}")
    if parameter_name == "sigma" and value < 0:
        raise _build_error(expression_name, f"needs a sigma of 0 or more, and has {value}")
    if parameter_name == "q" and value == 0:
        raise _build_error(expression_name, "cannot round to multiples of 0")


def _check_bounds(expression_name: str, low: float, high: float) -> None:
    is_log = "log" in expression_name
    if not (low <= high if is_log else low < high):
        raise _build_error(
            expression_name, f"needs a min_value {'up to' if is_log else 'below'} max_value, not {low} and {high}"
        )
    if is_log and high > _LARGEST_LOG:
        raise _build_error(
            expression_name, f"has a max_value of {high}, whose exponential is too large: bounds are natural logarithms"
        )


def _build_error(expression_name: str, reason: str) -> InvalidValue:
    example = _EXAMPLES.get(expression_name, f"{expression_name}({', '.join(PARAMETERS[expression_name])})")
    return InvalidValue(f"{expression_name} {reason}.", hint=f"Its form is {example}.", target=expression_name)
