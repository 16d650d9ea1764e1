"""The logger interface of the 2018 Azure ML Workbench, implemented with `Run`."""

from typing import Any

import azureml._package_guard  # noqa: F401 - has to come before anything that could be the other package's
from azureml.core.run import Run

__all__ = ["get_azureml_logger"]


class _RunLogger:
    """A logger that writes metrics to the run of this script."""

    def __init__(self) -> None:
        self._run = Run.get_context()

    def log(self, name: str, value: Any) -> None:
        """Log a value or a list of values as a metric."""
        if isinstance(value, (list, tuple)):
            self._run.log_list(name, list(value))
        else:
            self._run.log(name, value)


def get_azureml_logger() -> _RunLogger:
    """Return a logger for this script's run; outside of a run, it prints the values."""
    return _RunLogger()
