"""Files of Databricks: importable, and refused when they are used."""

from azureml._refused import Refused

_INSTEAD = "Attach a folder of this machine by Datastore.register_local(workspace, name, folder)"


class DBFSDatastore(metaclass=Refused, instead=_INSTEAD):
    """The files of a Databricks workspace."""
