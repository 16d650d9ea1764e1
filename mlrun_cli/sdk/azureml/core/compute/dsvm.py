"""Data Science Virtual Machines: described, never made, since runs run on this machine."""

from azureml.core.compute._other_machines import Locked, ProvisioningConfiguration
from azureml.core.compute.compute import ComputeTarget, ComputeTargetException

__all__ = ["ComputeTarget", "ComputeTargetException", "DsvmCompute", "DsvmProvisioningConfiguration"]


class DsvmProvisioningConfiguration(ProvisioningConfiguration, takes="vm_size=None, ssh_port=None, location=None"):
    """A machine that is to be made."""


class DsvmCompute(Locked):
    """A Data Science Virtual Machine; refused wherever one would be made."""

    _compute_type = "VirtualMachine"
    provisioning_configuration = DsvmProvisioningConfiguration
