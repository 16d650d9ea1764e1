"""Definitions of datasets of 2019: importable, and refused when they are used."""

from azureml._refused import Refused

_INSTEAD = "Register a new version of the dataset"


class DatasetDefinition(metaclass=Refused, instead=_INSTEAD):
    """A version of how a dataset is made."""
