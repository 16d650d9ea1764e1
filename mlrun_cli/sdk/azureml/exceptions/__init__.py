"""The errors of the SDK, under Azure's names.

    AzureMLException
    ├── UserErrorException              what the caller asked for cannot be right
    │   └── AuthenticationException
    ├── ServiceException                what answers for the run is away
    ├── RunEnvironmentException         this process belongs to no run
    ├── ExperimentExecutionException    a run could not be submitted, or failed
    ├── ActivityFailedException         a run that was waited for failed
    ├── AzureMLAggregatedException      several at once
    └── ComputeTargetException, WorkspaceException, …   what their names say

`str(error)` and `error.message` are one text: what happened, why, and what to do.
"""

import azureml._alone  # noqa: F401 - has to come before anything that could be the other package's

__all__ = [
    "ActivityFailedException",
    "AuthenticationException",
    "AzureMLAggregatedException",
    "AzureMLException",
    "ComputeTargetException",
    "DatasetTimestampMissingError",
    "DiscoveryUrlNotFoundException",
    "ExperimentExecutionException",
    "ModelNotFoundException",
    "ModelPathNotFoundException",
    "ParallelRunException",
    "ProjectSystemException",
    "RunConfigurationException",
    "RunEnvironmentException",
    "ServiceException",
    "SnapshotException",
    "TrainingException",
    "UserErrorException",
    "WebserviceException",
    "WorkspaceException",
    "WorkspacePrivateEndpointException",
]


class AzureMLException(Exception):
    """Base of all."""

    def __init__(self, exception_message: str = "", inner_exception: "BaseException | None" = None) -> None:
        super().__init__(exception_message)
        self.message = exception_message
        self.inner_exception = inner_exception


class AzureMLAggregatedException(AzureMLException):
    """Several errors at once."""


class UserErrorException(AzureMLException):
    """What the caller asked for cannot be right."""


class AuthenticationException(UserErrorException):
    """Somebody is not who they should be."""


class ServiceException(AzureMLException):
    """What answers for the run is away, or failed to answer."""


class RunEnvironmentException(AzureMLException):
    """This process belongs to no run."""


class ExperimentExecutionException(AzureMLException):
    """A run could not be submitted, or failed."""


class ActivityFailedException(AzureMLException):
    """A run that was waited for failed."""


class RunConfigurationException(AzureMLException):
    """A run configuration that cannot be used."""


class ComputeTargetException(AzureMLException):
    """A compute target that is not there or cannot be used."""


class WorkspaceException(AzureMLException):
    """A workspace that is not there or cannot be used."""


class WorkspacePrivateEndpointException(AzureMLException):
    """A private endpoint of a workspace."""


class ProjectSystemException(AzureMLException):
    """A folder that is attached to nothing, or wrongly."""


class SnapshotException(AzureMLException):
    """A snapshot of a source folder that could not be taken or restored."""


class TrainingException(AzureMLException):
    """A training run that could not be set up."""


class ModelNotFoundException(AzureMLException):
    """No model has this name."""


class ModelPathNotFoundException(AzureMLException):
    """A model has no file of this name."""


class WebserviceException(AzureMLException):
    """A deployed web service."""


class ParallelRunException(AzureMLException):
    """A parallel run step."""


class DiscoveryUrlNotFoundException(AzureMLException):
    """A workspace without discovery address."""


class DatasetTimestampMissingError(AzureMLException):
    """A dataset without a column of time."""
