"""Conversion of this package's errors to MLflow's."""

from contextlib import contextmanager
from importlib import import_module
from typing import Any, Iterator

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
def convert_errors(run_id: "str | None" = None) -> Iterator[None]:
    """Return a context manager that converts errors of this package to MLflow exceptions.

    That the run with this id does not exist is said in MLflow's words, which programs compare.
    """
    try:
        yield
    except AzureMLException as error:
        kind = type(error).__name__
        own_code = getattr(error, "mlrun_code", None) or ""
        code = _CODES.get(own_code)
        if code is None:
            code = UNAVAILABLE if kind == "ServiceException" else INVALID_VALUE
        words = f"Run with id={run_id} not found: " if own_code == "RunNotFound" and run_id is not None else ""
        raise create_error(words + error.message, code) from error
