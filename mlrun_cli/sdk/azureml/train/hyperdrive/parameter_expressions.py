"""What the values of a parameter are drawn from.

Each answers `[name, arguments]`, which is how a sweep is written down: `["choice", [[1, 2]]]`, `["uniform", [0, 1]]`.
"""

from __future__ import annotations

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
    """One of some values: as arguments, as one list or as one range.

    Raises:
        HyperDriveConfigException: There are none, or a list is one of several arguments.
    """
    values = list(options[0]) if len(options) == 1 and isinstance(options[0], (list, range)) else list(options)
    if not values:
        raise HyperDriveConfigException("choice(…) has nothing to choose from: give values, one list or one range.")
    if len(options) > 1 and any(isinstance(option, (list, range)) for option in options):
        raise HyperDriveConfigException(
            "choice(…) takes either values or one list or range, and was given a list or range among other "
            "arguments. For a choice between lists put them into one: choice([[1, 2], [3, 4]])."
        )
    return ["choice", [values]]


def randint(upper: int) -> Expression:
    """A whole number from 0 up to, and without, `upper`."""
    if not isinstance(upper, int) or upper <= 0:
        raise HyperDriveConfigException(f"randint(upper) takes a whole number above 0, not {upper!r}.")
    return ["randint", [upper]]


def uniform(min_value: float, max_value: float) -> Expression:
    """A number between two."""
    _check_numbers("uniform", min_value=min_value, max_value=max_value)
    _check_below("uniform", min_value, max_value)
    return ["uniform", [min_value, max_value]]


def quniform(min_value: float, max_value: float, q: int) -> Expression:
    """A number between two, rounded to a multiple of the whole number `q`."""
    _check_numbers("quniform", min_value=min_value, max_value=max_value)
    _check_step("quniform", q)
    _check_below("quniform", min_value, max_value)
    return ["quniform", [min_value, max_value, q]]


def loguniform(min_value: float, max_value: float) -> Expression:
    """A number whose natural logarithm is between two."""
    _check_numbers("loguniform", min_value=min_value, max_value=max_value)
    _check_not_above("loguniform", min_value, max_value)
    return ["loguniform", [min_value, max_value]]


def qloguniform(min_value: float, max_value: float, q: int) -> Expression:
    """A number whose natural logarithm is between two, rounded to a multiple of the whole number `q`."""
    _check_numbers("qloguniform", min_value=min_value, max_value=max_value)
    _check_step("qloguniform", q)
    _check_not_above("qloguniform", min_value, max_value)
    return ["qloguniform", [min_value, max_value, q]]


def normal(mu: float, sigma: float) -> Expression:
    """A number about `mu`, with the standard deviation `sigma`."""
    _check_bell("normal", mu, sigma)
    return ["normal", [mu, sigma]]


def qnormal(mu: float, sigma: float, q: int) -> Expression:
    """A number about `mu`, rounded to a multiple of the whole number `q`."""
    _check_bell("qnormal", mu, sigma)
    _check_step("qnormal", q)
    return ["qnormal", [mu, sigma, q]]


def lognormal(mu: float, sigma: float) -> Expression:
    """A number whose natural logarithm is about `mu`."""
    _check_bell("lognormal", mu, sigma)
    return ["lognormal", [mu, sigma]]


def qlognormal(mu: float, sigma: float, q: int) -> Expression:
    """A number whose natural logarithm is about `mu`, rounded to a multiple of the whole number `q`."""
    _check_bell("qlognormal", mu, sigma)
    _check_step("qlognormal", q)
    return ["qlognormal", [mu, sigma, q]]


def _check_numbers(call: str, **arguments: Any) -> None:
    for name, value in arguments.items():
        if not isinstance(value, (int, float)):
            raise HyperDriveConfigException(f"{call}(…) takes a number as {name}, not {value!r}.")


def _check_below(call: str, low: float, high: float) -> None:
    if not low < high:
        raise HyperDriveConfigException(f"{call}(…) takes a min_value below its max_value, not {low!r} and {high!r}.")


def _check_not_above(call: str, low: float, high: float) -> None:
    if not low <= high:
        raise HyperDriveConfigException(f"{call}(…) takes a min_value up to its max_value, not {low!r} and {high!r}.")


def _check_bell(call: str, mu: Any, sigma: Any) -> None:
    _check_numbers(call, mu=mu, sigma=sigma)
    if sigma < 0:
        raise HyperDriveConfigException(f"{call}(…) takes a sigma of 0 or more, not {sigma!r}.")


def _check_step(call: str, q: Any) -> None:
    if not isinstance(q, int):
        raise HyperDriveConfigException(f"{call}(…) takes a whole number as q, not {q!r}.")
