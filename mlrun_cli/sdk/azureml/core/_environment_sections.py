"""The Docker, Python, Spark and R sections of an environment in a runconfig."""

from enum import Enum
from typing import Any, ClassVar

from azureml.core._run_config_element import Kinds, RunConfigElement
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.container_registry import ContainerRegistry
from azureml.exceptions import UserErrorException

DEFAULT_CPU_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20251002.v1"
NO_IMAGES = "No images are built here: a run is given the conda dependencies of its environment, without the image."
DEFAULT_GPU_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-cuda11.8-cudnn8-ubuntu22.04"


class DockerImagePlatform(RunConfigElement):
    """The operating system and architecture of a Docker image."""

    _keeps_keys: ClassVar[bool] = False
    _fields = ("os", "architecture")

    def __init__(self) -> None:
        self.os = "Linux"
        self.architecture = "amd64"


class DockerBuildContext(RunConfigElement):
    """The build context of a Docker image: a folder with a Dockerfile."""

    _keeps_keys: ClassVar[bool] = False
    _fields = ("location_type", "location", "dockerfile_path")

    class LocationType(Enum):
        """The kind of storage that contains the build context."""

        Git = "git"
        StorageAccount = "storageAccount"

    def __init__(
        self,
        location_type: Any = None,
        location: "str | None" = None,
        dockerfile_path: str = "Dockerfile",
    ) -> None:
        self.location_type = location_type.value if isinstance(location_type, Enum) else location_type
        self.location = location
        self.dockerfile_path = dockerfile_path

    @classmethod
    def from_local_directory(
        cls, workspace: Any, path: str, dockerfile_path: str = "Dockerfile"
    ) -> "DockerBuildContext":
        """Raise UserErrorException, since no images are built here."""
        raise UserErrorException(
            f"DockerBuildContext.from_local_directory: {NO_IMAGES} Name the packages, with "
            "Environment.from_conda_specification or Environment.from_pip_requirements."
        )


class DockerSection(RunConfigElement):
    """The Docker image of an environment; setting an image, a Dockerfile or a build context resets the others."""

    _keeps_keys: ClassVar[bool] = False
    _fields = (
        "enabled",
        "base_image",
        "base_dockerfile",
        "build_context",
        "shared_volumes",
        "shm_size",
        "arguments",
        "base_image_registry",
        "platform",
    )
    _kinds: ClassVar[Kinds] = {
        "build_context": DockerBuildContext,
        "base_image_registry": ContainerRegistry,
        "platform": DockerImagePlatform,
    }

    def __init__(self, **kwargs: Any) -> None:
        self.enabled = False
        self.shm_size: str | None = "2g"
        self.shared_volumes = True
        self.arguments: list[str] = []
        self._base_image: str | None = DEFAULT_CPU_IMAGE
        self._base_dockerfile: str | None = None
        self._build_context: DockerBuildContext | None = None
        self._gpu_support = True
        self.base_image_registry = ContainerRegistry()
        self.platform = DockerImagePlatform()

    @property
    def base_image(self) -> "str | None":
        """The name of the Docker image, or None."""
        return self._base_image

    @base_image.setter
    def base_image(self, image: "str | None") -> None:
        self._base_image = image
        if image:
            self._base_dockerfile = self._build_context = None

    @property
    def base_dockerfile(self) -> "str | None":
        """The content or the path of a Dockerfile, or None."""
        return self._base_dockerfile

    @base_dockerfile.setter
    def base_dockerfile(self, dockerfile: "str | None") -> None:
        self._base_dockerfile = dockerfile
        if dockerfile:
            self._base_image = self._build_context = None

    @property
    def build_context(self) -> "DockerBuildContext | None":
        """The build context of the image, or None."""
        return self._build_context

    @build_context.setter
    def build_context(self, context: "DockerBuildContext | None") -> None:
        self._build_context = context
        if context:
            self._base_image = self._base_dockerfile = None

    @property
    def gpu_support(self) -> bool:
        """True if GPU support is requested; accepted but ignored."""
        return self._gpu_support

    @gpu_support.setter
    def gpu_support(self, value: bool) -> None:
        self._gpu_support = value


class DockerEnvironment(DockerSection):
    """`DockerSection` under its name in older versions of Azure's SDK."""

    def __init__(self) -> None:
        super().__init__()


