"""References to databases: importable, and refused when they are used."""

from azureml._refused import Refused

_INSTEAD = "Query the database in the script, and keep what comes back as files"


class SqlDataReference(metaclass=Refused, instead=_INSTEAD):
    """A table or a query of a database."""
