"""The run of automated machine learning."""

from azureml._refused import Refused
from azureml.train.automl._instead import INSTEAD

__all__ = ["AutoMLRun"]


class AutoMLRun(metaclass=Refused, instead=INSTEAD):
    """The run of automated machine learning; there are none."""
