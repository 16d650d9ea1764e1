"""Sections of run configurations whose values are kept and have no logic."""

from typing import Any, ClassVar

from azureml.core._run_config_element import RunConfigElement


class HistoryConfiguration(RunConfigElement):
    """Options for storing a run's history, which is always stored completely here."""

    _keeps_keys: ClassVar[bool] = False
    _fields = ("output_collection", "snapshot_project", "directories_to_watch", "_ambient_authentication")
    _left_out = frozenset({"_ambient_authentication"})

    def __init__(self) -> None:
        self.output_collection = True
        self.snapshot_project = True
        self.directories_to_watch = ["logs"]
        self._ambient_authentication: Any = None


class SparkConfiguration(RunConfigElement):
    """The Spark settings of a run."""

    _keeps_keys: ClassVar[bool] = False
    _fields = ("configuration",)

    def __init__(self) -> None:
        self.configuration: dict[str, Any] = {
            "spark.app.name": "Azure ML Experiment",
            "spark.yarn.maxAppAttempts": 1,
        }


class HdiConfiguration(RunConfigElement):
    """The HDInsight settings of a run."""

    _keeps_keys: ClassVar[bool] = False
    _fields = ("yarn_deploy_mode",)

    def __init__(self) -> None:
        self.yarn_deploy_mode = "cluster"


class ParallelTaskConfiguration(RunConfigElement):
    """The worker settings of a parallel task."""

    _keeps_keys: ClassVar[bool] = False
    _fields = ("max_retries_per_worker", "worker_count_per_node", "terminal_exit_codes")

    def __init__(self) -> None:
        self.max_retries_per_worker = 0
        self.worker_count_per_node = 1
        self.terminal_exit_codes: list[int] | None = None


class AmlComputeConfiguration(RunConfigElement):
    """The settings of a cluster that Azure creates for a run; no cluster is created here."""

    _keeps_keys: ClassVar[bool] = False
    _fields = ("vm_size", "vm_priority", "_retain_cluster", "_name", "_cluster_max_node_count")

    def __init__(self) -> None:
        self.vm_size: str | None = None
        self.vm_priority: str | None = None
        self._retain_cluster = False
        self._name: str | None = None
        self._cluster_max_node_count: int | None = None


class KubernetesComputeConfiguration(RunConfigElement):
    """The Kubernetes settings of a run."""

    _keeps_keys: ClassVar[bool] = False
    _fields = ("instance_type",)

    def __init__(self) -> None:
        self.instance_type: str | None = None


class ApplicationEndpointConfiguration(RunConfigElement):
    """The settings of a published port of a run; no port is published here."""

    _fields = ("type", "port", "properties")

    def __init__(
        self, type: "str | None" = None, port: "int | None" = None, properties: "dict[str, str] | None" = None
    ) -> None:
        self.type = type
        self.port = port
        self.properties = properties
