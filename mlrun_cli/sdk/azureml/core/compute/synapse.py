"""A Spark pool of Synapse: described, never made, since runs run on this machine."""

from azureml.core.compute._other_machines import AttachConfiguration
from azureml.core.compute.compute import ComputeTarget, ComputeTargetException

__all__ = ["ComputeTarget", "ComputeTargetException", "SynapseAttachConfiguration", "SynapseCompute"]


class SynapseAttachConfiguration(AttachConfiguration, takes="linked_service, type, pool_name"):
    """A Spark pool of Synapse."""


class SynapseCompute(ComputeTarget):
    """A Spark pool of Synapse; refused wherever one would be made."""

    _compute_type = "SynapseSpark"
    attach_configuration = SynapseAttachConfiguration
