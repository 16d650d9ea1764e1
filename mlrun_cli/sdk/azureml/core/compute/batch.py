"""Azure Batch: described, never made, since runs run on this machine."""

from __future__ import annotations

from azureml.core.compute.compute import (
    ComputeTarget,
    ComputeTargetAttachConfiguration,
    ComputeTargetException,
)

__all__ = [
    "BatchAttachConfiguration",
    "BatchCompute",
    "ComputeTarget",
    "ComputeTargetException",
]


class BatchAttachConfiguration(ComputeTargetAttachConfiguration):
    """An account of Azure Batch."""

    def __init__(
        self,
        resource_group: str | None = None,
        account_name: str | None = None,
        resource_id: str | None = None,
    ) -> None:
        super().__init__(BatchCompute)
        self.resource_group = resource_group
        self.account_name = account_name
        self.resource_id = resource_id


class BatchCompute(ComputeTarget):
    """Azure Batch; refused wherever one would be made."""

    _compute_type = "Batch"

    @staticmethod
    def attach_configuration(
        resource_group: str | None = None,
        account_name: str | None = None,
        resource_id: str | None = None,
    ) -> BatchAttachConfiguration:
        """What `ComputeTarget.attach` takes, and refuses."""
        return BatchAttachConfiguration(resource_group, account_name, resource_id)
