"""Runs that profile tables: importable, and refused when they are used."""

from azureml._refused import Refused

_INSTEAD = "Call to_pandas_dataframe().describe()"


class DatasetProfileRun(metaclass=Refused, instead=_INSTEAD):
    """A run that profiles a table."""
