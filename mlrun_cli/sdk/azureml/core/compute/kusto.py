"""A Kusto cluster: described, never made, since runs run on this machine."""

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
    "KustoAttachConfiguration",
    "KustoCompute",
]


class KustoAttachConfiguration(ComputeTargetAttachConfiguration):
    """A cluster of Kusto."""

    def __init__(
        self,
        resource_group: str | None = None,
        workspace_name: str | None = None,
        resource_id: str | None = None,
        tenant_id: str | None = None,
        kusto_connection_string: str | None = None,
        application_id: str | None = None,
        application_key: str | None = None,
    ) -> None:
        super().__init__(KustoCompute)
        self.resource_group = resource_group
        self.workspace_name = workspace_name
        self.resource_id = resource_id
        self.tenant_id = tenant_id
        self.kusto_connection_string = kusto_connection_string
        self.application_id = application_id
        self.application_key = application_key


class KustoCompute(ComputeTarget):
    """A Kusto cluster; refused wherever one would be made."""

    _compute_type = "Kusto"

    @staticmethod
    def attach_configuration(
        resource_group: str | None = None,
        workspace_name: str | None = None,
        resource_id: str | None = None,
        tenant_id: str | None = None,
        kusto_connection_string: str | None = None,
        application_id: str | None = None,
        application_key: str | None = None,
    ) -> KustoAttachConfiguration:
        """What `ComputeTarget.attach` takes, and refuses."""
        return KustoAttachConfiguration(
            resource_group,
            workspace_name,
            resource_id,
            tenant_id,
            kusto_connection_string,
            application_id,
            application_key,
        )

    def get_credentials(self) -> Any:
        """Refused: raises ComputeTargetException."""
        raise not_here(None, self.name, "KustoCompute.get_credentials()")
