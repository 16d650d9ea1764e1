"""The Databricks section of an environment; submitting a run that needs Databricks is refused."""

from typing import Any, ClassVar

import azureml._package_guard  # noqa: F401 - has to come before anything that could be the other package's
from azureml.core._run_config_element import Kinds, RunConfigElement

__all__ = [
    "DatabricksCluster",
    "DatabricksEnvironment",
    "DatabricksSection",
    "EggLibrary",
    "JarLibrary",
    "MavenLibrary",
    "PyPiLibrary",
    "RCranLibrary",
]


class MavenLibrary(RunConfigElement):
    """A Maven library."""

    _fields = ("coordinates", "repo", "exclusions")

    def __init__(
        self, coordinates: "str | None" = None, repo: "str | None" = None, exclusions: "list[str] | None" = None
    ) -> None:
        self.coordinates = coordinates or ""
        self.repo = repo or ""
        self.exclusions = exclusions or []


class PyPiLibrary(RunConfigElement):
    """A PyPI package."""

    _fields = ("package", "repo")

    def __init__(self, package: "str | None" = None, repo: "str | None" = None) -> None:
        self.package = package or ""
        self.repo = repo or ""


class RCranLibrary(RunConfigElement):
    """An R package from CRAN."""

    _fields = ("package", "repo")

    def __init__(self, package: "str | None" = None, repo: "str | None" = None) -> None:
        self.package = package or ""
        self.repo = repo or ""


class JarLibrary(RunConfigElement):
    """A JAR library."""

    _fields = ("library",)

    def __init__(self, library: "str | None" = None) -> None:
        self.library = library or ""


class EggLibrary(RunConfigElement):
    """A Python egg library."""

    _fields = ("library",)

    def __init__(self, library: "str | None" = None) -> None:
        self.library = library or ""


class DatabricksCluster(RunConfigElement):
    """An existing Databricks cluster, or the configuration of a new one."""

    _fields = (
        "existing_cluster_id",
        "spark_version",
        "node_type",
        "instance_pool_id",
        "num_workers",
        "min_workers",
        "max_workers",
        "spark_env_variables",
        "spark_conf",
        "init_scripts",
        "cluster_log_dbfs_path",
        "permit_cluster_restart",
    )

    def __init__(
        self,
        existing_cluster_id: "str | None" = None,
        spark_version: "str | None" = None,
        node_type: "str | None" = None,
        instance_pool_id: "str | None" = None,
        num_workers: "int | None" = None,
        min_workers: "int | None" = None,
        max_workers: "int | None" = None,
        spark_env_variables: "dict[str, str] | None" = None,
        spark_conf: "dict[str, str] | None" = None,
        init_scripts: "list[str] | None" = None,
        cluster_log_dbfs_path: "str | None" = None,
        permit_cluster_restart: "bool | None" = None,
    ) -> None:
        self.existing_cluster_id = existing_cluster_id
        self.spark_version = spark_version
        self.node_type = node_type
        self.instance_pool_id = instance_pool_id
        self.num_workers = num_workers
        self.min_workers = min_workers
        self.max_workers = max_workers
        self.spark_env_variables = spark_env_variables
        self.spark_conf = spark_conf
        self.init_scripts = init_scripts
        self.cluster_log_dbfs_path = cluster_log_dbfs_path
        self.permit_cluster_restart = permit_cluster_restart


class DatabricksSection(RunConfigElement):
    """The Databricks libraries and cluster of an environment."""

    _keeps_keys: ClassVar[bool] = False
    _fields = ("maven_libraries", "pypi_libraries", "rcran_libraries", "jar_libraries", "egg_libraries", "cluster")
    _left_out = frozenset({"cluster"})
    _kinds: ClassVar[Kinds] = {"cluster": DatabricksCluster}
    _lists_of: ClassVar[Kinds] = {
        "maven_libraries": MavenLibrary,
        "pypi_libraries": PyPiLibrary,
        "rcran_libraries": RCranLibrary,
        "jar_libraries": JarLibrary,
        "egg_libraries": EggLibrary,
    }

    def __init__(self, _skip_defaults: bool = False) -> None:
        self.maven_libraries: list[Any] = []
        self.pypi_libraries: list[Any] = []
        self.rcran_libraries: list[Any] = []
        self.jar_libraries: list[Any] = []
        self.egg_libraries: list[Any] = []
        self.cluster: DatabricksCluster | None = None


class DatabricksEnvironment(DatabricksSection):
    """`DatabricksSection` under its name in older versions of Azure's SDK."""

    def __init__(self) -> None:
        super().__init__()
