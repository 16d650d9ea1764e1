"""Measurements of a deployed model: importable, and refused on use."""

from azureml._refused import Refused

__all__ = ["ModelProfile"]


class ModelProfile(metaclass=Refused, instead="Measure the model in a script, and run.log what it needs"):
    """What a model needs of a machine; there are none."""
