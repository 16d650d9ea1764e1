"""Web services that serve models: their configurations can be written, and there are no services."""

import builtins
from typing import Any

from azureml._azure_names import SERVING
from azureml._unsupported import Described, Refused
from azureml.exceptions import WebserviceException

__all__ = ["Webservice", "WebserviceDeploymentConfiguration"]


class WebserviceDeploymentConfiguration(
    Described,
    takes="type, description=None, tags=None, properties=None, primary_key=None, secondary_key=None, location=None",
):
    """The configuration of a served model."""


class Webservice(metaclass=Refused, instead=SERVING):
    """A model that is served over HTTP; there are none.

    Raises:
        WebserviceException: Always, as in Azure for a name that is not there.
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
        """Return the services of a workspace: none."""
        return []
