"""AmlCompute: in Azure a cluster that grows and shrinks, here this machine under the cluster's name."""

from __future__ import annotations

import os
import re
from datetime import datetime
from typing import Any

from azureml.core.compute.compute import (
    ComputeTarget,
    ComputeTargetException,
    ComputeTargetProvisioningConfiguration,
    moment,
    say,
    text_of,
)

__all__ = [
    "AmlCompute",
    "AmlComputeNodeStateCounts",
    "AmlComputeProvisioningConfiguration",
    "AmlComputeStatus",
    "ComputeTarget",
    "ComputeTargetException",
    "ScaleSettings",
]

_DURATION = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?")


class ScaleSettings:
    """Between how many nodes a cluster moves, and after how many idle seconds it shrinks."""

    def __init__(
        self,
        minimum_node_count: int | None,
        maximum_node_count: int | None,
        idle_seconds_before_scaledown: int | None,
    ) -> None:
        self.minimum_node_count = minimum_node_count
        self.maximum_node_count = maximum_node_count
        self.idle_seconds_before_scaledown = idle_seconds_before_scaledown

    def serialize(self) -> dict[str, Any]:
        """As a document of Azure's form."""
        idle = self.idle_seconds_before_scaledown
        return {
            "minNodeCount": self.minimum_node_count,
            "maxNodeCount": self.maximum_node_count,
            "nodeIdleTimeBeforeScaleDown": None if idle is None else f"PT{idle}S",
        }

    @staticmethod
    def deserialize(object_dict: dict[str, Any]) -> ScaleSettings:
        """What such a document says."""
        duration = _DURATION.fullmatch(object_dict.get("nodeIdleTimeBeforeScaleDown") or "")
        parts = [0, 0, 0] if duration is None else [int(part or 0) for part in duration.groups()]
        idle = None if duration is None else parts[0] * 3600 + parts[1] * 60 + parts[2]
        return ScaleSettings(object_dict.get("minNodeCount"), object_dict.get("maxNodeCount"), idle)


class AmlComputeNodeStateCounts:
    """How many nodes are in which state."""

    def __init__(
        self,
        idle_node_count: int,
        leaving_node_count: int,
        preempted_node_count: int,
        preparing_node_count: int,
        running_node_count: int,
        unusable_node_count: int,
    ) -> None:
        self.idle_node_count = idle_node_count
        self.leaving_node_count = leaving_node_count
        self.preempted_node_count = preempted_node_count
        self.preparing_node_count = preparing_node_count
        self.running_node_count = running_node_count
        self.unusable_node_count = unusable_node_count

    def serialize(self) -> dict[str, int]:
        """As a document of Azure's form."""
        return {
            "preparingNodeCount": self.preparing_node_count,
            "runningNodeCount": self.running_node_count,
            "idleNodeCount": self.idle_node_count,
            "unusableNodeCount": self.unusable_node_count,
            "leavingNodeCount": self.leaving_node_count,
            "preemptedNodeCount": self.preempted_node_count,
        }


