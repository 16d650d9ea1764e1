"""Azure Data Factory: described, never made, since runs run on this machine."""

from __future__ import annotations

from typing import Any

from azureml.core.compute.compute import (
    ComputeTarget,
    ComputeTargetAttachConfiguration,
    ComputeTargetException,
    ComputeTargetProvisioningConfiguration,
    not_here,
)

__all__ = [
    "ComputeTarget",
    "ComputeTargetException",
    "DataFactoryAttachConfiguration",
    "DataFactoryCompute",
    "DataFactoryProvisioningConfiguration",
]


class DataFactoryProvisioningConfiguration(ComputeTargetProvisioningConfiguration):
    """A factory that is to be made."""

    def __init__(self, location: str | None) -> None:
        super().__init__(DataFactoryCompute, location)


class DataFactoryAttachConfiguration(ComputeTargetAttachConfiguration):
    """A factory in Azure."""

    def __init__(
        self,
        resource_group: str | None = None,
        factory_name: str | None = None,
        resource_id: str | None = None,
    ) -> None:
        super().__init__(DataFactoryCompute)
        self.resource_group = resource_group
        self.factory_name = factory_name
        self.resource_id = resource_id


class DataFactoryCompute(ComputeTarget):
    """Azure Data Factory; refused wherever one would be made."""

    _compute_type = "DataFactory"

    @staticmethod
    def provisioning_configuration(location: str | None = None) -> DataFactoryProvisioningConfiguration:
        """What `ComputeTarget.create` takes, and refuses."""
        return DataFactoryProvisioningConfiguration(location)

    @staticmethod
    def attach_configuration(
        resource_group: str | None = None,
        factory_name: str | None = None,
        resource_id: str | None = None,
    ) -> DataFactoryAttachConfiguration:
        """What `ComputeTarget.attach` takes, and refuses."""
        return DataFactoryAttachConfiguration(resource_group, factory_name, resource_id)

    @staticmethod
    def attach(workspace: Any, name: str, resource_id: str) -> ComputeTarget:
        """Refused: raises ComputeTargetException."""
        raise not_here(DataFactoryAttachConfiguration(resource_id=resource_id), name, "DataFactoryCompute.attach(…)")
