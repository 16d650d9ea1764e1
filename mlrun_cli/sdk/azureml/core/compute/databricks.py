"""Azure Databricks: described, never made, since runs run on this machine."""

from azureml.core.compute._other_machines import Attachable, AttachConfiguration, Locked
from azureml.core.compute.compute import ComputeTarget, ComputeTargetException

__all__ = ["ComputeTarget", "ComputeTargetException", "DatabricksAttachConfiguration", "DatabricksCompute"]


class DatabricksAttachConfiguration(
    AttachConfiguration,
    takes="resource_group=None, workspace_name=None, resource_id=None, access_token=''",
):
    """A workspace of Databricks."""


class DatabricksCompute(Attachable, Locked):
    """Azure Databricks; refused wherever one would be made."""

    _compute_type = "Databricks"
    attach_configuration = DatabricksAttachConfiguration
