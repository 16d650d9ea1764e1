"""Notebook widgets that display runs."""

import azureml._package_guard  # noqa: F401 - has to come before anything that could be the other package's
from azureml.widgets.run_details import RunDetails

__all__ = ["RunDetails"]
