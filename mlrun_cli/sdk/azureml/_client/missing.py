"""Errors about missing runs, pipelines and schedules, which have both the base class of here and that of Azure."""

from types import SimpleNamespace
from typing import Any, Dict, Type

from azureml.exceptions import AzureMLException, ServiceException, UserErrorException

_HTTP_NOT_FOUND = 404


class RunNotFoundException(UserErrorException, ServiceException):
    """A run does not exist; the class has two bases because Azure raises ServiceException."""

    status_code = _HTTP_NOT_FOUND


class ErrorResponseException(UserErrorException):
    """A pipeline, an endpoint or a schedule does not exist; scripts import this class from Azure's REST clients.

    Attributes:
        response: Holds the HTTP status code that Azure would respond with, as `response.status_code`.
    """

    response: Any = SimpleNamespace(status_code=_HTTP_NOT_FOUND)


MISSING: "Dict[str, Type[AzureMLException]]" = {
    "PipelineEndpointNotFound": ErrorResponseException,
    "PipelineNotFound": ErrorResponseException,
    "RunNotFound": RunNotFoundException,
    "ScheduleNotFound": ErrorResponseException,
}
"""Exception classes, keyed by the code of the mlrun error."""
