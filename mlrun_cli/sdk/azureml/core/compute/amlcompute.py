"""AmlCompute: in Azure an autoscaling cluster, here this machine under the cluster's name."""

import operator
import re
from datetime import datetime
from typing import Any

from azureml._unsupported import StoredArguments
from azureml._wire.camel_case import to_camel_case
from azureml.core.compute._this_machine import ThisMachineTarget, extract_kind_properties
from azureml.core.compute.compute import (
    ComputeTarget,
    ComputeTargetException,
    ComputeTargetProvisioningConfiguration,
    format_time,
    print_lines,
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

_NUMBERS = ("min_nodes", "max_nodes", "idle_seconds_before_scaledown")
_LARGEST = 2**31 - 1
_UNSET = ("admin_user_password", "admin_user_ssh_key", "identity_type", "identity_id")
_DURATION = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?")


class ScaleSettings:
    """The limits on a cluster's node count, and the idle time in seconds before it scales down."""

    def __init__(
        self,
        minimum_node_count: "int | None",
        maximum_node_count: "int | None",
        idle_seconds_before_scaledown: "int | None",
    ) -> None:
        self.minimum_node_count = minimum_node_count
        self.maximum_node_count = maximum_node_count
        self.idle_seconds_before_scaledown = idle_seconds_before_scaledown

    def serialize(self) -> "dict[str, Any]":
        """Return the object as a JSON-compatible dict in Azure's format."""
        idle = self.idle_seconds_before_scaledown
        return {
            "minNodeCount": self.minimum_node_count,
            "maxNodeCount": self.maximum_node_count,
            "nodeIdleTimeBeforeScaleDown": None if idle is None else f"PT{idle}S",
        }

    @staticmethod
    def deserialize(object_dict: "dict[str, Any]") -> "ScaleSettings":
        """Return the settings from a JSON-compatible dict in Azure's format."""
        duration = _DURATION.fullmatch(object_dict.get("nodeIdleTimeBeforeScaleDown") or "")
        parts = [0, 0, 0] if duration is None else [int(part or 0) for part in duration.groups()]
        idle = None if duration is None else parts[0] * 3600 + parts[1] * 60 + parts[2]
        return ScaleSettings(object_dict.get("minNodeCount"), object_dict.get("maxNodeCount"), idle)


class _SerializedAttributes(StoredArguments):
    """Base class of objects that serialize the attributes in `_written` under Azure's keys, in that order."""

    _written = ""

    def serialize(self) -> "dict[str, Any]":
        """Return the object as a JSON-compatible dict in Azure's format."""
        return {to_camel_case(name): _serialize_value(getattr(self, name)) for name in self._written.split()}


class AmlComputeNodeStateCounts(
    _SerializedAttributes,
    takes="idle_node_count, leaving_node_count, preempted_node_count, preparing_node_count, running_node_count, "
    "unusable_node_count",
):
    """The number of nodes in each state."""

    _written = (
        "preparing_node_count running_node_count idle_node_count unusable_node_count leaving_node_count "
        "preempted_node_count"
    )


class AmlComputeStatus(
    _SerializedAttributes,
    takes="allocation_state, allocation_state_transition_time, creation_time, current_node_count, errors, "
    "modified_time, node_state_counts, provisioning_state, provisioning_state_transition_time, scale_settings, "
    "target_node_count, vm_priority, vm_size",
):
    """The status of a cluster: always `Steady`, with the minimum number of nodes, all idle."""

    _written = (
        "current_node_count target_node_count node_state_counts allocation_state allocation_state_transition_time "
        "errors creation_time modified_time provisioning_state provisioning_state_transition_time scale_settings "
        "vm_priority vm_size"
    )


class AmlComputeProvisioningConfiguration(
    StoredArguments,
    ComputeTargetProvisioningConfiguration,
    takes="vm_size='', vm_priority='dedicated', min_nodes=0, max_nodes=None, idle_seconds_before_scaledown=1800, "
    "admin_username=None, admin_user_password=None, admin_user_ssh_key=None, vnet_resourcegroup_name=None, "
    "vnet_name=None, subnet_name=None, tags=None, description=None, remote_login_port_public_access='NotSpecified', "
    "identity_type=None, identity_id=None, compute_location=None, enable_node_public_ip=True",
):
    """The configuration of a new AmlCompute; network and user settings are not stored."""

    vm_size: str
    vm_priority: str

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.scale_settings = ScaleSettings(*(vars(self).pop(name) for name in _NUMBERS))
        self.validate_configuration()

    def validate_configuration(self) -> None:
        """Validate the numbers of nodes and idle seconds, and convert strings among them to integers.

        Raises:
            ComputeTargetException: A number is not an integer or is out of range, `max_nodes` is missing, or it is less
                than `min_nodes`.
        """
        scale = self.scale_settings
        least = scale.minimum_node_count = _check_count("min_nodes", scale.minimum_node_count)
        most = scale.maximum_node_count = _check_count("max_nodes", scale.maximum_node_count, minimum=1)
        scale.idle_seconds_before_scaledown = _check_count(
            "idle_seconds_before_scaledown", scale.idle_seconds_before_scaledown
        )
        if most is None:
            raise ComputeTargetException(
                "AmlCompute.provisioning_configuration(…) needs max_nodes: how many runs may be at work at once."
            )
        if (least or 0) > most:
            raise ComputeTargetException(
                f"AmlCompute.provisioning_configuration(…): min_nodes is {least}, more than max_nodes, {most}."
            )


class AmlCompute(ThisMachineTarget):
    """A target with the name and settings of a cluster; its runs are executed on this machine."""

    _compute_type = "AmlCompute"

    @staticmethod
    def provisioning_configuration(
        vm_size: str = "",
        vm_priority: str = "dedicated",
        min_nodes: int = 0,
        max_nodes: "int | None" = None,
        idle_seconds_before_scaledown: int = 1800,
        admin_username: "str | None" = None,
        admin_user_password: "str | None" = None,
        admin_user_ssh_key: "str | None" = None,
        vnet_resourcegroup_name: "str | None" = None,
        vnet_name: "str | None" = None,
        subnet_name: "str | None" = None,
        tags: "dict[str, str] | None" = None,
        description: "str | None" = None,
        remote_login_port_public_access: str = "NotSpecified",
        identity_type: "str | None" = None,
        identity_id: Any = None,
        location: "str | None" = None,
        enable_node_public_ip: bool = True,
    ) -> AmlComputeProvisioningConfiguration:
        """Return a configuration for `ComputeTarget.create`; VM size and priority are stored but have no effect.

        Raises:
            ComputeTargetException: The numbers of nodes are invalid.
        """
        given = dict(locals())
        given["compute_location"] = given.pop("location")
        return AmlComputeProvisioningConfiguration(**given)

    @classmethod
    def _create(cls, workspace: Any, name: str, configuration: AmlComputeProvisioningConfiguration) -> ComputeTarget:
        properties = {
            "vmSize": configuration.vm_size,
            "vmPriority": _normalize_priority(configuration.vm_priority),
            "scaleSettings": configuration.scale_settings.serialize(),
        }
        return cls._register(workspace, name, properties, configuration)

    def _load_document(self, document: "dict[str, Any]") -> None:
        super()._load_document(document)
        own = extract_kind_properties(document)
        vars(self).update(dict.fromkeys(_UNSET), remote_login_port_public_access="NotSpecified")
        self.vm_priority: str | None = own.get("vmPriority")
        self.scale_settings = ScaleSettings.deserialize(own.get("scaleSettings") or {})
        nodes = self.scale_settings.minimum_node_count or 0
        self.status = AmlComputeStatus(
            allocation_state="Steady",
            allocation_state_transition_time=self.modified_on,
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

    def serialize(self) -> "dict[str, Any]":
        """Return the target as a JSON-compatible dict in Azure's format."""
        document = super().serialize()
        document["identity"] = None
        document["properties"]["properties"].update(
            vmPriority=self.vm_priority,
            scaleSettings=self.scale_settings.serialize(),
            userAccountCredentials={"adminUserName": None, "adminUserPassword": None, "adminUserSshPublicKey": None},
            subnet={"id": None},
            remoteLoginPortPublicAccess=vars(self)["remote_login_port_public_access"],
        )
        return document

    def wait_for_completion(  # type: ignore[override]
        self,
        show_output: bool = False,
        min_node_count: "int | None" = None,
        timeout_in_minutes: float = 25,
        is_delete_operation: bool = False,
    ) -> None:
        """Return immediately, since targets are created and deleted synchronously."""
        super().wait_for_completion(show_output, is_delete_operation)
        if show_output and not is_delete_operation:
            print_lines("", "Minimum number of nodes requested have been provisioned")

    def update(
        self,
        min_nodes: "int | None" = None,
        max_nodes: "int | None" = None,
        idle_seconds_before_scaledown: "int | None" = None,
    ) -> None:
        """Change the given scale settings, leaving the others unchanged.

        Raises:
            ComputeTargetException: The numbers of nodes are invalid, or the target has been deleted.
        """
        self.refresh_state()
        there = self.scale_settings
        wanted = AmlComputeProvisioningConfiguration(
            min_nodes=_replace_none(min_nodes, there.minimum_node_count) or 0,
            max_nodes=_replace_none(max_nodes, there.maximum_node_count),
            idle_seconds_before_scaledown=_replace_none(
                idle_seconds_before_scaledown, there.idle_seconds_before_scaledown
            )
            or 0,
        )
        self._update_properties(scaleSettings=wanted.scale_settings.serialize())

    def list_nodes(self) -> Any:
        """Return an empty list, since there are no nodes to log in to."""
        return []

    def add_identity(self, identity_type: str, identity_id: Any = None) -> None:
        """Accept and ignore the identity; runs use the identity of the submitter."""

    def remove_identity(self, identity_id: Any = None) -> None:
        """Accept and ignore the identity; runs use the identity of the submitter."""

    @staticmethod
    def list_usages(workspace: Any, show_all: bool = False, location: "str | None" = None) -> Any:
        """Raise ComputeTargetException, since this machine has no quotas."""
        raise _create_quota_error("list_usages(…)")

    @staticmethod
    def list_quotas(workspace: Any, location: "str | None" = None) -> Any:
        """Raise ComputeTargetException, since this machine has no quotas."""
        raise _create_quota_error("list_quotas(…)")

    @staticmethod
    def update_quotas(workspace: Any, vm_family: Any, limit: "int | None" = None, location: "str | None" = None) -> Any:
        """Raise ComputeTargetException, since this machine has no quotas."""
        raise _create_quota_error("update_quotas(…)")


AmlComputeProvisioningConfiguration._compute_type = AmlCompute


def _serialize_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return format_time(value)
    return value.serialize() if hasattr(value, "serialize") else value


def _check_count(name: str, value: Any, *, minimum: int = 0) -> "int | None":
    """Return a count as an integer, or None for None; raise ComputeTargetException if it is invalid or out of range."""
    if value is None:
        return None
    try:
        count = int(value) if isinstance(value, str) else operator.index(value)
    except (TypeError, ValueError):
        count = -1
    if isinstance(value, bool) or not minimum <= count <= _LARGEST:
        raise ComputeTargetException(f"{name} is a whole number from {minimum} to {_LARGEST}, not {value!r}.")
    return count


def _replace_none(value: "int | None", default: "int | None") -> "int | None":
    return default if value is None else value


def _normalize_priority(text: str) -> str:
    """Return a VM priority with Azure's capitalization; unknown priorities are unchanged."""
    return {"dedicated": "Dedicated", "lowpriority": "LowPriority"}.get(str(text).lower(), str(text))


def _create_quota_error(call: str) -> ComputeTargetException:
    return ComputeTargetException(
        f"AmlCompute.{call} cannot be had here: this machine has no quotas. Leave the call out; "
        "AmlCompute.supported_vmsizes(workspace) says what the machine has."
    )
