"""A machine reached by SSH: described, never made, since runs run on this machine."""

from azureml.core.compute._other_machines import Attachable, AttachConfiguration, Locked
from azureml.core.compute.compute import ComputeTarget, ComputeTargetException

__all__ = ["ComputeTarget", "ComputeTargetException", "RemoteCompute", "RemoteComputeAttachConfiguration"]


class RemoteComputeAttachConfiguration(
    AttachConfiguration,
    takes="username, subscription_id=None, resource_group=None, vm_name=None, resource_id=None, address=None, "
    "ssh_port=22, password='', private_key_file='', private_key_passphrase=''",
):
    """A machine reached by SSH."""


class RemoteCompute(Attachable, Locked):
    """A machine reached by SSH; refused wherever one would be made."""

    _compute_type = "VirtualMachine"
    attach_configuration = RemoteComputeAttachConfiguration
