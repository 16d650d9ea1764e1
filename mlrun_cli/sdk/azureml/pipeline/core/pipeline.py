"""Pipelines."""

from azureml._refused import Refused
from azureml.pipeline._instead import INSTEAD

__all__ = ["Pipeline"]


class Pipeline(metaclass=Refused, instead=INSTEAD):
    """Steps that are run together."""
