"""Configurations of run outputs: their destinations and registration as datasets."""

import os
from copy import copy
from typing import Any, TypeVar

from azureml._unsupported import create_unsupported_error
from azureml.data.abstract_datastore import AbstractDatastore
from azureml.data.constants import DIRECT_MODE, HDFS_MODE, LINK_MODE, MOUNT_MODE, UPLOAD_MODE
from azureml.data.dataset_consumption_config import DatasetConsumptionConfig, check_name
from azureml.data.dataset_type_definitions import PromoteHeadersBehavior
from azureml.exceptions import UserErrorException

_Config = TypeVar("_Config", bound="OutputDatasetConfig")


class RegistrationConfiguration:
    """The name, description and tags under which an output is registered as a dataset."""

    def __init__(self, name: str, description: "str | None", tags: "dict[str, str] | None") -> None:
        self.name = name
        self.description = description
        self.tags = tags


class UploadOptions:
    """The options of an output in upload mode."""

    def __init__(self, overwrite: bool = False, source_globs: "list[str] | None" = None) -> None:
        self.overwrite = overwrite
        self.source_globs = source_globs


class MountOptions:
    """The options of an output in mount mode."""

    def __init__(self, disable_metadata_cache: bool = False) -> None:
        self.disable_metadata_cache = disable_metadata_cache


class OutputDatasetConfig:
    """A named run output, replaced as an argument by the path of an empty folder."""

    def __init__(self, mode: str, name: "str | None" = None, **kwargs: Any) -> None:
        """Initialize an output, with a random name by default.

        Raises:
            UserErrorException: The name is not made of letters, digits and underscores, or starts with a digit.
        """
        self.mode = mode
        self._name = check_name("output", name or f"output_{os.urandom(4).hex()}")
        self.arg_val = f"DatasetOutputConfig:{self._name}"
        self._registration: RegistrationConfiguration | None = None
        self._producer: dict[str, Any] = {}

    @property
    def name(self) -> str:
        """The name of the output and of the environment variable that contains its path."""
        return self._name

    def register_on_complete(
        self: _Config, name: str, description: "str | None" = None, tags: "dict[str, str] | None" = None
    ) -> _Config:
        """Return a copy of this output that is registered as a dataset once the run has completed.

        Raises:
            UserErrorException: The name is empty.
        """
        if not name:
            raise UserErrorException("register_on_complete needs a name for the dataset.")
        registered = copy(self)
        registered._registration = RegistrationConfiguration(name, description, tags)
        return registered

    def as_input(self, name: "str | None" = None) -> DatasetConsumptionConfig:
        """Return the output as an input of another pipeline step; a single run cannot use it."""
        mode = MOUNT_MODE if self.mode == UPLOAD_MODE else self.mode
        return DatasetConsumptionConfig(name or f"input_{os.urandom(4).hex()}", self, mode)

    def _to_argument(self) -> str:
        """Return the placeholder for the output in the arguments of a run."""
        return self.arg_val

    def _build_data_section(self) -> "tuple[str, str, dict[str, Any]]":
        """Raise UserErrorException, since this kind of output is not supported; subclasses override this."""
        raise create_unsupported_error(
            type(self).__name__, "Use OutputFileDatasetConfig, which gives the script a folder to write to"
        )


class TransformationMixin:
    """Mixin for outputs that can be registered as tabular datasets."""

    def read_delimited_files(
        self,
        include_path: bool = False,
        separator: str = ",",
        header: PromoteHeadersBehavior = PromoteHeadersBehavior.ALL_FILES_HAVE_SAME_HEADERS,
        partition_format: "str | None" = None,
        path_glob: "str | None" = None,
        set_column_types: "dict[str, Any] | None" = None,
    ) -> "OutputTabularDatasetConfig":
        """Return a tabular output of the delimited files, or only of files that match `path_glob`."""
        from azureml.data.dataset_factory import build_delimited_options

        options = build_delimited_options(
            separator=separator,
            header=header,
            include_path=include_path,
            set_column_types=set_column_types,
            partition_format=partition_format,
        )
        return OutputTabularDatasetConfig(output_file_dataset_config=self, _options=options, _glob=path_glob)

    def read_parquet_files(
        self,
        include_path: bool = False,
        partition_format: "str | None" = None,
        path_glob: "str | None" = None,
        set_column_types: "dict[str, Any] | None" = None,
    ) -> "OutputTabularDatasetConfig":
        """Return a tabular output of the Parquet files, or only of files that match `path_glob`."""
        from azureml.data.dataset_factory import build_parquet_options

        options = build_parquet_options(include_path, set_column_types, partition_format)
        return OutputTabularDatasetConfig(output_file_dataset_config=self, _options=options, _glob=path_glob)


