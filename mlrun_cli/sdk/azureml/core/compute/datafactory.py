"""Azure Data Factory: described, never made, since runs run on this machine."""

from azureml.core.compute._other_machines import Attachable, AttachConfiguration, ProvisioningConfiguration
from azureml.core.compute.compute import ComputeTarget, ComputeTargetException

__all__ = [
    "ComputeTarget",
    "ComputeTargetException",
    "DataFactoryAttachConfiguration",
    "DataFactoryCompute",
    "DataFactoryProvisioningConfiguration",
]


class DataFactoryProvisioningConfiguration(ProvisioningConfiguration, takes="location=None"):
    """A factory that is to be made."""


class DataFactoryAttachConfiguration(
    AttachConfiguration,
    takes="resource_group=None, factory_name=None, resource_id=None",
):
    """A factory in Azure."""


class DataFactoryCompute(Attachable):
    """Azure Data Factory; refused wherever one would be made."""

    _compute_type = "DataFactory"
    provisioning_configuration = DataFactoryProvisioningConfiguration
    attach_configuration = DataFactoryAttachConfiguration
