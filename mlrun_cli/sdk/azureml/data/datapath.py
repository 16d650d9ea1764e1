"""Datastore paths, and separate bindings that specify how scripts access the paths."""

import os
from typing import TYPE_CHECKING

from azureml.data.data_reference import DataReference

if TYPE_CHECKING:
    from azureml.data.abstract_datastore import AbstractDatastore


class DataPath:
    """A path in a datastore."""

    def __init__(
        self,
        datastore: "AbstractDatastore | None" = None,
        path_on_datastore: "str | None" = None,
        name: "str | None" = None,
    ) -> None:
        self._datastore = datastore
        self._path_on_datastore = path_on_datastore
        self._name = name or f"{datastore.name if datastore else 'datapath'}_{os.urandom(4).hex()}"

    @property
    def datastore_name(self) -> "str | None":
        """The name of the datastore, or None without a datastore."""
        return None if self._datastore is None else self._datastore.name

    @property
    def path_on_datastore(self) -> "str | None":
        """The path relative to the root of the datastore, or None for the root."""
        return self._path_on_datastore

    def create_data_reference(
        self, data_reference_name: "str | None" = None, datapath_compute_binding: "DataPathComputeBinding | None" = None
    ) -> DataReference:
        """Return a reference to the path with the options of a binding, for use as a run argument.

        Raises:
            ValueError: The binding or the datastore is missing.
        """
        return DataReference.create(data_reference_name, self, datapath_compute_binding)

    @staticmethod
    def create_from_data_reference(data_reference: DataReference) -> "DataPath":
        """Return the datastore path of a reference."""
        return DataPath(data_reference.datastore, data_reference.path_on_datastore, data_reference.data_reference_name)


class DataPathComputeBinding:
    """The mode in which a script accesses a path (`mount`, `download` or `upload`), and its options."""

    def __init__(self, mode: str = "mount", path_on_compute: "str | None" = None, overwrite: bool = False) -> None:
        self._mode = mode
        self._path_on_compute = path_on_compute
        self._overwrite = overwrite

    def create_data_reference(
        self, data_reference_name: "str | None" = None, datapath: "DataPath | None" = None
    ) -> DataReference:
        """Return a reference to a path with these options; raise ValueError if the path or its datastore is missing."""
        return DataReference.create(data_reference_name, datapath, self)

    @staticmethod
    def create_from_data_reference(data_reference: DataReference) -> "DataPathComputeBinding":
        """Return a binding with the options of a reference."""
        return DataPathComputeBinding(data_reference.mode, data_reference.path_on_compute, data_reference.overwrite)