class AmlComputeStatus:
    """Where a cluster stands: always `Steady`, with as many idle nodes as it is never to have fewer of."""

    def __init__(
        self,
        allocation_state: str,
        allocation_state_transition_time: datetime | None,
        creation_time: datetime | None,
        current_node_count: int,
        errors: Any,
        modified_time: datetime | None,
        node_state_counts: AmlComputeNodeStateCounts,
        provisioning_state: str | None,
        provisioning_state_transition_time: datetime | None,
        scale_settings: ScaleSettings,
        target_node_count: int,
        vm_priority: str | None,
        vm_size: str | None,
    ) -> None:
        self.allocation_state = allocation_state
        self.allocation_state_transition_time = allocation_state_transition_time
        self.creation_time = creation_time
        self.current_node_count = current_node_count
        self.errors = errors
        self.modified_time = modified_time
        self.node_state_counts = node_state_counts
        self.provisioning_state = provisioning_state
        self.provisioning_state_transition_time = provisioning_state_transition_time
        self.scale_settings = scale_settings
        self.target_node_count = target_node_count
        self.vm_priority = vm_priority
        self.vm_size = vm_size

    def serialize(self) -> dict[str, Any]:
        """As a document of Azure's form."""
        return {
            "currentNodeCount": self.current_node_count,
            "targetNodeCount": self.target_node_count,
            "nodeStateCounts": self.node_state_counts.serialize(),
            "allocationState": self.allocation_state,
            "allocationStateTransitionTime": text_of(self.allocation_state_transition_time),
            "errors": self.errors,
            "creationTime": text_of(self.creation_time),
            "modifiedTime": text_of(self.modified_time),
            "provisioningState": self.provisioning_state,
            "provisioningStateTransitionTime": text_of(self.provisioning_state_transition_time),
            "scaleSettings": self.scale_settings.serialize(),
            "vmPriority": self.vm_priority,
            "vmSize": self.vm_size,
        }


class AmlComputeProvisioningConfiguration(ComputeTargetProvisioningConfiguration):
    """What an AmlCompute that is to be made should be like; what names a network or a user is never sent."""

    def __init__(
        self,
        vm_size: str = "",
        vm_priority: str = "dedicated",
        min_nodes: int = 0,
        max_nodes: int | None = None,
        idle_seconds_before_scaledown: int = 1800,
        admin_username: str | None = None,
        admin_user_password: str | None = None,
        admin_user_ssh_key: str | None = None,
        vnet_resourcegroup_name: str | None = None,
        vnet_name: str | None = None,
        subnet_name: str | None = None,
        tags: dict[str, str] | None = None,
        description: str | None = None,
        remote_login_port_public_access: str = "NotSpecified",
        identity_type: str | None = None,
        identity_id: Any = None,
        compute_location: str | None = None,
        enable_node_public_ip: bool = True,
    ) -> None:
        super().__init__(AmlCompute, None)
        self.vm_size = vm_size
        self.vm_priority = vm_priority
        self.scale_settings = ScaleSettings(
            _count("min_nodes", min_nodes),
            _count("max_nodes", max_nodes),
            _count("idle_seconds_before_scaledown", idle_seconds_before_scaledown),
        )
        self.admin_username = admin_username
        self.admin_user_password = admin_user_password
        self.admin_user_ssh_key = admin_user_ssh_key
        self.vnet_resourcegroup_name = vnet_resourcegroup_name
        self.vnet_name = vnet_name
        self.subnet_name = subnet_name
        self.tags = tags
        self.description = description
        self.remote_login_port_public_access = remote_login_port_public_access
        self.identity_type = identity_type
        self.identity_id = identity_id
        self.compute_location = compute_location
        self.enable_node_public_ip = enable_node_public_ip
        self.validate_configuration()

    def validate_configuration(self) -> None:
        """See that the numbers of nodes can be.

        Raises:
            ComputeTargetException: There is no largest number, or it is below the smallest one.
        """
        least, most = self.scale_settings.minimum_node_count, self.scale_settings.maximum_node_count
        if most is None:
            raise ComputeTargetException(
                "AmlCompute.provisioning_configuration(…) needs max_nodes: how many runs may be at work at once."
            )
        if (least or 0) > most:
            raise ComputeTargetException(
                f"AmlCompute.provisioning_configuration(…): min_nodes is {least}, more than max_nodes, {most}."
            )


