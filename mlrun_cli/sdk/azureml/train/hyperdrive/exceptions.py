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
    """Base class of all errors of sweeps."""


class HyperDriveServiceException(HyperDriveException):
    """The sweep service is unavailable."""


class HyperDriveConfigException(HyperDriveException):
    """The configuration of a sweep is invalid."""


class HyperDriveScenarioNotSupportedException(HyperDriveConfigException):
    """A kind of sweep is not supported."""


class HyperDriveNotImplementedException(HyperDriveScenarioNotSupportedException):
    """A method of sweeps is not implemented."""


class HyperDriveRehydrateException(HyperDriveException):
    """A stored sweep cannot be read."""
