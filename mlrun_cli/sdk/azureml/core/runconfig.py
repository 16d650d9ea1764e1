"""Run configurations, as stored in `*.runconfig` files."""

import json
import os
from typing import Any, ClassVar, Mapping, Type

import azureml._package_guard  # noqa: F401 - has to come before anything that could be the other package's
from azureml._client.client import get_client
from azureml.core._missing_files import NoSuchFile
from azureml.core._run_config_data import (
    Data,
    DatacacheConfiguration,
    DataLocation,
    DataPath,
    DataReferenceConfiguration,
    Dataset,
    DatasetRegistrationOptions,
    GlobsOptions,
    MountOptions,
    OutputData,
    OutputOptions,
    RegistrationOptions,
    UploadOptions,
    Uri,
)
from azureml.core._run_config_element import Kinds, RunConfigElement, convert_keys_to_camel_case
from azureml.core._run_config_sections import (
    AmlComputeConfiguration,
    ApplicationEndpointConfiguration,
    HdiConfiguration,
    HistoryConfiguration,
    KubernetesComputeConfiguration,
    ParallelTaskConfiguration,
    SparkConfiguration,
)
from azureml.core.conda_dependencies import CondaDependencies, get_configuration_folder_name
from azureml.core.container_registry import ContainerRegistry
from azureml.core.databricks import (
    DatabricksCluster,
    DatabricksEnvironment,
    DatabricksSection,
    EggLibrary,
    JarLibrary,
    MavenLibrary,
    PyPiLibrary,
    RCranLibrary,
)
from azureml.core.environment import (
    DEFAULT_CPU_IMAGE,
    DEFAULT_GPU_IMAGE,
    DockerEnvironment,
    DockerSection,
    Environment,
    PythonEnvironment,
    PythonSection,
    SparkEnvironment,
    SparkSection,
)
from azureml.exceptions import RunConfigurationException, UserErrorException

__all__ = [
    "DEFAULT_CPU_IMAGE",
    "DEFAULT_GPU_IMAGE",
    "LOCAL_RUNCONFIG_NAME",
    "MPI_CPU_IMAGE",
    "MPI_GPU_IMAGE",
    "RUNCONFIGURATION_EXTENSION",
    "SUPPORTED_DATAREF_MODES",
    "AmlComputeConfiguration",
    "ApplicationEndpointConfiguration",
    "AzureContainerRegistry",
    "CondaDependencies",
    "ContainerRegistry",
    "Data",
    "DataLocation",
    "DataPath",
    "DataReferenceConfiguration",
    "DatabricksCluster",
    "DatabricksEnvironment",
    "DatabricksSection",
    "DatacacheConfiguration",
    "Dataset",
    "DatasetRegistrationOptions",
    "DockerConfiguration",
    "DockerEnvironment",
    "DockerSection",
    "EggLibrary",
    "Environment",
    "EnvironmentDefinition",
    "GlobsOptions",
    "HdiConfiguration",
    "HistoryConfiguration",
    "JarLibrary",
    "KubernetesComputeConfiguration",
    "MavenLibrary",
    "MountOptions",
    "MpiConfiguration",
    "OutputData",
    "OutputOptions",
    "ParallelTaskConfiguration",
    "PyPiLibrary",
    "PyTorchConfiguration",
    "PythonEnvironment",
    "PythonSection",
    "RCranLibrary",
    "RegistrationOptions",
    "RunConfiguration",
    "RunConfigurationException",
    "SparkConfiguration",
    "SparkEnvironment",
    "SparkSection",
    "TensorflowConfiguration",
    "UploadOptions",
    "Uri",
]

MPI_CPU_IMAGE = DEFAULT_CPU_IMAGE
MPI_GPU_IMAGE = DEFAULT_GPU_IMAGE
RUNCONFIGURATION_EXTENSION = ".runconfig"
LOCAL_RUNCONFIG_NAME = "local"
SUPPORTED_DATAREF_MODES = ["mount", "download", "upload"]

