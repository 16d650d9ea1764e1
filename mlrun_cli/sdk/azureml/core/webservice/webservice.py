"""Web services that serve models, which can be configured but not created."""

import builtins
from typing import Any

from azureml._azure_names import SERVING
from azureml._unsupported import StoredArguments, UnsupportedMeta
from azureml.exceptions import WebserviceException

__all__ = ["Webservice", "WebserviceDeploymentConfiguration"]


class WebserviceDeploymentConfiguration(
    StoredArguments,
    takes="type, description=None, tags=None, properties=None, primary_key=None, secondary_key=None, location=None",
):
    """Base class of web service configurations."""


class Webservice(metaclass=UnsupportedMeta, instead=SERVING):
    """A web service that serves a model; none exist here.

    Raises:
        WebserviceException: Always, as in Azure for an unknown name.
    """

    def __init__(self, workspace: Any, name: str, **kwargs: Any) -> None:
        raise WebserviceException(
            f"{type(self).__name__} {name!r} is not there: mlrun-cli serves no models. {SERVING}."
        )

    @staticmethod
    def list(
        workspace: Any,
        compute_type: "str | None" = None,
        image_name: "str | None" = None,
        image_id: "str | None" = None,
        model_name: "str | None" = None,
        model_id: "str | None" = None,
        tags: Any = None,
        properties: "dict[str, str] | None" = None,
        image_digest: "str | None" = None,
    ) -> "builtins.list[Webservice]":
        """Return an empty list, since no web services exist here."""
        return []
