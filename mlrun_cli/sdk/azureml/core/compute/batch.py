"""Azure Batch: described, never made, since runs run on this machine."""

from azureml.core.compute._other_machines import AttachConfiguration
from azureml.core.compute.compute import ComputeTarget, ComputeTargetException

__all__ = ["BatchAttachConfiguration", "BatchCompute", "ComputeTarget", "ComputeTargetException"]


class BatchAttachConfiguration(AttachConfiguration, takes="resource_group=None, account_name=None, resource_id=None"):
    """An account of Azure Batch."""


class BatchCompute(ComputeTarget):
    """Azure Batch; refused wherever one would be made."""

    _compute_type = "Batch"
    attach_configuration = BatchAttachConfiguration
