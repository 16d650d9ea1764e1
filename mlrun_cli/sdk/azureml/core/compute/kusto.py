"""A Kusto cluster: described, never made, since runs run on this machine."""

from azureml.core.compute._other_machines import AttachConfiguration, Locked
from azureml.core.compute.compute import ComputeTarget, ComputeTargetException

__all__ = ["ComputeTarget", "ComputeTargetException", "KustoAttachConfiguration", "KustoCompute"]


class KustoAttachConfiguration(
    AttachConfiguration,
    takes="resource_group=None, workspace_name=None, resource_id=None, tenant_id=None, kusto_connection_string=None, "
    "application_id=None, application_key=None",
):
    """A cluster of Kusto."""


class KustoCompute(Locked):
    """A Kusto cluster; refused wherever one would be made."""

    _compute_type = "Kusto"
    attach_configuration = KustoAttachConfiguration
