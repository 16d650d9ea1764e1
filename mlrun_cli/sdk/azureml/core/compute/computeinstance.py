"""ComputeInstance: in Azure a notebook VM, here this machine under the instance's name."""

import json
from datetime import datetime
from typing import Any

from azureml._unsupported import StoredArguments
from azureml.core.compute._this_machine import ThisMachineTarget, extract_kind_properties
from azureml.core.compute.compute import (
    ComputeTarget,
    ComputeTargetException,
    ComputeTargetProvisioningConfiguration,
    format_time,
    print_lines,
)

__all__ = [
    "ComputeInstance",
    "ComputeInstanceProvisioningConfiguration",
    "ComputeInstanceStatus",
    "ComputeTarget",
    "ComputeTargetException",
]

_RUNNING, _STOPPED = "Running", "Stopped"
_UNSET = (
    "admin_user_ssh_public_key",
    "ssh_port",
    "subnet_id",
    "public_ip_address",
    "private_ip_address",
    "assigned_user_object_id",
    "assigned_user_tenant_id",
)


class ComputeInstanceStatus:
    """The status of an instance, `Running` or, after `stop()`, `Stopped`; it does not affect runs."""

    def __init__(
        self,
        creation_time: "datetime | None",
        created_by_user_name: "str | None",
        created_by_user_id: "str | None",
        created_by_user_org: "str | None",
        errors: Any,
        modified_time: "datetime | None",
        state: str,
        vm_size: "str | None",
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

    def serialize(self) -> "dict[str, Any]":
        """Return the status as a JSON-compatible dict in Azure's format."""
        return {
            "errors": self.errors,
            "creationTime": format_time(self.creation_time),
            "createdBy": {
                "userObjectId": self.created_by_user_id,
                "userTenantId": self.created_by_user_org,
                "userName": self.created_by_user_name,
            },
            "modifiedTime": format_time(self.modified_time),
            "state": self.state,
            "vmSize": self.vm_size,
        }


class ComputeInstanceProvisioningConfiguration(
    StoredArguments,
    ComputeTargetProvisioningConfiguration,
    takes="vm_size='', ssh_public_access=False, admin_user_ssh_public_key=None, vnet_resourcegroup_name=None, "
    "vnet_name=None, subnet_name=None, tags=None, description=None, assigned_user_object_id=None, "
    "assigned_user_tenant_id=None",
):
    """A configuration for `ComputeTarget.create`; its network and user settings are not stored."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.vm_size = vars(self)["vm_size"] or "Standard_DS3_V2"


class ComputeInstance(ThisMachineTarget):
    """A target with the name of a compute instance; its runs are executed on this machine."""

    _compute_type = "ComputeInstance"
    provisioning_configuration = ComputeInstanceProvisioningConfiguration

    @classmethod
    def _create(
        cls, workspace: Any, name: str, configuration: ComputeInstanceProvisioningConfiguration
    ) -> ComputeTarget:
        properties = {"vmSize": configuration.vm_size, "state": _RUNNING}
        return cls._register(workspace, name, properties, configuration)

    def __repr__(self) -> str:
        return f"ComputeInstance {json.dumps(self.serialize(), indent=2)}"

    def _load_document(self, document: "dict[str, Any]") -> None:
        super()._load_document(document)
        vars(self).update(dict.fromkeys(_UNSET), ssh_public_access=False, applications=[], errors=[])
        self.status = ComputeInstanceStatus(
            creation_time=self.created_on,
            created_by_user_name=None,
            created_by_user_id=None,
            created_by_user_org=None,
            errors=[],
            modified_time=self.modified_on,
            state=extract_kind_properties(document).get("state", _RUNNING),
            vm_size=self.vm_size,
        )

    def serialize(self) -> "dict[str, Any]":
        """Return the target as a JSON-compatible dict in Azure's format."""
        document = super().serialize()
        document["properties"]["properties"].update(
            applications=[],
            connectivityEndpoints={"publicIpAddress": None, "privateIpAddress": None},
            sshSettings={"sshPublicAccess": "Disabled", "adminUserName": None, "adminPublicKey": None, "sshPort": None},
            personalComputeInstanceSettings=None,
            subnet={"id": None},
            errors=[],
            state=self.status.state,
        )
        return document

    def start(self, wait_for_completion: bool = False, show_output: bool = False) -> None:
        """Set the state to `Running` and, with `show_output`, print the state; nothing else changes."""
        self._set_state(_RUNNING, show_output)

    def stop(self, wait_for_completion: bool = False, show_output: bool = False) -> None:
        """Set the state to `Stopped` and, with `show_output`, print the state; submitted runs are still executed."""
        self._set_state(_STOPPED, show_output)

    def restart(self, wait_for_completion: bool = False, show_output: bool = False) -> None:
        """Set the state to `Running` and, with `show_output`, print the state; nothing else changes."""
        self._set_state(_RUNNING, show_output)

    def _set_state(self, state: str, show_output: bool) -> None:
        self._update_properties(state=state)
        if show_output:
            print_lines(state)

    def delete(self, wait_for_completion: bool = False, show_output: bool = False) -> None:
        """Delete the target; runs that were submitted to it are not affected.

        Raises:
            ComputeTargetException: The target has already been deleted.
        """
        super().delete()

    def update_sso_settings(self, value: bool) -> None:
        """Accept and ignore the setting, since no login is needed."""
