"""ComputeInstance: in Azure a machine for notebooks, here this machine under the instance's name."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from azureml.core.compute.amlcompute import AmlCompute
from azureml.core.compute.compute import (
    ComputeTarget,
    ComputeTargetException,
    ComputeTargetProvisioningConfiguration,
    say,
    text_of,
)

__all__ = [
    "ComputeInstance",
    "ComputeInstanceProvisioningConfiguration",
    "ComputeInstanceStatus",
    "ComputeTarget",
    "ComputeTargetException",
]

_RUNNING, _STOPPED = "Running", "Stopped"


class ComputeInstanceStatus:
    """Where an instance stands: `Running`, or `Stopped` after `stop()`, which changes nothing for runs."""

    def __init__(
        self,
        creation_time: datetime | None,
        created_by_user_name: str | None,
        created_by_user_id: str | None,
        created_by_user_org: str | None,
        errors: Any,
        modified_time: datetime | None,
        state: str,
        vm_size: str | None,
    ) -> None:
        self.creation_time = creation_time
        self.created_by_user_name = created_by_user_name
        self.created_by_user_id = created_by_user_id
        self.created_by_user_org = created_by_user_org
        self.errors = errors
        self.modified_time = modified_time
        self.state = state
        self.vm_size = vm_size

    def __repr__(self) -> str:
        return json.dumps(self.serialize(), indent=2)

    def serialize(self) -> dict[str, Any]:
        """As a document of Azure's form."""
        return {
            "errors": self.errors,
            "creationTime": text_of(self.creation_time),
            "createdBy": {
                "userObjectId": self.created_by_user_id,
                "userTenantId": self.created_by_user_org,
                "userName": self.created_by_user_name,
            },
            "modifiedTime": text_of(self.modified_time),
            "state": self.state,
            "vmSize": self.vm_size,
        }


class ComputeInstanceProvisioningConfiguration(ComputeTargetProvisioningConfiguration):
    """What an instance that is to be made should be like; what names a network or a user is never sent."""

    def __init__(
        self,
        vm_size: str = "",
        ssh_public_access: bool = False,
        admin_user_ssh_public_key: str | None = None,
        vnet_resourcegroup_name: str | None = None,
        vnet_name: str | None = None,
        subnet_name: str | None = None,
        tags: dict[str, str] | None = None,
        description: str | None = None,
        assigned_user_object_id: str | None = None,
        assigned_user_tenant_id: str | None = None,
    ) -> None:
        super().__init__(ComputeInstance, None)
        self.vm_size = vm_size or "Standard_DS3_V2"
        self.ssh_public_access = ssh_public_access
        self.admin_user_ssh_public_key = admin_user_ssh_public_key
        self.vnet_resourcegroup_name = vnet_resourcegroup_name
        self.vnet_name = vnet_name
        self.subnet_name = subnet_name
        self.tags = tags
        self.description = description
        self.assigned_user_object_id = assigned_user_object_id
        self.assigned_user_tenant_id = assigned_user_tenant_id


