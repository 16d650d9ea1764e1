"""BatchAiCompute, the class of clusters in 2018, before AmlCompute replaced it."""

from typing import Any

from azureml.core.compute.amlcompute import AmlCompute, AmlComputeProvisioningConfiguration

__all__ = ["BatchAiCompute"]


class BatchAiCompute(AmlCompute):
    """The older name of AmlCompute; creating or looking up a target returns an instance of AmlCompute."""

    _compute_type = None  # type: ignore[assignment]  # no kind of its own is registered

    def __new__(cls, workspace: Any, name: str) -> Any:
        """Return the existing target with this name."""
        return AmlCompute(workspace, name)

    @staticmethod
    def provisioning_configuration(  # type: ignore[override]
        vm_size: str = "",
        vm_priority: str = "dedicated",
        autoscale_enabled: bool = True,
        cluster_min_nodes: "int | None" = 0,
        cluster_max_nodes: "int | None" = None,
        tags: "dict[str, str] | None" = None,
        description: "str | None" = None,
        **others: Any,
    ) -> AmlComputeProvisioningConfiguration:
        """Return the configuration of an AmlCompute, by default with one node; network and users are not stored.

        Raises:
            ComputeTargetException: The numbers of nodes are invalid.
        """
        most = cluster_min_nodes or 1 if cluster_max_nodes is None else cluster_max_nodes
        return AmlCompute.provisioning_configuration(
            vm_size, vm_priority, cluster_min_nodes or 0, most, tags=tags, description=description
        )
