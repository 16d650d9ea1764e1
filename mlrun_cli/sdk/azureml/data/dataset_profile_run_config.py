"""Runs that profile tables: importable, and refused when they are used."""

from azureml._refused import Refused

_INSTEAD = "Call to_pandas_dataframe().describe()"


class DatasetProfileRunConfig(metaclass=Refused, instead=_INSTEAD):
    """What such a run is to profile."""