class ComputeInstance(ComputeTarget):
    """A target named as an instance; its runs run on this machine."""

    _compute_type = "ComputeInstance"

    @staticmethod
    def provisioning_configuration(
        vm_size: str = "",
        ssh_public_access: bool = False,
        admin_user_ssh_public_key: str | None = None,
        vnet_resourcegroup_name: str | None = None,
        vnet_name: str | None = None,
        subnet_name: str | None = None,
        tags: dict[str, str] | None = None,
        description: str | None = None,
        assigned_user_object_id: str | None = None,
        assigned_user_tenant_id: str | None = None,
    ) -> ComputeInstanceProvisioningConfiguration:
        """What `ComputeTarget.create` takes; a size is kept as it is said, and changes nothing."""
        return ComputeInstanceProvisioningConfiguration(
            vm_size,
            ssh_public_access,
            admin_user_ssh_public_key,
            vnet_resourcegroup_name,
            vnet_name,
            subnet_name,
            tags,
            description,
            assigned_user_object_id,
            assigned_user_tenant_id,
        )

    @classmethod
    def _create(
        cls, workspace: Any, name: str, configuration: ComputeInstanceProvisioningConfiguration
    ) -> ComputeTarget:
        properties = {"vmSize": configuration.vm_size, "state": _RUNNING}
        return cls._created(workspace, name, properties, configuration)

    def __repr__(self) -> str:
        return f"ComputeInstance {json.dumps(self.serialize(), indent=2)}"

    def _take(self, document: dict[str, Any]) -> None:
        super()._take(document)
        own = document["properties"].get("properties") or {}
        self.vm_size: str | None = own.get("vmSize")
        self.ssh_public_access = False
        self.admin_username: str | None = None
        self.admin_user_ssh_public_key: str | None = None
        self.ssh_port: int | None = None
        self.vnet_resourcegroup_name: str | None = None
        self.vnet_name: str | None = None
        self.subnet_name: str | None = None
        self.subnet_id: str | None = None
        self.public_ip_address: str | None = None
        self.private_ip_address: str | None = None
        self.assigned_user_object_id: str | None = None
        self.assigned_user_tenant_id: str | None = None
        self.applications: Any = []
        self.errors: Any = []
        self.status = ComputeInstanceStatus(
            creation_time=self.created_on,
            created_by_user_name=None,
            created_by_user_id=None,
            created_by_user_org=None,
            errors=[],
            modified_time=self.modified_on,
            state=own.get("state", _RUNNING),
            vm_size=self.vm_size,
        )

    def serialize(self) -> dict[str, Any]:
        """The target as a document of Azure's form, which can be written as JSON."""
        document = super().serialize()
        document["properties"]["properties"] = {
            "vmSize": self.vm_size,
            "applications": [],
            "connectivityEndpoints": {"publicIpAddress": None, "privateIpAddress": None},
            "sshSettings": {
                "sshPublicAccess": "Disabled",
                "adminUserName": None,
                "adminPublicKey": None,
                "sshPort": None,
            },
            "personalComputeInstanceSettings": None,
            "subnet": {"id": None},
            "errors": [],
            "state": self.status.state,
        }
        document["properties"]["status"] = self.status.serialize()
        return document

    def get(self) -> dict[str, Any]:
        """What `serialize()` gives, looked up anew."""
        self.refresh_state()
        return self.serialize()

    def get_status(self) -> ComputeInstanceStatus:
        """Where it stands, looked up anew."""
        self.refresh_state()
        return self.status

    def start(self, wait_for_completion: bool = False, show_output: bool = False) -> None:
        """Say that the instance is running."""
        self._set_state(_RUNNING, show_output)

    def stop(self, wait_for_completion: bool = False, show_output: bool = False) -> None:
        """Say that the instance is stopped; runs that are sent to it run on this machine all the same."""
        self._set_state(_STOPPED, show_output)

    def restart(self, wait_for_completion: bool = False, show_output: bool = False) -> None:
        """Say that the instance is running."""
        self._set_state(_RUNNING, show_output)

    def _set_state(self, state: str, show_output: bool) -> None:
        self._change(state=state)
        if show_output:
            say(state)

    def delete(self, wait_for_completion: bool = False, show_output: bool = False) -> None:
        """Delete the target; runs that were sent to it stay as they are.

        Raises:
            ComputeTargetException: It has been deleted before.
        """
        super().delete()

    def get_active_runs(
        self,
        type: str | None = None,
        tags: Any = None,
        properties: Any = None,
        status: str | None = None,
    ) -> Any:
        """The runs that were sent to this target and have not ended, newest first, as they are asked for."""
        return self._active_runs({"type": type, "tags": tags, "properties": properties, "status": status})

    def update_sso_settings(self, value: bool) -> None:
        """Accept it: nobody has to log in."""

    @staticmethod
    def supported_vmsizes(workspace: Any, location: str | None = None) -> Any:
        """A list of one machine, this one, with Azure's keys."""
        return AmlCompute.supported_vmsizes(workspace, location)
