"""Profiles of tables: importable, and refused when they are used."""

from azureml._refused import Refused

_INSTEAD = "Call to_pandas_dataframe().describe()"


class DatasetProfile(metaclass=Refused, instead=_INSTEAD):
    """What the columns of a table hold."""
