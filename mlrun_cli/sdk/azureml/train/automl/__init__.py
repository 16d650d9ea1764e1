"""Automated machine learning, which can be configured but not submitted."""

import azureml._package_guard  # noqa: F401 - has to come before anything that could be the other package's
from azureml.train.automl.automlconfig import AutoMLConfig

__all__ = ["AutoMLConfig"]
