"""Handlers of requests to read and write YAML files, for clients limited to the standard library."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlrun_cli.core.documents.read import read_document
from mlrun_cli.errors import InvalidFile
from mlrun_cli.rpc.context import RequestContext
from mlrun_cli.rpc.registry import handler


@handler("documents.read")
def read_file(context: RequestContext, path: str) -> Any:  # noqa: ARG001 - every handler takes a context
    """Return the content of a YAML or JSON file as a JSON-compatible value."""
    return read_document(Path(path)).to_plain()


@handler("documents.read_runconfig")
def read_runconfig(context: RequestContext, path: str) -> dict[str, Any]:  # noqa: ARG001
    """Return the content of a runconfig as a JSON-compatible dict, with arguments and variables as they are written."""
    from mlrun_cli.runconfigs.writing import read_plain_runconfig  # noqa: PLC0415 - PyYAML takes 16 ms to import

    return read_plain_runconfig(Path(path))


@handler("documents.read_environment")
def read_environment(context: RequestContext, path: str) -> dict[str, Any]:  # noqa: ARG001
    """Return the content of a runconfig's environment file as a JSON-compatible dict."""
    from mlrun_cli.runconfigs.writing import read_plain_environment  # noqa: PLC0415 - PyYAML takes 16 ms to import

    return read_plain_environment(Path(path))


@handler("documents.write")
def write_file(context: RequestContext, path: str, document: Mapping[str, Any]) -> None:  # noqa: ARG001
    """Write a mapping to a YAML file, preserving the order of its keys."""
    from mlrun_cli.runconfigs.writing import write_document  # noqa: PLC0415 - PyYAML takes 16 ms to import

    try:
        write_document(Path(path), document)
    except OSError as error:
        raise InvalidFile(path, f"cannot be written: {error.strerror or error}") from error
