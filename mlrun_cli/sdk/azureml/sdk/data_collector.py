"""The logger interface of the 2017 Azure ML Workbench."""

from typing import Any

from azureml.logging import get_azureml_logger

__all__ = ["current_run"]


def current_run() -> Any:
    """Return a logger for this script's run; outside of a run, it prints the values."""
    return get_azureml_logger()
