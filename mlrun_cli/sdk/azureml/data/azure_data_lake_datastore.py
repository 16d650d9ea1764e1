"""Data lakes of Azure: importable, and refused when they are used."""

from azureml._refused import Refused

_INSTEAD = "Attach a folder of this machine by Datastore.register_local(workspace, name, folder)"


class AzureDataLakeDatastore(metaclass=Refused, instead=_INSTEAD):
    """A data lake of the first generation."""


class AzureDataLakeGen2Datastore(metaclass=Refused, instead=_INSTEAD):
    """A data lake of the second generation."""
