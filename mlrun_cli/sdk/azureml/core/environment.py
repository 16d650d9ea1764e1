"""Environments, which describe the Python interpreter and packages of runs."""

import copy
import json
import logging
import os
from typing import Any, ClassVar, Dict, Sequence

import azureml._package_guard  # noqa: F401 - has to come before anything that could be the other package's
from azureml.core._environment_sections import (
    DEFAULT_CPU_IMAGE,
    DEFAULT_GPU_IMAGE,
    NO_IMAGES,
    DockerBuildContext,
    DockerEnvironment,
    DockerImagePlatform,
    DockerSection,
    PythonEnvironment,
    PythonSection,
    RCranPackage,
    RGitHubPackage,
    RSection,
    SparkEnvironment,
    SparkPackage,
    SparkSection,
)
from azureml.core._run_config_element import Kinds, RunConfigElement
from azureml.core.conda_dependencies import CondaDependencies, read_requirement_lines
from azureml.core.container_registry import ContainerRegistry
from azureml.core.databricks import DatabricksSection
from azureml.exceptions import UserErrorException

__all__ = [
    "DEFAULT_CPU_IMAGE",
    "DEFAULT_GPU_IMAGE",
    "CondaDependencies",
    "ContainerRegistry",
    "DatabricksSection",
    "DockerBuildContext",
    "DockerEnvironment",
    "DockerImageDetails",
    "DockerImagePlatform",
    "DockerSection",
    "Environment",
    "EnvironmentReference",
    "ImageBuildDetails",
    "PythonEnvironment",
    "PythonSection",
    "RCranPackage",
    "RGitHubPackage",
    "RSection",
    "SparkEnvironment",
    "SparkPackage",
    "SparkSection",
]

_DEFINITION_FILE_NAME = "azureml_environment.json"
_CONDA_FILE_NAME = "conda_dependencies.yml"
_DOCKERFILE_NAME = "BaseDockerfile"

_logger = logging.getLogger(__name__)


