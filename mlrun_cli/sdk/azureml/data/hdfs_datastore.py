"""Files of Hadoop: importable, and refused when they are used."""

from azureml._refused import Refused

_INSTEAD = "Attach a folder of this machine by Datastore.register_local(workspace, name, folder)"


class HDFSDatastore(metaclass=Refused, instead=_INSTEAD):
    """The files of a Hadoop cluster."""