class PythonSection(RunConfigElement):
    """The Python interpreter of an environment and its packages.

    Attributes:
        user_managed_dependencies: Whether the interpreter is used with the packages that it has.
        interpreter_path: The path of that interpreter.
        conda_dependencies: The packages to install otherwise.
        conda_dependencies_file: A conda file, which a run uses if `conda_dependencies` is unchanged.
    """

    _keeps_keys: ClassVar[bool] = False
    _fields = (
        "user_managed_dependencies",
        "interpreter_path",
        "conda_dependencies_file",
        "_base_conda_environment",
        "conda_dependencies",
    )

    def __init__(self, **kwargs: Any) -> None:
        self.user_managed_dependencies = False
        self.interpreter_path: str | None = "python"
        self.conda_dependencies_file: str | None = None
        self._base_conda_environment: str | None = None
        self.conda_dependencies: CondaDependencies | None = CondaDependencies()

    def _to_document(self, *, for_file: bool = False) -> "dict[str, Any]":
        """Return the section as a JSON-compatible dict, without its packages if they are only in a conda file."""
        document = super()._to_document(for_file=for_file)
        conda = document.pop("condaDependencies")
        if conda is not None and not self._is_only_in_conda_file():
            document["condaDependencies"] = conda._to_mapping()
            document["condaDependenciesFile"] = None
        return document

    def _is_only_in_conda_file(self) -> bool:
        """Return whether the packages are specified only in the conda file."""
        conda = self.conda_dependencies
        return bool(self.conda_dependencies_file) and (conda is None or conda._is_default())

    def _load_field(self, attribute_name: str, value: Any, key_path: str) -> None:
        if attribute_name == "conda_dependencies" and value is not None:
            value = CondaDependencies(_underlying_structure=value)
        super()._load_field(attribute_name, value, key_path)

    @classmethod
    def _from_document(cls, document: Any, location: str = "") -> Any:
        section = super()._from_document(document, location)
        if not document.get("condaDependencies"):
            section.conda_dependencies = None
        return section


class PythonEnvironment(PythonSection):
    """`PythonSection` under its name in older versions of Azure's SDK."""

    def __init__(self) -> None:
        super().__init__()


class SparkPackage(RunConfigElement):
    """A Spark package, by its Maven coordinates."""

    _fields = ("group", "artifact", "version")

    def __init__(self, group: "str | None" = None, artifact: "str | None" = None, version: "str | None" = None) -> None:
        self.group = group
        self.artifact = artifact
        self.version = version


class SparkSection(RunConfigElement):
    """The Spark packages of an environment."""

    _keeps_keys: ClassVar[bool] = False
    _fields = ("repositories", "packages", "precache_packages")
    _lists_of: ClassVar[Kinds] = {"packages": SparkPackage}

    def __init__(self, **kwargs: Any) -> None:
        self.repositories: list[str] = []
        self.packages: list[SparkPackage] = []
        self.precache_packages = True


class SparkEnvironment(SparkSection):
    """`SparkSection` under its name in older versions of Azure's SDK."""

    def __init__(self) -> None:
        super().__init__()


class RCranPackage(RunConfigElement):
    """An R package from CRAN."""

    _fields = ("name", "version", "repository")

    def __init__(self) -> None:
        self.name: str | None = None
        self.version: str | None = None
        self.repository: str | None = None


class RGitHubPackage(RunConfigElement):
    """An R package from GitHub."""

    _fields = ("repository", "auth_token")

    def __init__(self) -> None:
        self.repository: str | None = None
        self.auth_token: str | None = None


class RSection(RunConfigElement):
    """The R version and packages of an environment; submitting a run that needs R is refused."""

    _fields = (
        "r_version",
        "user_managed",
        "rscript_path",
        "snapshot_date",
        "cran_packages",
        "github_packages",
        "custom_url_packages",
        "bioconductor_packages",
    )
    _lists_of: ClassVar[Kinds] = {"cran_packages": RCranPackage, "github_packages": RGitHubPackage}

    def __init__(self) -> None:
        self.r_version: str | None = None
        self.user_managed = False
        self.rscript_path: str | None = None
        self.snapshot_date: str | None = None
        self.cran_packages: list[RCranPackage] | None = None
        self.github_packages: list[RGitHubPackage] | None = None
        self.custom_url_packages: list[str] | None = None
        self.bioconductor_packages: list[str] | None = None
