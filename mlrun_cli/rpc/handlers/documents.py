"""Requests about YAML files: their clients have the standard library only."""

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
    """Return the content of a YAML or JSON file as JSON."""
    return read_document(Path(path)).to_plain()


@handler("documents.read_runconfig")
def read_runconfig(context: RequestContext, path: str) -> dict[str, Any]:  # noqa: ARG001
    """Return the content of a runconfig as JSON; arguments and variables are text, as they were written."""
    from mlrun_cli.runconfigs.writing import read_plain_runconfig  # noqa: PLC0415 - PyYAML takes 16 ms to import

    return read_plain_runconfig(Path(path))


@handler("documents.read_environment")
def read_environment(context: RequestContext, path: str) -> dict[str, Any]:  # noqa: ARG001
    """Return the content of a runconfig's environment file as JSON."""
    from mlrun_cli.runconfigs.writing import read_plain_environment  # noqa: PLC0415 - PyYAML takes 16 ms to import

    return read_plain_environment(Path(path))


@handler("documents.write")
def write_file(context: RequestContext, path: str, document: Mapping[str, Any]) -> None:  # noqa: ARG001
    """Write a document as YAML, its keys in their order."""
    from mlrun_cli.runconfigs.writing import write_document  # noqa: PLC0415 - PyYAML takes 16 ms to import

    try:
        write_document(Path(path), document)
    except OSError as error:
        raise InvalidFile(path, f"cannot be written: {error.strerror or error}") from error
