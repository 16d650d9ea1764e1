"""Distributions from which a sweep samples parameter values.

Each function returns an expression `[name, arguments]`, such as `["choice", [[1, 2]]]` or `["uniform", [0, 1]]`.
"""

from collections.abc import Set, ValuesView
from typing import Any, List

from azureml.train.hyperdrive.exceptions import HyperDriveConfigException

__all__ = [
    "choice",
    "lognormal",
    "loguniform",
    "normal",
    "qlognormal",
    "qloguniform",
    "qnormal",
    "quniform",
    "randint",
    "uniform",
]

Expression = List[Any]


def choice(*options: Any) -> Expression:
    """Return an expression that samples one of the given values, passed as arguments, a list, a range or an array.

    Raises:
        HyperDriveConfigException: No values are given, a list or range is one of several arguments, or a value is a
            set, an iterator, or the keys, values or items of a dict.
    """
    only = _find_list(options[0]) if len(options) == 1 else None
    values = list(options) if only is None else only
    for value in values:
        if isinstance(value, (Set, ValuesView)) or hasattr(value, "__next__"):
            kind = type(value).__name__
            raise HyperDriveConfigException(f"choice(…) cannot choose a {kind}. For its values write choice(list(…)).")
    if not values:
        raise HyperDriveConfigException("choice(…) has nothing to choose from: give values, one list or one range.")
    if len(options) > 1 and any(isinstance(option, (list, range)) for option in options):
        raise HyperDriveConfigException(
            "choice(…) takes either values or one list or range, and was given a list or range among other "
            "arguments. For a choice between lists put them into one: choice([[1, 2], [3, 4]])."
        )
    return ["choice", [values]]


def _find_list(option: Any) -> "list[Any] | None":
    """Return the values in a list, a range, or an array of NumPy or pandas as a list; None for another option."""
    if isinstance(option, (list, range)):
        return list(option)
    values = option.tolist() if hasattr(option, "tolist") else None
    return values if isinstance(values, list) else None


def randint(upper: int) -> Expression:
    """Return an expression that samples an integer from 0 up to, but not including, `upper`."""
    if not isinstance(upper, int) or upper <= 0:
        raise HyperDriveConfigException(f"randint(upper) takes a whole number above 0, not {upper!r}.")
    return ["randint", [upper]]


def uniform(min_value: float, max_value: float) -> Expression:
    """Return an expression that samples a uniformly distributed number between two bounds."""
    return _build_bounded_expression("uniform", min_value, max_value)


def quniform(min_value: float, max_value: float, q: int) -> Expression:
    """Return an expression that samples a uniformly distributed number, rounded to a multiple of the integer `q`."""
    return _build_bounded_expression("quniform", min_value, max_value, q)


def loguniform(min_value: float, max_value: float) -> Expression:
    """Return an expression that samples a number whose logarithm is uniformly distributed between two bounds."""
    return _build_bounded_expression("loguniform", min_value, max_value)


def qloguniform(min_value: float, max_value: float, q: int) -> Expression:
    """Return an expression that samples a log-uniformly distributed number, rounded to a multiple of integer `q`."""
    return _build_bounded_expression("qloguniform", min_value, max_value, q)


def normal(mu: float, sigma: float) -> Expression:
    """Return an expression that samples a normally distributed number with mean `mu` and standard deviation `sigma`."""
    return _build_normal_expression("normal", mu, sigma)


def qnormal(mu: float, sigma: float, q: int) -> Expression:
    """Return an expression that samples a normally distributed number, rounded to a multiple of the integer `q`."""
    return _build_normal_expression("qnormal", mu, sigma, q)


def lognormal(mu: float, sigma: float) -> Expression:
    """Return an expression that samples a number whose natural logarithm is normally distributed."""
    return _build_normal_expression("lognormal", mu, sigma)


def qlognormal(mu: float, sigma: float, q: int) -> Expression:
    """Return an expression that samples a log-normally distributed number, rounded to a multiple of the integer `q`."""
    return _build_normal_expression("qlognormal", mu, sigma, q)


def _build_bounded_expression(function_name: str, low: float, high: float, *q: int) -> Expression:
    """Validate two bounds and return an expression with them."""
    _check_numbers(function_name, min_value=low, max_value=high)
    _check_quanta(function_name, q)
    is_log = "log" in function_name
    if not (low <= high if is_log else low < high):
        bound = "up to" if is_log else "below"
        raise HyperDriveConfigException(
            f"{function_name}(…) takes a min_value {bound} its max_value, not {low!r} and {high!r}."
        )
    return [function_name, [low, high, *q]]


def _build_normal_expression(function_name: str, mu: float, sigma: float, *q: int) -> Expression:
    """Validate a mean and a standard deviation, and return an expression with them."""
    _check_numbers(function_name, mu=mu, sigma=sigma)
    if sigma < 0:
        raise HyperDriveConfigException(f"{function_name}(…) takes a sigma of 0 or more, not {sigma!r}.")
    _check_quanta(function_name, q)
    return [function_name, [mu, sigma, *q]]


def _check_numbers(function_name: str, **arguments: Any) -> None:
    """Raise HyperDriveConfigException if an argument of the function `function_name` is not a number."""
    for name, value in arguments.items():
        if not isinstance(value, (int, float)):
            raise HyperDriveConfigException(f"{function_name}(…) takes a number as {name}, not {value!r}.")


def _check_quanta(function_name: str, quanta: "tuple[Any, ...]") -> None:
    """Raise HyperDriveConfigException if a `q` of the function `function_name` is not an integer."""
    for q in quanta:
        if not isinstance(q, int):
            raise HyperDriveConfigException(f"{function_name}(…) takes a whole number as q, not {q!r}.")