class OutputFileDatasetConfig(OutputDatasetConfig, TransformationMixin):
    """An output folder in a datastore, by default `dataset/RUN_ID/NAME` in the default datastore.

    The script writes directly to it in both modes.
    """

    def __init__(
        self,
        name: "str | None" = None,
        destination: Any = None,
        source: "str | None" = None,
        partition_format: "str | None" = None,
    ) -> None:
        """Initialize an output in mount mode.

        Args:
            name: The name of the output, by default a random one.
            destination: A datastore, or a pair of datastore and path, with placeholders `{run-id}` and `{output-name}`.
            source: A path chosen by the script; submitting a run with it is refused.
            partition_format: A format for partition columns, which are not supported.

        Raises:
            UserErrorException: The name or the destination is invalid, or `partition_format` is given.
        """
        super().__init__(MOUNT_MODE, name)
        if partition_format is not None:
            raise create_unsupported_error(
                "partition_format", "Leave it out, and take the columns from the paths in the script"
            )
        _parse_destination(destination)
        self.destination = destination
        self.source = source
        self._upload_options: UploadOptions | None = None
        self._mount_options: MountOptions | None = None

    def as_mount(self, disable_metadata_cache: bool = False) -> "OutputFileDatasetConfig":
        """Return a copy of this output in mount mode."""
        mounted = copy(self)
        mounted.mode = MOUNT_MODE
        mounted._mount_options, mounted._upload_options = MountOptions(disable_metadata_cache), None
        return mounted

    def as_upload(self, overwrite: bool = False, source_globs: "list[str] | None" = None) -> "OutputFileDatasetConfig":
        """Return a copy of this output in upload mode."""
        uploaded = copy(self)
        uploaded.mode = UPLOAD_MODE
        uploaded._upload_options, uploaded._mount_options = UploadOptions(overwrite, source_globs), None
        return uploaded

    def _build_data_section(self) -> "tuple[str, str, dict[str, Any]]":
        """Return the name of a runconfig section, and the key and entry in it that describe the output."""
        return self._build_section(self._registration, None)

    def _build_section(
        self, registration: "RegistrationConfiguration | None", transformation: "dict[str, Any] | None"
    ) -> "tuple[str, str, dict[str, Any]]":
        """Return the section's name, the key and the entry for the output, with a registration and a transformation."""
        datastore, path = _parse_destination(self.destination)
        upload = self._upload_options
        return (
            "outputData",
            self._name,
            {
                "outputLocation": {"dataPath": {"datastoreName": datastore, "relativePath": path}},
                "mechanism": self.mode,
                "additionalOptions": {
                    "pathOnCompute": self.source,
                    "registrationOptions": None
                    if registration is None
                    else {
                        "name": registration.name,
                        "description": registration.description,
                        "tags": registration.tags,
                        "datasetRegistrationOptions": {"additionalTransformation": transformation},
                    },
                    "uploadOptions": None
                    if upload is None
                    else {"overwrite": upload.overwrite, "sourceGlobs": upload.source_globs},
                },
            },
        )