_CONFIGURATION_FOLDERS = ("aml_config", ".azureml")
_DATA_SECTIONS = ("data", "dataReferences", "outputData")
_CONDA_FILE_NAME = "conda_dependencies.yml"
_ENVIRONMENT_FILE_NAME = "environment.yml"


class EnvironmentDefinition(Environment):
    """The environment of a run configuration, under its name in older versions of Azure's SDK."""

    def __init__(self, name: "str | None" = None) -> None:
        super().__init__(name)


class AzureContainerRegistry(ContainerRegistry):
    """`ContainerRegistry` under its name in older versions of Azure's SDK."""


class DockerConfiguration(RunConfigElement):
    """The Docker settings of a run."""

    _keeps_keys: ClassVar[bool] = False
    _fields = ("use_docker", "shared_volumes", "arguments", "shm_size")

    def __init__(
        self,
        use_docker: bool = False,
        shared_volumes: bool = True,
        arguments: "list[str]" = [],  # noqa: B006 - Azure's default; it is copied
        shm_size: "str | None" = "2g",
    ) -> None:
        self.use_docker = use_docker
        self.shared_volumes = shared_volumes
        self.arguments = list(arguments)
        self.shm_size = shm_size


class DistributedJobConfiguration(RunConfigElement):
    """Base class of the sections with the processes of a distributed run, which `DISTRIBUTED_JOBS` lists."""

    def _configure(self, configuration: "RunConfiguration") -> None:
        """Set this section in a run configuration, with the communicator, framework and node count that it requires."""
        raise NotImplementedError


class TensorflowConfiguration(DistributedJobConfiguration):
    """The number of workers and parameter servers for distributed TensorFlow."""

    _keeps_keys: ClassVar[bool] = False
    _fields = ("worker_count", "parameter_server_count")

    def __init__(self, worker_count: int = 1, parameter_server_count: int = 1) -> None:
        self.worker_count = worker_count
        self.parameter_server_count = parameter_server_count

    def _configure(self, configuration: "RunConfiguration") -> None:
        configuration.tensorflow = self
        configuration.framework = "TensorFlow"
        configuration.communicator = "ParameterServer"
        configuration.node_count = self.worker_count


class MpiConfiguration(DistributedJobConfiguration):
    """The number of nodes and processes per node for MPI."""

    _keeps_keys: ClassVar[bool] = False
    _fields = ("process_count_per_node", "node_count")

    def __init__(self, process_count_per_node: int = 1, node_count: int = 1) -> None:
        self.process_count_per_node = process_count_per_node
        self.node_count = node_count

    def _configure(self, configuration: "RunConfiguration") -> None:
        configuration.mpi = self
        configuration.communicator = "IntelMpi"
        configuration.node_count = self.node_count


class PyTorchConfiguration(DistributedJobConfiguration):
    """The backend and process count for distributed PyTorch, by default one process per node."""

    _keeps_keys: ClassVar[bool] = False
    _fields = ("communication_backend", "process_count", "node_count")

    def __init__(
        self, communication_backend: str = "Nccl", process_count: "int | None" = None, node_count: int = 1
    ) -> None:
        backend = communication_backend.lower()
        if backend not in ("nccl", "gloo"):
            raise RunConfigurationException(
                f"{communication_backend!r} is not a communication backend of PyTorch. Use 'Nccl' or 'Gloo'."
            )
        self.communication_backend = backend
        self.process_count = process_count
        self.node_count = node_count

    def _configure(self, configuration: "RunConfiguration") -> None:
        configuration.pytorch = self
        configuration.framework = "PyTorch"
        configuration.communicator = self.communication_backend
        configuration.node_count = self.node_count


DISTRIBUTED_JOBS: "Mapping[str, Type[DistributedJobConfiguration]]" = {
    "tensorflow": TensorflowConfiguration,
    "mpi": MpiConfiguration,
    "pytorch": PyTorchConfiguration,
}
"""The sections for the processes of distributed runs, keyed by attribute of `RunConfiguration`."""


