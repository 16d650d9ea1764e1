"""Databases of MySQL in Azure: importable, and refused when they are used."""

from azureml._refused import Refused

_INSTEAD = "Query the database in the script, and keep what comes back as files"


class AzureMySqlDatastore(metaclass=Refused, instead=_INSTEAD):
    """A database of MySQL."""
