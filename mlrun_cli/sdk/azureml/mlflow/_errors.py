"""Conversion of this package's errors to MLflow's."""

from contextlib import contextmanager
from importlib import import_module
from typing import Any, Dict, Iterator

from azureml.exceptions import AzureMLException

ALREADY_EXISTS = "RESOURCE_ALREADY_EXISTS"
DOES_NOT_EXIST = "RESOURCE_DOES_NOT_EXIST"
INVALID_VALUE = "INVALID_PARAMETER_VALUE"
UNAVAILABLE = "TEMPORARILY_UNAVAILABLE"

_CODES = {
    "AlreadyExists": ALREADY_EXISTS,
    "ExperimentNotFound": DOES_NOT_EXIST,
    "ModelNotFound": DOES_NOT_EXIST,
    "RunNotFound": DOES_NOT_EXIST,
    "WorkspaceNotFound": DOES_NOT_EXIST,
}
"""MLflow's codes of errors of `mlrun_cli.errors`."""


def create_error(message: str, code: str = INVALID_VALUE) -> Exception:
    """Return an MLflow exception with a message and one of MLflow's error codes."""
    codes: Any = import_module("mlflow.protos.databricks_pb2")
    error: Exception = import_module("mlflow.exceptions").MlflowException(message, getattr(codes, code))
    return error


@contextmanager
def convert_errors(**arguments: Any) -> Iterator[None]:
    """Return a context manager that converts errors of this package to MLflow exceptions.

    That the run or model of a request's arguments does not exist is said in MLflow's words, which programs compare.
    """
    try:
        yield
    except AzureMLException as error:
        kind = type(error).__name__
        own_code = getattr(error, "mlrun_code", None) or ""
        code = _CODES.get(own_code)
        words = _describe_missing(own_code, arguments)
        if code is None:
            code = UNAVAILABLE if kind == "ServiceException" else INVALID_VALUE
        raise create_error(f"{words}: {error.message}" if words else error.message, code) from error


def _describe_missing(own_code: str, arguments: "Dict[str, Any]") -> str:
    """Return MLflow's words for a missing run or model, or an empty string for other errors."""
    if own_code == "RunNotFound" and "run_id" in arguments:
        return f"Run with id={arguments['run_id']} not found"
    name, _, version = str(arguments.get("model_id", "")).partition(":")
    name = arguments.get("name", name)
    version = next(iter((arguments.get("aliases") or {}).values()), arguments.get("version", version))
    if own_code != "ModelNotFound" or not name:
        return ""
    return (
        f"Model Version (name={name}, version={version}) not found"
        if version
        else f"Registered Model with name={name} not found"
    )
