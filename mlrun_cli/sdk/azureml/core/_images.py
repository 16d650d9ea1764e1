"""What `log_image` and the tables beside it keep: a picture or a JSON document, as a file of the run."""

import io
import json
import os
import re
import time
from typing import Any

from azureml._gateway.scalars import encodable
from azureml.exceptions import UserErrorException

_LONGEST = 180  # bytes; what follows has some 30, and a file's name at most 255
_NOT_IN_A_NAME = re.compile(r"[\\/:*?\"<>|\x00-\x1f]")


def picture(name: str, path: Any, plot: Any) -> "tuple[str, Any]":
    """Name of a file and its content, a path or a stream: an image at `path`, or a figure of matplotlib as PNG.

    Raises:
        UserErrorException: Neither or both are given, or the plot is no figure.
    """
    if (path is None) == (plot is None):
        raise UserErrorException(f"log_image takes either path= or plot= for {name!r}.")
    if plot is None:
        if not isinstance(path, (str, os.PathLike)):
            raise UserErrorException(
                f"path= of log_image is the path of an image, not {type(path).__name__}. A figure is given as plot=."
            )
        return _file_name(name, os.path.splitext(os.fspath(path))[1] or ".png"), path
    if not callable(getattr(plot, "savefig", None)):
        raise UserErrorException(
            f"plot= of log_image is a figure of matplotlib or the pyplot module, not {type(plot).__name__}."
        )
    content = io.BytesIO()
    plot.savefig(content, format="png")
    content.seek(0)
    return _file_name(name, ".png"), content


def document(name: str, value: Any, schema_type: str) -> "tuple[str, Any]":
    """Name of a file and its content: a document of one of Azure's schemas, given as dict, JSON text or path.

    Raises:
        UserErrorException: It is none of these, or of another schema.
    """
    content = _document(name, value, schema_type)
    if content.get("schema_type") != schema_type:
        raise UserErrorException(
            f"The value for {name!r} is a dict with 'schema_type': {schema_type!r}, 'schema_version' and 'data', "
            f"not one with schema_type {content.get('schema_type')!r}."
        )
    try:
        text = json.dumps(content, default=_plain)
    except (TypeError, ValueError) as error:
        raise UserErrorException(f"The value for {name!r} is not what JSON can hold: {error}.") from error
    return _file_name(name, ".json"), io.BytesIO(text.encode("utf-8"))


def _plain(value: Any) -> Any:
    """NumPy's arrays and scalars as what JSON knows.

    Raises:
        TypeError: It is none of these.
    """
    to_list = getattr(value, "tolist", None)
    if not callable(to_list):
        raise TypeError(f"a {type(value).__name__} is in it")
    return to_list()


def _document(name: str, value: Any, schema_type: str) -> Any:
    text = value
    if isinstance(value, (str, os.PathLike)) and os.path.isfile(value):
        with open(value, encoding="utf-8") as file:
            text = file.read()
    if isinstance(text, str):
        try:
            text = json.loads(text)
        except ValueError as error:
            raise UserErrorException(
                f"The value for {name!r} is neither JSON nor the path of a file: {value[:80]!r}."
            ) from error
    if not isinstance(text, dict):
        raise UserErrorException(f"The {schema_type} for {name!r} is a dict, not {type(value).__name__}.")
    return text


def _file_name(name: object, suffix: str) -> str:
    text = _NOT_IN_A_NAME.sub("_", encodable(str(name))).strip(". ") or "image"
    short = text.encode("utf-8")[:_LONGEST].decode("utf-8", "ignore")
    return f"{short}_{time.time_ns()}{suffix}"
