"""References to datastore paths, used as arguments of runs."""

import os
from typing import TYPE_CHECKING, Any

from azureml.exceptions import UserErrorException

if TYPE_CHECKING:
    from azureml.data.abstract_datastore import AbstractDatastore
    from azureml.data.datapath import DataPath, DataPathComputeBinding

_MODES = ("mount", "download", "upload")


class DataReference:
    """A datastore path and its access mode, replaced by a path on this machine if used as a run argument."""

    def __init__(
        self,
        datastore: "AbstractDatastore",
        data_reference_name: "str | None" = None,
        path_on_datastore: "str | None" = None,
        mode: str = "mount",
        path_on_compute: "str | None" = None,
        overwrite: bool = False,
    ) -> None:
        """Initialize a reference, by default named after the datastore, or randomly if it has a path.

        Raises:
            UserErrorException: The mode is not `mount`, `download` or `upload`.
        """
        if mode not in _MODES:
            raise UserErrorException(f"The mode of a data reference is {', '.join(_MODES)}, not {mode!r}.")
        self.datastore = datastore
        self.data_reference_name = data_reference_name or (
            os.urandom(16).hex() if path_on_datastore else datastore.name
        )
        self.path_on_datastore = path_on_datastore
        self.mode = mode
        self.path_on_compute = path_on_compute
        self.overwrite = overwrite

    @staticmethod
    def create(
        data_reference_name: "str | None" = None,
        datapath: "DataPath | None" = None,
        datapath_compute_binding: "DataPathComputeBinding | None" = None,
    ) -> "DataReference":
        """Return a reference to a datastore path with the options of a binding.

        Raises:
            ValueError: The path, its datastore or the binding is missing.
        """
        if datapath is None or datapath._datastore is None:
            raise ValueError("A data reference needs a DataPath with a datastore.")
        if datapath_compute_binding is None:
            raise ValueError("A data reference needs a DataPathComputeBinding.")
        return DataReference(
            datapath._datastore,
            data_reference_name,
            datapath.path_on_datastore,
            datapath_compute_binding._mode,
            datapath_compute_binding._path_on_compute,
            datapath_compute_binding._overwrite,
        )

    def path(self, path: "str | None" = None, data_reference_name: "str | None" = None) -> "DataReference":
        """Return a reference to a path given relative to the path of this reference."""
        if path and self.path_on_datastore:
            path = f"{self.path_on_datastore.rstrip('/')}/{path.lstrip('/')}"
        return DataReference(self.datastore, data_reference_name, path or self.path_on_datastore)

    def as_mount(self) -> "DataReference":
        """Return a copy in mount mode: the script gets the path of the data in the datastore."""
        return self._copy_with_mode("mount", None, False)

    def as_download(self, path_on_compute: "str | None" = None, overwrite: bool = False) -> "DataReference":
        """Return a copy in download mode: the script gets the path of copied files."""
        return self._copy_with_mode("download", path_on_compute, overwrite)

    def as_upload(self, path_on_compute: "str | None" = None, overwrite: bool = False) -> "DataReference":
        """Return a copy in upload mode: the script's files are uploaded to the datastore."""
        return self._copy_with_mode("upload", path_on_compute, overwrite)

    def to_config(self) -> Any:
        """Return the reference as an entry of `RunConfiguration.data_references`."""
        from azureml.core.runconfig import DataReferenceConfiguration

        return DataReferenceConfiguration(
            datastore_name=self.datastore.name,
            mode=self.mode,
            path_on_datastore=self.path_on_datastore,
            path_on_compute=self.path_on_compute,
            overwrite=self.overwrite,
        )

    def __str__(self) -> str:
        return f"$AZUREML_DATAREFERENCE_{self.data_reference_name}"

    def __repr__(self) -> str:
        return str(self)

    def _copy_with_mode(self, mode: str, path_on_compute: "str | None", overwrite: bool) -> "DataReference":
        return DataReference(
            self.datastore, self.data_reference_name, self.path_on_datastore, mode, path_on_compute, overwrite
        )

    def _to_argument(self) -> str:
        """Return the placeholder for the data in the arguments of a run."""
        return str(self)

    def _build_data_section(self) -> "tuple[str, str, dict[str, Any]]":
        """Return the name of a runconfig section, and the key and entry in it that describe the reference."""
        return (
            "dataReferences",
            self.data_reference_name,
            {
                "dataStoreName": self.datastore.name,
                "pathOnDataStore": self.path_on_datastore,
                "mode": self.mode,
                "overwrite": self.overwrite,
                "pathOnCompute": self.path_on_compute,
            },
        )
