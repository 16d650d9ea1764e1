"""Questions about YAML files: those who ask have the standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlrun_cli.core.documents.read import read_document
from mlrun_cli.errors import InvalidFile, UsageError
from mlrun_cli.rpc.context import Place


def read(place: Place, path: str) -> Any:  # noqa: ARG001 - every question is asked at a place
    """The content of a YAML or JSON file as JSON."""
    return read_document(Path(path)).plain()


def read_runconfig(place: Place, path: str) -> dict[str, Any]:  # noqa: ARG001
    """The content of a runconfig as JSON; arguments and variables are text, as they were written."""
    from mlrun_cli.runconfigs.writing import plain_runconfig  # noqa: PLC0415 - PyYAML takes 16 ms to import

    return plain_runconfig(Path(path))


def read_environment(place: Place, path: str) -> dict[str, Any]:  # noqa: ARG001
    """The content of a file that a runconfig names as its environment, in the same way."""
    from mlrun_cli.runconfigs.writing import plain_environment  # noqa: PLC0415 - PyYAML takes 16 ms to import

    return plain_environment(Path(path))


def write(place: Place, path: str, document: Any) -> None:  # noqa: ARG001
    """Write a mapping as YAML, its keys in their order."""
    from mlrun_cli.runconfigs.writing import write_document  # noqa: PLC0415 - PyYAML takes 16 ms to import

    if not isinstance(document, Mapping):
        raise UsageError(f"What is to be written to {path} is no mapping.")
    try:
        write_document(Path(path), document)
    except OSError as error:
        raise InvalidFile(path, f"cannot be written: {error.strerror or error}") from error


CALLS = {"read": read, "read_environment": read_environment, "read_runconfig": read_runconfig, "write": write}
