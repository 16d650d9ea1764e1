"""Early termination policies of sweeps."""

from typing import Any

from azureml.train.hyperdrive.exceptions import HyperDriveConfigException

__all__ = [
    "BanditPolicy",
    "EarlyTerminationPolicy",
    "MedianStoppingPolicy",
    "NoTerminationPolicy",
    "TruncationSelectionPolicy",
]


class EarlyTerminationPolicy:
    """Base class of policies that end poorly performing runs early."""

    POLICY_NAME = ""

    def __init__(self, name: str, properties: "dict[str, Any] | None" = None) -> None:
        self._name = name
        self._properties = properties

    def to_json(self) -> "dict[str, Any]":
        """Return the policy as a JSON-compatible dict in Azure's format."""
        document: dict[str, Any] = {"name": self._name}
        if self._properties is not None:
            document["properties"] = dict(self._properties)
        return document

    def _get_property(self, name: str) -> Any:
        return (self._properties or {}).get(name)


class _TimedPolicy(EarlyTerminationPolicy):
    """Base class of policies that are applied every `evaluation_interval` metric values, after a delay."""

    def __init__(self, evaluation_interval: int, delay_evaluation: int, **properties: Any) -> None:
        _check_integer("evaluation_interval", evaluation_interval, 1)
        _check_integer("delay_evaluation", delay_evaluation, 0)
        times = {"evaluation_interval": evaluation_interval, "delay_evaluation": delay_evaluation}
        super().__init__(self.POLICY_NAME, {**times, **properties})

    @property
    def evaluation_interval(self) -> int:
        """The number of metric values between two decisions."""
        return int(self._get_property("evaluation_interval"))

    @property
    def delay_evaluation(self) -> int:
        """The number of metric values before the first decision."""
        return int(self._get_property("delay_evaluation"))


class BanditPolicy(_TimedPolicy):
    """A policy that ends runs whose metric is worse than the best one by more than a slack."""

    POLICY_NAME = "Bandit"

    def __init__(
        self,
        evaluation_interval: int = 1,
        slack_factor: "float | None" = None,
        slack_amount: "float | None" = None,
        delay_evaluation: int = 0,
    ) -> None:
        given = {
            name: value
            for name, value in (("slack_factor", slack_factor), ("slack_amount", slack_amount))
            if value is not None
        }
        if len(given) != 1:
            raise HyperDriveConfigException("BanditPolicy takes one of slack_factor and slack_amount.")
        for name, value in given.items():
            if not isinstance(value, (int, float)) or value < 0:
                raise HyperDriveConfigException(f"{name} has to be a number of 0 or more, and is {value!r}.")
        super().__init__(evaluation_interval, delay_evaluation, **given)

    @property
    def slack_factor(self) -> "float | None":
        """The slack relative to the best value, or None if it is absolute."""
        value: float | None = self._get_property("slack_factor")
        return value

    @property
    def slack_amount(self) -> "float | None":
        """The slack in units of the metric, or None if it is relative."""
        value: float | None = self._get_property("slack_amount")
        return value


class MedianStoppingPolicy(_TimedPolicy):
    """A policy that ends runs whose best value is worse than the median of all runs' averages."""

    POLICY_NAME = "MedianStopping"

    def __init__(self, evaluation_interval: int = 1, delay_evaluation: int = 0) -> None:
        super().__init__(evaluation_interval, delay_evaluation)


class TruncationSelectionPolicy(_TimedPolicy):
    """A policy that ends the worst `truncation_percentage` percent of the runs at each decision."""

    POLICY_NAME = "TruncationSelection"

    def __init__(self, truncation_percentage: int, evaluation_interval: int = 1, delay_evaluation: int = 0) -> None:
        _check_integer("truncation_percentage", truncation_percentage, 1, 99)
        super().__init__(
            evaluation_interval,
            delay_evaluation,
            truncation_percentage=truncation_percentage,
            exclude_finished_jobs=False,
        )

    @property
    def truncation_percentage(self) -> int:
        """The percentage of the runs to end at each decision."""
        return int(self._get_property("truncation_percentage"))


class NoTerminationPolicy(EarlyTerminationPolicy):
    """A policy that never ends runs early."""

    POLICY_NAME = "Default"

    def __init__(self) -> None:
        super().__init__(self.POLICY_NAME)


def _check_integer(property_name: str, value: Any, minimum: int, maximum: "int | None" = None) -> None:
    """Raise HyperDriveConfigException if a property is not an integer within bounds."""
    if isinstance(value, int) and value >= minimum and (maximum is None or value <= maximum):
        return
    bounds = f"of {minimum} or more" if maximum is None else f"from {minimum} to {maximum}"
    raise HyperDriveConfigException(f"{property_name} has to be a whole number {bounds}, and is {value!r}.")