class Environment(RunConfigElement):
    """The Python interpreter, packages and variables of runs; `register` stores them in a workspace."""

    _keeps_keys: ClassVar[bool] = False
    _fields = (
        "name",
        "version",
        "environment_variables",
        "python",
        "docker",
        "spark",
        "databricks",
        "r",
        "inferencing_stack_version",
        "asset_id",
    )
    _kinds: ClassVar[Kinds] = {
        "python": PythonSection,
        "docker": DockerSection,
        "spark": SparkSection,
        "databricks": DatabricksSection,
        "r": RSection,
    }

    def __init__(self, name: "str | None", **kwargs: Any) -> None:
        if name is not None and not isinstance(name, str):
            raise TypeError(f"The name of an environment is text, and {name!r} is none.")
        self.name = name
        self.version: str | None = None
        self._environment_variables: dict[str, str] = {"EXAMPLE_ENV_VAR": "EXAMPLE_VALUE"}
        self.python = PythonSection()
        self.docker = DockerSection()
        self.spark = SparkSection()
        self.databricks = DatabricksSection()
        self.r: RSection | None = None
        self.inferencing_stack_version: str | None = None
        self.asset_id: str | None = None

    def __repr__(self) -> str:
        return json.dumps(self._to_document(), indent=4, sort_keys=True)

    def __str__(self) -> str:
        return f"Environment(Name: {self.name},\nVersion: {self.version})"

    @property
    def environment_variables(self) -> "dict[str, str]":
        """The environment variables of runs in this environment."""
        return self._environment_variables

    @environment_variables.setter
    def environment_variables(self, variables: "dict[str, str]") -> None:
        self._environment_variables = variables

    @staticmethod
    def from_conda_specification(name: str, file_path: Any) -> "Environment":
        """Return an environment with the packages in a conda file."""
        made = Environment(name)
        made.python.conda_dependencies = CondaDependencies(file_path)
        return made

    @staticmethod
    def from_pip_requirements(name: str, file_path: Any, pip_version: "str | None" = None) -> "Environment":
        """Return an environment with the packages in a requirements file."""
        made = Environment(name)
        packages = CondaDependencies()
        packages.set_pip_requirements(read_requirement_lines(file_path))
        packages.add_conda_package(f"pip={pip_version}" if pip_version else "pip")
        made.python.conda_dependencies = packages
        return made

    @staticmethod
    def from_existing_conda_environment(name: str, conda_environment_name: str) -> "Environment | None":
        """Return an environment for a conda environment of this machine, or None if the latter does not exist."""
        from azureml.core._conda_environments import find_conda_interpreter

        interpreter = find_conda_interpreter(conda_environment_name)
        if interpreter is None:
            _logger.warning("There is no conda environment %r on this machine.", conda_environment_name)
            return None
        made = Environment(name)
        made.python.user_managed_dependencies = True
        made.python.interpreter_path = interpreter
        return made

    @staticmethod
    def from_docker_image(
        name: str,
        image: str,
        container_registry: "ContainerRegistry | None" = None,
        conda_specification: Any = None,
        pip_requirements: Any = None,
    ) -> "Environment":
        """Return an environment with a Docker image and, optionally, the packages in a conda or requirements file."""
        made = _create_from_packages(name, conda_specification, pip_requirements)
        made.docker.base_image = image
        if container_registry is not None:
            made.docker.base_image_registry = container_registry
        return made

    @staticmethod
    def from_dockerfile(
        name: str, dockerfile: Any, conda_specification: Any = None, pip_requirements: Any = None
    ) -> "Environment":
        """Return an environment with a Dockerfile, given as path or text, and optionally the packages in a file."""
        made = _create_from_packages(name, conda_specification, pip_requirements)
        if "\n" not in os.fspath(dockerfile) and os.path.isfile(dockerfile):
            with open(dockerfile, encoding="utf-8") as file:
                dockerfile = file.read()
        made.docker.base_dockerfile = os.fspath(dockerfile)
        return made

    @staticmethod
    def from_docker_build_context(name: str, docker_build_context: DockerBuildContext) -> "Environment":
        """Return an environment whose image is built from a Docker build context."""
        made = _create_from_packages(name, None, None)
        made.docker.build_context = docker_build_context
        return made

    @staticmethod
    def get(workspace: Any, name: str, version: "str | None" = None, label: "str | None" = None) -> "Environment":
        """Return a version of a registered environment, by default the newest.

        Raises:
            UserErrorException: There is no such environment, or it is one of Azure's curated ones.
        """
        return _create_from_record(workspace._request("environments.get", name=name, version=version, label=label))

    @staticmethod
    def list(workspace: Any) -> "dict[str, Environment]":
        """Return the newest version of each registered environment, keyed by name."""
        found = [_create_from_record(record) for record in workspace._request("environments.list")]
        return {str(one.name): one for one in found}

    @staticmethod
    def label(workspace: Any, name: str, version: str, labels: Sequence[str]) -> None:
        """Assign labels to a version of an environment, removing them from its other versions."""
        workspace._request("environments.label", name=name, version=str(version), labels=[*labels])

    def register(self, workspace: Any) -> "Environment":
        """Register the environment, as a new version if it has changed, and return the registered environment.

        If it equals the newest version, no new version is created.
        """
        record = workspace._request("environments.register", name=self.name, definition=self._to_definition())
        return _create_from_record(record)

    def build(self, workspace: Any, image_build_compute: Any = None) -> "ImageBuildDetails":
        """Install the environment now instead of at the first run, and return an object with the installer's log."""
        log = workspace._request("environments.build", timeout_seconds=_BUILD_SECONDS, definition=self._to_definition())
        return ImageBuildDetails(log)

    def build_local(self, workspace: Any, platform: Any = None, **kwargs: Any) -> "ImageBuildDetails":
        """Install the environment on this machine; alias of `build`."""
        return self.build(workspace)

    def get_image_details(self, workspace: Any) -> "DockerImageDetails":
        """Raise UserErrorException, since no images are built here."""
        raise UserErrorException(f"Environment.get_image_details: {NO_IMAGES} Environment.build makes them ready.")

    @staticmethod
    def add_private_pip_wheel(workspace: Any, file_path: Any, exist_ok: bool = False) -> str:
        """Store a wheel in the workspace and return its URL for pip.

        Raises:
            UserErrorException: The file does not exist, or a wheel with its name does and `exist_ok` is False.
        """
        path = os.path.abspath(file_path)
        return str(workspace._request("environments.add_wheel", path=path, may_exist=exist_ok))

    def clone(self, new_name: str) -> "Environment":
        """Return an unregistered copy of the environment under a new name."""
        if not new_name:
            raise UserErrorException("An environment needs a name.")
        made = copy.deepcopy(self)
        made.name = new_name
        made.version = None
        made.asset_id = None
        return made

    @staticmethod
    def load_from_directory(path: Any) -> "Environment":
        """Return the environment written to a folder by `save_to_directory`."""
        with open(os.path.join(path, _DEFINITION_FILE_NAME), encoding="utf-8") as file:
            loaded: Environment = Environment._from_document(json.load(file))
        conda_file = os.path.join(path, _CONDA_FILE_NAME)
        if os.path.isfile(conda_file):
            loaded.python.conda_dependencies = CondaDependencies(conda_file)
        dockerfile = os.path.join(path, _DOCKERFILE_NAME)
        if os.path.isfile(dockerfile):
            with open(dockerfile, encoding="utf-8") as file:
                loaded.docker.base_dockerfile = file.read()
        return loaded

    def save_to_directory(self, path: Any, overwrite: bool = False) -> None:
        """Write the environment's definition, conda file and Dockerfile to a folder.

        Raises:
            FileExistsError: The folder exists and `overwrite` is False.
        """
        os.makedirs(path, exist_ok=overwrite)
        definition = self._to_document()
        definition["python"].pop("condaDependencies", None)
        if self.docker.base_dockerfile is not None:
            _write_text(os.path.join(path, _DOCKERFILE_NAME), definition["docker"].pop("baseDockerfile"))
        if self.python.conda_dependencies is not None:
            self.python.conda_dependencies.save(os.path.join(path, _CONDA_FILE_NAME))
        _write_text(os.path.join(path, _DEFINITION_FILE_NAME), json.dumps(definition, indent=4))

    def _to_definition(self) -> "dict[str, Any]":
        """Return the environment as a JSON-compatible dict, with the content of the conda file instead of its path."""
        definition = self._to_document()
        python = definition["python"]
        if python["condaDependenciesFile"] and not python["userManagedDependencies"]:
            python["condaDependencies"] = CondaDependencies(python["condaDependenciesFile"])._to_mapping()
            python["condaDependenciesFile"] = None
        return definition

    @classmethod
    def _create_blank(cls) -> Any:
        return cls(None)

    @classmethod
    def _from_document(cls, document: Any, location: str = "") -> Any:
        loaded = super()._from_document(document, location)
        if not document.get("environmentVariables"):
            loaded.environment_variables = {}
        if not document.get("python"):
            loaded.python.conda_dependencies = None
        # Azure's defaults apply to a new environment, not to one that is read.
        docker = document.get("docker") or {}
        if "shmSize" not in docker:
            loaded.docker.shm_size = None
        if "baseImage" not in docker:
            loaded.docker.base_image = None
        return loaded


