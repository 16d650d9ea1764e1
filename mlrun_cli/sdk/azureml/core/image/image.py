"""Images that serve models; none exist here."""

import builtins
from typing import Any

from azureml._azure_names import SERVING
from azureml._unsupported import StoredArguments, UnsupportedMeta
from azureml.exceptions import WebserviceException

__all__ = ["Image", "ImageConfig"]


class ImageConfig(StoredArguments, takes=""):
    """Base class of image configurations."""


class Image(metaclass=UnsupportedMeta, instead=SERVING):
    """A container image that serves a model; none exist here.

    Raises:
        WebserviceException: Always, as in Azure for an unknown name.
    """

    def __init__(self, workspace: Any, name: "str | None" = None, id: "str | None" = None, **kwargs: Any) -> None:
        raise WebserviceException(f"Image {name or id!r} is not there: mlrun-cli makes no images. {SERVING}.")

    @staticmethod
    def list(
        workspace: Any,
        image_name: "str | None" = None,
        model_name: "str | None" = None,
        model_id: "str | None" = None,
        tags: Any = None,
        properties: "dict[str, str] | None" = None,
    ) -> "builtins.list[Image]":
        """Return an empty list, since no images exist here."""
        return []
