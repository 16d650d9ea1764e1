"""The errors of the SDK, under Azure's names.

    AzureMLException
    ├── UserErrorException              what the caller asked for cannot be right
    │   └── AuthenticationException
    ├── ServiceException                the run's supervisor or the store is away
    ├── RunEnvironmentException         this process belongs to no run
    ├── ExperimentExecutionException    a run could not be submitted, or failed
    ├── ActivityFailedException         a run that was waited for failed
    ├── AzureMLAggregatedException      several at once
    └── ComputeTargetException, WorkspaceException, …   what their names say

`str(error)` and `error.message` are one text: what happened, why, and what to do. All take the keywords that Azure's
take, and more, which are kept for whoever looks at them.
"""

from typing import Any

import azureml._package_guard  # noqa: F401 - has to come before anything that could be the other package's

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
    """Base of all.

    Attributes:
        message: what happened.
        inner_exception: the error that led to it, if another one did.
        mlrun_code: the stable code of mlrun's error, as `RunNotFound`; None for what the SDK itself raises.
    """

    def __init__(
        self,
        exception_message: Any = "",
        inner_exception: "BaseException | None" = None,
        target: "str | None" = None,
        details: Any = None,
        message_format: "str | None" = None,
        message_parameters: Any = None,
        reference_code: "str | None" = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(exception_message)
        self.mlrun_code: str | None = None
        self.message = exception_message
        self.inner_exception = inner_exception
        self._target = target
        self._details = details
        self._message_format = message_format
        self._message_parameters = message_parameters
        self._reference_code = reference_code

    def __str__(self) -> str:
        return str(self.message)

    def print_stacktrace(self) -> None:
        """Print the stack trace of the error and its causes to stderr."""
        import traceback

        inner = self.inner_exception
        if isinstance(inner, BaseException) and inner not in (self.__cause__, self.__context__):
            traceback.print_exception(type(inner), inner, inner.__traceback__)
        traceback.print_exception(type(self), self, self.__traceback__)


class AzureMLAggregatedException(AzureMLException):
    """Several errors at once."""

    def __init__(self, exceptions_list: Any = (), **kwargs: Any) -> None:
        several = [exceptions_list] if isinstance(exceptions_list, str) else exceptions_list
        super().__init__("\n".join(map(str, several)), **kwargs)
        self.args = (exceptions_list,)


class UserErrorException(AzureMLException):
    """A call that cannot be right."""


class AuthenticationException(UserErrorException):
    """Somebody is not who they should be."""


class ServiceException(AzureMLException):
    """The run's supervisor or the store is away, or failed to respond.

    Attributes:
        status_code: of a response over HTTP, which there is none of here.
    """

    status_code: "int | None" = None

    def __init__(
        self, error_response_exception: Any = "", inner_exception: "BaseException | None" = None, **kwargs: Any
    ) -> None:
        super().__init__(error_response_exception, inner_exception, **kwargs)


class RunEnvironmentException(AzureMLException):
    """This process belongs to no run."""

    def __init__(
        self,
        exception_message: str = "This process belongs to no run: experiment.start_logging() opens one.",
        inner_exception: "BaseException | None" = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(exception_message, inner_exception, **kwargs)


class ExperimentExecutionException(AzureMLException):
    """A run could not be submitted, or failed."""


class ActivityFailedException(AzureMLException):
    """A run that was waited for failed."""

    def __init__(self, error_details: Any = "", **kwargs: Any) -> None:
        super().__init__(error_details, **kwargs)


class RunConfigurationException(AzureMLException):
    """A run configuration that cannot be used."""


class ComputeTargetException(AzureMLException):
    """A compute target that is not there or cannot be used."""


class WorkspaceException(AzureMLException):
    """A workspace that is not there or cannot be used.

    Attributes:
        found_multiple: whether the trouble is that there are several of one name.
    """

    def __init__(self, exception_message: Any = "", found_multiple: bool = False, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)
        self.found_multiple = found_multiple


class WorkspacePrivateEndpointException(AzureMLException):
    """A private endpoint of a workspace."""

    def __init__(self, exception_message: Any = "", found_multiple: bool = False, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)
        self.found_multiple = found_multiple


class ProjectSystemException(AzureMLException):
    """A folder that is attached to nothing, or wrongly."""


class SnapshotException(AzureMLException):
    """A snapshot of a source folder that could not be taken or restored."""


class TrainingException(AzureMLException):
    """A training run that could not be set up."""


class ModelNotFoundException(AzureMLException):
    """No model has this name."""

    def __init__(self, exception_message: Any = "", logger: Any = None, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)
        _tell(logger, exception_message)


class ModelPathNotFoundException(AzureMLException):
    """A model has no file of this name."""

    def __init__(self, exception_message: Any = "", logger: Any = None, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)
        _tell(logger, exception_message)


class WebserviceException(AzureMLException):
    """A deployed web service.

    Attributes:
        status_code: of its response.
    """

    def __init__(
        self, exception_message: Any = "", status_code: "int | None" = None, logger: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(exception_message, **kwargs)
        self.status_code = status_code
        _tell(logger, exception_message)


class ParallelRunException(AzureMLException):
    """A parallel run step.

    Attributes:
        code: the kind of trouble.
        delay_seconds: when to try again.
    """

    def __init__(
        self, exception_message: Any = "", code: "str | None" = None, delay_seconds: float = 0, **kwargs: Any
    ) -> None:
        super().__init__(exception_message, **kwargs)
        self.code = code
        self.delay_seconds = delay_seconds


class DiscoveryUrlNotFoundException(AzureMLException):
    """A workspace without discovery address."""

    def __init__(self, discovery_key: Any = "", **kwargs: Any) -> None:
        super().__init__(f"No variable of the environment holds the address of {discovery_key!r}.", **kwargs)
        self.args = (discovery_key,)


class DatasetTimestampMissingError(AzureMLException):
    """A dataset without a column of time."""

    def __init__(self, error_details: Any = "", **kwargs: Any) -> None:
        super().__init__(error_details, **kwargs)


def _tell(logger: Any, message: object) -> None:
    """Log an error to the logger that it was created with, as Azure's errors do."""
    if logger is not None:
        logger.error(message)
