"""The errors of the SDK under Azure's names.

    AzureMLException
    ├── UserErrorException              a call or its arguments are invalid
    │   └── AuthenticationException
    ├── ServiceException                the run's supervisor or the store is unavailable
    ├── RunEnvironmentException         this process belongs to no run
    ├── ExperimentExecutionException    submitting a run or waiting for it failed
    ├── ActivityFailedException         a run that was waited for failed
    ├── AzureMLAggregatedException      several at once
    └── ComputeTargetException, WorkspaceException, …   see the classes

`str(error)` equals `error.message` and says what happened, why, and what to do. All constructors accept the keyword
arguments of Azure's classes; unknown ones are ignored.
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
    """Base class of all errors of the SDK.

    Attributes:
        message: The text of the error.
        inner_exception: The error that caused this one, or None.
        mlrun_code: The stable code of an mlrun error, such as `RunNotFound`; None for errors of the SDK itself.
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
    """Several errors, combined into one message."""

    def __init__(self, exceptions_list: Any = (), **kwargs: Any) -> None:
        several = [exceptions_list] if isinstance(exceptions_list, str) else exceptions_list
        super().__init__("\n".join(map(str, several)), **kwargs)
        self.args = (exceptions_list,)


class UserErrorException(AzureMLException):
    """A call or its arguments are invalid."""


class AuthenticationException(UserErrorException):
    """An authentication failed or is not supported."""


class ServiceException(AzureMLException):
    """The run's supervisor or the store is unavailable or does not respond.

    Attributes:
        status_code: The HTTP status code in Azure; always None here.
    """

    status_code: "int | None" = None

    def __init__(
        self, error_response_exception: Any = "", inner_exception: "BaseException | None" = None, **kwargs: Any
    ) -> None:
        super().__init__(error_response_exception, inner_exception, **kwargs)


class RunEnvironmentException(AzureMLException):
    """This process does not belong to a run."""

    def __init__(
        self,
        exception_message: str = "This process belongs to no run: experiment.start_logging() opens one.",
        inner_exception: "BaseException | None" = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(exception_message, inner_exception, **kwargs)


class ExperimentExecutionException(AzureMLException):
    """Submitting a run or waiting for it failed."""


class ActivityFailedException(AzureMLException):
    """A run failed while the caller was waiting for it to complete."""

    def __init__(self, error_details: Any = "", **kwargs: Any) -> None:
        super().__init__(error_details, **kwargs)


class RunConfigurationException(AzureMLException):
    """A run configuration is invalid."""


class ComputeTargetException(AzureMLException):
    """A compute target does not exist or cannot be used."""


class WorkspaceException(AzureMLException):
    """A workspace does not exist or cannot be used.

    Attributes:
        found_multiple: Whether the error is that several workspaces have the same name.
    """

    def __init__(self, exception_message: Any = "", found_multiple: bool = False, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)
        self.found_multiple = found_multiple


class WorkspacePrivateEndpointException(AzureMLException):
    """A private endpoint of a workspace cannot be used."""

    def __init__(self, exception_message: Any = "", found_multiple: bool = False, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)
        self.found_multiple = found_multiple


class ProjectSystemException(AzureMLException):
    """A folder is not attached to a workspace or experiment, or its attachment is invalid."""


class SnapshotException(AzureMLException):
    """A snapshot could not be taken or restored."""


class TrainingException(AzureMLException):
    """An estimator has invalid parameters."""


class ModelNotFoundException(AzureMLException):
    """A model does not exist."""

    def __init__(self, exception_message: Any = "", logger: Any = None, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)
        _log_message(logger, exception_message)


class ModelPathNotFoundException(AzureMLException):
    """A file or folder to register as a model does not exist."""

    def __init__(self, exception_message: Any = "", logger: Any = None, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)
        _log_message(logger, exception_message)


class WebserviceException(AzureMLException):
    """A web service or model call failed.

    Attributes:
        status_code: The HTTP status code of the response, or None.
    """

    def __init__(
        self, exception_message: Any = "", status_code: "int | None" = None, logger: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(exception_message, **kwargs)
        self.status_code = status_code
        _log_message(logger, exception_message)


class ParallelRunException(AzureMLException):
    """A parallel run step failed.

    Attributes:
        code: The error code, or None.
        delay_seconds: The number of seconds to wait before a retry.
    """

    def __init__(
        self, exception_message: Any = "", code: "str | None" = None, delay_seconds: float = 0, **kwargs: Any
    ) -> None:
        super().__init__(exception_message, **kwargs)
        self.code = code
        self.delay_seconds = delay_seconds


class DiscoveryUrlNotFoundException(AzureMLException):
    """The discovery URL of a workspace is not set."""

    def __init__(self, discovery_key: Any = "", **kwargs: Any) -> None:
        super().__init__(f"No variable of the environment holds the address of {discovery_key!r}.", **kwargs)
        self.args = (discovery_key,)


class DatasetTimestampMissingError(AzureMLException):
    """A dataset has no timestamp column."""

    def __init__(self, error_details: Any = "", **kwargs: Any) -> None:
        super().__init__(error_details, **kwargs)


def _log_message(logger: Any, message: object) -> None:
    """Log an error's message if a logger was passed to the error's constructor, as Azure's errors do."""
    if logger is not None:
        logger.error(message)
