"""Sampling methods of sweeps."""

from typing import Any

from azureml.train.hyperdrive.exceptions import HyperDriveConfigException

__all__ = [
    "BayesianParameterSampling",
    "GridParameterSampling",
    "HyperParameterSampling",
    "RandomParameterSampling",
]

_FORMS = (
    "choice",
    "randint",
    "uniform",
    "quniform",
    "loguniform",
    "qloguniform",
    "normal",
    "qnormal",
    "lognormal",
    "qlognormal",
)


class HyperParameterSampling:
    """Base class of sampling methods for a parameter space, which maps arguments such as `--lr` to expressions."""

    SAMPLING_NAME = ""
    _FORMS: "tuple[str, ...]" = _FORMS

    def __init__(self, parameter_space: "dict[str, Any]", properties: "dict[str, Any] | None" = None) -> None:
        self._check_parameter_space(parameter_space)
        self._parameter_space = dict(parameter_space)
        self._properties = properties

    def to_json(self) -> "dict[str, Any]":
        """Return the sampling method as a JSON-compatible dict in Azure's format."""
        document: dict[str, Any] = {"name": self.SAMPLING_NAME, "parameter_space": self._parameter_space}
        if self._properties is not None:
            document["properties"] = self._properties
        return document

    def _check_parameter_space(self, parameter_space: Any) -> None:
        if not isinstance(parameter_space, dict):
            raise HyperDriveConfigException(
                f"{type(self).__name__} takes a dictionary of arguments and expressions, such as "
                f"{{'--lr': uniform(0.01, 0.1)}}, not {type(parameter_space).__name__}."
            )
        for name, expression in parameter_space.items():
            kind = self._get_expression_kind(name, expression)
            if kind not in self._FORMS:
                raise HyperDriveConfigException(
                    f"{type(self).__name__} draws from {', '.join(self._FORMS)}; parameter {name!r} has {kind}."
                )

    def _get_expression_kind(self, name: Any, expression: Any) -> str:
        if isinstance(expression, (list, tuple)) and len(expression) == 2 and expression[0] in _FORMS:
            return str(expression[0])
        raise HyperDriveConfigException(
            f"{type(self).__name__} takes an expression, such as choice(1, 2), for parameter {name!r}, "
            f"not {expression!r}."
        )


class RandomParameterSampling(HyperParameterSampling):
    """A sampling method that draws random values for each run."""

    SAMPLING_NAME = "RANDOM"


class GridParameterSampling(HyperParameterSampling):
    """A sampling method that uses every combination of values; all parameters must be choices."""

    SAMPLING_NAME = "GRID"
    _FORMS = ("choice",)


class BayesianParameterSampling(HyperParameterSampling):
    """A sampling method that draws values based on the metrics of earlier runs."""

    SAMPLING_NAME = "BayesianOptimization"
    _FORMS = ("uniform", "quniform", "choice")
