"""Data Lake Analytics: described, never made, since runs run on this machine."""

from azureml.core.compute._other_machines import Attachable, AttachConfiguration
from azureml.core.compute.compute import ComputeTarget, ComputeTargetException

__all__ = ["AdlaCompute", "ComputeTarget", "ComputeTargetException", "DataLakeAnalyticsAttachConfiguration"]


class DataLakeAnalyticsAttachConfiguration(
    AttachConfiguration,
    takes="resource_group=None, account_name=None, resource_id=None",
):
    """An account of Data Lake Analytics."""


class AdlaCompute(Attachable):
    """Data Lake Analytics; refused wherever one would be made."""

    _compute_type = "DataLakeAnalytics"
    attach_configuration = DataLakeAnalyticsAttachConfiguration
