"""Errors as answers: each of the program's has the name of an exception that `azureml` has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlrun_cli.errors import (
    ComputeTargetNotFound,
    MlrunError,
    ModelNotFound,
    NotFound,
    SnapshotRefused,
    StoreError,
    UsageError,
    WorkspaceNotFound,
)

_NAMES: Mapping[type[MlrunError], str] = {
    ComputeTargetNotFound: "ComputeTargetException",
    ModelNotFound: "ModelNotFoundException",
    NotFound: "UserErrorException",
    SnapshotRefused: "SnapshotException",
    StoreError: "ServiceException",
    UsageError: "UserErrorException",
    WorkspaceNotFound: "WorkspaceException",
}


def refusal(error: Exception) -> dict[str, Any]:
    """The answer that stands for an error."""
    if isinstance(error, UnicodeError):
        return _refusal("UserErrorException", f"A text of this call is not UTF-8 ({error}).")
    if not isinstance(error, MlrunError):
        return _refusal("AzureMLException", f"{type(error).__name__}: {error}")
    kinds = (kind for kind in type(error).__mro__ if kind in _NAMES)
    name = _NAMES.get(next(kinds, MlrunError), "AzureMLException")
    return _refusal(name, error.message if error.hint is None else f"{error.message} {error.hint}")


def _refusal(kind: str, message: str) -> dict[str, Any]:
    return {"error": {"type": kind, "message": message}}
