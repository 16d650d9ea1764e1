"""Files stored with a run by `log_image` and by the calls that log JSON documents."""

import io
import json
import os
import re
import time
from typing import Any

from azureml._client.scalars import escape_surrogates
from azureml.exceptions import UserErrorException

_LONGEST = 180  # bytes; the suffix takes about 30, and a file name is limited to 255
_NOT_IN_A_NAME = re.compile(r"[\\/:*?\"<>|\x00-\x1f]")


def prepare_image(metric_name: str, path: Any, plot: Any) -> "tuple[str, Any]":
    """Return a unique file name, and the path of an image file or, for a matplotlib figure, a PNG stream.

    Raises:
        UserErrorException: Neither or both are given, or one has the wrong type.
    """
    if (path is None) == (plot is None):
        raise UserErrorException(f"log_image takes either path= or plot= for {metric_name!r}.")
    if plot is None:
        if not isinstance(path, (str, os.PathLike)):
            raise UserErrorException(
                f"path= of log_image is the path of an image, not {type(path).__name__}. A figure is given as plot=."
            )
        return create_unique_file_name(metric_name, os.path.splitext(os.fspath(path))[1] or ".png"), path
    if not callable(getattr(plot, "savefig", None)):
        raise UserErrorException(
            f"plot= of log_image is a figure of matplotlib or the pyplot module, not {type(plot).__name__}."
        )
    content = io.BytesIO()
    plot.savefig(content, format="png")
    content.seek(0)
    return create_unique_file_name(metric_name, ".png"), content


def encode_document(metric_name: str, document: Any) -> bytes:
    """Return a document, given as a JSON-compatible value, as JSON text or as a path, as JSON in UTF-8.

    Raises:
        UserErrorException: A string is neither JSON nor the path of a file.
        TypeError: The value cannot be encoded as JSON.
    """
    content = document
    if isinstance(document, (str, os.PathLike)) and os.path.isfile(document):
        with open(document, encoding="utf-8") as file:
            content = _parse_document(metric_name, file.read())
    elif isinstance(document, str):
        content = _parse_document(metric_name, document)
    return json.dumps(content, default=_to_json_value).encode("utf-8")


def _to_json_value(value: Any) -> Any:
    """Return a NumPy array or scalar as a JSON-compatible value.

    Raises:
        TypeError: The value is neither.
    """
    to_list = getattr(value, "tolist", None)
    if not callable(to_list):
        raise TypeError(f"A {type(value).__name__} is not what JSON can hold.")
    return to_list()


def _parse_document(metric_name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise UserErrorException(
            f"The value for {metric_name!r} is neither JSON nor the path of a file: {text[:80]!r}."
        ) from error


def create_unique_file_name(metric_name: object, suffix: str) -> str:
    """Return a unique file name that starts with the metric's name."""
    text = _NOT_IN_A_NAME.sub("_", escape_surrogates(str(metric_name))).strip(". ") or "image"
    short = text.encode("utf-8")[:_LONGEST].decode("utf-8", "ignore")
    return f"{short}_{int(time.time() * 1e9)}{suffix}"