class AmlCompute(ComputeTarget):
    """A target named as a cluster, with the cluster's settings; its runs run on this machine."""

    _compute_type = "AmlCompute"

    @staticmethod
    def provisioning_configuration(
        vm_size: str = "",
        vm_priority: str = "dedicated",
        min_nodes: int = 0,
        max_nodes: int | None = None,
        idle_seconds_before_scaledown: int = 1800,
        admin_username: str | None = None,
        admin_user_password: str | None = None,
        admin_user_ssh_key: str | None = None,
        vnet_resourcegroup_name: str | None = None,
        vnet_name: str | None = None,
        subnet_name: str | None = None,
        tags: dict[str, str] | None = None,
        description: str | None = None,
        remote_login_port_public_access: str = "NotSpecified",
        identity_type: str | None = None,
        identity_id: Any = None,
        location: str | None = None,
        enable_node_public_ip: bool = True,
    ) -> AmlComputeProvisioningConfiguration:
        """What `ComputeTarget.create` takes; a size and a priority are kept as they are said, and change nothing.

        Raises:
            ComputeTargetException: The numbers of nodes cannot be.
        """
        return AmlComputeProvisioningConfiguration(
            vm_size,
            vm_priority,
            min_nodes,
            max_nodes,
            idle_seconds_before_scaledown,
            admin_username,
            admin_user_password,
            admin_user_ssh_key,
            vnet_resourcegroup_name,
            vnet_name,
            subnet_name,
            tags,
            description,
            remote_login_port_public_access,
            identity_type,
            identity_id,
            location,
            enable_node_public_ip,
        )

    @classmethod
    def _create(cls, workspace: Any, name: str, configuration: AmlComputeProvisioningConfiguration) -> ComputeTarget:
        properties = {
            "vmSize": configuration.vm_size,
            "vmPriority": _priority(configuration.vm_priority),
            "scaleSettings": configuration.scale_settings.serialize(),
        }
        return cls._created(workspace, name, properties, configuration)

    def _take(self, document: dict[str, Any]) -> None:
        super()._take(document)
        own = document["properties"].get("properties") or {}
        self.vm_size: str | None = own.get("vmSize")
        self.vm_priority: str | None = own.get("vmPriority")
        self.scale_settings = ScaleSettings.deserialize(own.get("scaleSettings") or {})
        self.admin_username: str | None = None
        self.admin_user_password: str | None = None
        self.admin_user_ssh_key: str | None = None
        self.vnet_resourcegroup_name: str | None = None
        self.vnet_name: str | None = None
        self.subnet_name: str | None = None
        self.remote_login_port_public_access = "NotSpecified"
        self.identity_type: str | None = None
        self.identity_id: Any = None
        nodes = self.scale_settings.minimum_node_count or 0
        changed = moment(document["properties"].get("modifiedOn"))
        self.status = AmlComputeStatus(
            allocation_state="Steady",
            allocation_state_transition_time=changed,
            creation_time=self.created_on,
            current_node_count=nodes,
            errors=None,
            modified_time=self.modified_on,
            node_state_counts=AmlComputeNodeStateCounts(nodes, 0, 0, 0, 0, 0),
            provisioning_state=self.provisioning_state,
            provisioning_state_transition_time=None,
            scale_settings=self.scale_settings,
            target_node_count=nodes,
            vm_priority=self.vm_priority,
            vm_size=self.vm_size,
        )

    def serialize(self) -> dict[str, Any]:
        """The target as a document of Azure's form, which can be written as JSON."""
        document = super().serialize()
        document["identity"] = None
        document["properties"]["properties"] = {
            "vmSize": self.vm_size,
            "vmPriority": self.vm_priority,
            "scaleSettings": self.scale_settings.serialize(),
            "userAccountCredentials": {
                "adminUserName": None,
                "adminUserPassword": None,
                "adminUserSshPublicKey": None,
            },
            "subnet": {"id": None},
            "remoteLoginPortPublicAccess": self.remote_login_port_public_access,
        }
        document["properties"]["status"] = self.status.serialize()
        return document

    def get(self) -> dict[str, Any]:
        """What `serialize()` gives, looked up anew."""
        self.refresh_state()
        return self.serialize()

    def get_status(self) -> AmlComputeStatus:
        """Where it stands, looked up anew."""
        self.refresh_state()
        return self.status

    def wait_for_completion(  # type: ignore[override]
        self,
        show_output: bool = False,
        min_node_count: int | None = None,
        timeout_in_minutes: float = 25,
        is_delete_operation: bool = False,
    ) -> None:
        """Return at once: the target is there as soon as it has been made, and gone when it has been deleted."""
        super().wait_for_completion(show_output, is_delete_operation)
        if show_output and not is_delete_operation:
            say("", "Minimum number of nodes requested have been provisioned")

    def update(
        self,
        min_nodes: int | None = None,
        max_nodes: int | None = None,
        idle_seconds_before_scaledown: int | None = None,
    ) -> None:
        """Change the settings that are given.

        Raises:
            ComputeTargetException: The numbers of nodes cannot be, or the target has been deleted.
        """
        self.refresh_state()
        there = self.scale_settings
        wanted = AmlComputeProvisioningConfiguration(
            min_nodes=_given(min_nodes, there.minimum_node_count) or 0,
            max_nodes=_given(max_nodes, there.maximum_node_count),
            idle_seconds_before_scaledown=_given(idle_seconds_before_scaledown, there.idle_seconds_before_scaledown)
            or 0,
        )
        self._change(scaleSettings=wanted.scale_settings.serialize())

    def list_nodes(self) -> Any:
        """An empty list: there are no nodes that one could log in to."""
        return []

    def get_active_runs(
        self,
        type: str | None = None,
        tags: Any = None,
        properties: Any = None,
        status: str | None = None,
    ) -> Any:
        """The runs that were sent to this target and have not ended, newest first, as they are asked for."""
        return self._active_runs({"type": type, "tags": tags, "properties": properties, "status": status})

    def add_identity(self, identity_type: str, identity_id: Any = None) -> None:
        """Accept it: a run is whoever has submitted it."""

    def remove_identity(self, identity_id: Any = None) -> None:
        """Accept it: a run is whoever has submitted it."""

    @staticmethod
    def supported_vmsizes(workspace: Any, location: str | None = None) -> Any:
        """A list of one machine, this one, with Azure's keys. Targets may be made with any `vm_size` all the same."""
        pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return [
            {
                "name": "local",
                "vCPUs": os.cpu_count() or 1,
                "gpus": 0,
                "memoryGB": round(pages / 2**30, 1),
                "maxResourceVolumeMB": 0,
            }
        ]

    @staticmethod
    def list_usages(workspace: Any, show_all: bool = False, location: str | None = None) -> Any:
        """Refused: raises ComputeTargetException."""
        raise _no_quotas("list_usages(…)")

    @staticmethod
    def list_quotas(workspace: Any, location: str | None = None) -> Any:
        """Refused: raises ComputeTargetException."""
        raise _no_quotas("list_quotas(…)")

    @staticmethod
    def update_quotas(workspace: Any, vm_family: Any, limit: int | None = None, location: str | None = None) -> Any:
        """Refused: raises ComputeTargetException."""
        raise _no_quotas("update_quotas(…)")


def _count(name: str, value: Any) -> int | None:
    """A whole number, which scripts also take from the environment as text."""
    try:
        count = None if value is None else int(value)
    except (TypeError, ValueError):
        count = -1
    if count is not None and count < 0:
        raise ComputeTargetException(f"{name} is a whole number from 0 on, not {value!r}.")
    return count


def _given(value: int | None, otherwise: int | None) -> int | None:
    return otherwise if value is None else value


def _priority(text: str) -> str:
    """As Azure gives it back, whatever its letters' case was."""
    return {"dedicated": "Dedicated", "lowpriority": "LowPriority"}.get(str(text).lower(), str(text))


def _no_quotas(call: str) -> ComputeTargetException:
    return ComputeTargetException(
        f"AmlCompute.{call} cannot be had here: this machine has no quotas. Leave the call out; "
        "AmlCompute.supported_vmsizes(workspace) says what the machine has."
    )
