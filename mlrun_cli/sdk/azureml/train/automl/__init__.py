"""Automated machine learning: a configuration can be written, and submitting it is refused."""

import azureml._package_guard  # noqa: F401 - has to come before anything that could be the other package's
from azureml.train.automl.automlconfig import AutoMLConfig

__all__ = ["AutoMLConfig"]
