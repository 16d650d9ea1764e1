"""Pipelines: importable, and refused on use."""

import azureml._alone  # noqa: F401 - has to come before anything that could be the other package's
from azureml._refused import refuse_package
from azureml.pipeline._instead import INSTEAD

__getattr__ = refuse_package(__name__, INSTEAD)