class OutputTabularDatasetConfig(OutputDatasetConfig):
    """An output folder in a datastore that is registered as a tabular dataset."""

    def __init__(self, **kwargs: Any) -> None:
        """Initialize an output for `OutputFileDatasetConfig.read_delimited_files` or `read_parquet_files`."""
        origin = kwargs.get("output_file_dataset_config")
        if not isinstance(origin, OutputFileDatasetConfig):
            raise UserErrorException(
                "An OutputTabularDatasetConfig is made by OutputFileDatasetConfig(…).read_delimited_files() or "
                "read_parquet_files()."
            )
        super().__init__(origin.mode, origin.name)
        self._origin = origin
        self._options: dict[str, Any] = kwargs["_options"]
        self._glob: str | None = kwargs.get("_glob")
        self._steps: list[list[Any]] = []
        self._registration = origin._registration
        self._producer = origin._producer

    def as_mount(self) -> "OutputTabularDatasetConfig":
        """Return a copy of this output in mount mode."""
        return self._copy_as_table(self._origin.as_mount())

    def as_upload(
        self, overwrite: bool = False, source_globs: "list[str] | None" = None
    ) -> "OutputTabularDatasetConfig":
        """Return a copy of this output in upload mode."""
        return self._copy_as_table(self._origin.as_upload(overwrite, source_globs))

    def as_input(self, name: "str | None" = None) -> DatasetConsumptionConfig:
        """Return the output as an input of another pipeline step; a single run cannot use it."""
        return DatasetConsumptionConfig(name or f"input_{os.urandom(4).hex()}", self, DIRECT_MODE)

    def keep_columns(self, columns: "str | list[str]") -> "OutputTabularDatasetConfig":
        """Return a copy of this output with only these columns."""
        return self._with_transformation(["keep", [columns] if isinstance(columns, str) else list(columns)])

    def drop_columns(self, columns: "str | list[str]") -> "OutputTabularDatasetConfig":
        """Return a copy of this output without these columns."""
        return self._with_transformation(["drop", [columns] if isinstance(columns, str) else list(columns)])

    def random_split(self, percentage: float, seed: "int | None" = None) -> Any:
        """Raise UserErrorException, since only registered datasets can be split."""
        raise create_unsupported_error(
            "OutputTabularDatasetConfig.random_split", "Register the output, and call random_split on the dataset"
        )

    def _with_transformation(self, step: "list[Any]") -> "OutputTabularDatasetConfig":
        """Return a copy with another transformation to apply when the table is read."""
        changed = copy(self)
        changed._steps = [*self._steps, step]
        return changed

    def _copy_as_table(self, origin: OutputFileDatasetConfig) -> "OutputTabularDatasetConfig":
        """Return a copy of this tabular output that reads the files of a file output as a table."""
        changed = copy(self)
        changed._origin, changed.mode = origin, origin.mode
        return changed

    def _build_table_options(self) -> "dict[str, Any]":
        """Return the options for reading the output's files as a table."""
        return {"kind": "tabular", "options": self._options, "steps": self._steps, "glob": self._glob}

    def _build_data_section(self) -> "tuple[str, str, dict[str, Any]]":
        """Return the name of a runconfig section, and the key and entry in it that describe the output."""
        return self._origin._build_section(self._registration, self._build_table_options())


class HDFSOutputDatasetConfig(OutputDatasetConfig, TransformationMixin):
    """An HDFS output for Spark; submitting a run with it is refused."""

    def __init__(self, name: "str | None" = None, destination: Any = None) -> None:
        super().__init__(HDFS_MODE, name)
        self.destination = destination


class LinkFileOutputDatasetConfig(OutputDatasetConfig):
    """An output that a script links to existing files; submitting a run with it is refused."""

    def __init__(self, name: "str | None" = None) -> None:
        super().__init__(LINK_MODE, name)


class LinkTabularOutputDatasetConfig(OutputDatasetConfig):
    """An output that a script links to an existing table; submitting a run with it is refused."""

    def __init__(self, name: "str | None" = None) -> None:
        super().__init__(LINK_MODE, name)


def _parse_destination(destination: Any) -> "tuple[str | None, str | None]":
    """Return the datastore name and path of an output's destination, with None for missing values.

    Raises:
        UserErrorException: The destination is neither a datastore nor a pair of datastore and path.
    """
    parts = destination if isinstance(destination, (tuple, list)) else (destination,)
    if destination is None:
        return None, None
    if isinstance(parts[0] if parts else None, AbstractDatastore) and len(parts) <= 2:
        path = parts[1] if len(parts) == 2 else None
        if path is None or isinstance(path, str):
            return parts[0].name, path
    raise UserErrorException(
        f"The destination of an output is a datastore, or (datastore, 'path'), not {destination!r}."
    )
