"""The sections `data`, `outputData` and `dataReferences` of a run configuration."""

from typing import Any, ClassVar

from azureml.core._run_config_element import Kinds, RunConfigElement


class Dataset(RunConfigElement):
    """A reference to a dataset by id, or by name and version."""

    _fields = ("id", "name", "version")

    def __init__(
        self, dataset_id: "str | None" = None, dataset_name: "str | None" = None, dataset_version: "str | None" = None
    ) -> None:
        self.id = dataset_id
        self.name = dataset_name
        self.version = dataset_version


class DataPath(RunConfigElement):
    """A path in a datastore."""

    _fields = ("datastore_name", "relative_path")

    def __init__(self, datastore_name: "str | None" = None, relative_path: "str | None" = None) -> None:
        self.datastore_name = datastore_name
        self.relative_path = relative_path


class Uri(RunConfigElement):
    """The URI of data, which may be a single file."""

    _fields = ("path", "is_file")

    def __init__(self, path: "str | None" = None, is_file: bool = False) -> None:
        self.path = path
        self.is_file = is_file


class DataLocation(RunConfigElement):
    """The location of data: a dataset, a datastore path or a URI."""

    _fields = ("dataset", "data_path", "uri")
    _kinds: ClassVar[Kinds] = {"dataset": Dataset, "data_path": DataPath, "uri": Uri}

    def __init__(
        self, dataset: "Dataset | None" = None, data_path: "DataPath | None" = None, uri: "Uri | None" = None
    ) -> None:
        self.dataset = dataset
        self.data_path = data_path
        self.uri = uri


class Data(RunConfigElement):
    """Data that a run reads."""

    _fields = (
        "data_location",
        "create_output_directories",
        "mechanism",
        "environment_variable_name",
        "path_on_compute",
        "overwrite",
        "options",
    )
    _kinds: ClassVar[Kinds] = {"data_location": DataLocation}

    def __init__(
        self,
        data_location: "DataLocation | None" = None,
        create_output_directories: "bool | None" = None,
        mechanism: str = "direct",
        environment_variable_name: "str | None" = None,
        path_on_compute: "str | None" = None,
        overwrite: bool = False,
        options: "dict[str, str] | None" = None,
    ) -> None:
        self.data_location = data_location
        self.create_output_directories = create_output_directories
        self.mechanism = mechanism
        self.environment_variable_name = environment_variable_name
        self.path_on_compute = path_on_compute
        self.overwrite = overwrite
        self.options = options

    @staticmethod
    def create(data: Any) -> "Data":
        """Return the run configuration's data section for an input, such as a dataset."""
        return Data._from_document(data._build_data_section()[2])


class GlobsOptions(RunConfigElement):
    """Glob patterns that select files."""

    _fields = ("patterns",)

    def __init__(self, patterns: "list[str] | None" = None) -> None:
        self.patterns = patterns


class UploadOptions(RunConfigElement):
    """Options of uploaded outputs."""

    _fields = ("overwrite", "source_globs")
    _kinds: ClassVar[Kinds] = {"source_globs": GlobsOptions}

    def __init__(self, overwrite: bool = False, source_globs: "GlobsOptions | None" = None) -> None:
        self.overwrite = overwrite
        self.source_globs = source_globs


class MountOptions(RunConfigElement):
    """Options of mounted outputs."""

    _fields = ("disable_metadata_cache",)

    def __init__(self, disable_metadata_cache: bool = False) -> None:
        self.disable_metadata_cache = disable_metadata_cache


class DatasetRegistrationOptions(RunConfigElement):
    """Options of a dataset registration, namely transformations to apply first."""

    _fields = ("additional_transformation",)

    def __init__(self, additional_transformations: "str | None" = None) -> None:
        self.additional_transformation = additional_transformations


class RegistrationOptions(RunConfigElement):
    """The name, description and tags under which an output is registered as a dataset."""

    _fields = ("name", "description", "tags", "dataset_registration_options")
    _kinds: ClassVar[Kinds] = {"dataset_registration_options": DatasetRegistrationOptions}

    def __init__(
        self,
        name: "str | None" = None,
        description: "str | None" = None,
        tags: "dict[str, str] | None" = None,
        dataset_registration_options: "DatasetRegistrationOptions | None" = None,
    ) -> None:
        self.name = name
        self.description = description
        self.tags = tags
        self.dataset_registration_options = dataset_registration_options


class OutputOptions(RunConfigElement):
    """Options of an output."""

    _fields = ("path_on_compute", "registration_options", "upload_options", "mount_options")
    _kinds: ClassVar[Kinds] = {
        "registration_options": RegistrationOptions,
        "upload_options": UploadOptions,
        "mount_options": MountOptions,
    }

    def __init__(
        self,
        path_on_compute: "str | None" = None,
        registration_options: "RegistrationOptions | None" = None,
        upload_options: "UploadOptions | None" = None,
        mount_options: "MountOptions | None" = None,
    ) -> None:
        self.path_on_compute = path_on_compute
        self.registration_options = registration_options
        self.upload_options = upload_options
        self.mount_options = mount_options


class OutputData(RunConfigElement):
    """Data that a run writes."""

    _fields = ("output_location", "mechanism", "additional_options")
    _kinds: ClassVar[Kinds] = {"output_location": DataLocation, "additional_options": OutputOptions}

    def __init__(
        self,
        output_location: "DataLocation | None" = None,
        mechanism: str = "mount",
        additional_options: "OutputOptions | None" = None,
    ) -> None:
        self.output_location = output_location
        self.mechanism = mechanism
        self.additional_options = additional_options


class DataReferenceConfiguration(RunConfigElement):
    """A path in a datastore that a run reads or writes."""

    _fields = ("data_store_name", "path_on_data_store", "mode", "overwrite", "path_on_compute")

    def __init__(
        self,
        datastore_name: "str | None" = None,
        mode: str = "mount",
        path_on_datastore: "str | None" = None,
        path_on_compute: "str | None" = None,
        overwrite: bool = False,
    ) -> None:
        self.data_store_name = datastore_name
        self.path_on_data_store = path_on_datastore
        self.path_on_compute = path_on_compute
        self.mode = mode
        self.overwrite = overwrite


class DatacacheConfiguration(RunConfigElement):
    """A dataset cache near a cluster; submitting a run that needs one is refused."""

    _fields = (
        "datacache_id",
        "datacache_store",
        "dataset_id",
        "mode",
        "replica",
        "failure_fallback",
        "path_on_compute",
    )

    def __init__(
        self,
        dataset_id: "str | None" = None,
        datacache_store: "str | None" = None,
        datacache_id: "str | None" = None,
        mode: str = "mount",
        path_on_compute: "str | None" = None,
        replica: "int | None" = None,
        failure_fallback: bool = False,
    ) -> None:
        self.dataset_id = dataset_id
        self.datacache_store = datacache_store
        self.datacache_id = datacache_id
        self.mode = mode
        self.path_on_compute = path_on_compute
        self.replica = replica
        self.failure_fallback = failure_fallback
