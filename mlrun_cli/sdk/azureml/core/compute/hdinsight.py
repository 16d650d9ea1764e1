"""A cluster of HDInsight: described, never made, since runs run on this machine."""

from azureml.core.compute._other_machines import Attachable, AttachConfiguration, Locked
from azureml.core.compute.compute import ComputeTarget, ComputeTargetException

__all__ = ["ComputeTarget", "ComputeTargetException", "HDInsightAttachConfiguration", "HDInsightCompute"]


class HDInsightAttachConfiguration(
    AttachConfiguration,
    takes="username, subscription_id=None, resource_group=None, cluster_name=None, resource_id=None, address=None, "
    "ssh_port='22', password='', private_key_file='', private_key_passphrase=''",
):
    """A cluster of HDInsight."""


class HDInsightCompute(Attachable, Locked):
    """A cluster of HDInsight; refused wherever one would be made."""

    _compute_type = "HDInsight"
    attach_configuration = HDInsightAttachConfiguration
