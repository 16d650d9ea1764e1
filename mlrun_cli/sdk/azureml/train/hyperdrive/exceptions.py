"""The errors of sweeps, under Azure's names."""

from azureml.exceptions import AzureMLException

__all__ = [
    "HyperDriveConfigException",
    "HyperDriveException",
    "HyperDriveNotImplementedException",
    "HyperDriveRehydrateException",
    "HyperDriveScenarioNotSupportedException",
    "HyperDriveServiceException",
]


class HyperDriveException(AzureMLException):
    """Base of all."""


class HyperDriveServiceException(HyperDriveException):
    """The service of the sweep is away."""


class HyperDriveConfigException(HyperDriveException):
    """A sweep that cannot be run as it is described."""


class HyperDriveScenarioNotSupportedException(HyperDriveConfigException):
    """A sweep of a kind that there is not."""


class HyperDriveNotImplementedException(HyperDriveScenarioNotSupportedException):
    """A call that sweeps do not have."""


class HyperDriveRehydrateException(HyperDriveException):
    """A stored sweep that cannot be read."""
