"""Azure Databricks: described, never made, since runs run on this machine."""

from __future__ import annotations

from typing import Any

from azureml.core.compute.compute import (
    ComputeTarget,
    ComputeTargetAttachConfiguration,
    ComputeTargetException,
    not_here,
)

__all__ = [
    "ComputeTarget",
    "ComputeTargetException",
    "DatabricksAttachConfiguration",
    "DatabricksCompute",
]


class DatabricksAttachConfiguration(ComputeTargetAttachConfiguration):
    """A workspace of Databricks."""

    def __init__(
        self,
        resource_group: str | None = None,
        workspace_name: str | None = None,
        resource_id: str | None = None,
        access_token: str = "",
    ) -> None:
        super().__init__(DatabricksCompute)
        self.resource_group = resource_group
        self.workspace_name = workspace_name
        self.resource_id = resource_id
        self.access_token = access_token


class DatabricksCompute(ComputeTarget):
    """Azure Databricks; refused wherever one would be made."""

    _compute_type = "Databricks"

    @staticmethod
    def attach_configuration(
        resource_group: str | None = None,
        workspace_name: str | None = None,
        resource_id: str | None = None,
        access_token: str = "",
    ) -> DatabricksAttachConfiguration:
        """What `ComputeTarget.attach` takes, and refuses."""
        return DatabricksAttachConfiguration(resource_group, workspace_name, resource_id, access_token)

    @staticmethod
    def attach(workspace: Any, name: str, resource_id: str, access_token: str) -> ComputeTarget:  # type: ignore[override]
        """Refused: raises ComputeTargetException."""
        raise not_here(DatabricksAttachConfiguration(resource_id=resource_id), name, "DatabricksCompute.attach(…)")

    def get_credentials(self) -> Any:
        """Refused: raises ComputeTargetException."""
        raise not_here(None, self.name, "DatabricksCompute.get_credentials()")
