"""Data Lake Analytics: described, never made, since runs run on this machine."""

from __future__ import annotations

from typing import Any

from azureml.core.compute.compute import (
    ComputeTarget,
    ComputeTargetAttachConfiguration,
    ComputeTargetException,
    not_here,
)

__all__ = [
    "AdlaCompute",
    "ComputeTarget",
    "ComputeTargetException",
    "DataLakeAnalyticsAttachConfiguration",
]


class DataLakeAnalyticsAttachConfiguration(ComputeTargetAttachConfiguration):
    """An account of Data Lake Analytics."""

    def __init__(
        self,
        resource_group: str | None = None,
        account_name: str | None = None,
        resource_id: str | None = None,
    ) -> None:
        super().__init__(AdlaCompute)
        self.resource_group = resource_group
        self.account_name = account_name
        self.resource_id = resource_id


class AdlaCompute(ComputeTarget):
    """Data Lake Analytics; refused wherever one would be made."""

    _compute_type = "DataLakeAnalytics"

    @staticmethod
    def attach_configuration(
        resource_group: str | None = None,
        account_name: str | None = None,
        resource_id: str | None = None,
    ) -> DataLakeAnalyticsAttachConfiguration:
        """What `ComputeTarget.attach` takes, and refuses."""
        return DataLakeAnalyticsAttachConfiguration(resource_group, account_name, resource_id)

    @staticmethod
    def attach(workspace: Any, name: str, resource_id: str) -> ComputeTarget:
        """Refused: raises ComputeTargetException."""
        raise not_here(DataLakeAnalyticsAttachConfiguration(resource_id=resource_id), name, "AdlaCompute.attach(…)")
