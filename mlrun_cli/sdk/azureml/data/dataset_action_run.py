"""Actions on datasets of 2019: importable, and refused when they are used."""

from azureml._refused import Refused

_INSTEAD = "Call to_pandas_dataframe() and work with pandas"


class DatasetActionRun(metaclass=Refused, instead=_INSTEAD):
    """An action that goes on."""