class RunConfiguration(RunConfigElement):
    """The configuration of a script's run, such as its arguments, target, environment and variables.

    Attributes:
        script: The path of the script relative to the source folder.
        arguments: A list of values that can be converted to strings, or one string with several words.
        command: A command instead of a script: a string for a shell, or a list of words.
        target: The name of a compute target; it can also be set to a compute target object.
        environment_variables: The variables of the script, which override those of the environment.
    """

    _fields = (
        "script",
        "arguments",
        "target",
        "framework",
        "communicator",
        "max_run_duration_seconds",
        "node_count",
        "priority",
        "environment",
        "history",
        "spark",
        "docker",
        "hdi",
        *DISTRIBUTED_JOBS,
        "paralleltask",
        "data_references",
        "data",
        "datacaches",
        "output_data",
        "source_directory_data_store",
        "amlcompute",
        "auto_cluster_compute_specification",
        "kubernetescompute",
        "credential_passthrough",
        "command",
        "environment_variables",
        "services",
    )
    _keys: ClassVar[Mapping[str, str]] = {"services": "applicationEndpoints"}
    _kinds: ClassVar[Kinds] = {
        "environment": EnvironmentDefinition,
        "history": HistoryConfiguration,
        "spark": SparkConfiguration,
        "docker": DockerConfiguration,
        "hdi": HdiConfiguration,
        **DISTRIBUTED_JOBS,
        "paralleltask": ParallelTaskConfiguration,
        "amlcompute": AmlComputeConfiguration,
        "kubernetescompute": KubernetesComputeConfiguration,
    }
    _lists_of: ClassVar[Kinds] = {"datacaches": DatacacheConfiguration}
    _maps_of: ClassVar[Kinds] = {
        "data_references": DataReferenceConfiguration,
        "data": Data,
        "output_data": OutputData,
        "services": ApplicationEndpointConfiguration,
    }

    tensorflow: TensorflowConfiguration
    mpi: MpiConfiguration
    pytorch: PyTorchConfiguration

    def __init__(
        self,
        script: "str | None" = None,
        arguments: Any = None,
        framework: "str | None" = None,
        communicator: "str | None" = None,
        conda_dependencies: "CondaDependencies | None" = None,
        _history_enabled: "bool | None" = None,
        _path: "str | None" = None,
        _name: "str | None" = None,
        command: Any = None,
    ) -> None:
        self._path = _path
        self._name = _name
        self._names_in_file: dict[str, dict[str, str]] = {}
        self.script = script
        self.arguments = arguments or []
        self._target = "local"
        self.framework = framework or "Python"
        self.communicator = communicator or "None"
        self.max_run_duration_seconds: int | None = None
        self.node_count = 1
        self.priority: int | None = None
        self.environment: Environment = EnvironmentDefinition("default-environment")
        if conda_dependencies is not None:
            self.environment.python.conda_dependencies = conda_dependencies
        self._first_environment = self.environment
        self.history = HistoryConfiguration()
        self.spark = SparkConfiguration()
        self.docker: DockerConfiguration | None = DockerConfiguration()
        self.hdi = HdiConfiguration()
        for name, kind in DISTRIBUTED_JOBS.items():
            setattr(self, name, kind())
        self.paralleltask = ParallelTaskConfiguration()
        self.data_references: dict[str, Any] = {}
        self.data: dict[str, Any] = {}
        self.datacaches: list[Any] = []
        self.output_data: dict[str, Any] = {}
        self.source_directory_data_store: str | None = None
        self.amlcompute = AmlComputeConfiguration()
        self.auto_cluster_compute_specification: dict[str, Any] | None = None
        self.kubernetescompute = KubernetesComputeConfiguration()
        self.credential_passthrough = False
        self.command: Any = command or ""
        self._environment_variables: dict[str, Any] = {}
        self.services: dict[str, Any] = {}

    def __repr__(self) -> str:
        return json.dumps(self._to_document(), indent=4, default=str)

    def _to_document(self, *, for_file: bool = False) -> "dict[str, Any]":
        """Return a JSON-compatible dict; unless `for_file`, data sections use the keys of the loaded file."""
        document = super()._to_document(for_file=for_file)
        for section, names in ({} if for_file else self._names_in_file).items():
            document[section] = {names.get(name, name): value for name, value in document[section].items()}
        return document

    @property
    def target(self) -> str:
        """The name of the compute target."""
        return self._target

    @target.setter
    def target(self, target: Any) -> None:
        name = target if isinstance(target, str) else getattr(target, "name", None)
        if target is not None and not isinstance(name, str):
            raise UserErrorException(f"{target!r} is not a compute target. Give one, or the name of one.")
        self._target = name or "local"

    @property
    def environment_variables(self) -> "dict[str, Any]":
        """The script's environment variables."""
        return self._environment_variables

    @environment_variables.setter
    def environment_variables(self, variables: "dict[str, Any]") -> None:
        self._environment_variables = variables

    @property
    def auto_prepare_environment(self) -> bool:
        """Always True, since a missing environment is always installed."""
        return True

    @auto_prepare_environment.setter
    def auto_prepare_environment(self, value: bool) -> None:
        pass

    @property
    def prepare_environment(self) -> bool:
        """Always True, like `auto_prepare_environment`."""
        return True

    @prepare_environment.setter
    def prepare_environment(self, value: bool) -> None:
        pass

    def save(self, path: Any = None, name: "str | None" = None, separate_environment_yaml: bool = False) -> None:
        """Write the configuration to a file in a project folder or an existing file, and its packages to a conda file.

        Args:
            path: A project folder, whose runconfig folder is used, or an existing file to overwrite.
            name: The name of the file. Path and name default to those that the configuration was loaded from.
            separate_environment_yaml: Whether to write the environment to a separate file.

        Raises:
            UserErrorException: The name is missing.
            FileNotFoundError: The path does not exist.
        """
        path = path or self._path or os.curdir
        name = name or self._name
        if not os.path.exists(path):
            raise FileNotFoundError(f"There is no {os.path.abspath(path)} to save a run configuration to.")
        if os.path.isdir(path) and not name:
            raise UserErrorException("A run configuration is saved under a name. Give it one, as in name='train'.")
        if os.path.isdir(path):
            project, folder = path, os.path.join(path, get_configuration_folder_name(path))
            file = os.path.abspath(os.path.join(folder, str(name)))
        else:
            file = os.path.abspath(path)
            project = folder = os.path.dirname(file)
        os.makedirs(os.path.dirname(file), exist_ok=True)
        document = self._to_document(for_file=True)
        environment = document["environment"]
        environment["python"].pop("condaDependencies", None)
        environment["python"]["condaDependenciesFile"] = self._save_conda_file(project, folder)
        if separate_environment_yaml:
            environment_file = os.path.join(folder, _ENVIRONMENT_FILE_NAME)
            _write_document(environment_file, environment)
            document["environment"] = os.path.relpath(environment_file, project)
        _write_document(file, document)
        self._path, self._name = os.fspath(path), name

    @staticmethod
    def load(path: Any, name: "str | None" = None) -> "RunConfiguration":
        """Return the configuration from a file, or the one with a given name in a project folder.

        As in Azure, keys and names of data are converted to camel case; a run uses the original names of data.

        Raises:
            FileNotFoundError: The file does not exist; the error is a UserErrorException too.
            UserErrorException: The file cannot be read, or is another kind of Azure file.
        """
        file = _resolve_runconfig_path(path, name)
        project = os.path.abspath(path) if os.path.isdir(path) else os.path.dirname(file)
        written = get_client().request("documents.read_runconfig", path=file)
        document = convert_keys_to_camel_case(written)
        if isinstance(document.get("environment"), str):
            environment_file = _resolve_mentioned_file(document["environment"], project, file)
            environment = get_client().request("documents.read_environment", path=environment_file)
            document["environment"] = convert_keys_to_camel_case(environment)
        try:
            loaded = RunConfiguration._from_document(document)
        except UserErrorException as error:
            raise UserErrorException(f"{file}: {error.message}") from error
        loaded._names_in_file = {
            key: dict(zip(document[key], section))
            for key, section in zip(document, written.values())
            if key in _DATA_SECTIONS and section
        }
        loaded._load_conda_file(project, file)
        loaded._path = os.fspath(path)
        if os.path.isdir(path):
            loaded._name = os.path.relpath(file, os.path.join(path, get_configuration_folder_name(path)))
        return loaded

    @staticmethod
    def delete(path: Any, name: str) -> None:
        """Delete the file of a run configuration.

        Raises:
            FileNotFoundError: The file does not exist; the error is a UserErrorException too.
        """
        os.remove(_resolve_runconfig_path(path, name))

    def _has_environment(self) -> bool:
        """Return whether the user has set any part of the environment except its variables."""
        if self.environment is not self._first_environment:
            return True
        said, default = self.environment._to_document(), EnvironmentDefinition()._to_document()
        return any(said[key] != default[key] for key in said if key not in ("name", "version", "environmentVariables"))

    def _load_conda_file(self, project_folder: str, runconfig_path: str) -> None:
        """Load the packages from the conda file, if any, that the configuration specifies.

        The file may be missing if dependencies are user-managed.
        """
        python = self.environment.python
        if python._is_only_in_conda_file():
            try:
                conda_file = _resolve_mentioned_file(
                    str(python.conda_dependencies_file), project_folder, runconfig_path
                )
            except UserErrorException:
                if python.user_managed_dependencies:
                    return
                raise
            python.conda_dependencies = CondaDependencies(conda_file)
            if not os.path.isfile(os.path.join(project_folder, str(python.conda_dependencies_file))):
                python.conda_dependencies_file = os.path.relpath(conda_file, project_folder)

    def _save_conda_file(self, project_folder: str, runconfig_folder: str) -> "str | None":
        """Write the packages, if any, to a conda file unless it already has them; return its path below the project.

        Packages that no run needs are written too, as in Azure, but never replace an existing file.
        """
        python = self.environment.python
        conda = python.conda_dependencies
        if conda is None or python._is_only_in_conda_file():
            return python.conda_dependencies_file
        name = python.conda_dependencies_file or os.path.relpath(
            os.path.join(runconfig_folder, _CONDA_FILE_NAME), project_folder
        )
        path = os.path.join(project_folder, name)
        is_needed = not (python.user_managed_dependencies and conda._is_default())
        if not os.path.exists(path) or (is_needed and CondaDependencies(path)._to_mapping() != conda._to_mapping()):
            CondaDependencies(_underlying_structure=conda._to_mapping()).save_to_file(project_folder, name)
        return name