class EnvironmentReference(RunConfigElement):
    """A reference to a registered environment by name and version."""

    _fields = ("name", "version")

    def __init__(self, name: str, version: "str | None" = None) -> None:
        self.name = name
        self.version = version

    def get_environment(self, workspace: Any) -> Environment:
        """Return the registered environment to which this object refers."""
        return Environment.get(workspace, self.name, self.version)


class ImageBuildDetails:
    """The result of installing an environment."""

    def __init__(self, log: str) -> None:
        self._log = log
        self.status = "Succeeded"

    def get_log(self) -> str:
        """Return the installer's output."""
        return self._log

    def wait_for_completion(self, show_output: bool = True) -> None:
        """Return immediately, after printing the log if `show_output` is True."""
        if show_output:
            print(self._log)


class DockerImageDetails(Dict[str, Any]):
    """The details of a Docker image; none are created here."""


_BUILD_SECONDS = 3600.0


def _create_from_packages(name: str, conda_specification: Any, pip_requirements: Any) -> Environment:
    """Return an environment with the packages in the given file or, if there is none, user-managed dependencies."""
    if conda_specification is not None and pip_requirements is not None:
        raise UserErrorException("conda_specification and pip_requirements exclude each other. Give one of them.")
    if conda_specification is not None:
        return Environment.from_conda_specification(name, conda_specification)
    if pip_requirements is not None:
        return Environment.from_pip_requirements(name, pip_requirements)
    made = Environment(name)
    made.python.user_managed_dependencies = True
    return made


def _create_from_record(record: Any) -> Environment:
    made: Environment = Environment._from_document(record["definition"])
    made.name = record["name"]
    made.version = record["version"]
    return made


def _write_text(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
