"""The data that a step of a pipeline run has written."""

import os
from typing import Any, Dict

from azureml.data.data_reference import DataReference

__all__ = ["PortDataReference"]


class PortDataReference:
    """A folder of a datastore that a step has written, to be downloaded or read by steps of another pipeline."""

    def __init__(self, context: Any, pipeline_run_id: "str | None", data_reference: Any, step_run: Any = None) -> None:
        self._data_reference = data_reference
        self._pipeline_run_id = pipeline_run_id
        self._step_run = step_run

    @classmethod
    def _from_record(cls, run: Any, record: Dict[str, Any]) -> "PortDataReference":
        from azureml.core.datastore import Datastore

        datastore = Datastore.get(run.experiment.workspace, record["datastore"])
        return cls(
            None, getattr(run, "pipeline_run_id", run.id), DataReference(datastore, record["name"], record["path"]), run
        )

    @property
    def name(self) -> str:
        """The name of the output."""
        return str(self._data_reference.data_reference_name)

    @property
    def data_reference_name(self) -> str:
        """The name of the output; alias of `name`."""
        return self.name

    @property
    def pipeline_run_id(self) -> "str | None":
        """The id of the pipeline run in which a step has written the data, or None if it is unknown."""
        return self._pipeline_run_id

    @property
    def datastore(self) -> Any:
        """The datastore with the data."""
        return self._data_reference.datastore

    @property
    def datastore_name(self) -> str:
        """The name of the datastore."""
        return str(self.datastore.name)

    @property
    def path_on_datastore(self) -> str:
        """The path of the data, relative to the root of the datastore."""
        return str(self._data_reference.path_on_datastore)

    @property
    def _path_on_datastore(self) -> str:
        """Private alias of `path_on_datastore` that Azure's own notebooks use."""
        return self.path_on_datastore

    def download(self, local_path: Any, overwrite: "bool | None" = None, show_progress: "bool | None" = None) -> int:
        """Copy the data's files to a folder, keeping their paths in the datastore; return how many were copied."""
        is_folder = os.path.isdir(os.path.join(self.datastore._folder, self.path_on_datastore))
        count: int = self.datastore.download(
            local_path,
            prefix=f"{self.path_on_datastore.rstrip('/')}/" if is_folder else self.path_on_datastore,
            overwrite=bool(overwrite),
            show_progress=True if show_progress is None else show_progress,
        )
        return count

    def create_input_binding(
        self,
        input_name: "str | None" = None,
        mode: "str | None" = None,
        path_on_compute: "str | None" = None,
        overwrite: "bool | None" = None,
    ) -> Any:
        """Return the data as a step input for another pipeline, by default with the output's name and in mount mode."""
        from azureml.pipeline.core.graph import InputPortBinding

        name = input_name or self.name
        return InputPortBinding(name, self._data_reference, mode or "mount", path_on_compute, overwrite)

    def as_input(self, input_name: str) -> Any:
        """Return a step input with this name for the data."""
        return self.create_input_binding(input_name)

    def as_mount(self, input_name: "str | None" = None) -> Any:
        """Return the data as a step input in mount mode: the script reads the original folder."""
        return self.create_input_binding(input_name)

    def as_download(
        self, input_name: "str | None" = None, path_on_compute: "str | None" = None, overwrite: "bool | None" = None
    ) -> Any:
        """Return the data as a step input in download mode: the script reads a copy of the folder."""
        return self.create_input_binding(input_name, "download", path_on_compute, overwrite)
