"""Caches of data as inputs of runs: importable, and refused when they are used."""

from azureml._refused import Refused

_INSTEAD = "Use as_mount of the dataset: its files are on this machine"


class DatacacheConsumptionConfig(metaclass=Refused, instead=_INSTEAD):
    """A cache as an input of a run."""
