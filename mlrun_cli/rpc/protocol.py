"""The protocol of requests: one JSON object per line in each direction.

A request names a call, the workspace that it is about (null where none is needed), and the call's arguments by name:

    {"call": "runs.get", "workspace": [subscription, group, name], "arguments": {"run_id": …}}

A response is one of

    {"result": …}                                  what the handler returned, as JSON
    {"error": {"type": …, "message": …}}           `type` is the name of a class of `azureml.exceptions`; one of mlrun
                                                   also has a `code`, the name of a class of `mlrun_cli.errors`
    {"ask": NAME}                                  a supervisor's: send the request to this socket of the run folder

A call is a noun and a verb. Scripts bring the SDK of the version that they were submitted with: the words and shapes of
calls do not change, and a new argument has a default.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import (
    BadRequest,
    ComputeTargetNotFound,
    MlrunError,
    ModelNotFound,
    NotFound,
    SnapshotRefused,
    StoreError,
    UsageError,
    WorkspaceNotFound,
)
from mlrun_cli.wire.framing import ERROR
from mlrun_cli.workspace_locator import WorkspaceIdentity

_EXCEPTION_NAMES: Mapping[type[MlrunError], str] = {
    ComputeTargetNotFound: "ComputeTargetException",
    ModelNotFound: "ModelNotFoundException",
    NotFound: "UserErrorException",
    SnapshotRefused: "SnapshotException",
    StoreError: "ServiceException",
    UsageError: "UserErrorException",
    WorkspaceNotFound: "WorkspaceException",
}
_WORKSPACE_NAMES = ("subscription id", "resource group", "name of the workspace")


class Request(NamedTuple):
    """A well-formed request with arguments that have not been checked yet."""

    call: str
    workspace: WorkspaceIdentity | None
    arguments: Mapping[str, Any]


def decode_request(line: bytes) -> Request:
    """Parse a line of JSON and return it as a request.

    Raises:
        BadRequest: the line is not JSON, or does not have the shape of a request.
    """
    try:
        document = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"A request is a line of JSON: {error}.") from error
    return parse_request(document)


def parse_request(document: object) -> Request:
    """Validate a decoded JSON value and return it as a request.

    Raises:
        BadRequest: the value does not have the shape of a request.
    """
    if not isinstance(document, Mapping):
        raise BadRequest(f"A request is an object, not {type(document).__name__}.")
    call, arguments = document.get("call"), document.get("arguments", {})
    if not isinstance(call, str):
        raise BadRequest(f"The call of a request is a string, not {type(call).__name__}.")
    if not isinstance(arguments, Mapping):
        raise BadRequest(f"The arguments of {call} are an object, not {type(arguments).__name__}.")
    return Request(call, _parse_workspace_identity(call, document.get("workspace")), arguments)


def _parse_workspace_identity(call: str, names: object) -> WorkspaceIdentity | None:
    if names is None:
        return None
    if not isinstance(names, (list, tuple)) or len(names) != len(_WORKSPACE_NAMES):
        raise BadRequest(f"The workspace of {call} is a list of three names.")
    for what, name in zip(_WORKSPACE_NAMES, names, strict=True):
        if not isinstance(name, str):
            raise BadRequest(
                f"The {what} must be a string, not {name!r}.", hint="See Workspace.list() for those there are."
            )
    return WorkspaceIdentity(*names)


def build_error_response(error: Exception) -> dict[str, Any]:
    """Return the response for an error, with the name of the corresponding exception of `azureml`."""
    if isinstance(error, UnicodeError):
        return _encode_error("UserErrorException", f"A text of this call is not UTF-8 ({error}).")
    if not isinstance(error, MlrunError):
        return _encode_error("AzureMLException", f"{type(error).__name__}: {error}")
    kinds = (kind for kind in type(error).__mro__ if kind in _EXCEPTION_NAMES)
    name = _EXCEPTION_NAMES.get(next(kinds, MlrunError), "AzureMLException")
    response = _encode_error(name, error.one_line)
    response[ERROR]["code"] = error.code
    return response


def _encode_error(error_type: str, message: str) -> dict[str, Any]:
    return {ERROR: {"type": error_type, "message": message}}
