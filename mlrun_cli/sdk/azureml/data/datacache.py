"""Caches of data on clusters: importable, and refused when they are used."""

from azureml._refused import Refused

_INSTEAD = "Use as_mount of the dataset: its files are on this machine"


class DatacacheHydrationTracker(metaclass=Refused, instead=_INSTEAD):
    """How far a cache has been filled."""


class DatacacheStore(metaclass=Refused, instead=_INSTEAD):
    """Where caches are kept."""