def _resolve_runconfig_path(path: Any, name: "str | None") -> str:
    """Return the absolute path of a runconfig, given as a file or as a project folder and a name."""
    if os.path.isfile(path):
        return str(os.path.abspath(path))
    if not name:
        raise NoSuchFile(f"{path} is not a file. Name a run configuration in it, as in name='train'.")
    within = os.path.join(path, get_configuration_folder_name(path))
    places = [os.path.join(within, name), os.path.join(within, name + RUNCONFIGURATION_EXTENSION)]
    places += [os.path.join(path, name + RUNCONFIGURATION_EXTENSION), os.path.join(path, name)]
    for place in places:
        if os.path.isfile(place):
            return os.path.abspath(place)
    tried = ", ".join(os.path.relpath(place, path) for place in places)
    raise NoSuchFile(f"There is no run configuration {name!r} in {os.path.abspath(path)}: tried {tried}.")


def _resolve_mentioned_file(file_name: str, project_folder: str, runconfig_path: str) -> str:
    """Return the path of a file named in a runconfig, searching first in the project and then near the runconfig."""
    folder = os.path.dirname(runconfig_path)
    folders = [project_folder, folder]
    if os.path.basename(folder) in _CONFIGURATION_FOLDERS:
        folders.append(os.path.dirname(folder))
    places = list(dict.fromkeys(os.path.normpath(os.path.join(place, file_name)) for place in folders))
    for place in places:
        if os.path.isfile(place):
            return place
    raise NoSuchFile(f"{runconfig_path} names the file {file_name!r}, which is not there: tried {', '.join(places)}.")


def _write_document(path: str, document: "dict[str, Any]") -> None:
    get_client().request("documents.write", path=os.path.abspath(path), document=document)
